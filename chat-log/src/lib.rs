//! The accountable record of a session: chat lines and events, append-only.
//!
//! What is handed to [`ChatLog::record`] is acknowledged only after a durable commit. Writers
//! that come at the same time share one commit, so that a busy server pays for few. Each entry is
//! unique by (session, source, epoch, seq): the store gives this writer an `epoch` that it never
//! had before, and it counts `seq` in it without a gap, so that a missing entry shows.
//!
//! What may be in the record, and what it is called, stands in [`kind`]. What concerns no session
//! (logins, accounts, API keys) stands in the same table under [`kind::SERVER`], written with the
//! same promise. Start with [`ChatLog::start`].

pub mod config;
pub mod core;
pub mod error;
pub mod kind;
pub mod metrics;
mod writer;

use std::sync::Arc;

use lens_protocol::entropy::Entropy;
use lens_protocol::event::{SessionEvent, SessionLog};
use lens_protocol::id::{EventId, SessionId};
use lens_protocol::signal::ChatLine;
use lens_runtime::shutdown::Shutdown;
use lens_storage::events::{Appended, EventStore};

pub use crate::config::ChatLogConfig;
pub use crate::core::draft::Draft;
use crate::core::draft::Numbering;
pub use crate::error::ChatLogError;
use crate::metrics::ChatLogMetrics;
use crate::writer::Writer;

/// Records `drafts` in order, all or none, in a life of its own of the writer `source`: for a
/// process that writes once and ends, beside a server that runs. Returns after the commit is on
/// disk.
pub async fn record_once(
    store: &dyn EventStore,
    source: &str,
    drafts: Vec<Draft>,
    entropy: &mut dyn Entropy,
) -> Result<Vec<SessionEvent>, ChatLogError> {
    let mut life = Numbering::new(source, store.begin_life(source).await?);
    let events: Vec<_> = drafts
        .into_iter()
        .map(|draft| life.number(draft, entropy))
        .collect();
    let outcomes = store.append_events(&events).await?;
    if outcomes.contains(&Appended::Clash) {
        return Err(ChatLogError::Clash);
    }
    Ok(events)
}

/// The record. Clones share one writer.
#[derive(Clone)]
pub struct ChatLog {
    store: Arc<dyn EventStore>,
    writer: Writer,
}

impl ChatLog {
    /// Starts the writer. It stops when shutdown is requested, after everything that was handed
    /// over has been committed.
    pub fn start(
        store: Arc<dyn EventStore>,
        config: &ChatLogConfig,
        entropy: Box<dyn Entropy>,
        metrics: ChatLogMetrics,
        shutdown: &Shutdown,
    ) -> Self {
        let writer = Writer::start(Arc::clone(&store), config, entropy, metrics, shutdown);
        Self { store, writer }
    }

    /// Records `drafts` in order, all or none, and returns them as kept. Returns after the commit
    /// is on disk.
    ///
    /// Errors: [`ChatLogError::Busy`] when the queue stays full, [`ChatLogError::Stopped`] while
    /// shutting down, [`ChatLogError::Batch`] when the store refused; nothing was kept then.
    pub async fn record(&self, drafts: Vec<Draft>) -> Result<Vec<SessionEvent>, ChatLogError> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        self.writer.append(drafts).await
    }

    /// A page of a session's record, oldest first, after the event `after`.
    /// [`ChatLogError::Storage`] with `NotFound` when `after` is no event of this session.
    pub async fn page(
        &self,
        session: SessionId,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<SessionLog, ChatLogError> {
        let events = self.store.events(session, after, limit).await?;
        let wanted = if limit == 0 {
            lens_storage::events::PAGE_LIMIT
        } else {
            limit
        };
        let full = events.len() >= wanted.min(lens_storage::events::PAGE_LIMIT) as usize;
        let next = if full {
            events.last().map(|event| event.id)
        } else {
            None
        };
        Ok(SessionLog { events, next })
    }

    /// The last `limit` chat lines of a session, oldest first.
    pub async fn chat(
        &self,
        session: SessionId,
        limit: u32,
    ) -> Result<Vec<ChatLine>, ChatLogError> {
        let events = self
            .store
            .latest_events(session, kind::CHAT_LINE, limit)
            .await?;
        Ok(events.iter().filter_map(core::draft::chat_line).collect())
    }
}
