//! The session log's rows: append-only, in the order they were committed.
//!
//! Rows have no link to the sessions table: the record of a session outlives its row, and events
//! of the server itself belong to no session.

use async_trait::async_trait;
use lens_protocol::event::SessionEvent;
use lens_protocol::id::{EventId, SessionId};

use crate::error::Result;

/// Most events one page returns.
pub const PAGE_LIMIT: u32 = 500;

/// What became of one event of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Appended {
    /// Kept now.
    Stored,
    /// The same event was kept before: re-sending is harmless.
    Duplicate,
    /// Another event has this (session, source, epoch, seq) or this id; this one is not kept.
    Clash,
}

/// Where events are kept.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Appends a batch in one durable transaction; returns what became of each, in order. A
    /// duplicate or clash leaves the others unharmed. On an error none was kept.
    async fn append_events(&self, events: &[SessionEvent]) -> Result<Vec<Appended>>;

    /// Events of a session in the order they were committed, after the event `after` (from the
    /// first on when none), at most `limit` (zero and above [`PAGE_LIMIT`] mean that).
    /// `NotFound` when `after` is no event of this session.
    async fn events(
        &self,
        session: SessionId,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<SessionEvent>>;

    /// The last `limit` events of a session with this kind, oldest first.
    async fn latest_events(
        &self,
        session: SessionId,
        kind: &str,
        limit: u32,
    ) -> Result<Vec<SessionEvent>>;

    /// Begins a new life of the writer `source`: returns an epoch that it never had before, 1 at
    /// first, however often the clock was set or the process killed.
    async fn begin_life(&self, source: &str) -> Result<u64>;

    /// The highest `seq` kept for this session, source and epoch; none when there is none.
    async fn last_seq(&self, session: SessionId, source: &str, epoch: u64) -> Result<Option<u64>>;

    /// How many events a session has.
    async fn count_events(&self, session: SessionId) -> Result<u64>;
}
