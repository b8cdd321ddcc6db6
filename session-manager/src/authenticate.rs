//! Who knocks at `/v1`: an API key or a media token, proved; anything else is nobody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lens_auth::token::{looks_like_api_key, parse_api_key};
use lens_protocol::id::OwnerId;
use lens_protocol::{ErrorCode, Problem, SecretText, Timestamp};
use lens_runtime::clock::Clock;
use lens_storage::{ApiKeyRecord, ApiKeyStore};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::client::{Caller, Grant, Scope};
use crate::token::{self, MediaKeys};

/// How often the use of a key is noted; each note is a durable write.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
/// How long the list of web origins is kept. A changed list counts this much later.
const ORIGINS_KEPT: Duration = Duration::from_secs(5);

/// Tells who calls.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Who holds this bearer text. `token_invalid` for nobody.
    async fn authenticate(&self, bearer: &SecretText) -> Result<Caller, Problem>;

    /// Whether pages of this web origin may call from a browser: for this owner, or, before it is
    /// known who calls, for any.
    async fn allows_origin(&self, origin: &str, owner: Option<&OwnerId>) -> bool;
}

/// API keys from a store, media tokens by their signature.
pub struct KeysAndTokens {
    api_keys: Arc<dyn ApiKeyStore>,
    media_keys: Arc<dyn MediaKeys>,
    clock: Arc<dyn Clock>,
    origins: Mutex<Option<Origins>>,
}

#[derive(Clone)]
struct Origins {
    read_at: Timestamp,
    allowed: Arc<[(OwnerId, String)]>,
}

impl KeysAndTokens {
    /// Knows the keys of `api_keys` and the tokens signed with `media_keys`.
    pub fn new(
        api_keys: Arc<dyn ApiKeyStore>,
        media_keys: Arc<dyn MediaKeys>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            api_keys,
            media_keys,
            clock,
            origins: Mutex::new(None),
        }
    }

    async fn by_api_key(&self, bearer: &SecretText, now: Timestamp) -> Result<Caller, Problem> {
        let invalid = || Problem::new(ErrorCode::TokenInvalid);
        let (id, secret) = parse_api_key(bearer).map_err(|_| invalid())?;
        let key = self.api_keys.api_key(id).await?.ok_or_else(invalid)?;
        if key.secret != secret || !key.is_live(now) {
            return Err(invalid());
        }
        let noted = key
            .last_used_at
            .is_some_and(|at| now.since(at) < TOUCH_EVERY);
        if !noted && let Err(error) = self.api_keys.touch_api_key(id, now).await {
            // A full disk must not lock every program out.
            tracing::warn!(key = %id, %error, "the use of an API key was not noted");
        }
        Ok(Caller {
            grant: Grant::Scopes(scopes(&key)),
            owner: key.owner,
        })
    }

    async fn origins(&self) -> Arc<[(OwnerId, String)]> {
        let now = self.clock.now();
        let kept = self
            .origins
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(kept) = &kept
            && now.since(kept.read_at) < ORIGINS_KEPT
            && kept.read_at <= now
        {
            return kept.allowed.clone();
        }
        let Ok(keys) = self.api_keys.api_keys().await else {
            return kept.map_or_else(|| Arc::from([]), |kept| kept.allowed);
        };
        let live = keys.into_iter().filter(|key| key.is_live(now));
        let allowed: Arc<[_]> = live
            .flat_map(|key| {
                let owner = key.owner;
                let origins = key.allowed_origins.into_iter();
                origins.map(move |origin| (owner.clone(), origin))
            })
            .collect();
        let fresh = Origins {
            read_at: now,
            allowed: allowed.clone(),
        };
        *self.origins.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
        allowed
    }
}

/// The scopes a key holds, as far as this release knows them.
fn scopes(key: &ApiKeyRecord) -> Vec<Scope> {
    let read = |name: &String| {
        let name: StrDeserializer<'_, ValueError> = name.as_str().into_deserializer();
        Scope::deserialize(name).ok()
    };
    key.scopes.iter().filter_map(read).collect()
}

#[async_trait]
impl Authenticator for KeysAndTokens {
    async fn authenticate(&self, bearer: &SecretText) -> Result<Caller, Problem> {
        let now = self.clock.now();
        if looks_like_api_key(bearer) {
            self.by_api_key(bearer, now).await
        } else {
            token::verify(self.media_keys.as_ref(), bearer, now).await
        }
    }

    async fn allows_origin(&self, origin: &str, owner: Option<&OwnerId>) -> bool {
        let allowed = self.origins().await;
        allowed
            .iter()
            .any(|(whose, named)| named == origin && owner.is_none_or(|owner| owner == whose))
    }
}
