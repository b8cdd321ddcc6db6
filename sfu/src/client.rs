//! How others call a streaming server: the [`SfuControl`] trait, in process or over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::Uri;
use lens_protocol::id::{ConferenceId, ParticipantId};
use lens_protocol::media::{
    AcceptOffer, AddParticipant, ApplyAnswer, CreateMediaRoom, EndMediaRoom, HoldMediaRoom,
    NodeReport, Offered, PauseParticipant, RemoveParticipant, SfuEvents, Timeline,
};
use lens_protocol::{ErrorCode, Problem, SecretText};
use lens_runtime::http::client::ControlClient;

use crate::routes;

/// How long a node may take to answer a command. Making an offer takes milliseconds; longer means
/// that the node or the way to it is gone.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Control of one streaming server. Every call is safe to repeat.
///
/// Errors common to all: `stale_epoch` when a newer placement is known to the node,
/// `media_node_lost` when it does not answer in time.
#[async_trait]
pub trait SfuControl: Send + Sync {
    /// Opens a conference. `node_draining` or `node_full` when the node takes none.
    async fn create_conference(&self, room: CreateMediaRoom) -> Result<(), Problem>;

    /// Adds a participant or gives it a new generation, and returns its offer; the same one for the
    /// same generation until it is connected, and `already_answered` from then on.
    /// `conference_not_found`, `conference_full`, `role_taken`, `node_full`.
    async fn add_participant(&self, participant: AddParticipant) -> Result<Offered, Problem>;

    /// Adds a participant that made its own offer, and returns the answer. As
    /// [`SfuControl::add_participant`], and `invalid_sdp`, `no_common_codec`.
    async fn accept_offer(&self, offer: AcceptOffer) -> Result<Offered, Problem>;

    /// Applies an answer. `stale_generation` when the offer is not the newest,
    /// `already_answered`, `invalid_sdp`, `participant_not_found`.
    async fn apply_answer(&self, answer: ApplyAnswer) -> Result<(), Problem>;

    /// Removes a participant; one that is not there is fine.
    async fn remove_participant(&self, participant: RemoveParticipant) -> Result<(), Problem>;

    /// Holds or resumes a conference.
    async fn hold_conference(&self, hold: HoldMediaRoom) -> Result<(), Problem>;

    /// Pauses or resumes what a participant sends, in this generation and the next ones.
    /// `conference_not_found`, `participant_not_found`.
    async fn pause_participant(&self, pause: PauseParticipant) -> Result<(), Problem>;

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

/// A streaming server in another process, reached on its private listener.
#[derive(Clone)]
pub struct RemoteSfu {
    http: ControlClient,
}

impl RemoteSfu {
    /// The node at `base` (`http://host:port`), called with the deployment's token.
    pub fn new(base: Uri, token: SecretText) -> Self {
        Self {
            http: ControlClient::new(base, token),
        }
    }
}

/// A node that gives no answer is lost, whatever the reason.
fn lost(problem: Problem) -> Problem {
    match problem.code {
        ErrorCode::Unavailable => Problem::new(ErrorCode::MediaNodeLost),
        _ => problem,
    }
}

#[async_trait]
impl SfuControl for RemoteSfu {
    async fn create_conference(&self, room: CreateMediaRoom) -> Result<(), Problem> {
        let answer = self.http.post(routes::CREATE, &room, TIMEOUT).await;
        answer.map_err(lost)
    }

    async fn add_participant(&self, participant: AddParticipant) -> Result<Offered, Problem> {
        let answer = self.http.post(routes::ADD, &participant, TIMEOUT).await;
        answer.map_err(lost)
    }

    async fn accept_offer(&self, offer: AcceptOffer) -> Result<Offered, Problem> {
        let answer = self.http.post(routes::ACCEPT, &offer, TIMEOUT).await;
        answer.map_err(lost)
    }

    async fn apply_answer(&self, answer: ApplyAnswer) -> Result<(), Problem> {
        let answer = self.http.post(routes::ANSWER, &answer, TIMEOUT).await;
        answer.map_err(lost)
    }

    async fn remove_participant(&self, participant: RemoveParticipant) -> Result<(), Problem> {
        let answer = self.http.post(routes::REMOVE, &participant, TIMEOUT).await;
        answer.map_err(lost)
    }

    async fn hold_conference(&self, hold: HoldMediaRoom) -> Result<(), Problem> {
        let answer = self.http.post(routes::HOLD, &hold, TIMEOUT).await;
        answer.map_err(lost)
    }

    async fn pause_participant(&self, pause: PauseParticipant) -> Result<(), Problem> {
        let answer = self.http.post(routes::PAUSE, &pause, TIMEOUT).await;
        answer.map_err(lost)
    }

    async fn end_conference(&self, room: EndMediaRoom) -> Result<(), Problem> {
        let answer = self.http.post(routes::END, &room, TIMEOUT).await;
        answer.map_err(lost)
    }

    async fn timeline(
        &self,
        conference: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, Problem> {
        let path = format!("/sfu/conferences/{conference}/participants/{participant}/timeline");
        self.http.get(&path, TIMEOUT).await.map_err(lost)
    }

    async fn report(&self) -> Result<NodeReport, Problem> {
        self.http.get(routes::REPORT, TIMEOUT).await.map_err(lost)
    }

    async fn events(&self, after: u64, wait: Duration) -> Result<SfuEvents, Problem> {
        let events = routes::EVENTS;
        let path = format!("{events}?after={after}&wait_ms={}", wait.as_millis());
        self.http.get(&path, wait + TIMEOUT).await.map_err(lost)
    }

    async fn drain(&self) -> Result<(), Problem> {
        let answer = self.http.post(routes::DRAIN, &(), TIMEOUT).await;
        answer.map_err(lost)
    }
}
