//! What passes between a peer's transport and the rest of the shard.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::RtcError;

use crate::core::path::Carrier;
use crate::core::rtp::descriptor::Rewritten;
use crate::core::rtp::reception::Clock;
use crate::core::rtp::ring::Kept;
use crate::core::vp8::Patch;

/// A packet from a peer; its payload is in the ring of its slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet {
    /// The slot it came in.
    pub(crate) slot: usize,
    /// What it is, and where its payload is.
    pub(crate) kept: Kept,
}

/// A packet to a peer.
pub(crate) struct Outgoing<'a> {
    /// The receiver's slot.
    pub(crate) slot: usize,
    pub(crate) payload_type: u8,
    /// Its number in the receiver's stream, extended.
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    /// When it came, or when a repair was asked for.
    pub(crate) arrived: Instant,
    pub(crate) now: Instant,
    pub(crate) packet: &'a Packet,
    pub(crate) payload: &'a [u8],
    /// What is written over the payload's first bytes.
    pub(crate) patch: Option<Patch>,
    /// Its dependency descriptor, for a receiver that takes them.
    pub(crate) descriptor: Option<Rewritten>,
}

/// Something a peer reports.
#[derive(Debug)]
pub(crate) enum PeerEvent {
    /// ICE has a working pair.
    IceConnected,
    /// DTLS is done.
    Connected,
    /// The peer wants a keyframe in one of its receiving slots.
    KeyframeWanted {
        /// Which slot.
        slot: usize,
    },
    /// The peer has not got a packet of a slot it receives in.
    Missing {
        /// Which slot.
        slot: usize,
        /// Its number in the peer's stream, extended.
        index: u64,
    },
    /// The peer has reported the clocks of a stream it sends.
    Clock {
        /// The slot it sends in.
        slot: usize,
        /// Its stream.
        ssrc: u32,
        /// NTP and RTP time of one moment.
        clock: Clock,
    },
    /// What the way to the peer carries has changed, in bits per second.
    Limit(u64),
    /// The peer says that it can take no more than so many bits per second.
    Ceiling(u64),
    /// A message came over the data channel.
    Message {
        /// Bytes or text.
        binary: bool,
        /// The message.
        data: Vec<u8>,
    },
    /// A message came over the channel that is for the server itself.
    Wish(Vec<u8>),
    /// The peer closed its transport.
    Closed,
    /// It sends in more streams than it may; this one is left out.
    TooManyStreams,
    /// Counts from the stack.
    Counts(Counts),
}

/// Counts that only the stack knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) nacks_in: u64,
    pub(crate) loss: Option<f32>,
    pub(crate) rtt: Option<Duration>,
}

/// What a peer produced in a step.
#[derive(Debug, Default)]
pub(crate) struct Produce {
    /// To send; the path is the one the stack chose.
    pub(crate) datagrams: Vec<Datagram>,
    /// To act upon.
    pub(crate) events: Vec<PeerEvent>,
}

/// One datagram from the stack.
#[derive(Debug)]
pub(crate) struct Datagram {
    pub(crate) carrier: Carrier,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// The stack refused to go on; the sentence holds no secret.
#[derive(Debug)]
pub(crate) struct StackError(pub(crate) String);

impl From<RtcError> for StackError {
    fn from(error: RtcError) -> Self {
        Self(error.to_string())
    }
}
