//! What the Session Manager and a streaming server say to each other (`SfuControl`).
//!
//! ```text
//! Session Manager                          SFU
//!   create_conference {epoch} ───────────▶
//!   add_participant {role} ──────────────▶ makes the PeerConnection
//!                     ◀──────────── Offered {negotiation, raw offer, slots}
//!   apply_answer {negotiation, sdp} ─────▶
//!   accept_offer {role, sdp} ────────────▶ makes the PeerConnection (WHIP, WHEP)
//!                     ◀──────────── Offered {negotiation, raw answer, slots}
//!                     ◀──────────── SfuEvent … (connected, roster, failed, left)
//!   remove_participant, end_conference ──▶
//! ```
//!
//! Each call carries the conference's fencing [`Epoch`]; the SFU refuses an older one with
//! `stale_epoch`. All of it travels on a private listener.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ErrorCode;
use crate::id::{ConferenceId, Epoch, Generation, NegotiationId, NodeId, ParticipantId};
use crate::time::Timestamp;

/// What a participant does in a conference; decides its slot layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sends the camera and a voice. At most one per conference.
    Camera,
    /// Receives the camera; sends a voice.
    Viewer,
}

/// How a participant comes in that makes its own offer, which the SFU answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientProtocol {
    /// RFC 9725: sends the camera.
    Whip,
    /// draft-ietf-wish-whep: receives it.
    Whep,
}

impl ClientProtocol {
    /// What whoever comes this way does in a conference.
    pub const fn role(self) -> Role {
        match self {
            Self::Whip => Role::Camera,
            Self::Whep => Role::Viewer,
        }
    }

    /// Its name in paths and tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whip => "whip",
            Self::Whep => "whep",
        }
    }
}

/// Video codecs the SFU forwards. VP8 is mandatory for every peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    /// RFC 7741.
    Vp8,
    /// RFC 6184, packetisation mode 1.
    H264,
    /// RFC 9628.
    Vp9,
    /// AOMedia RTP payload format for AV1.
    Av1,
}

/// What media a conference may carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct MediaPolicy {
    /// Video codecs in order of preference, each at most once; VP8 is always kept, at the end if
    /// not named.
    #[schema(value_type = HashSet<VideoCodec>)]
    pub video_codecs: Vec<VideoCodec>,
    /// Most kilobits per second of the camera's video, written as `b=` into the offer.
    #[schema(minimum = 100, maximum = 20_000)]
    pub max_video_kbps: u32,
    /// Whose way the camera's bitrate follows, beside its own.
    pub follow_viewer: FollowViewer,
    /// Whether the camera is asked for its picture in several sizes at once.
    pub simulcast: Simulcast,
    /// Whether the camera may come by WHIP (RFC 9725).
    pub whip: bool,
    /// Whether viewers may come by WHEP (draft-ietf-wish-whep).
    pub whep: bool,
}

impl MediaPolicy {
    /// Whether participants may come this way.
    pub const fn allows(&self, protocol: ClientProtocol) -> bool {
        match protocol {
            ClientProtocol::Whip => self.whip,
            ClientProtocol::Whep => self.whep,
        }
    }
}

/// Whether a camera sends less because a viewer's way carries less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FollowViewer {
    /// It sends what its own way carries; a viewer on a slower one sees fewer pictures.
    Never,
    /// It follows a viewer that is alone, and nobody as soon as there are two.
    #[default]
    Only,
    /// It follows the slowest of all.
    Slowest,
}

/// Whether a camera is asked to send its picture in several sizes at once (simulcast, RFC 8853),
/// so that each viewer gets one that its way carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Simulcast {
    /// One picture for everybody.
    #[default]
    Never,
    /// One for a viewer that is alone, several sizes as soon as there are two.
    Auto,
    /// Several sizes, however many watch.
    Always,
}

impl Default for MediaPolicy {
    fn default() -> Self {
        Self {
            video_codecs: vec![
                VideoCodec::Vp8,
                VideoCodec::H264,
                VideoCodec::Vp9,
                VideoCodec::Av1,
            ],
            max_video_kbps: 2_500,
            whip: false,
            whep: false,
            follow_viewer: FollowViewer::default(),
            simulcast: Simulcast::default(),
        }
    }
}

/// Opens a conference on a node. Repeating it with the same epoch is harmless; with a newer one
/// it replaces what the node had.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreateMediaRoom {
    /// Which conference.
    pub conference: ConferenceId,
    /// The placement in force.
    pub epoch: Epoch,
    /// Number of participants the slot layout is made for (N in `docs/ARCHITECTURE.md`, "Slots").
    pub max_participants: u8,
    /// What may be carried.
    pub media: MediaPolicy,
    /// Kept by the node and returned in its report, so that a restarted Session Manager can
    /// rebuild its table; opaque to the node.
    pub memo: serde_json::Value,
}

/// Adds a participant, or gives an existing one a new generation, and asks for its offer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AddParticipant {
    /// Which conference.
    pub conference: ConferenceId,
    /// The placement in force.
    pub epoch: Epoch,
    /// Which participant; one that exists gets a new PeerConnection, its old one is closed once
    /// the new one is connected, or at once when it never connected.
    pub participant: ParticipantId,
    /// Its role.
    pub role: Role,
    /// Its generation, raised by the Session Manager.
    pub generation: Generation,
    /// What of its media is paused from the start.
    #[serde(default)]
    pub pause: Pause,
    /// As `memo` of the conference.
    pub memo: serde_json::Value,
}

/// Adds a participant that made an offer of its own, and asks for the answer. The participant has
/// this one PeerConnection: without signalling, no newer generation can reach it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AcceptOffer {
    /// Whom, and where.
    #[serde(flatten)]
    pub participant: AddParticipant,
    /// The client's offer, checked by the Session Manager.
    pub sdp: String,
}

/// What of a participant's media is paused: the node forwards it to nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pause {
    /// The picture.
    pub video: bool,
    /// The voice.
    pub voice: bool,
}

/// What a slot carries, seen from the participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotKind {
    /// Camera video, participant to SFU.
    VideoUp,
    /// Voice, participant to SFU.
    AudioUp,
    /// Camera video, SFU to participant.
    VideoDown,
    /// One other participant's voice, SFU to participant.
    AudioDown,
    /// A technician's shared screen, participant to SFU (kept free today).
    ScreenUp,
    /// A technician's shared screen, SFU to participant (kept free today).
    ScreenDown,
}

/// One media section of a participant's offer and who is heard or seen in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Slot {
    /// The section's `a=mid` (RFC 8843), valid for one generation.
    pub mid: String,
    /// What it carries.
    pub kind: SlotKind,
    /// Whose media it carries now; for an `…_up` slot the participant itself.
    pub source: Option<ParticipantId>,
}

/// The SFU's half of a negotiation with one participant: its offer, or its answer to a client's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Offered {
    /// Names this negotiation; the answer to an offer quotes it.
    pub negotiation_id: NegotiationId,
    /// The raw SDP; the Session Manager rewrites it before anyone else sees it.
    pub sdp: String,
    /// The fixed layout, in `m=` order; sections without a slot are left out.
    pub slots: Vec<Slot>,
}

/// An answer for the SFU.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplyAnswer {
    /// Which conference.
    pub conference: ConferenceId,
    /// The placement in force.
    pub epoch: Epoch,
    /// Whose answer.
    pub participant: ParticipantId,
    /// Which offer it answers.
    pub negotiation_id: NegotiationId,
    /// The SDP as the peer made it, checked by the Session Manager.
    pub sdp: String,
}

/// Removes a participant. Repeating it is harmless.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RemoveParticipant {
    /// Which conference.
    pub conference: ConferenceId,
    /// The placement in force.
    pub epoch: Epoch,
    /// Whom.
    pub participant: ParticipantId,
}

/// Ends a conference on a node. Repeating it is harmless.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EndMediaRoom {
    /// Which conference.
    pub conference: ConferenceId,
    /// The placement in force.
    pub epoch: Epoch,
}

/// Holds or resumes a conference: while held the node forwards nobody's media to anybody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HoldMediaRoom {
    /// Which conference.
    pub conference: ConferenceId,
    /// The placement in force.
    pub epoch: Epoch,
    /// Whether it is held.
    pub held: bool,
}

/// Pauses or resumes what one participant sends. Repeating it is harmless.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PauseParticipant {
    /// Which conference.
    pub conference: ConferenceId,
    /// The placement in force.
    pub epoch: Epoch,
    /// Whose media.
    pub participant: ParticipantId,
    /// What is paused from now on.
    pub pause: Pause,
}

/// One address a node is reached at. Advertised addresses are the only candidates in offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct MediaAddress {
    /// Address and UDP port.
    #[schema(value_type = String)]
    pub udp: SocketAddr,
    /// Address and TCP port for ICE-TCP (RFC 6544, passive), when open.
    #[schema(value_type = Option<String>)]
    pub tcp: Option<SocketAddr>,
}

/// Whether a node takes new conferences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Takes new conferences.
    Up,
    /// Takes no new conferences; running ones go on.
    Draining,
    /// Does not answer.
    Lost,
}

/// What a node says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeReport {
    /// Its name.
    pub node: NodeId,
    /// Changes at each start of the process: conferences of an earlier life are gone.
    pub life: u64,
    /// Placement label.
    pub region: Option<String>,
    /// Up or draining.
    pub state: NodeState,
    /// Where peers reach it.
    pub addresses: Vec<MediaAddress>,
    /// Forwarded packets per second over the last second, all workers.
    pub packets_per_s: u64,
    /// Participants connected or connecting.
    pub participants: u32,
    /// Most participants it may carry.
    pub max_participants: u32,
    /// All its conferences.
    pub rooms: Vec<RoomReport>,
}

/// One conference in a node's report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoomReport {
    /// Which conference.
    pub conference: ConferenceId,
    /// The placement it was made with.
    pub epoch: Epoch,
    /// Whether it is held.
    pub held: bool,
    /// As given at creation.
    pub max_participants: u8,
    /// As given at creation.
    pub media: MediaPolicy,
    /// As given at creation.
    pub memo: serde_json::Value,
    /// Its participants.
    pub participants: Vec<ParticipantReport>,
}

/// One participant in a node's report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ParticipantReport {
    /// Which participant.
    pub participant: ParticipantId,
    /// Its role.
    pub role: Role,
    /// Its newest generation on this node.
    pub generation: Generation,
    /// The offer of that generation.
    pub negotiation_id: NegotiationId,
    /// Whether that offer has been answered.
    pub answered: bool,
    /// Whether ICE and DTLS are done.
    pub connected: bool,
    /// What of its media is paused.
    #[serde(default)]
    pub pause: Pause,
    /// As given when it was added.
    pub memo: serde_json::Value,
    /// Its slots as they are filled now.
    pub slots: Vec<Slot>,
}

/// Something that happened on a node, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SfuEvent {
    /// Position, counted from 1 in each life of the node.
    pub position: u64,
    /// When, on the node's clock.
    pub at: Timestamp,
    /// Where.
    pub conference: ConferenceId,
    /// The placement it happened in.
    pub epoch: Epoch,
    /// What.
    #[serde(flatten)]
    pub kind: SfuEventKind,
}

/// What can happen on a node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum SfuEventKind {
    /// ICE and DTLS are done.
    Connected {
        /// Who.
        participant: ParticipantId,
        /// In which generation.
        generation: Generation,
    },
    /// First complete keyframe of the camera was forwarded to somebody.
    FirstKeyframe {
        /// Whose camera.
        participant: ParticipantId,
    },
    /// The PeerConnection of the newest generation ended or could not be made. The participant
    /// keeps its place: a new generation brings it back.
    Failed {
        /// Who.
        participant: ParticipantId,
        /// Which generation.
        generation: Generation,
        /// Why.
        cause: CauseCode,
    },
    /// Slots changed: somebody came, went, or was moved. Sent for each affected participant.
    Slots {
        /// Whose slots.
        participant: ParticipantId,
        /// All of them, in `m=` order.
        slots: Vec<Slot>,
    },
    /// The participant was removed by a call.
    Removed {
        /// Who.
        participant: ParticipantId,
    },
}

/// Events after a position.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SfuEvents {
    /// The node's life these belong to.
    pub life: u64,
    /// Events with a greater position than asked, oldest first.
    pub events: Vec<SfuEvent>,
    /// Ask with this next time.
    pub next: u64,
    /// True when older events than asked for were dropped: read the report instead.
    pub gap: bool,
}

/// Why a connection did not come about or ended, in one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CauseCode {
    /// No answer came before the join timeout.
    NoAnswer,
    /// The answer could not be used.
    BadAnswer,
    /// No valid STUN check arrived: UDP and TCP to the node are blocked, or the peer left.
    NoConnectivityCheck,
    /// Checks arrived, but DTLS did not finish.
    DtlsFailed,
    /// Connected, then nothing arrived for the inactivity time.
    Silent,
    /// The peer closed its transport.
    PeerClosed,
    /// The media stack broke on this peer's input; others were not touched.
    StackFault,
    /// The peer went over a cap (handshake bytes, bitrate, messages).
    OverLimit,
    /// The node went away or restarted.
    NodeLost,
    /// A newer generation took over.
    Replaced,
}

impl From<CauseCode> for ErrorCode {
    fn from(cause: CauseCode) -> Self {
        match cause {
            CauseCode::NoAnswer | CauseCode::NoConnectivityCheck | CauseCode::DtlsFailed => {
                ErrorCode::ConnectTimeout
            }
            CauseCode::BadAnswer => ErrorCode::InvalidSdp,
            CauseCode::Silent => ErrorCode::MediaTimeout,
            CauseCode::NodeLost => ErrorCode::MediaNodeLost,
            CauseCode::Replaced => ErrorCode::StaleGeneration,
            CauseCode::PeerClosed | CauseCode::StackFault | CauseCode::OverLimit => {
                ErrorCode::MediaFailed
            }
        }
    }
}

/// One step in a connection's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimelineStep {
    /// The SFU made the offer.
    OfferMade,
    /// The answer was applied.
    AnswerApplied,
    /// First STUN request with a valid integrity.
    FirstCheck,
    /// ICE found a working pair.
    IceConnected,
    /// DTLS finished; the SRTP keys are in place.
    DtlsConnected,
    /// First RTP packet from the peer.
    FirstPacketIn,
    /// First keyframe from the peer.
    FirstKeyframeIn,
    /// First RTP packet to the peer.
    FirstPacketOut,
    /// First keyframe to the peer.
    FirstKeyframeOut,
    /// The connection ended; `cause` says why.
    Ended,
}

/// What happened to a connection, step by step, and what it carries.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Timeline {
    /// Whose.
    pub participant: ParticipantId,
    /// Of which generation.
    pub generation: Generation,
    /// The media node that carries it. The Session Manager names it: a node is called by the name
    /// it was found under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// The steps reached, oldest first, at most one of each.
    pub steps: Vec<TimelineEntry>,
    /// Why it failed, when it did.
    pub cause: Option<CauseCode>,
    /// What the connection carries now.
    pub stats: ConnectionStats,
}

/// One reached step.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct TimelineEntry {
    /// When, on the node's clock.
    pub at: Timestamp,
    /// Which step.
    pub step: TimelineStep,
}

/// Figures of one connection, from the SFU's side; counters since its start.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ConnectionStats {
    /// `udp` or `tcp`, once a pair works.
    pub transport: Option<String>,
    /// SRTP profile, such as `AEAD_AES_256_GCM`, once DTLS is done.
    pub srtp_profile: Option<String>,
    /// RTP packets from the peer.
    pub packets_in: u64,
    /// RTP packets to the peer, retransmissions included.
    pub packets_out: u64,
    /// RTP payload bytes from the peer.
    pub bytes_in: u64,
    /// RTP payload bytes to the peer.
    pub bytes_out: u64,
    /// Keyframe requests sent to the peer.
    pub plis_out: u64,
    /// Keyframe requests received from the peer.
    pub plis_in: u64,
    /// Packets the peer asked for again.
    pub nacks_in: u64,
    /// Share of packets lost towards the peer, 0 to 1, from its last report.
    pub loss: Option<f32>,
    /// Round trip in milliseconds.
    pub rtt_ms: Option<f32>,
    /// What the way to the peer carries, in kilobits per second, once something has shown a limit.
    #[serde(default)]
    pub limit_kbps: Option<u32>,
}
