//! The one task that commits: takes what is queued, writes it in one transaction, acknowledges.

use std::sync::Arc;

use lens_protocol::event::SessionEvent;
use lens_runtime::shutdown::Shutdown;
use lens_storage::events::{Appended, EventStore};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::config::ChatLogConfig;
use crate::error::ChatLogError;
use crate::metrics::ChatLogMetrics;

/// Handle of the writing task. Clones share it.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Request>,
}

struct Request {
    events: Vec<SessionEvent>,
    kept: oneshot::Sender<Result<(), ChatLogError>>,
}

impl Writer {
    pub(crate) fn start(
        store: Arc<dyn EventStore>,
        config: &ChatLogConfig,
        metrics: ChatLogMetrics,
        shutdown: &Shutdown,
    ) -> Self {
        let (queue, requests) = mpsc::channel(config.queue_requests.max(1));
        let batch_events = config.batch_events.max(1);
        let task = Task {
            store,
            batch_events,
            metrics,
            requests,
        };
        shutdown.spawn(task.run(shutdown.token()));
        Self { queue }
    }

    /// Returns once the events are on disk.
    pub(crate) async fn append(&self, events: Vec<SessionEvent>) -> Result<(), ChatLogError> {
        let (kept, answer) = oneshot::channel();
        self.queue
            .try_send(Request { events, kept })
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => ChatLogError::Busy,
                mpsc::error::TrySendError::Closed(_) => ChatLogError::Stopped,
            })?;
        answer.await.unwrap_or(Err(ChatLogError::Stopped))
    }
}

struct Task {
    store: Arc<dyn EventStore>,
    batch_events: usize,
    metrics: ChatLogMetrics,
    requests: mpsc::Receiver<Request>,
}

impl Task {
    async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                // Work first: a request for shutdown must not overtake what is queued.
                biased;
                request = self.requests.recv() => match request {
                    Some(first) => self.commit(first).await,
                    None => return,
                },
                () = stop.cancelled(), if !self.requests.is_closed() => self.requests.close(),
            }
        }
    }

    async fn commit(&mut self, first: Request) {
        let mut events = first.events;
        let mut waiting = vec![(events.len(), first.kept)];
        while events.len() < self.batch_events
            && let Ok(request) = self.requests.try_recv()
        {
            waiting.push((request.events.len(), request.kept));
            events.extend(request.events);
        }
        match self.store.append_events(&events).await {
            Ok(outcomes) => self.acknowledge(&outcomes, waiting),
            Err(error) => self.refuse(&error, waiting),
        }
    }

    fn acknowledge(&self, outcomes: &[Appended], waiting: Vec<(usize, Acknowledge)>) {
        self.metrics.commits.inc();
        let mut rest = outcomes;
        for (count, kept) in waiting {
            let (own, others) = rest.split_at(count.min(rest.len()));
            rest = others;
            let clash = own.contains(&Appended::Clash) || own.len() < count;
            self.metrics.events.inc_by(own.len() as u64);
            // The caller may have gone away; the events are kept all the same.
            let _ = kept.send(if clash {
                Err(ChatLogError::Clash)
            } else {
                Ok(())
            });
        }
    }

    fn refuse(&self, error: &lens_storage::StorageError, waiting: Vec<(usize, Acknowledge)>) {
        tracing::error!(%error, requests = waiting.len(), "the session log was not written");
        for (count, kept) in waiting {
            self.metrics.failures.inc_by(count as u64);
            let _ = kept.send(Err(ChatLogError::Batch(error.to_string(), error.code())));
        }
    }
}

type Acknowledge = oneshot::Sender<Result<(), ChatLogError>>;
