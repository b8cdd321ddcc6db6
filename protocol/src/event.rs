//! One entry of the session log: who did what, when, seen from where.
//!
//! Events are append-only and unique by (session, source, epoch, seq), so that re-sending is
//! harmless. Bodies stand apart from the facts that are searched, so that they can be encrypted.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::id::{EventId, SessionId, TechnicianId};
use crate::time::Timestamp;

/// Version of the event schema written by this build.
pub const SCHEMA_VERSION: u32 = 1;

/// Where an event was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Told by a technician's console.
    Console,
    /// Told by the customer's page or app.
    App,
    /// Observed by the gateway.
    Gateway,
    /// Observed by a streaming server.
    Sfu,
    /// Observed by the website itself.
    Server,
}

/// One entry of a session log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionEvent {
    /// Its id.
    pub id: EventId,
    /// Which session.
    pub session: SessionId,
    /// Who wrote it: a process or channel name, unique with `epoch` and `seq` in the session.
    pub source: String,
    /// The writer's life.
    pub epoch: u64,
    /// The writer's counter.
    pub seq: u64,
    /// Schema of `body`.
    pub schema_version: u32,
    /// When, on the server's clock.
    pub at: Timestamp,
    /// Where it was observed.
    pub origin: Origin,
    /// What happened: a name from `docs/ARCHITECTURE.md`, such as `session.started`.
    pub kind: String,
    /// The technician who acted, when one did.
    pub technician: Option<TechnicianId>,
    /// The actor's name as shown then.
    pub actor: Option<String>,
    /// What else there is to know; for `chat.line` the text.
    #[schema(value_type = Object)]
    pub body: Value,
}

/// Answer of `GET /api/sessions/{id}/log`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionLog {
    /// Oldest first.
    pub events: Vec<SessionEvent>,
    /// Give this as `after` for the next page; none at the end.
    pub next: Option<EventId>,
}
