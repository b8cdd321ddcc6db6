//! Conferences: the table every Session Manager of a deployment shares.
//!
//! The store knows of a conference what it needs to find it, to keep `external_id`s unique and to
//! serialise changes; the rest is a text it does not read. Running media does not need it.

use async_trait::async_trait;
use lens_protocol::Timestamp;
use lens_protocol::id::{ConferenceId, NodeId, OwnerId};

use crate::error::Result;

/// One conference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConferenceRecord {
    /// Its id.
    pub id: ConferenceId,
    /// Whose it is.
    pub owner: OwnerId,
    /// Its owner's name for it; unique among the owner's live ones.
    pub external_id: Option<String>,
    /// Whether it has not ended.
    pub live: bool,
    /// The node it runs on, as long as it is live.
    pub node: Option<NodeId>,
    /// When somebody has to look at it next: its end while it is live, then the end of its being
    /// kept.
    pub due_at: Timestamp,
    /// Raised by one at each change; the first is 1. Given as read when it is changed.
    pub version: u64,
    /// The rest, as the Session Manager writes it.
    pub body: String,
}

/// What adding a conference came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Added {
    /// It is in, with version 1.
    Done,
    /// This live conference of the same owner has the `external_id`; nothing was changed.
    ExternalIdTaken(ConferenceId),
}

/// Where conferences are kept.
#[async_trait]
pub trait ConferenceStore: Send + Sync {
    /// Adds a conference, whatever version the record says. `Conflict::Exists` for its id.
    async fn add_conference(&self, record: &ConferenceRecord) -> Result<Added>;

    /// The conference with this id, ended ones included; none when unknown.
    async fn conference(&self, id: ConferenceId) -> Result<Option<ConferenceRecord>>;

    /// Puts `record` in the place of the version it was read with and returns the new version.
    /// Owner and `external_id` stay as they were. `NotFound`; `Conflict::Revision` when another
    /// was faster.
    async fn change_conference(&self, record: &ConferenceRecord) -> Result<u64>;

    /// Takes a conference out; one that is not there is fine.
    async fn remove_conference(&self, id: ConferenceId) -> Result<()>;

    /// The owner's conferences, ended ones included, newest (by id) first, at most `limit`.
    async fn conferences_of(&self, owner: &OwnerId, limit: u32) -> Result<Vec<ConferenceRecord>>;

    /// The live conferences on a node, oldest first.
    async fn conferences_on(&self, node: &NodeId) -> Result<Vec<ConferenceRecord>>;

    /// Conferences with `due_at` not after `now`, the longest due first, at most `limit`.
    async fn conferences_due(&self, now: Timestamp, limit: u32) -> Result<Vec<ConferenceRecord>>;
}
