//! Hashing passwords without letting it eat the machine: off the event loop, a few at once.

use std::sync::Arc;
use std::time::Duration;

use lens_auth::AuthError;
use lens_auth::password::PasswordHashing;
use lens_protocol::{ErrorCode, Problem, SecretText};
use lens_runtime::entropy::SystemEntropy;
use tokio::sync::Semaphore;

/// Hashes and checks passwords, at most so many at once.
#[derive(Clone)]
pub(crate) struct Hashing {
    hashing: Arc<PasswordHashing>,
    turns: Arc<Semaphore>,
    patience: Duration,
}

impl Hashing {
    pub(crate) fn new(hashing: PasswordHashing, at_once: usize, patience: Duration) -> Self {
        Self {
            hashing: Arc::new(hashing),
            turns: Arc::new(Semaphore::new(at_once.max(1))),
            patience,
        }
    }

    /// Whether `password` belongs to `stored`; takes as long when nothing is stored.
    pub(crate) async fn verify(
        &self,
        password: SecretText,
        stored: Option<SecretText>,
    ) -> Result<bool, Problem> {
        self.run(move |hashing| hashing.verify(&password, stored.as_ref()))
            .await
    }

    /// A new hash.
    pub(crate) async fn hash(&self, password: SecretText) -> Result<SecretText, Problem> {
        self.run(move |hashing| hashing.hash(&password, &mut SystemEntropy::default()))
            .await
    }

    /// Whether `stored` was made at another cost.
    pub(crate) fn is_outdated(&self, stored: &SecretText) -> bool {
        self.hashing.is_outdated(stored)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&PasswordHashing) -> Result<T, AuthError> + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || Problem::new(ErrorCode::Unavailable).retry_after_s(5);
        let turn = tokio::time::timeout(self.patience, self.turns.clone().acquire_owned());
        let turn = turn.await.map_err(|_| busy())?.map_err(|_| busy())?;
        let hashing = self.hashing.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work(&hashing)
        });
        match done.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                tracing::error!(%error, "a password could not be hashed or checked");
                Err(ErrorCode::Internal.into())
            }
            Err(_) => Err(ErrorCode::Internal.into()),
        }
    }
}
