//! Everything that can go wrong in the streaming server, and what callers are told.

use std::io;
use std::net::SocketAddr;

use lens_protocol::limits::VIDEO_KBPS;
use lens_protocol::media::CauseCode;
use lens_protocol::{ErrorCode, Problem};

use crate::caps::Cap;

/// When somebody who asked for offers too often may ask again, in seconds.
const OFFERS_PAUSE_S: u32 = 10;

/// What went wrong. Each variant is a sentence that may be logged: no SDP, no peer's address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SfuError {
    /// No such conference on this node.
    #[error("the conference is not on this node")]
    ConferenceNotFound,
    /// No such participant in the conference.
    #[error("the participant is not in the conference")]
    ParticipantNotFound,
    /// The conference has as many participants as it was made for.
    #[error("the conference is full")]
    ConferenceFull,
    /// The conference has a camera already.
    #[error("the conference has a camera already")]
    RoleTaken,
    /// A participant came back with another role.
    #[error("a participant keeps its role")]
    RoleChanged,
    /// The number of participants of a conference is outside 2 to 16.
    #[error("max_participants is outside {min} to {max}", min = crate::config::MIN_ROOM, max = lens_protocol::limits::PARTICIPANTS)]
    RoomSize,
    /// The node carries as much as it may; the cap says of what.
    #[error("the node has reached its {0}")]
    NodeFull(Cap),
    /// The participant has been given as many offers a minute as it may.
    #[error("the participant asks for offers too often")]
    TooManyOffers,
    /// The video bitrate of a conference is outside what may be asked for.
    #[error("max_video_kbps is outside {} to {}", VIDEO_KBPS.start(), VIDEO_KBPS.end())]
    VideoBitrate,
    /// The node takes no new conferences.
    #[error("the node is being emptied")]
    NodeDraining,
    /// A newer placement of the conference is known here.
    #[error("the call comes from a former placement")]
    StaleEpoch,
    /// A newer offer replaced this one.
    #[error("a newer offer replaced this one")]
    StaleGeneration,
    /// The offer has its answer.
    #[error("the offer has been answered")]
    AlreadyAnswered,
    /// The answer or offer cannot be used; the text names the rule it breaks.
    #[error("the SDP cannot be used: {0}")]
    InvalidSdp(&'static str),
    /// The answer or offer is longer than an SDP may be.
    #[error("the SDP is longer than {} bytes", lens_protocol::limits::SDP_BYTES)]
    SdpTooLong,
    /// More ICE candidates than an answer may carry.
    #[error(
        "the answer has more than {} candidates",
        lens_protocol::limits::CANDIDATES
    )]
    TooManyCandidates,
    /// A client's offer has nothing that can be carried: no slot for any of its sections, or no
    /// codec in them that the conference allows.
    #[error("the offer has no section that can be carried")]
    NoCommonCodec,
    /// A participant came back with another layout.
    #[error("a participant keeps its slots")]
    SlotsChanged,
    /// The PeerConnection of this offer has ended.
    #[error("the connection has ended ({0:?})")]
    ConnectionEnded(CauseCode),
    /// The media thread has more commands waiting than it may.
    #[error("the media thread is busy")]
    Busy,
    /// The media thread has stopped.
    #[error("the media thread has stopped")]
    Stopped,
    /// The media stack could not make a connection.
    #[error("the media stack refused: {0}")]
    Stack(String),
    /// The configuration contradicts itself; the sentence says what to change.
    #[error("{0}")]
    Config(String),
    /// A media address could not be opened.
    #[error("cannot open media address {address}: {source}")]
    Bind {
        /// Which address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The network interfaces could not be listed, or a thread could not be started.
    #[error("cannot start the media server: {0}")]
    Io(#[from] io::Error),
}

impl SfuError {
    /// The code callers program against.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::ConferenceNotFound => ErrorCode::ConferenceNotFound,
            Self::ParticipantNotFound => ErrorCode::ParticipantNotFound,
            Self::ConferenceFull => ErrorCode::ConferenceFull,
            Self::RoleTaken => ErrorCode::RoleTaken,
            Self::RoleChanged
            | Self::SlotsChanged
            | Self::RoomSize
            | Self::VideoBitrate
            | Self::Config(_) => ErrorCode::InvalidValue,
            Self::NodeFull(_) => ErrorCode::NodeFull,
            Self::TooManyOffers => ErrorCode::RateLimited,
            Self::NodeDraining => ErrorCode::NodeDraining,
            Self::StaleEpoch => ErrorCode::StaleEpoch,
            Self::StaleGeneration => ErrorCode::StaleGeneration,
            Self::AlreadyAnswered => ErrorCode::AlreadyAnswered,
            Self::InvalidSdp(_) => ErrorCode::InvalidSdp,
            Self::SdpTooLong => ErrorCode::PayloadTooLarge,
            Self::TooManyCandidates => ErrorCode::TooManyCandidates,
            Self::NoCommonCodec => ErrorCode::NoCommonCodec,
            Self::ConnectionEnded(_) => ErrorCode::MediaFailed,
            Self::Busy => ErrorCode::Unavailable,
            Self::Stopped => ErrorCode::MediaNodeLost,
            Self::Stack(_) | Self::Bind { .. } | Self::Io(_) => ErrorCode::Internal,
        }
    }

    /// The cap that refused, if one did.
    pub fn cap(&self) -> Option<Cap> {
        match self {
            Self::NodeFull(cap) => Some(*cap),
            Self::ConferenceFull => Some(Cap::ConferenceSize),
            Self::TooManyOffers => Some(Cap::Offers),
            Self::SdpTooLong => Some(Cap::SdpBytes),
            Self::TooManyCandidates => Some(Cap::Candidates),
            _ => None,
        }
    }
}

impl From<SfuError> for Problem {
    fn from(error: SfuError) -> Self {
        let problem = Problem::new(error.code());
        match &error {
            SfuError::InvalidSdp(_)
            | SfuError::RoleChanged
            | SfuError::RoomSize
            | SfuError::VideoBitrate
            | SfuError::NodeFull(_) => problem.with_detail(error.to_string()),
            SfuError::TooManyOffers => problem
                .with_detail(error.to_string())
                .retry_after_s(OFFERS_PAUSE_S),
            _ => problem,
        }
    }
}
