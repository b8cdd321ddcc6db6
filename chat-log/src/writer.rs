//! The one task that commits: takes what is queued, numbers it, writes it in one transaction,
//! acknowledges.
//!
//! Numbers are given here, in the order of commits, under an epoch that the store gives out once
//! per life. After an error it may be unknown whether the batch reached the disk, so its numbers
//! are never used again: the next batch begins a new life. In each life `seq` has no gap, and a
//! missing row shows.

use std::sync::Arc;
use std::time::Duration;

use lens_protocol::entropy::Entropy;
use lens_protocol::event::SessionEvent;
use lens_runtime::shutdown::Shutdown;
use lens_storage::StorageError;
use lens_storage::events::{Appended, EventStore};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::config::ChatLogConfig;
use crate::core::draft::{Draft, Numbering};
use crate::error::ChatLogError;
use crate::metrics::ChatLogMetrics;

/// How long a caller waits for a place in the queue before it is told to try again. Longer keeps
/// more requests in memory while the disk is slow.
const PATIENCE: Duration = Duration::from_secs(2);

/// Handle of the writing task. Clones share it.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Request>,
    patience: Duration,
}

struct Request {
    drafts: Vec<Draft>,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Vec<SessionEvent>, ChatLogError>;

impl Writer {
    pub(crate) fn start(
        store: Arc<dyn EventStore>,
        config: &ChatLogConfig,
        entropy: Box<dyn Entropy>,
        metrics: ChatLogMetrics,
        shutdown: &Shutdown,
    ) -> Self {
        let (queue, requests) = mpsc::channel(config.queue_requests.max(1));
        let task = Task {
            store,
            source: config.source.clone(),
            batch_events: config.batch_events.max(1),
            life: None,
            entropy,
            metrics,
            requests,
        };
        shutdown.spawn(task.run(shutdown.token()));
        Self {
            queue,
            patience: PATIENCE,
        }
    }

    /// Returns once the events are on disk.
    pub(crate) async fn append(&self, drafts: Vec<Draft>) -> Answer {
        let (answer, kept) = oneshot::channel();
        self.queue
            .send_timeout(Request { drafts, answer }, self.patience)
            .await
            .map_err(|error| match error {
                mpsc::error::SendTimeoutError::Timeout(_) => ChatLogError::Busy,
                mpsc::error::SendTimeoutError::Closed(_) => ChatLogError::Stopped,
            })?;
        kept.await.unwrap_or(Err(ChatLogError::Stopped))
    }
}

struct Task {
    store: Arc<dyn EventStore>,
    source: String,
    batch_events: usize,
    /// None before the first batch and after one that failed.
    life: Option<Numbering>,
    entropy: Box<dyn Entropy>,
    metrics: ChatLogMetrics,
    requests: mpsc::Receiver<Request>,
}

/// Requests that share a commit: their events one after the other, and who waits for how many.
#[derive(Default)]
struct Batch {
    events: Vec<SessionEvent>,
    waiting: Vec<(usize, oneshot::Sender<Answer>)>,
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
        let mut life = match self.life.take() {
            Some(life) => life,
            None => match self.store.begin_life(&self.source).await {
                Ok(epoch) => Numbering::new(&self.source, epoch),
                Err(error) => {
                    let batch = self.batch(None, first);
                    return self.refuse(&error, batch);
                }
            },
        };
        let batch = self.batch(Some(&mut life), first);
        match self.store.append_events(&batch.events).await {
            Ok(outcomes) => {
                self.life = Some(life);
                self.acknowledge(&outcomes, batch);
            }
            Err(error) => self.refuse(&error, batch),
        }
    }

    /// `first` and what else is queued, up to the size of a batch; numbered, when it is to be
    /// written.
    fn batch(&mut self, mut life: Option<&mut Numbering>, first: Request) -> Batch {
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(request) = next {
            batch.waiting.push((request.drafts.len(), request.answer));
            if let Some(life) = life.as_deref_mut() {
                let entropy = self.entropy.as_mut();
                let numbered = request
                    .drafts
                    .into_iter()
                    .map(|draft| life.number(draft, entropy));
                batch.events.extend(numbered);
            }
            let room = batch.events.len() < self.batch_events;
            next = room.then(|| self.requests.try_recv().ok()).flatten();
        }
        batch
    }

    fn acknowledge(&self, outcomes: &[Appended], batch: Batch) {
        self.metrics.commits.inc();
        self.metrics.events.inc_by(batch.events.len() as u64);
        let mut events = batch.events.into_iter();
        let mut outcomes = outcomes.iter();
        for (count, answer) in batch.waiting {
            let own: Vec<SessionEvent> = events.by_ref().take(count).collect();
            let kept = outcomes
                .by_ref()
                .take(count)
                .filter(|o| **o != Appended::Clash)
                .count();
            let answered = if kept == count {
                Ok(own)
            } else {
                Err(ChatLogError::Clash)
            };
            // The caller may have gone away; the events are kept all the same.
            let _ = answer.send(answered);
        }
    }

    fn refuse(&self, error: &StorageError, batch: Batch) {
        let requests = batch.waiting.len();
        tracing::error!(%error, requests, "the session log was not written");
        for (count, answer) in batch.waiting {
            self.metrics.failures.inc_by(count as u64);
            let _ = answer.send(Err(ChatLogError::Batch(error.to_string(), error.code())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_makes_callers_wait_and_then_tells_them() {
        // Nobody takes what is queued.
        let (queue, mut requests) = mpsc::channel(1);
        let writer = Writer {
            queue,
            patience: Duration::from_millis(20),
        };
        let first = tokio::spawn({
            let writer = writer.clone();
            async move { writer.append(Vec::new()).await }
        });
        while requests.is_empty() {
            tokio::task::yield_now().await;
        }
        let refused = writer.append(Vec::new()).await;
        assert!(matches!(refused, Err(ChatLogError::Busy)), "{refused:?}");
        let patient = Writer {
            patience: Duration::from_secs(30),
            ..writer
        };
        let second = tokio::spawn(async move { patient.append(Vec::new()).await });
        for append in [first, second] {
            let request = requests.recv().await.expect("it waits for a place");
            request
                .answer
                .send(Ok(Vec::new()))
                .expect("it waits for the answer");
            assert!(append.await.expect("no panic").is_ok());
        }
    }
}
