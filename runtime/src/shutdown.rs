//! Who owns a task, and how the process stops: ask, drain, then cut off.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// One process's shutdown. Clones share it.
///
/// Services watch [`Shutdown::token`] and finish by themselves; tasks started with
/// [`Shutdown::spawn`] are waited for.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    requested: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// A process that runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when shutdown is requested; child tokens may be cancelled earlier.
    pub fn token(&self) -> CancellationToken {
        self.requested.clone()
    }

    /// Starts a task that [`Shutdown::finished`] waits for. It has to end soon after the token is
    /// cancelled.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(future)
    }

    /// Asks everything to drain and stop. Repeating it is harmless.
    pub fn request(&self) {
        self.requested.cancel();
    }

    /// Whether shutdown was requested.
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Returns when shutdown is requested.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// Waits until every task has ended, at most `grace`. False when some were still running.
    pub async fn finished(&self, grace: Duration) -> bool {
        self.tasks.close();
        tokio::time::timeout(grace, self.tasks.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_drains_is_waited_for_and_one_that_hangs_is_cut_off() {
        let shutdown = Shutdown::new();
        let inner = shutdown.clone();
        let drains = shutdown.spawn(async move { inner.requested().await });
        shutdown.request();
        assert!(shutdown.finished(Duration::from_secs(10)).await);
        assert!(drains.await.is_ok());

        let hanging = Shutdown::new();
        hanging.spawn(std::future::pending::<()>());
        hanging.request();
        assert!(!hanging.finished(Duration::from_millis(10)).await);
    }
}
