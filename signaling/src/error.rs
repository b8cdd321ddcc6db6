//! Why a carrier ends: the WebSocket close codes and their names.

use std::fmt;

use lens_protocol::ErrorCode;
use lens_protocol::signal::ByeReason;

/// Why the hub ends a connection. The channel behind it lives on, except after `Bye`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// The channel has ended for this reason, or the peer said bye itself (`None`).
    #[error("the channel ended")]
    Bye(Option<ByeReason>),
    /// A newer connection of the same channel took over.
    #[error("a newer connection took over")]
    TakenOver,
    /// Too many messages waited for a connection that does not read.
    #[error("too many messages were waiting")]
    Overflow,
    /// Nothing was heard, or a write took too long.
    #[error("the peer is silent")]
    Silent,
    /// The first frame did not come in time or was not `resume`.
    #[error("no resume in time")]
    NoHello,
    /// The host or the hub does not let this peer in.
    #[error("refused: {0}")]
    Refused(ErrorCode),
    /// More messages per second than allowed.
    #[error("too many messages")]
    Flood,
    /// A message was skipped: the peer has to send again from what `welcome` says.
    #[error("a message is missing")]
    Gap,
    /// A frame that is no envelope.
    #[error("not an envelope")]
    Unreadable,
    /// A frame larger than the limit.
    #[error("message too large")]
    TooLarge,
    /// The peer cut the connection, or it broke.
    #[error("the connection was cut")]
    Cut,
}

impl Closed {
    /// The WebSocket close code (RFC 6455, section 7.4.1; 1012 and 1013 from IANA's registry).
    pub const fn code(self) -> u16 {
        match self {
            Self::Bye(Some(ByeReason::ShuttingDown)) => 1012,
            Self::Bye(_) | Self::TakenOver => 1000,
            Self::Silent | Self::Cut => 1001,
            Self::Gap => 1002,
            Self::Unreadable => 1007,
            Self::NoHello | Self::Flood | Self::Refused(_) => 1008,
            Self::TooLarge => 1009,
            Self::Overflow => 1013,
        }
    }

    /// A short name: the close frame's reason and the metric's label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bye(_) => "bye",
            Self::TakenOver => "taken_over",
            Self::Overflow => "overflow",
            Self::Silent => "silent",
            Self::NoHello => "no_hello",
            Self::Refused(code) => code.as_str(),
            Self::Flood => "flood",
            Self::Gap => "gap",
            Self::Unreadable => "unreadable",
            Self::TooLarge => "too_large",
            Self::Cut => "cut",
        }
    }
}

/// What a [`crate::client::Client`] can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server ended the channel.
    #[error("the server ended the channel ({0:?})")]
    Ended(Option<ByeReason>),
    /// The server does not let this peer in.
    #[error("the server refused the connection: {0}")]
    Refused(ErrorCode),
    /// The server could not take a message.
    #[error("the server refused a message: {0}")]
    NotTaken(ErrorCode),
    /// The client was dropped.
    #[error("the client is closed")]
    Closed,
}

impl fmt::Display for crate::Channel {
    /// Names the channel for a log line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.door, self.identity.0)
    }
}
