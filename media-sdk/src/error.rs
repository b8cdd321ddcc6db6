//! What calls of this library answer when they cannot do what was asked.

use std::io;

use crate::code::{Code, SdkCode};
use crate::frame::MediaKind;

/// Why a call did not do what was asked. Nothing was changed by it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// After `close()`, or after the participant ended by itself.
    #[error("the participant is closed")]
    Closed,
    /// After `Engine::stop`, or when its thread has ended.
    #[error("the engine has stopped")]
    EngineStopped,
    /// The bounded queue of messages is full; what waits goes on its way first.
    #[error("{waiting} messages wait for the connection; try again when some have gone")]
    WouldBlock {
        /// How many wait.
        waiting: usize,
    },
    /// The layout of the offer has no slot for sending this.
    #[error("this participant has no slot for sending {0}")]
    NoSlot(MediaKind),
    /// The media server takes other codecs only.
    #[error("the media server does not take {0} from this participant")]
    CodecNotNegotiated(crate::frame::Codec),
    /// Without connection for 60 s, capture has stopped; `resume_capture` begins it anew.
    #[error("capture has stopped after 60 s without connection")]
    CaptureStopped,
    /// A field is outside its range.
    #[error("{what} must be {range}")]
    OutOfRange {
        /// Which field.
        what: &'static str,
        /// What it may be.
        range: &'static str,
    },
    /// A signal that cannot be read.
    #[error("the signal cannot be read: {0}")]
    BadSignal(#[from] serde_json::Error),
    /// This command is unknown, or was answered before.
    #[error("no command {0} waits for an answer")]
    UnknownCommand(u64),
    /// The engine was made with threads of its own for callbacks.
    #[error("this engine runs its callbacks itself")]
    OwnCallbacks,
    /// The frame transform broke on this frame; the participant has failed.
    #[error("the frame transform panicked")]
    TransformPanicked,
    /// The sender's frame transform pushed a frame of its own participant, or waits for the thread
    /// that does.
    #[error("the sender's frame transform must not push frames, nor wait for who pushes them")]
    InTransform,
    /// A software codec refused a picture, a frame or a setting.
    #[error("{codec} failed: {reason}")]
    Codec {
        /// Which.
        codec: crate::frame::Codec,
        /// In its own words.
        reason: String,
    },
    /// The system refused a thread, a socket or the like.
    #[error("the system refused {what}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The media stack could not be made.
    #[error("the media stack refused: {0}")]
    Stack(String),
}

impl MediaError {
    /// Its stable code.
    pub const fn code(&self) -> Code {
        Code::Sdk(match self {
            Self::Closed | Self::EngineStopped => SdkCode::Closed,
            Self::WouldBlock { .. } => SdkCode::WouldBlock,
            Self::NoSlot(_) | Self::CaptureStopped | Self::OwnCallbacks | Self::InTransform => {
                SdkCode::InvalidState
            }
            Self::CodecNotNegotiated(_) => SdkCode::Unsupported,
            Self::OutOfRange { .. } | Self::BadSignal(_) | Self::UnknownCommand(_) => {
                SdkCode::InvalidArgument
            }
            Self::TransformPanicked => SdkCode::HostPanicked,
            Self::Codec { .. } => SdkCode::CodecFailed,
            Self::System { .. } => SdkCode::Io,
            Self::Stack(_) => SdkCode::Internal,
        })
    }
}
