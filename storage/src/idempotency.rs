//! Idempotency keys: what was answered to a request, so that repeating it repeats the answer.

use async_trait::async_trait;
use lens_protocol::Timestamp;
use lens_protocol::id::OwnerId;

use crate::error::Result;

/// A key of one owner. Two owners may use the same text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// Whose.
    pub owner: OwnerId,
    /// As the caller sent it; at most 128 characters.
    pub key: String,
}

/// An answer kept for replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, without secrets.
    pub body: String,
}

/// What claiming a key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Claim {
    /// The key is the caller's until the claim ends: do it, then store the answer.
    Fresh,
    /// Another request with this key and body is running.
    InFlight,
    /// The key was used with another body.
    Mismatch,
    /// It was done: repeat this answer.
    Answered(StoredAnswer),
}

/// Where answers are kept.
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Claims a key for a request with this fingerprint. A claim nobody finished counts until
    /// `claimed_until`; a key past its end is as good as unknown.
    async fn claim(
        &self,
        key: &IdempotencyKey,
        fingerprint: &[u8; 32],
        now: Timestamp,
        claimed_until: Timestamp,
    ) -> Result<Claim>;

    /// Stores the answer of a claimed key until `kept_until`. `NotFound` when it is not claimed.
    async fn store_answer(
        &self,
        key: &IdempotencyKey,
        answer: &StoredAnswer,
        kept_until: Timestamp,
    ) -> Result<()>;

    /// Gives a claimed key back: the request failed and may be tried again. A key that is not
    /// claimed, or is answered, stays as it is.
    async fn release(&self, key: &IdempotencyKey) -> Result<()>;

    /// Forgets the keys whose end is not after `now`; returns how many.
    async fn forget_answers(&self, now: Timestamp) -> Result<u64>;
}
