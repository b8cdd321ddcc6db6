//! How others call a streaming server: the [`SfuControl`] trait, in process or over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use lens_protocol::Problem;
use lens_protocol::id::{ConferenceId, ParticipantId};
use lens_protocol::media::{
    AddParticipant, ApplyAnswer, CreateMediaRoom, EndMediaRoom, HoldMediaRoom, NodeReport, Offered,
    RemoveParticipant, SfuEvents, Timeline,
};

/// Control of one streaming server. Every call is safe to repeat.
///
/// Errors common to all: `stale_epoch` when a newer placement is known to the node,
/// `media_node_lost` when it does not answer in time.
#[async_trait]
pub trait SfuControl: Send + Sync {
    /// Opens a conference. `node_draining` or `node_full` when the node takes none.
    async fn create_conference(&self, room: CreateMediaRoom) -> Result<(), Problem>;

    /// Adds a participant or gives it a new generation, and returns its offer.
    /// `conference_not_found`, `conference_full`, `role_taken`, `node_full`.
    async fn add_participant(&self, participant: AddParticipant) -> Result<Offered, Problem>;

    /// Applies an answer. `stale_generation` when the offer is not the newest,
    /// `already_answered`, `invalid_sdp`, `participant_not_found`.
    async fn apply_answer(&self, answer: ApplyAnswer) -> Result<(), Problem>;

    /// Removes a participant; one that is not there is fine.
    async fn remove_participant(&self, participant: RemoveParticipant) -> Result<(), Problem>;

    /// Holds or resumes a conference.
    async fn hold_conference(&self, hold: HoldMediaRoom) -> Result<(), Problem>;

    /// Ends a conference; one that is not there is fine.
    async fn end_conference(&self, room: EndMediaRoom) -> Result<(), Problem>;

    /// What happened to a participant's newest connection. `participant_not_found`.
    async fn timeline(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, Problem>;

    /// What the node says of itself, all conferences included.
    async fn report(&self) -> Result<NodeReport, Problem>;

    /// Events after `after` in the node's current life; waits up to `wait` for the first one and
    /// then returns an empty list.
    async fn events(&self, after: u64, wait: Duration) -> Result<SfuEvents, Problem>;

    /// Takes no new conferences from now on.
    async fn drain(&self) -> Result<(), Problem>;
}
