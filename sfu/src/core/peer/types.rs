//! What passes between a peer's transport and the rest of the shard.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::RtcError;
use str0m::rtp::ExtensionValues;

use crate::core::codec::MediaCodec;
use crate::core::path::Carrier;

/// Header extensions that travel with a forwarded packet.
#[derive(Clone, Debug)]
pub(crate) struct Extensions(pub(super) ExtensionValues);

/// A packet from a peer.
#[derive(Debug)]
pub(crate) struct Packet {
    /// The slot it came in.
    pub(crate) slot: usize,
    /// Its stream.
    pub(crate) ssrc: u32,
    /// Sequence number, extended.
    pub(crate) sequence: u64,
    /// RTP timestamp.
    pub(crate) timestamp: u32,
    /// RTP marker.
    pub(crate) marker: bool,
    /// What it carries.
    pub(crate) codec: MediaCodec,
    /// Extensions to forward.
    pub(crate) extensions: Extensions,
    /// Without header.
    pub(crate) payload: Arc<[u8]>,
}

/// A packet to a peer.
pub(crate) struct Outgoing<'a> {
    pub(crate) slot: usize,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) arrived: Instant,
    pub(crate) packet: &'a Packet,
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
    /// A message came over the data channel.
    Message {
        /// Bytes or text.
        binary: bool,
        /// The message.
        data: Vec<u8>,
    },
    /// The peer closed its transport.
    Closed,
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
