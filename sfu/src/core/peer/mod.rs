//! The transport of one peer, and the one folder that names the media stack's types.
//!
//! What the media thread asks of a transport: a datagram in ([`Peer::receive`]), a packet out
//! ([`Peer::write`]), the end of the turn ([`Peer::drain`]).
//!
//! The stack (str0m) does ICE, DTLS, SDP and SCTP. RTP and RTCP go our own path (fast/), and the
//! object of the stack that stays never hears of them (transport.rs); or they go through the stack
//! (stack.rs), when the configuration says so. Then it holds one received packet: after every input
//! it is polled at least until that packet has come out, and packets written to it in a turn leave
//! with the turn's one drain.

mod accept;
mod build;
#[cfg(test)]
mod client;
mod codecs;
mod extensions;
mod fast;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod learn;
mod mute;
mod rids;
mod stack;
mod tap;
mod transport;
mod types;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::media::SlotKind;
use lens_runtime::udp::Runs;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::media::{Mid, Rid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::Ssrc;
use str0m::{Input, Rtc};

pub(crate) use accept::accept;
pub(crate) use build::{Blueprint, Built, CHANNEL_MESSAGE, Credentials, Identity, build};
#[cfg(test)]
pub(crate) use client::{NewClient, client};
pub(crate) use types::{Counts, Datagram, Outgoing, Packet, PeerEvent, Produce, StackError};

use super::codec::MediaCodec;
use super::path::{Carrier, Moment, Path};
use super::rtp::header;
use super::rtp::reception::Clock;
use super::rtp::ring::Ring;
use super::rtp::srtp::{self, Opener, Sealer, SrtpError};
use crate::core::stun;
use crate::error::SfuError;
use fast::{Fast, Terms};
use tap::{Keys, Outcome};
use transport::{Half, Remote};

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

/// The data channel of our offer, and the one for the server itself that the peer may open. Others
/// that it opens are ignored.
struct Channel {
    id: Option<ChannelId>,
    open: bool,
    control: Option<ChannelId>,
    /// Longest message that the peer takes, in bytes, where the stack was not told of it.
    longest: usize,
}

/// An offer that waits for its answer.
struct Negotiation {
    /// What made it, unless the peer's own object did; dropped with the answer.
    apart: Option<Box<Rtc>>,
    pending: SdpPendingOffer,
    /// What it says of SCTP, where it has a data channel and another object will do that.
    half: Option<Half>,
}

/// A parsed answer, made off the media thread.
pub(crate) struct ParsedAnswer {
    answer: SdpAnswer,
    remote: Remote,
    mixes: bool,
}

/// Parses the text of a trimmed answer.
pub(crate) fn parse_answer(sdp: &str) -> Result<ParsedAnswer, SfuError> {
    let answer = SdpAnswer::from_sdp_string(sdp);
    Ok(ParsedAnswer {
        answer: answer.map_err(|_| SfuError::InvalidSdp("a line cannot be read"))?,
        remote: Remote::read(sdp)?,
        mixes: mixes(sdp),
    })
}

/// Whether whoever wrote it takes both forms of header extensions in one stream (RFC 8285 §6).
fn mixes(sdp: &str) -> bool {
    let mut lines = sdp.lines();
    lines.any(|line| line.trim_end() == "a=extmap-allow-mixed")
}

/// One peer's transport.
pub(crate) struct Peer {
    rtc: Rtc,
    negotiation: Option<Negotiation>,
    mids: Vec<Mid>,
    kinds: Vec<SlotKind>,
    lanes: Vec<Lane>,
    /// Names of the layers that the peer sends in each slot, of the sizes of one picture; none for
    /// one size.
    layers: Vec<Vec<(Vec<u8>, u8)>>,
    /// The layer that we send in each slot.
    rids: Vec<Option<Rid>>,
    /// Payload types of the session, as the peer may send them.
    codecs: Vec<(u8, MediaCodec)>,
    ssrcs: Vec<(Ssrc, usize, u8)>,
    channel: Channel,
    outcome: Arc<Outcome>,
    password: stun::Password,
    /// First number of each repair stream, drawn when the peer was made.
    first_repair: u16,
    /// Whether the peer takes both forms of header extensions.
    mixes: bool,
    terms: Terms,
    /// SSRCs of the peer's answer, repair streams among them, each with its slot.
    announced: Vec<(u32, usize)>,
    /// Our own RTP path, once the handshake has given it its keys.
    own: Option<Box<Fast>>,
    deadline: Option<Instant>,
    /// Whether the stack was given something since its last drain.
    touched: bool,
    counts: Counts,
    lane_nacks: Vec<u64>,
}

/// What a [`Peer`] is made of.
struct Parts {
    rtc: Rtc,
    negotiation: Option<Negotiation>,
    mids: Vec<Mid>,
    kinds: Vec<SlotKind>,
    rids: Vec<Option<Rid>>,
    channel: Option<ChannelId>,
    outcome: Arc<Outcome>,
    password: stun::Password,
    first_repair: u16,
}

impl Peer {
    fn new(parts: Parts) -> Self {
        Self {
            lanes: parts.mids.iter().map(|_| Lane::default()).collect(),
            lane_nacks: vec![0; parts.mids.len()],
            layers: vec![Vec::new(); parts.mids.len()],
            rids: parts.rids,
            rtc: parts.rtc,
            negotiation: parts.negotiation,
            codecs: Vec::new(),
            ssrcs: Vec::new(),
            mids: parts.mids,
            kinds: parts.kinds,
            channel: Channel {
                id: parts.channel,
                open: false,
                control: None,
                longest: usize::MAX,
            },
            outcome: parts.outcome,
            password: parts.password,
            first_repair: parts.first_repair,
            mixes: false,
            terms: Terms::default(),
            announced: Vec::new(),
            own: None,
            deadline: None,
            touched: true,
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
        let negotiation = self.negotiation.take();
        let Negotiation {
            mut apart,
            pending,
            half,
        } = negotiation.ok_or_else(|| StackError("the offer was answered".to_owned()))?;
        let negotiator = apart.as_deref_mut().unwrap_or(&mut self.rtc);
        negotiator.sdp_api().accept_answer(pending, answer.answer)?;
        self.mixes = answer.mixes;
        if apart.is_some() {
            self.channel.longest = answer.remote.longest_message;
            self.channel.id = answer.remote.start(&mut self.rtc, half)?;
        }
        self.learn(apart);
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

    /// Whether whoever sent this check knows the password of the offer.
    pub(crate) fn proves(&self, request: &stun::Request<'_>, datagram: &[u8]) -> bool {
        self.password.proves(request, datagram)
    }

    /// A datagram in; the media packet that was in it, out, its payload in `rings`, one for each
    /// slot. [`Peer::drain`] has to follow in the same turn.
    pub(crate) fn receive(
        &mut self,
        at: Instant,
        path: &Path,
        local: SocketAddr,
        bytes: &[u8],
        rings: &mut [Ring],
        produce: &mut Produce,
    ) -> Result<Option<Packet>, StackError> {
        if self.own.is_some() && header::is_media(bytes) {
            return Ok(self.receive_media(at, bytes, rings, produce));
        }
        let Ok(receive) = Receive::new(protocol(path.carrier), path.remote, local, bytes) else {
            return Ok(None);
        };
        self.touched = true;
        self.rtc.handle_input(Input::Receive(at, receive))?;
        let packet = self.poll(produce)?;
        self.take_keys(at)?;
        Ok(packet.and_then(|packet| self.keep(packet, rings, at)))
    }

    fn receive_media(
        &mut self,
        at: Instant,
        bytes: &[u8],
        rings: &mut [Ring],
        produce: &mut Produce,
    ) -> Option<Packet> {
        if header::is_control(bytes) {
            let own = self.own.as_mut()?;
            own.control(bytes, at, |event| produce.events.push(event));
            return None;
        }
        let parsed = header::parse(bytes)?;
        let belongs = self.belongs(&parsed)?;
        let own = self.own.as_mut()?;
        if own.is_crowded(parsed.header.ssrc) {
            produce.events.push(PeerEvent::TooManyStreams);
            return None;
        }
        own.packet(bytes, &parsed, belongs, rings, at)
    }

    /// Begins our own path, once the handshake is done.
    fn take_keys(&mut self, at: Instant) -> Result<(), StackError> {
        let Some(keys) = self.outcome.take_keys() else {
            return Ok(());
        };
        let (sealer, opener) = contexts(&keys)?;
        let terms = std::mem::take(&mut self.terms);
        let fast = Fast::new(sealer, opener, terms, self.first_repair, at);
        self.own = Some(Box::new(fast));
        Ok(())
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

    /// A packet out, `to` where the peer is. On our own path it is in `outbox` at once; one that
    /// goes through the stack leaves with the next [`Peer::drain`]. False when the peer does not
    /// take that slot.
    pub(crate) fn write(
        &mut self,
        out: &Outgoing<'_>,
        to: Option<Path>,
        outbox: &mut Runs<Path>,
    ) -> bool {
        match (&mut self.own, to) {
            (Some(own), Some(to)) => own.write(out, to, outbox),
            (Some(_), None) => false,
            (None, _) => self.write_through_stack(out),
        }
    }

    /// A packet once more, because the peer has lost it. The stack repairs by itself.
    pub(crate) fn repair(
        &mut self,
        out: &Outgoing<'_>,
        to: Option<Path>,
        outbox: &mut Runs<Path>,
    ) -> bool {
        match (&mut self.own, to) {
            (Some(own), Some(to)) => own.repair(out, to, outbox),
            _ => false,
        }
    }

    /// The clocks of whoever is in a slot the peer receives in, by the timestamps sent there.
    pub(crate) fn note_source(&mut self, slot: usize, clock: Clock) {
        if let Some(own) = &mut self.own {
            own.note_source(slot, clock);
        }
    }

    /// At most so many kbit/s of video will ever be sent to it.
    pub(crate) fn expect_at_most(&mut self, kbps: u32) {
        // A quarter for repairs, and the voices.
        self.terms.wanted = u64::from(kbps) * 1_250 + 100_000;
    }

    /// Asks the peer not to send more than so many bits per second in all. Peers whose media goes
    /// through the stack are not asked.
    pub(crate) fn ask_at_most(&mut self, bps: u64) {
        if let Some(own) = &mut self.own {
            own.ask_at_most(bps);
        }
    }

    /// Whether it is found out what the way to it carries.
    pub(crate) fn is_estimated(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.is_estimated())
    }

    /// Asks the peer for a keyframe of a layer in a slot it sends in. False when nothing of it has
    /// come yet.
    pub(crate) fn request_keyframe(&mut self, slot: usize, layer: u8) -> bool {
        match &mut self.own {
            Some(own) => own.request_keyframe(slot, layer),
            None => self.request_through_stack(slot, layer),
        }
    }

    /// Whether the peer sends layers in a slot, each with a name.
    pub(crate) fn is_layered(&self, slot: usize) -> bool {
        self.layers
            .get(slot)
            .is_some_and(|layers| !layers.is_empty())
    }

    /// Whether it takes the dependency descriptors of a scalable stream.
    pub(crate) fn takes_descriptors(&self) -> bool {
        let own = self.own.as_ref();
        own.is_some_and(|own| own.terms().map.descriptor != 0)
    }

    /// Sends a message over the data channel. False when it is not open or its buffer is full.
    pub(crate) fn send_message(&mut self, binary: bool, data: &[u8]) -> bool {
        if !self.channel.open || data.len() > self.channel.longest {
            return false;
        }
        let id = self.channel.id;
        let Some(mut channel) = id.and_then(|id| self.rtc.channel(id)) else {
            return false;
        };
        self.touched = true;
        channel.write(binary, data).unwrap_or(false)
    }

    /// The end of the turn: everything written and due comes out, `to` where the peer is.
    pub(crate) fn drain(
        &mut self,
        at: Moment,
        to: Option<Path>,
        outbox: &mut Runs<Path>,
        produce: &mut Produce,
    ) -> Result<(), StackError> {
        let due = self.deadline.is_none_or(|due| due <= at.instant);
        if std::mem::take(&mut self.touched) || due {
            self.rtc.handle_input(Input::Timeout(at.instant))?;
            while self.poll(produce)?.is_some() {}
            self.take_keys(at.instant)?;
        }
        if let (Some(own), Some(to)) = (&mut self.own, to) {
            own.speak(at, to, outbox);
        }
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
        let own = self.own.as_ref().and_then(|own| own.due());
        self.deadline.into_iter().chain(own).min()
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

    /// Whether the stack keeps anything of the media.
    #[cfg(test)]
    pub(crate) fn stack_knows_media(&self) -> bool {
        let known = self.mids.iter().any(|mid| self.rtc.media(*mid).is_some());
        known || self.negotiation.is_some() || !self.rtc.codec_config().params().is_empty()
    }

    /// Whether packets are sent as they are written, so that whoever writes counts them.
    pub(crate) fn counts_itself(&self) -> bool {
        self.own.is_some()
    }

    /// The SRTP profile, once DTLS is done.
    pub(crate) fn srtp_profile(&self) -> Option<&str> {
        self.outcome.profile()
    }

    fn slot_of_mid(&self, mid: Mid) -> Option<usize> {
        self.mids.iter().position(|known| *known == mid)
    }
}

fn contexts(keys: &Keys) -> Result<(Sealer, Opener), StackError> {
    let refused = |error: SrtpError| StackError(error.to_string());
    let unknown = || StackError("the handshake agreed on an unknown profile of SRTP".to_owned());
    let profile = keys.profile.ok_or_else(unknown)?;
    let (ours, theirs) = srtp::split(profile, &keys.material, keys.client).map_err(refused)?;
    let sealer = Sealer::new(&ours).map_err(refused)?;
    let opener = Opener::new(&theirs).map_err(refused)?;
    Ok((sealer, opener))
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
