//! The transport of one peer, and the one folder that names the media stack's types.
//!
//! What the media thread asks of a transport: a datagram in ([`Peer::receive`]), a packet out
//! ([`Peer::write`]), the end of the turn ([`Peer::drain`]). Another transport can stand behind
//! the same calls.
//!
//! The stack (str0m) holds one received packet: after every input it is polled at least until that
//! packet has come out. Packets written in a turn leave with the turn's one drain.

mod build;
mod codecs;
mod tap;
mod types;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::media::SlotKind;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::media::{KeyframeRequestKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, SeqNo, Ssrc};
use str0m::{Event, IceConnectionState, Input, Output, Rtc, RtcError};

pub(crate) use build::{Blueprint, Built, CHANNEL_MESSAGE, Credentials, Identity, build};
pub(crate) use types::{
    Counts, Datagram, Extensions, Outgoing, Packet, PeerEvent, Produce, StackError,
};

use super::codec::MediaCodec;
use super::path::{Carrier, Path};
use super::slots;
use crate::error::SfuError;

/// Packets kept for retransmission per stream: about 400 ms at 6 Mbit/s. More costs memory for
/// losses that come too late to be repaired.
const RTX_PACKETS: usize = 256;
const RTX_AGE: Duration = Duration::from_millis(400);
/// Retransmissions stop above this share of the sent bytes: on such a path they add to the loss.
const RTX_SHARE: f32 = 0.25;
/// SSRCs of one peer that are remembered with their slot. A browser uses at most two a slot.
const KNOWN_SSRCS: usize = 64;
/// Rounds in which checks that came before the answer are worked off; the stack takes one a round.
const EARLY_CHECKS: usize = 16;

/// One slot of an answered peer.
#[derive(Debug, Default)]
struct Lane {
    /// Own stream towards the peer, when the peer takes it.
    ssrc: Option<Ssrc>,
    /// Payload types the peer takes in it, by its own order.
    payloads: Vec<(u8, MediaCodec)>,
}

/// The data channel of the offer. Others that a peer opens are ignored.
struct Channel {
    id: ChannelId,
    open: bool,
}

/// A parsed answer, made off the media thread.
pub(crate) struct ParsedAnswer(SdpAnswer);

/// Parses the text of a trimmed answer.
pub(crate) fn parse_answer(sdp: &str) -> Result<ParsedAnswer, SfuError> {
    SdpAnswer::from_sdp_string(sdp)
        .map(ParsedAnswer)
        .map_err(|_| SfuError::InvalidSdp("a line cannot be read"))
}

/// One peer's transport.
pub(crate) struct Peer {
    rtc: Rtc,
    pending: Option<SdpPendingOffer>,
    mids: Vec<Mid>,
    kinds: Vec<SlotKind>,
    lanes: Vec<Lane>,
    /// Payload types of the session, as the peer may send them.
    codecs: Vec<(u8, MediaCodec)>,
    ssrcs: Vec<(Ssrc, usize)>,
    channel: Channel,
    profile: tap::ProfileCell,
    deadline: Option<Instant>,
    written: bool,
    counts: Counts,
    lane_nacks: Vec<u64>,
}

impl Peer {
    fn new(
        rtc: Rtc,
        pending: SdpPendingOffer,
        mids: Vec<Mid>,
        kinds: Vec<SlotKind>,
        channel: ChannelId,
        profile: tap::ProfileCell,
    ) -> Self {
        Self {
            rtc,
            pending: Some(pending),
            lanes: mids.iter().map(|_| Lane::default()).collect(),
            lane_nacks: vec![0; mids.len()],
            codecs: Vec::new(),
            ssrcs: Vec::new(),
            mids,
            kinds,
            channel: Channel {
                id: channel,
                open: false,
            },
            profile,
            deadline: None,
            written: false,
            counts: Counts::default(),
        }
    }

    /// Applies the answer and works off the checks that came before it. After an error the peer
    /// is of no more use: the stack has consumed its offer.
    pub(crate) fn answer(
        &mut self,
        at: Instant,
        answer: ParsedAnswer,
        produce: &mut Produce,
    ) -> Result<(), StackError> {
        let pending = self.pending.take();
        let pending = pending.ok_or_else(|| StackError("the offer was answered".to_owned()))?;
        self.rtc.sdp_api().accept_answer(pending, answer.0)?;
        self.learn_lanes();
        for _ in 0..EARLY_CHECKS {
            let before = produce.datagrams.len();
            self.rtc.handle_input(Input::Timeout(at))?;
            self.poll(produce)?;
            if produce.datagrams.len() == before {
                break;
            }
        }
        Ok(())
    }

    /// Whether a STUN request has this peer's user name and integrity.
    pub(crate) fn accepts(
        &self,
        at: Instant,
        path: &Path,
        local: SocketAddr,
        bytes: &[u8],
    ) -> bool {
        match Receive::new(protocol(path.carrier), path.remote, local, bytes) {
            Ok(receive) => self.rtc.accepts(&Input::Receive(at, receive)),
            Err(_) => false,
        }
    }

    /// A datagram in; the media packet that was in it, out. [`Peer::drain`] has to follow in the
    /// same turn.
    pub(crate) fn receive(
        &mut self,
        at: Instant,
        path: &Path,
        local: SocketAddr,
        bytes: &[u8],
        produce: &mut Produce,
    ) -> Result<Option<Packet>, StackError> {
        let Ok(receive) = Receive::new(protocol(path.carrier), path.remote, local, bytes) else {
            return Ok(None);
        };
        self.rtc.handle_input(Input::Receive(at, receive))?;
        self.poll(produce)
    }

    /// Lets the stack send before the peer has nominated a path: to the best of those whose checks
    /// have been verified. A lite agent as the stack has it would hold its half of the handshake
    /// back until then; the stack picks by itself as a controlling agent only, which it is here
    /// for this one step.
    pub(crate) fn send_unnominated(
        &mut self,
        at: Instant,
        produce: &mut Produce,
    ) -> Result<(), StackError> {
        self.rtc.direct_api().set_ice_controlling(true);
        let picked = self.rtc.handle_input(Input::Timeout(at));
        self.rtc.direct_api().set_ice_controlling(false);
        picked?;
        self.poll(produce)?;
        Ok(())
    }

    /// A packet out; it leaves with the next [`Peer::drain`]. False when the peer does not take
    /// that slot.
    pub(crate) fn write(&mut self, out: &Outgoing<'_>) -> bool {
        let Some(ssrc) = self.lanes.get(out.slot).and_then(|lane| lane.ssrc) else {
            return false;
        };
        let packet = out.packet;
        let write = RtpWrite::new(
            out.payload_type.into(),
            SeqNo::from(out.sequence),
            out.timestamp,
            out.arrived,
            Arc::clone(&packet.payload),
        )
        .marker(packet.marker)
        .ext_vals(packet.extensions.0.clone())
        .nackable(slots::is_video(self.kinds[out.slot]));
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx(&ssrc) else {
            return false;
        };
        stream.write_rtp(write);
        self.written = true;
        true
    }

    /// Asks the peer for a keyframe in a slot it sends in. False when nothing has come in it yet.
    pub(crate) fn request_keyframe(&mut self, slot: usize) -> bool {
        let Some(mid) = self.mids.get(slot).copied() else {
            return false;
        };
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_rx_by_mid(mid, None) else {
            return false;
        };
        stream.request_keyframe(KeyframeRequestKind::Pli);
        self.written = true;
        true
    }

    /// Sends a message over the data channel. False when it is not open or its buffer is full.
    pub(crate) fn send_message(&mut self, binary: bool, data: &[u8]) -> bool {
        if !self.channel.open {
            return false;
        }
        let Some(mut channel) = self.rtc.channel(self.channel.id) else {
            return false;
        };
        self.written = true;
        channel.write(binary, data).unwrap_or(false)
    }

    /// The end of the turn: everything written and due comes out.
    pub(crate) fn drain(&mut self, at: Instant, produce: &mut Produce) -> Result<(), StackError> {
        if std::mem::take(&mut self.written) || self.deadline.is_none_or(|due| due <= at) {
            self.rtc.handle_input(Input::Timeout(at))?;
        }
        while self.poll(produce)?.is_some() {}
        Ok(())
    }

    /// Says goodbye to the peer; what it takes comes out at once.
    pub(crate) fn close(&mut self, at: Instant, produce: &mut Produce) -> Result<(), StackError> {
        self.rtc.close()?;
        while self.poll(produce)?.is_some() {}
        self.rtc.handle_input(Input::Timeout(at))?;
        while self.poll(produce)?.is_some() {}
        Ok(())
    }

    /// When the peer next wants to be drained.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether the stack still works on this peer.
    pub(crate) fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }

    /// The payload type under which the peer takes `codec` in a slot it receives in.
    pub(crate) fn payload_for(&self, slot: usize, codec: MediaCodec) -> Option<u8> {
        let payloads = &self.lanes.get(slot)?.payloads;
        let fitting = payloads.iter().filter_map(|(payload_type, own)| {
            let fit = own.takes(codec)?;
            Some((fit, *payload_type))
        });
        // The first of the best, which is the peer's own order.
        fitting
            .rev()
            .max_by_key(|(fit, _)| *fit)
            .map(|(_, payload_type)| payload_type)
    }

    /// The SRTP profile, once DTLS is done.
    pub(crate) fn srtp_profile(&self) -> Option<&str> {
        self.profile.get().map(String::as_str)
    }

    fn learn_lanes(&mut self) {
        let params = self.rtc.codec_config().params();
        let known = params
            .iter()
            .filter_map(|p| Some((*p.pt(), codecs::describe(p)?)));
        self.codecs = known.collect();
        for (slot, mid) in self.mids.iter().enumerate() {
            let Some(media) = self.rtc.media(*mid) else {
                continue;
            };
            if slots::is_up(self.kinds[slot]) || media.disabled() || !media.direction().is_sending()
            {
                continue;
            }
            let find = |pt: &u8| self.codecs.iter().find(|(known, _)| known == pt).copied();
            let payloads = media
                .remote_pts()
                .iter()
                .filter_map(|pt| find(pt))
                .collect();
            let mut api = self.rtc.direct_api();
            let stream = api.stream_tx_by_mid(*mid, None);
            let ssrc = stream.map(|stream| {
                stream.set_rtx_cache(RTX_PACKETS, RTX_AGE, Some(RTX_SHARE));
                stream.ssrc()
            });
            self.lanes[slot] = Lane { ssrc, payloads };
        }
    }

    /// Polls until a media packet has come out or nothing more comes.
    fn poll(&mut self, produce: &mut Produce) -> Result<Option<Packet>, StackError> {
        loop {
            let output = match self.rtc.poll_output() {
                // The peer said goodbye before its data channel was up; the stack calls that an
                // error of its SCTP and forgets to report the goodbye.
                Err(RtcError::Sctp(_)) => {
                    produce.events.push(PeerEvent::Closed);
                    return Ok(None);
                }
                other => other?,
            };
            match output {
                Output::Timeout(at) => {
                    self.deadline = Some(at);
                    return Ok(None);
                }
                Output::Transmit(transmit) => produce.datagrams.push(Datagram {
                    carrier: carrier(transmit.proto),
                    local: transmit.source,
                    remote: transmit.destination,
                    bytes: transmit.contents.into(),
                }),
                Output::Event(Event::RtpPacket(packet)) => {
                    if let Some(packet) = self.packet(packet) {
                        return Ok(Some(packet));
                    }
                }
                Output::Event(event) => {
                    if let Some(event) = self.event(event) {
                        produce.events.push(event);
                    }
                }
            }
        }
    }

    fn packet(&mut self, packet: RtpPacket) -> Option<Packet> {
        let header = packet.header;
        let payload_type = *header.payload_type;
        let codec = self
            .codecs
            .iter()
            .find(|(known, _)| *known == payload_type)?
            .1;
        Some(Packet {
            slot: self.slot_of(header.ssrc)?,
            ssrc: *header.ssrc,
            sequence: *packet.seq_no,
            timestamp: header.timestamp,
            marker: header.marker,
            codec,
            extensions: Extensions(ExtensionValues {
                audio_level: header.ext_vals.audio_level,
                voice_activity: header.ext_vals.voice_activity,
                video_orientation: header.ext_vals.video_orientation,
                abs_capture_time: header.ext_vals.abs_capture_time,
                ..ExtensionValues::default()
            }),
            payload: packet.payload,
        })
    }

    fn slot_of(&mut self, ssrc: Ssrc) -> Option<usize> {
        if let Some((_, slot)) = self.ssrcs.iter().find(|(known, _)| *known == ssrc) {
            return Some(*slot);
        }
        let mid = self.rtc.direct_api().stream_rx(&ssrc)?.mid();
        let slot = self.slot_of_mid(mid)?;
        if self.ssrcs.len() == KNOWN_SSRCS {
            self.ssrcs.remove(0);
        }
        self.ssrcs.push((ssrc, slot));
        Some(slot)
    }

    fn slot_of_mid(&self, mid: Mid) -> Option<usize> {
        self.mids.iter().position(|known| *known == mid)
    }

    fn event(&mut self, event: Event) -> Option<PeerEvent> {
        match event {
            Event::IceConnectionStateChange(
                IceConnectionState::Connected | IceConnectionState::Completed,
            ) => Some(PeerEvent::IceConnected),
            Event::Connected => Some(PeerEvent::Connected),
            Event::Closed => Some(PeerEvent::Closed),
            Event::KeyframeRequest(request) => {
                let slot = self.slot_of_mid(request.mid)?;
                Some(PeerEvent::KeyframeWanted { slot })
            }
            Event::ChannelOpen(id, _) if id == self.channel.id => {
                self.channel.open = true;
                None
            }
            Event::ChannelClose(id) if id == self.channel.id => {
                self.channel.open = false;
                None
            }
            Event::ChannelData(message) if message.id == self.channel.id => {
                Some(PeerEvent::Message {
                    binary: message.binary,
                    data: message.data,
                })
            }
            Event::MediaEgressStats(stats) => {
                let slot = self.slot_of_mid(stats.mid)?;
                self.lane_nacks[slot] = stats.nacks;
                self.counts.nacks_in = self.lane_nacks.iter().sum();
                if slots::is_video(self.kinds[slot]) || self.counts.loss.is_none() {
                    self.counts.loss = stats.loss.or(self.counts.loss);
                }
                self.counts.rtt = stats.rtt.or(self.counts.rtt);
                Some(PeerEvent::Counts(self.counts))
            }
            Event::PeerStats(stats) => {
                self.counts.rtt = stats.rtt.or(self.counts.rtt);
                Some(PeerEvent::Counts(self.counts))
            }
            _ => None,
        }
    }
}

fn protocol(carrier: Carrier) -> Protocol {
    match carrier {
        Carrier::Udp => Protocol::Udp,
        Carrier::Tcp => Protocol::Tcp,
    }
}

fn carrier(protocol: Protocol) -> Carrier {
    match protocol {
        Protocol::Udp => Carrier::Udp,
        _ => Carrier::Tcp,
    }
}
