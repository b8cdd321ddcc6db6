//! Idempotency keys: the same request twice is one request.
//!
//! Only successes are kept: a failed request changed nothing and may be tried again under the same
//! key. Answers are kept without their media token, which is signed anew, byte for byte the same.

use std::future::Future;
use std::sync::Arc;

use lens_protocol::id::OwnerId;
use lens_protocol::{ErrorCode, Problem};
use lens_storage::idempotency::{Claim, IdempotencyKey, StoredAnswer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Inner;
use crate::core::{check, idempotency};

/// The status of everything that is kept.
const CREATED: u16 = 201;

/// A key and the request it stands for.
pub(super) struct Keyed {
    key: IdempotencyKey,
    fingerprint: [u8; 32],
}

impl Keyed {
    /// Reads a key, if there is one, for a request with this path and body.
    pub(super) fn read(
        owner: &OwnerId,
        key: Option<String>,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Option<Self>, Problem> {
        let Some(key) = key else {
            return Ok(None);
        };
        check::idempotency_key(&key)?;
        let owner = owner.clone();
        Ok(Some(Self {
            key: IdempotencyKey { owner, key },
            fingerprint: idempotency::fingerprint(path, body),
        }))
    }
}

impl Inner {
    /// Does `work` once for its key, or replays what it came to. `idempotency_mismatch`,
    /// `idempotency_in_flight`.
    pub(super) async fn once<T: Serialize + DeserializeOwned>(
        self: Arc<Self>,
        keyed: Option<Keyed>,
        work: impl Future<Output = Result<T, Problem>>,
        without_secrets: impl FnOnce(&T) -> T,
        with_secrets: impl FnOnce(T) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let Some(Keyed { key, fingerprint }) = keyed else {
            return work.await;
        };
        let now = self.now();
        let until = now.plus(idempotency::CLAIM);
        match self
            .idempotency
            .claim(&key, &fingerprint, now, until)
            .await?
        {
            Claim::Mismatch => return Err(ErrorCode::IdempotencyMismatch.into()),
            Claim::InFlight => {
                return Err(Problem::new(ErrorCode::IdempotencyInFlight).retry_after_s(1));
            }
            Claim::Answered(answer) => {
                self.metrics.replays.inc();
                return with_secrets(read(&answer)?);
            }
            Claim::Fresh => {}
        }
        let result = work.await;
        match &result {
            Ok(value) => self.keep(&key, &without_secrets(value)).await,
            Err(_) => self.give_back(&key).await,
        }
        result
    }

    async fn keep<T: Serialize>(&self, key: &IdempotencyKey, value: &T) {
        let answer = StoredAnswer {
            status: CREATED,
            body: serde_json::to_string(value).expect("an answer is plain data"),
        };
        let until = self.now().plus(idempotency::KEPT);
        // What was asked for is done: a failure here must not make the caller do it again.
        if let Err(error) = self.idempotency.store_answer(key, &answer, until).await {
            tracing::error!(%error, "an answer could not be kept for its Idempotency-Key");
        }
    }

    async fn give_back(&self, key: &IdempotencyKey) {
        if let Err(error) = self.idempotency.release(key).await {
            tracing::warn!(%error, "an Idempotency-Key stays claimed until its claim ends");
        }
    }
}

fn read<T: DeserializeOwned>(answer: &StoredAnswer) -> Result<T, Problem> {
    serde_json::from_str(&answer.body).map_err(|error| {
        tracing::error!(%error, "a kept answer cannot be read");
        ErrorCode::StorageFailed.into()
    })
}
