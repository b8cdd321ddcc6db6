//! Settings of the one organisation: its name, first set-up, the server's own secrets, counters.

use async_trait::async_trait;
use lens_protocol::{SecretDigest, Timestamp};

use crate::accounts::AccountRecord;
use crate::error::Result;

/// The one-time token of the set-up link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupToken {
    /// SHA-256 of the token in the link's fragment.
    pub token: SecretDigest,
    /// Worth nothing from then on.
    pub expires_at: Timestamp,
}

/// Where settings are kept.
#[async_trait]
pub trait SettingStore: Send + Sync {
    /// The organisation's name; none before set-up.
    async fn organisation(&self) -> Result<Option<String>>;

    /// Sets the organisation's name.
    async fn set_organisation(&self, name: &str) -> Result<()>;

    /// Puts a set-up token in force, replacing a former one. `Conflict::SetupDone` when an
    /// administrator exists.
    async fn set_setup_token(&self, token: &SetupToken) -> Result<()>;

    /// Uses the set-up token: consumes it, sets the organisation's name and adds the first
    /// administrator, all or nothing. `NotFound` when the token is unknown, used or over at `now`
    /// (the same answer for all three); `Conflict::SetupDone` when an administrator exists.
    async fn complete_setup(
        &self,
        token: &SecretDigest,
        organisation: &str,
        administrator: &AccountRecord,
        now: Timestamp,
    ) -> Result<()>;

    /// The server secret of this name. On first use `fresh` is kept and returned; afterwards the
    /// kept one is, so every process and every life has the same. Names: `pin-key` …
    async fn server_secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32]>;

    /// Raises the counter of this name and returns its new value: 1 at first, never the same
    /// twice. Used for lives (epochs) of writers.
    async fn raise_counter(&self, name: &str) -> Result<u64>;
}
