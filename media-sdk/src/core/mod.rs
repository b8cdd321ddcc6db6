//! One participant as pure logic: no clock, socket, thread or generator of its own.
//!
//! ```text
//! driver                                   Session
//!   handle_input(now, Input) ────────────▶ session.rs: states; signalling.rs, media.rs, talk.rs
//!                                            generations.rs: connections come, take over, go
//!                                            connection.rs: one offer, one stack, its slots
//!                                              stack/: ICE, DTLS, SRTP, SCTP (str0m)
//!                                              sending.rs: frames out, what the way carries
//!                                              reception.rs, playout.rs: frames in, when due
//!   poll_output() ◀─────────────────────── Transmit | Event | Timeout, and sockets to open
//! ```
//!
//! After each input the driver polls until [`Output::Timeout`], which says when the session wants
//! to be called again at the latest.

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

pub(crate) mod backoff;
mod connection;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod generations;
mod letters;
mod media;
mod pace;
mod playout;
mod reception;
mod sdp;
mod sending;
mod session;
mod signalling;
mod stack;
mod talk;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::ErrorCode;
use lens_protocol::id::ParticipantId;
use lens_protocol::peer::{CommandOutcome, PeerBody};
use lens_protocol::signal::RosterEntry;

pub(crate) use session::Session;
pub(crate) use stack::Identity;

use crate::frame::{Codec, EncodedFrame, MediaKind, Rotation, Track};
use crate::message::{Annotation, Chat, Command, CommandId, CommandRequest};
use crate::network::{InboundSignal, OfferReason, OutboundSignal, SignalId};
use crate::state::State;

/// One connection of a participant: counts up over its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnectionId(pub(crate) u32);

/// What a session is made with.
#[derive(Clone, Debug)]
pub(crate) struct SessionConfig {
    /// After how long a signal without report counts as failed.
    pub(crate) signal_timeout: Duration,
    /// Most bits per second of video sent.
    pub(crate) max_video_bps: u32,
    /// Most pictures a second.
    pub(crate) max_fps: u32,
    /// Shortest and longest wait of a received frame.
    pub(crate) playout: (Duration, Duration),
    /// Whether TCP is tried where datagrams do not pass.
    pub(crate) tcp: bool,
}

/// How a datagram travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Carrier {
    /// Alone.
    Udp,
    /// Framed (RFC 4571), over a connection that we made.
    Tcp,
}

/// A datagram that came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    pub(crate) carrier: Carrier,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) bytes: &'a [u8],
}

/// A datagram to be sent.
#[derive(Debug)]
pub(crate) struct Transmit {
    pub(crate) connection: ConnectionId,
    pub(crate) carrier: Carrier,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// A frame that is kept.
#[derive(Clone, Debug)]
pub(crate) struct OwnedFrame {
    pub(crate) codec: Codec,
    pub(crate) data: Arc<[u8]>,
    pub(crate) pts_us: u64,
    pub(crate) keyframe: bool,
    pub(crate) rotation: Rotation,
    pub(crate) after_gap: bool,
}

impl OwnedFrame {
    pub(crate) fn borrowed(&self) -> EncodedFrame<'_> {
        let mut frame = EncodedFrame::video(self.codec, &self.data, self.pts_us, self.keyframe)
            .rotated(self.rotation);
        frame.after_gap = self.after_gap;
        frame
    }
}

/// What the host reports of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignalReport {
    /// The server has it.
    Sent,
    /// It was not carried; whether the same can be carried later.
    Failed { retryable: bool },
    /// The server refused it.
    Refused(ErrorCode),
}

/// What a session is told.
#[derive(Debug)]
pub(crate) enum Input<'a> {
    /// Time has passed.
    Timeout,
    /// A datagram came for a connection.
    Datagram(ConnectionId, Datagram<'a>),
    /// The addresses that a connection's socket can be reached at now, all of them.
    Addresses(ConnectionId, Vec<SocketAddr>),
    /// A connection that was asked for is there, from this address of ours.
    TcpOpened(ConnectionId, SocketAddr),
    /// It is gone.
    TcpClosed(ConnectionId, SocketAddr),
    /// A signal arrived.
    Signal(InboundSignal),
    /// What became of a signal of ours.
    Report(SignalId, SignalReport),
    /// A frame of the host's.
    Frame(OwnedFrame),
    /// Frames of the host's were dropped before they came here.
    FrameLost(MediaKind),
    /// A received picture was dropped after it had left here: the host is slow.
    HostLostFrame,
    /// Messages for the others, in their order.
    Messages(VecDeque<PeerBody>),
    /// The host answers a command.
    Reply(CommandId, CommandOutcome),
    /// A key message for another participant.
    KeyMessage(ParticipantId, String),
    /// Whether the host wants frames of this kind sent.
    Mute(MediaKind, bool),
    /// The host wants a keyframe.
    RequestKeyframe,
    /// The host wants a new generation.
    RequestOffer(OfferReason),
    /// The system says that the network changed.
    NetworkChanged,
    /// Capture begins anew after it had stopped.
    ResumeCapture,
    /// Say goodbye, then close.
    Leave(Option<String>),
    /// Close at once.
    Close,
    /// The participant cannot go on, for a reason outside the session.
    Fail(crate::code::Code),
    /// Break, for tests.
    #[cfg(feature = "test-hooks")]
    Panic,
}

/// What a session wants.
#[derive(Debug)]
pub(crate) enum Output {
    /// Send this.
    Transmit(Transmit),
    /// Open a socket for a connection and tell its addresses.
    Open(ConnectionId),
    /// Make a TCP connection to this address.
    Dial(ConnectionId, SocketAddr),
    /// The connection has ended: its sockets are not needed any more.
    Release(ConnectionId),
    /// Tell the host.
    Event(Event),
    /// Nothing else until then; none when only an input can change anything.
    Timeout(Option<Instant>),
}

/// What the host is told, in order.
#[derive(Debug)]
pub(crate) enum Event {
    Send(OutboundSignal),
    State(State),
    Generation(u32),
    Roster(Vec<RosterEntry>),
    Track(Arc<Track>),
    TrackEnd(Arc<Track>),
    Frame(Arc<Track>, OwnedFrame),
    Bitrate { target_bps: u32, max_fps: u32 },
    KeyframeRequest,
    CaptureStopped,
    TalkReady(ParticipantId),
    Chat(Chat),
    Command(CommandRequest),
    CommandReply(CommandId, CommandOutcome),
    Annotation(ParticipantId, Annotation),
    AnnotationClear(ParticipantId, Option<u64>),
    KeyMessage(ParticipantId, String),
}

/// A command as it leaves.
pub(crate) fn command_body(id: CommandId, command: &Command) -> PeerBody {
    PeerBody::Command {
        id,
        command: command.as_str().to_owned(),
        arguments: command.arguments(),
    }
}

/// The earlier of two times, where either may be none.
fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Width and height of a VP8 keyframe (RFC 6386 §9.1), as long as the frame is not encrypted.
fn vp8_size(codec: Codec, data: &[u8]) -> Option<(u16, u16)> {
    let header: &[u8; 10] = data.first_chunk()?;
    let begins = header[3..6] == [0x9d, 0x01, 0x2a];
    if codec != Codec::Vp8 || !begins {
        return None;
    }
    let side = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]) & 0x3FFF;
    Some((side(6), side(8)))
}
