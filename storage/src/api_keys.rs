//! API keys: long-lived, scoped, revocable credentials of other programs.

use async_trait::async_trait;
use lens_protocol::id::{ApiKeyId, OwnerId};
use lens_protocol::{SecretDigest, Timestamp};

use crate::error::Result;

/// One key. The secret half is shown once when it is made; its digest is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// The public half.
    pub id: ApiKeyId,
    /// Whose conferences it sees.
    pub owner: OwnerId,
    /// What its maker calls it.
    pub name: String,
    /// SHA-256 of the secret half.
    pub secret: SecretDigest,
    /// Names of the scopes it holds; names unknown to this release grant nothing.
    pub scopes: Vec<String>,
    /// Web origins that may use it from a browser (CORS); none for servers.
    pub allowed_origins: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Worth nothing from then on; none lives until revoked.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKeyRecord {
    /// Whether it counts at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Where API keys are kept.
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// Adds a key. `Conflict::Exists` for its id.
    async fn add_api_key(&self, key: &ApiKeyRecord) -> Result<()>;

    /// The key with this public half; none when unknown. Revoked and expired ones are found: ask
    /// [`ApiKeyRecord::is_live`].
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKeyRecord>>;

    /// All keys, newest first, revoked ones included.
    async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>>;

    /// Revokes a key for good. Returns whether it was live before. `NotFound`.
    async fn revoke_api_key(&self, id: ApiKeyId, now: Timestamp) -> Result<bool>;

    /// Notes that the key was used. Costs a durable write: call it once a minute, not once a
    /// request. Unknown keys are no error.
    async fn touch_api_key(&self, id: ApiKeyId, now: Timestamp) -> Result<()>;
}
