//! The Session Manager's HTTP API: create, join, leave and the rest, under `/v1`.
//!
//! The streaming server makes the offers; participants answer. One offer belongs to one
//! participant and one generation; a new generation replaces the PeerConnection of the former.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{
    ConferenceId, Epoch, Generation, NegotiationId, NodeId, OwnerId, ParticipantId, SessionId,
};
use crate::media::{
    CauseCode, ClientProtocol, MediaAddress, MediaPolicy, NodeState, Pause, Role, Slot, VideoCodec,
};
use crate::secret::SecretText;
use crate::time::Timestamp;

/// Body of `POST /v1/conferences`. Every field has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct CreateConference {
    /// Your own name for it, unique among your live conferences; at most 128 characters.
    #[schema(
        max_length = 128,
        min_length = 1,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$"
    )]
    pub external_id: Option<String>,
    /// How many may take part at once, camera included.
    #[schema(minimum = 2, maximum = 16)]
    pub max_participants: u8,
    /// Ends when nobody has joined for this long, in seconds.
    #[schema(minimum = 5, maximum = 86_400)]
    pub empty_timeout_s: u32,
    /// Ends this long after the last one left, in seconds.
    #[schema(minimum = 0, maximum = 3_600)]
    pub departure_timeout_s: u32,
    /// Ends after this long in any case, in seconds.
    #[schema(minimum = 60, maximum = 86_400)]
    pub max_duration_s: u32,
    /// Place it on a node with this label.
    #[schema(
        max_length = 64,
        min_length = 1,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]+$"
    )]
    pub region: Option<String>,
    /// What may be carried.
    pub media: MediaPolicy,
}

impl Default for CreateConference {
    fn default() -> Self {
        Self {
            external_id: None,
            max_participants: 4,
            empty_timeout_s: 300,
            departure_timeout_s: 20,
            max_duration_s: 14_400,
            region: None,
            media: MediaPolicy::default(),
        }
    }
}

/// A conference as its owner sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Conference {
    /// Its id.
    pub id: ConferenceId,
    /// Who made it.
    pub owner: OwnerId,
    /// Your own name for it.
    pub external_id: Option<String>,
    /// Whether it runs.
    pub state: ConferenceState,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// While held, nobody's media is forwarded to anybody.
    pub held: bool,
    /// The placement in force.
    pub epoch: Epoch,
    /// The node it runs on.
    pub node: Option<NodeId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its limits and policy.
    pub settings: CreateConference,
    /// Who takes part.
    pub participants: Vec<Participant>,
}

/// Whether a conference runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConferenceState {
    /// It can be joined.
    Open,
    /// It has ended; kept for a while to be read.
    Ended,
}

/// Why a conference ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndReason {
    /// By `DELETE`.
    Deleted,
    /// Nobody joined in time.
    Empty,
    /// Everybody left.
    Departed,
    /// Its longest duration was reached.
    MaxDuration,
}

/// A participant as the conference's owner sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Participant {
    /// Its id.
    pub id: ParticipantId,
    /// Its role.
    pub role: Role,
    /// Its name, shown to the others.
    pub display_name: String,
    /// Its newest generation.
    pub generation: Generation,
    /// Where its connection stands.
    pub state: ParticipantState,
    /// Why it failed, when it did.
    pub cause: Option<CauseCode>,
    /// When it joined.
    pub joined_at: Timestamp,
    /// What of its media is paused.
    #[serde(default)]
    pub pause: Pause,
    /// How it came in, when it made its own offer. Such a participant has one connection, and
    /// leaves when that ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<ClientProtocol>,
}

/// Where a participant's connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantState {
    /// The offer waits for its answer.
    Offered,
    /// Answered, not yet connected.
    Connecting,
    /// Media can flow.
    Connected,
    /// The newest generation broke; a new one brings it back.
    Failed,
}

/// Body of `POST /v1/conferences/{id}/participants` (join).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Join {
    /// What it does in the conference.
    pub role: Role,
    /// Its name, shown to the others; 1 to 80 characters, not all of them blank.
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    pub display_name: String,
    /// Video codecs in order of preference, each at most once, within the conference's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<HashSet<VideoCodec>>)]
    pub codecs: Option<Vec<VideoCodec>>,
}

/// An offer for one participant: the answer to a join and to a new generation, and what
/// signalling carries to a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParticipantOffer {
    /// Which conference.
    pub conference: ConferenceId,
    /// Whose offer.
    pub participant: ParticipantId,
    /// Which PeerConnection it is for.
    pub generation: Generation,
    /// To be quoted in the answer.
    pub negotiation_id: NegotiationId,
    /// The rewritten SDP offer.
    pub sdp: String,
    /// ICE servers for the peer; empty while the node is reachable directly.
    pub ice_servers: Vec<IceServer>,
    /// What each media section is for and who is in it.
    pub slots: Vec<Slot>,
    /// When the media token ends; the connection itself goes on.
    pub expires_at: Timestamp,
    /// Lets this participant answer, add candidates, ask for a new generation and leave.
    /// Sent only over the HTTP API, never through signalling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_token: Option<SecretText>,
}

/// A client's own offer, as `POST …/whip` and `POST …/whep` bring it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientOffer {
    /// Which of the two.
    pub protocol: ClientProtocol,
    /// Its name, shown to the others; the protocol's in capitals when there is none.
    pub display_name: Option<String>,
    /// The SDP offer, at most 64 KiB.
    pub sdp: String,
}

/// The answer to a client's own offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientAnswer {
    /// Who the client is now.
    pub participant: ParticipantId,
    /// Names its connection, as an HTTP entity tag with its quotes.
    pub etag: String,
    /// The rewritten SDP answer.
    pub sdp: String,
    /// ICE servers for the client.
    pub ice_servers: Vec<IceServer>,
}

/// Body of `POST /v1/conferences/{id}/client-tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreateClientToken {
    /// Which way the token opens.
    pub protocol: ClientProtocol,
    /// The name of whoever comes with it, shown to the others; 1 to 80 characters, not all of
    /// them blank.
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]*$"
    )]
    pub display_name: String,
}

/// A token for one client that makes its own offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClientToken {
    /// Who the client will be.
    pub participant: ParticipantId,
    /// Where it sends its offer, relative to the server.
    pub endpoint: String,
    /// Its bearer token.
    pub token: SecretText,
    /// When the token ends; a connection made with it goes on.
    pub expires_at: Timestamp,
}

/// One entry of `RTCConfiguration.iceServers`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IceServer {
    /// STUN or TURN URLs.
    pub urls: Vec<String>,
    /// TURN user name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// TURN password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<SecretText>,
}

/// Body of `PUT …/participants/{pid}/answer`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// The offer's generation; an older one is refused with `stale_generation`.
    pub generation: Generation,
    /// The offer's negotiation.
    pub negotiation_id: NegotiationId,
    /// The SDP answer, at most 64 KiB.
    #[schema(max_length = 65_536)]
    pub sdp: String,
}

/// Body of `PATCH …/participants/{pid}/ice`. Accepted and ignored: the SFU is ICE-lite and
/// learns peers from their checks.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct IceCandidates {
    /// The offer's generation.
    pub generation: Generation,
    /// `candidate:` lines, at most 20 of at most 1,024 bytes.
    #[schema(max_items = 20)]
    pub candidates: Vec<String>,
}

/// Body of `PUT /v1/conferences/{id}/hold`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hold {
    /// Whether the conference is held.
    pub held: bool,
}

/// A media node as `GET /v1/nodes` lists it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Node {
    /// Its name.
    pub id: NodeId,
    /// Placement label.
    pub region: Option<String>,
    /// Up, draining or lost.
    pub state: NodeState,
    /// Conferences on it.
    pub conferences: u32,
    /// Participants on it.
    pub participants: u32,
    /// Most participants it may carry.
    pub max_participants: u32,
    /// Forwarded packets per second.
    pub packets_per_s: u64,
    /// Where peers reach it.
    pub addresses: Vec<MediaAddress>,
}

/// Answer of `GET /v1/nodes`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Nodes {
    /// All known nodes.
    pub nodes: Vec<Node>,
}

/// Something that happened in a conference, for its owner, in order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConferenceEvent {
    /// Position, counted from 1 in each life of the Session Manager.
    pub position: u64,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub conference: ConferenceId,
    /// Your own name for it.
    pub external_id: Option<String>,
    /// What.
    #[serde(flatten)]
    pub kind: ConferenceEventKind,
}

/// What can happen in a conference.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ConferenceEventKind {
    /// Somebody joined; their first packet has not come yet.
    ParticipantJoined {
        /// Who.
        participant: ParticipantId,
        /// Their role.
        role: Role,
        /// Their name.
        display_name: String,
        /// How they came in, when they made their own offer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        protocol: Option<ClientProtocol>,
    },
    /// Their media can flow.
    ParticipantConnected {
        /// Who.
        participant: ParticipantId,
        /// In which generation.
        generation: Generation,
    },
    /// The camera's first keyframe was forwarded.
    FirstKeyframe {
        /// Whose camera.
        participant: ParticipantId,
    },
    /// Their connection broke; a new generation brings it back.
    ParticipantFailed {
        /// Who.
        participant: ParticipantId,
        /// Which generation.
        generation: Generation,
        /// Why.
        cause: CauseCode,
    },
    /// They left or were removed.
    ParticipantLeft {
        /// Who.
        participant: ParticipantId,
    },
    /// Who is in which slot, for one participant.
    Roster {
        /// Whose view.
        participant: ParticipantId,
        /// All slots, in `m=` order.
        slots: Vec<Slot>,
    },
    /// The media node does not answer: every participant needs a new generation.
    MediaNodeLost {
        /// Which node.
        node: NodeId,
    },
    /// The conference ended.
    Ended {
        /// Why.
        reason: EndReason,
    },
}

/// Answer of `GET /v1/events`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConferenceEvents {
    /// Changes at each start of the Session Manager; positions count anew.
    pub life: u64,
    /// Your events after the asked position, oldest first.
    pub events: Vec<ConferenceEvent>,
    /// Ask with this next time.
    pub next: u64,
    /// True when events were dropped: read the conferences instead.
    pub gap: bool,
}

/// The `external_id` the website gives the conference of a session.
pub fn external_id_of(session: SessionId) -> String {
    format!("session:{session}")
}
