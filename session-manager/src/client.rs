//! How others call the Session Manager: the [`SessionManager`] trait, in process or over HTTP.

pub(crate) mod remote;

use std::time::Duration;

use async_trait::async_trait;
use lens_protocol::Problem;
use lens_protocol::conference::{
    Answer, ClientAnswer, ClientOffer, ClientToken, Conference, ConferenceEvents,
    CreateClientToken, CreateConference, Hold, IceCandidates, Join, Nodes, ParticipantOffer,
};
use lens_protocol::id::{ConferenceId, NodeId, OwnerId, ParticipantId};
use lens_protocol::media::{ClientProtocol, Pause, Timeline};
use serde::{Deserialize, Serialize};

pub use remote::RemoteSessionManager;

/// Who calls, proved at the door; the Session Manager decides what they may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Whose conferences they see. Others' do not exist for them.
    pub owner: OwnerId,
    /// What they may do with these.
    pub grant: Grant,
}

/// What a caller may do. Anything not granted is denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Everything with the owner's conferences (the website).
    Owner,
    /// An API key's scopes.
    Scopes(Vec<Scope>),
    /// A media token: answer, candidates, new generation and leave, for one participant.
    Participant {
        /// Of which conference.
        conference: ConferenceId,
        /// Which participant.
        participant: ParticipantId,
    },
    /// A client token: one connection by WHIP or WHEP, and its end.
    Client {
        /// To which conference.
        conference: ConferenceId,
        /// As which participant.
        participant: ParticipantId,
        /// Which way.
        protocol: ClientProtocol,
        /// Under which name.
        display_name: String,
    },
}

/// A right an API key can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Scope {
    /// Create, change and end conferences.
    #[serde(rename = "conferences:write")]
    ConferencesWrite,
    /// Read conferences, timelines and events.
    #[serde(rename = "conferences:read")]
    ConferencesRead,
    /// Join, answer, leave.
    #[serde(rename = "participants:write")]
    ParticipantsWrite,
    /// List nodes.
    #[serde(rename = "nodes:read")]
    NodesRead,
    /// Drain nodes.
    #[serde(rename = "nodes:write")]
    NodesWrite,
}

/// Candidates of a client that made its own offer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trickle {
    /// The way it came.
    pub protocol: ClientProtocol,
    /// What it quotes as the tag of its connection.
    pub if_match: Option<String>,
}

/// The Session Manager's calls; the HTTP API of `/v1` is these and nothing else.
///
/// Errors common to all: `conference_not_found` for a conference of another owner,
/// `forbidden` and `token_wrong_conference` for a missing grant, `media_node_lost` when the node
/// does not answer.
#[async_trait]
pub trait SessionManager: Send + Sync {
    /// Makes and places a conference. With an idempotency key the stored answer is replayed for
    /// the same body; `idempotency_mismatch` for another. `external_id_taken`, `no_media_node`.
    async fn create(
        &self,
        caller: &Caller,
        idempotency_key: Option<String>,
        request: CreateConference,
    ) -> Result<Conference, Problem>;

    /// The owner's conferences, newest first, ended ones for an hour, at most 500 of them.
    async fn conferences(&self, caller: &Caller) -> Result<Vec<Conference>, Problem>;

    /// One conference.
    async fn conference(&self, caller: &Caller, id: ConferenceId) -> Result<Conference, Problem>;

    /// Ends a conference; repeatable.
    async fn delete(&self, caller: &Caller, id: ConferenceId) -> Result<(), Problem>;

    /// Holds or resumes a conference; repeatable.
    async fn hold(&self, caller: &Caller, id: ConferenceId, hold: Hold) -> Result<(), Problem>;

    /// Adds a participant and returns its rewritten offer. `conference_full`, `role_taken`,
    /// `conference_ended`.
    async fn join(
        &self,
        caller: &Caller,
        id: ConferenceId,
        idempotency_key: Option<String>,
        request: Join,
    ) -> Result<ParticipantOffer, Problem>;

    /// A new generation for a participant, after a reload, a network change or the loss of the
    /// media node; the conference is placed anew when its node is lost.
    async fn offer(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<ParticipantOffer, Problem>;

    /// Takes an answer. `stale_generation`, `already_answered`, `invalid_sdp`.
    async fn answer(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        answer: Answer,
    ) -> Result<(), Problem>;

    /// Accepts and ignores candidates. `too_many_candidates`, `stale_generation`.
    async fn candidates(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        candidates: IceCandidates,
    ) -> Result<(), Problem>;

    /// Pauses or resumes what a participant sends; repeatable.
    async fn pause(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        pause: Pause,
    ) -> Result<(), Problem>;

    /// Removes a participant; repeatable.
    async fn leave(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<(), Problem>;

    /// Adds a participant that makes its own offer, and returns the answer to it.
    /// `protocol_not_allowed`, `no_common_codec`, and as [`SessionManager::join`].
    async fn accept(
        &self,
        caller: &Caller,
        id: ConferenceId,
        offer: ClientOffer,
    ) -> Result<ClientAnswer, Problem>;

    /// Judges the `If-Match` of a client's candidates, which are then ignored.
    /// `precondition_required`, `precondition_failed`, `ice_restart_refused`.
    async fn trickle(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        trickle: Trickle,
    ) -> Result<(), Problem>;

    /// Removes a participant that came this way; repeatable.
    async fn hang_up(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
        protocol: ClientProtocol,
    ) -> Result<(), Problem>;

    /// Makes a token with which one client may bring its own offer. `protocol_not_allowed`.
    async fn client_token(
        &self,
        caller: &Caller,
        id: ConferenceId,
        request: CreateClientToken,
    ) -> Result<ClientToken, Problem>;

    /// What happened to a participant's connection, step by step.
    async fn timeline(
        &self,
        caller: &Caller,
        id: ConferenceId,
        participant: ParticipantId,
    ) -> Result<Timeline, Problem>;

    /// All media nodes.
    async fn nodes(&self, caller: &Caller) -> Result<Nodes, Problem>;

    /// Takes a node out of placement; running conferences go on.
    async fn drain(&self, caller: &Caller, node: NodeId) -> Result<(), Problem>;

    /// The owner's events after `after`; waits up to `wait` for the first one, then returns an
    /// empty list.
    async fn events(
        &self,
        caller: &Caller,
        after: u64,
        wait: Duration,
    ) -> Result<ConferenceEvents, Problem>;
}
