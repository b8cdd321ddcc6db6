//! Writers that come together share a commit; nothing is acknowledged before it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lens_chat_log::{ChatLog, ChatLogConfig, ChatLogError, Draft, kind, metrics::ChatLogMetrics};
use lens_protocol::Timestamp;
use lens_protocol::event::{Origin, SessionEvent};
use lens_protocol::id::{EventId, SessionId};
use lens_runtime::entropy::SeededEntropy;
use lens_runtime::shutdown::Shutdown;
use lens_storage::StorageError;
use lens_storage::events::{Appended, EventStore};
use tokio::sync::Semaphore;

/// A store whose commits wait until the test lets them through.
struct GatedStore {
    gate: Semaphore,
    commits: Mutex<Vec<usize>>,
    full: bool,
}

#[async_trait]
impl EventStore for GatedStore {
    async fn append_events(&self, events: &[SessionEvent]) -> Result<Vec<Appended>, StorageError> {
        self.gate
            .acquire()
            .await
            .expect("the gate is never closed")
            .forget();
        if self.full {
            return Err(StorageError::Full);
        }
        self.commits
            .lock()
            .expect("no test panics inside")
            .push(events.len());
        Ok(vec![Appended::Stored; events.len()])
    }

    async fn events(
        &self,
        _: SessionId,
        _: Option<EventId>,
        _: u32,
    ) -> Result<Vec<SessionEvent>, StorageError> {
        Ok(Vec::new())
    }

    async fn latest_events(
        &self,
        _: SessionId,
        _: &str,
        _: u32,
    ) -> Result<Vec<SessionEvent>, StorageError> {
        Ok(Vec::new())
    }

    async fn begin_life(&self, _: &str) -> Result<u64, StorageError> {
        Ok(1)
    }

    async fn last_seq(&self, _: SessionId, _: &str, _: u64) -> Result<Option<u64>, StorageError> {
        Ok(None)
    }

    async fn count_events(&self, _: SessionId) -> Result<u64, StorageError> {
        Ok(0)
    }
}

fn start(full: bool) -> (ChatLog, Arc<GatedStore>, Shutdown) {
    let store = Arc::new(GatedStore {
        gate: Semaphore::new(0),
        commits: Mutex::default(),
        full,
    });
    let shutdown = Shutdown::new();
    let log = ChatLog::start(
        Arc::clone(&store) as Arc<dyn EventStore>,
        &ChatLogConfig {
            queue_requests: 4,
            ..ChatLogConfig::default()
        },
        Box::new(SeededEntropy::new(1)),
        ChatLogMetrics::default(),
        &shutdown,
    );
    (log, store, shutdown)
}

fn draft() -> Draft {
    Draft {
        session: SessionId::from_bytes([1; 16]),
        at: Timestamp::from_unix_ms(5),
        origin: Origin::Server,
        kind: kind::SESSION_CREATED,
        technician: None,
        actor: None,
        body: serde_json::json!({}),
    }
}

#[tokio::test]
async fn requests_that_wait_together_share_one_commit() {
    let (log, store, _shutdown) = start(false);
    let writes: Vec<_> = (0..4).map(|_| tokio::spawn(record(log.clone()))).collect();
    // On one thread each write has queued its request once it yields for the answer.
    tokio::task::yield_now().await;
    store.gate.add_permits(2);
    for write in writes {
        assert!(write.await.expect("no panic").is_ok());
    }
    let commits = store.commits.lock().expect("no test panics inside").clone();
    assert_eq!(commits.iter().sum::<usize>(), 4);
    assert!(commits.len() <= 2, "{commits:?}");
}

#[tokio::test]
async fn nothing_is_acknowledged_while_the_store_has_not_committed() {
    let (log, store, _shutdown) = start(false);
    let write = tokio::spawn(record(log));
    tokio::task::yield_now().await;
    assert!(!write.is_finished());
    store.gate.add_permits(1);
    assert!(write.await.expect("no panic").is_ok());
}

#[tokio::test]
async fn a_full_disk_is_told_to_the_caller() {
    let (log, store, _shutdown) = start(true);
    store.gate.add_permits(1);
    let refused = record(log).await.expect_err("the disk is full");
    let problem = lens_protocol::Problem::from(refused);
    assert_eq!(problem.code, lens_protocol::ErrorCode::StorageFull);
}

#[tokio::test]
async fn what_was_queued_before_a_shutdown_is_still_committed() {
    let (log, store, shutdown) = start(false);
    // One is with the store already, the other waits behind it.
    let with_the_store = tokio::spawn(record(log.clone()));
    tokio::task::yield_now().await;
    let queued = tokio::spawn(record(log.clone()));
    tokio::task::yield_now().await;
    shutdown.request();
    store.gate.add_permits(8);
    for write in [with_the_store, queued] {
        assert!(write.await.expect("no panic").is_ok());
    }
    let commits = store.commits.lock().expect("no test panics inside").clone();
    assert_eq!(commits, [1, 1]);
    assert!(shutdown.finished(std::time::Duration::from_secs(10)).await);
    assert!(matches!(record(log).await, Err(ChatLogError::Stopped)));
}

async fn record(log: ChatLog) -> Result<Vec<SessionEvent>, ChatLogError> {
    log.record(vec![draft()]).await
}
