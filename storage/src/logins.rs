//! Console logins: opaque server-side sessions of the browser a technician signed in with.
//!
//! A login lives until it is deleted, its absolute time is over, it was idle too long, or the
//! account's auth epoch moved on. Only the digest of the cookie's token is kept.

use std::time::Duration;

use async_trait::async_trait;
use lens_protocol::id::TechnicianId;
use lens_protocol::{SecretDigest, Timestamp};

use crate::accounts::AccountRecord;
use crate::error::Result;

/// One browser's login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRecord {
    /// SHA-256 of the token in the cookie.
    pub token: SecretDigest,
    /// Who signed in.
    pub technician: TechnicianId,
    /// The account's epoch when they did.
    pub auth_epoch: u64,
    /// When.
    pub created_at: Timestamp,
    /// When a request last came with it; written at most as often as the caller says.
    pub last_seen_at: Timestamp,
    /// Ends then, used or not.
    pub expires_at: Timestamp,
}

/// What a lock on the account means for a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLock {
    /// There is none while the lock is in force.
    Refuse,
    /// The browser has proved that it signed in before: the login is made, and the lock stays in
    /// force for others.
    Pass,
}

/// A login that counts, with its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The login.
    pub login: LoginRecord,
    /// Its account: not disabled, same epoch.
    pub account: AccountRecord,
}

/// Where console logins are kept.
#[async_trait]
pub trait LoginStore: Send + Sync {
    /// Keeps a login after the right password: clears the account's failures and a lock that is
    /// over, notes the time, adds the row. `Conflict::Account` when the account is gone, disabled,
    /// locked at `now` (unless `at_lock` passes), or has another epoch than `login.auth_epoch`;
    /// `Conflict::Exists` for the token.
    async fn record_login(
        &self,
        login: &LoginRecord,
        at_lock: AtLock,
        now: Timestamp,
    ) -> Result<()>;

    /// The login with this token and its account; none when it is unknown, over, idle for longer
    /// than `idle` at `now`, or its account is disabled or has another epoch. Changes nothing.
    async fn signed_in(
        &self,
        token: &SecretDigest,
        idle: Duration,
        now: Timestamp,
    ) -> Result<Option<SignedIn>>;

    /// Notes that the login was used at `now`. Costs a durable write: call it once a minute, not
    /// once a request. Unknown tokens are no error.
    async fn touch_login(&self, token: &SecretDigest, now: Timestamp) -> Result<()>;

    /// Signs out. Returns whether there was such a login.
    async fn delete_login(&self, token: &SecretDigest) -> Result<bool>;

    /// Signs a technician out everywhere. Returns how many logins that were.
    async fn delete_logins_of(&self, technician: TechnicianId) -> Result<u64>;

    /// Removes rows that cannot count any more at `now`. Returns how many.
    async fn delete_expired_logins(&self, idle: Duration, now: Timestamp) -> Result<u64>;
}
