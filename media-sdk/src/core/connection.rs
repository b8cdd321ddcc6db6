//! One generation of a participant: one offer, one media stack, one answer, and its slots.
//!
//! Reports what becomes of it as [`Notice`]s; what it does about frames and messages is in
//! [`Receiver`] and [`Lane`]. The twin of `html5-sdk/src/connection.js`, whose times it keeps.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::conference::ParticipantOffer;
use lens_protocol::entropy::Entropy;
use lens_protocol::id::{ConferenceId, Generation, NegotiationId, ParticipantId};
use lens_protocol::media::{Slot, SlotKind};

use super::reception::{Due, Receiver};
use super::sending::{Lane, Uplink};
use super::stack::{Arrived, Broken, Counts, Happened, Identity, Part, Polled, Stack};
use super::{
    Carrier, ConnectionId, Datagram, Output, OwnedFrame, SessionConfig, Transmit, earlier, sdp,
};
use crate::frame::{MediaKind, Track};
use crate::network::OfferReason;
use crate::stats::Stats;

/// How long a new connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long there may be no path: short cuts heal by themselves.
const PATHLESS: Duration = Duration::from_secs(2);
/// Silence that means a broken connection: checks are answered every 1.5 s.
const SILENCE: Duration = Duration::from_secs(4);
/// How long datagrams are tried alone before TCP is tried beside them.
const UDP_FIRST: Duration = Duration::from_millis(1_000);
/// What the stack wants to do within this time it does now. Higher makes its pacing rougher; the
/// driver's timers are no finer.
const AHEAD: Duration = Duration::from_millis(1);
/// Turns of the stack at one time, before others have theirs.
const MOST_TURNS: usize = 256;
/// Most TCP addresses that are called.
const MOST_DIALS: usize = 4;

/// Which offer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OfferName {
    pub(super) conference: ConferenceId,
    pub(super) participant: ParticipantId,
    pub(super) generation: Generation,
    pub(super) negotiation_id: NegotiationId,
}

impl OfferName {
    pub(super) const fn of(offer: &ParticipantOffer) -> Self {
        Self {
            conference: offer.conference,
            participant: offer.participant,
            generation: offer.generation,
            negotiation_id: offer.negotiation_id,
        }
    }

    /// Whether it replaces `than`. A server that has lost its conference makes another one, in
    /// which this end has another id: that counts as newer.
    pub(super) fn is_newer(&self, than: &Self) -> bool {
        if (self.conference, self.participant) != (than.conference, than.participant) {
            return true;
        }
        let order = |name: &Self| (name.generation, name.negotiation_id);
        order(self) > order(than)
    }
}

/// What a connection reports.
pub(super) enum Notice {
    /// Media can flow: for the first time, or again.
    Connected,
    /// It broke, or was not made in time; it may still recover.
    Trouble(OfferReason),
    /// The other side wants a keyframe.
    KeyframeWanted,
    /// A message of the data channel.
    Message(Vec<u8>),
    /// The data channel can be written to.
    ChannelOpen,
}

/// One connection.
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) name: OfferName,
    pub(super) receivers: Vec<Receiver>,
    pub(super) video_up: Option<Lane>,
    pub(super) audio_up: Option<Lane>,
    pub(super) uplink: Uplink,
    pub(super) counts: Counts,
    pub(super) carrier: Option<Carrier>,
    /// Kinds of which it has given out a frame.
    pub(super) flows: [bool; 2],
    pub(super) was_connected: bool,
    pub(super) since: Option<Instant>,
    stack: Stack,
    stack_due: Option<Instant>,
    outputs: VecDeque<Output>,
    notices: VecDeque<Notice>,
    arrivals: VecDeque<Arrived>,
    remote_tcp: Vec<SocketAddr>,
    /// Whether the offer has a candidate on loopback, and whether it has another.
    on_loopback: [bool; 2],
    addresses: Vec<SocketAddr>,
    trouble: bool,
    /// A picture has been sent, and the way is looked into for more of them.
    probes: bool,
    deadline: Option<Instant>,
    dial_at: Option<Instant>,
    last_heard: Instant,
}

impl Connection {
    /// Answers an offer; returns the answer's SDP.
    pub(super) fn answer(
        id: ConnectionId,
        offer: &ParticipantOffer,
        config: &SessionConfig,
        identity: &Identity,
        entropy: &mut dyn Entropy,
        now: Instant,
    ) -> Result<(Self, String), Broken> {
        let has = |kind| offer.slots.iter().any(|slot| slot.kind == kind);
        let part = Part {
            films: has(SlotKind::VideoUp),
            watches: has(SlotKind::VideoDown),
        };
        let (mut stack, answer) = Stack::answer(&offer.sdp, part, identity, entropy, now)?;
        let sends = |slot: &&Slot| matches!(slot.kind, SlotKind::VideoUp | SlotKind::AudioUp);
        for slot in offer.slots.iter().filter(sends) {
            stack.put_away(&slot.mid);
        }
        let candidates = sdp::candidates(&offer.sdp);
        let tcp = |(carrier, address): &(Carrier, SocketAddr)| {
            (*carrier == Carrier::Tcp && config.tcp).then_some(*address)
        };
        let remote_tcp: Vec<_> = candidates.iter().filter_map(tcp).take(MOST_DIALS).collect();
        let lane = |kind| {
            let slot = offer.slots.iter().find(|slot| slot.kind == kind);
            slot.map(|slot| Lane::new(slot.mid.clone()))
        };
        let video_up = lane(SlotKind::VideoUp);
        let limit = video_up
            .as_ref()
            .and_then(|lane| sdp::limit_bps(&offer.sdp, &lane.mid))
            .map_or(config.max_video_bps, |bps| bps.min(config.max_video_bps));
        let mut connection = Self {
            id,
            name: OfferName::of(offer),
            receivers: receivers(&offer.slots, config),
            uplink: Uplink::new(u64::from(limit), config.max_fps),
            audio_up: lane(SlotKind::AudioUp),
            video_up,
            counts: Counts::default(),
            carrier: None,
            flows: [false; 2],
            was_connected: false,
            since: None,
            stack,
            stack_due: None,
            outputs: VecDeque::new(),
            notices: VecDeque::new(),
            arrivals: VecDeque::new(),
            dial_at: (!remote_tcp.is_empty()).then_some(now + UDP_FIRST),
            remote_tcp,
            on_loopback: [true, false].map(|wanted| {
                let is =
                    |(_, address): &(Carrier, SocketAddr)| address.ip().is_loopback() == wanted;
                candidates.iter().any(is)
            }),
            addresses: Vec::new(),
            trouble: false,
            probes: false,
            deadline: Some(now + CONNECT),
            last_heard: now,
        };
        connection.drain(now);
        Ok((connection, answer))
    }

    /// Whether media can flow now.
    pub(super) const fn is_healthy(&self) -> bool {
        self.was_connected && !self.trouble
    }

    /// The addresses of its socket, all of them.
    pub(super) fn set_addresses(&mut self, now: Instant, addresses: &[SocketAddr]) {
        // Between loopback and elsewhere there is no path that a network would carry.
        let [loopback, elsewhere] = self.on_loopback;
        let usable = |address: &&SocketAddr| match address.ip().is_loopback() {
            true => loopback,
            false => elsewhere,
        };
        let wanted: Vec<SocketAddr> = addresses.iter().filter(usable).copied().collect();
        let former = std::mem::replace(&mut self.addresses, wanted.clone());
        for gone in former.iter().filter(|address| !wanted.contains(address)) {
            self.mutate(now, |stack| stack.remove_address(Carrier::Udp, *gone));
        }
        for new in wanted.iter().filter(|address| !former.contains(address)) {
            self.mutate(now, |stack| stack.add_address(Carrier::Udp, *new));
        }
    }

    /// A TCP connection is there.
    pub(super) fn tcp_opened(&mut self, now: Instant, local: SocketAddr) {
        self.mutate(now, |stack| stack.add_address(Carrier::Tcp, local));
    }

    /// It is gone.
    pub(super) fn tcp_closed(&mut self, now: Instant, local: SocketAddr) {
        self.mutate(now, |stack| stack.remove_address(Carrier::Tcp, local));
    }

    /// Takes a datagram.
    pub(super) fn receive(&mut self, now: Instant, datagram: &Datagram<'_>) {
        self.last_heard = now;
        let received = self.stack.receive(now, datagram);
        self.settle(received);
        self.drain(now);
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, now: Instant) {
        // The stack may want to be called again a microsecond later. Each of these would be a wake-up.
        for _ in 0..MOST_TURNS {
            let Some(due) = self.stack_due.filter(|due| *due <= now + AHEAD) else {
                break;
            };
            let passed = self.stack.timeout(due.max(now));
            self.settle(passed);
            self.drain(now);
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            self.break_down(OfferReason::Failed);
        }
        if self.is_healthy() && now.saturating_duration_since(self.last_heard) >= SILENCE {
            self.break_down(OfferReason::Failed);
        }
        if self.dial_at.is_some_and(|at| at <= now) {
            self.dial_at = None;
            let id = self.id;
            let dials = self
                .remote_tcp
                .drain(..)
                .map(|remote| Output::Dial(id, remote));
            self.outputs.extend(dials);
        }
    }

    /// Sends a frame of the host's; false when it was dropped.
    pub(super) fn send(&mut self, now: Instant, frame: &OwnedFrame) -> bool {
        if !self.is_healthy() {
            return false;
        }
        let kind = frame.codec.kind();
        let Some(lane) = self.lane(kind) else {
            return false;
        };
        let mid = lane.mid.clone();
        if kind == MediaKind::Video {
            // Not before: probes are data that a customer pays for.
            if !std::mem::replace(&mut self.probes, true) {
                let most = self.uplink.most_bps();
                self.mutate(now, |stack| stack.want(most));
            }
            let Some(lane) = self.lane(kind) else {
                return false;
            };
            if !lane.passes(now, frame.keyframe) {
                return false;
            }
            if !self.uplink.admits(now, frame.data.len()) {
                self.break_chain(now);
                return false;
            }
        }
        let written = self.mutate(now, |stack| stack.write(&mid, frame, now));
        let written = written.unwrap_or_else(|broken| {
            self.settle(Err(broken));
            false
        });
        if !written && kind == MediaKind::Video {
            self.break_chain(now);
        }
        written
    }

    /// A picture of the host's was dropped.
    pub(super) fn break_chain(&mut self, now: Instant) {
        if let Some(lane) = &mut self.video_up {
            lane.break_chain(now);
        }
    }

    /// Whether the other end takes this codec.
    pub(super) fn takes(&mut self, codec: crate::frame::Codec) -> Option<bool> {
        let mid = self.lane(codec.kind())?.mid.clone();
        Some(self.stack.takes(&mid, codec))
    }

    /// Whether the host is to be asked for a keyframe now.
    pub(super) fn poll_keyframe_for_sending(&mut self, now: Instant) -> bool {
        let lane = self.video_up.as_mut();
        lane.is_some_and(|lane| lane.asking.poll(now))
    }

    /// Asks for missing keyframes that are due; returns how many requests left.
    pub(super) fn request_keyframes(&mut self, now: Instant) -> u64 {
        let due = |receiver: &mut Receiver| {
            let asks = receiver.poll_keyframe(now);
            asks.then(|| receiver.track.mid.clone())
        };
        let mids: Vec<String> = self.receivers.iter_mut().filter_map(due).collect();
        let asked = mids
            .iter()
            .filter(|mid| self.mutate(now, |stack| stack.request_keyframe(mid)));
        asked.count() as u64
    }

    /// The next frame whose time has come.
    pub(super) fn poll_frame(
        &mut self,
        now: Instant,
        clock_us: u64,
        stats: &mut Stats,
    ) -> Option<(Arc<Track>, Due)> {
        for receiver in &mut self.receivers {
            if let Some(due) = receiver.poll(now, clock_us, stats) {
                return Some((Arc::clone(&receiver.track), due));
            }
        }
        None
    }

    /// Has each frame that came wait in its section.
    pub(super) fn sort_arrivals(&mut self, now: Instant, stats: &mut Stats) {
        if self.arrivals.is_empty() {
            return;
        }
        for arrived in self.arrivals.drain(..) {
            let mut receivers = self.receivers.iter_mut();
            if let Some(receiver) = receivers.find(|receiver| receiver.track.mid == arrived.mid) {
                receiver.take(now, arrived, stats);
            }
        }
        Receiver::keep_together(&mut self.receivers, now);
    }

    /// Hands messages to the data channel while it takes them; returns how many.
    pub(super) fn write_messages(&mut self, now: Instant, talk: &mut super::talk::Talk) -> u64 {
        let (mut count, us) = (0, self.name.participant);
        while talk.waiting() > 0 && self.mutate(now, |stack| talk.hand_over(us, stack)) {
            count += 1;
        }
        count
    }

    pub(super) fn poll_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When it wants to be called.
    pub(super) fn due(&self) -> Option<Instant> {
        let silence = self.is_healthy().then(|| self.last_heard + SILENCE);
        let lane = self.video_up.as_ref().and_then(|lane| lane.asking.due());
        let lane = lane.filter(|_| self.is_healthy());
        let receivers = self.receivers.iter().map(Receiver::due).fold(None, earlier);
        [self.stack_due, self.deadline, self.dial_at, silence, lane]
            .into_iter()
            .fold(receivers, earlier)
    }

    /// Something may have changed below: look sooner for a dead path.
    pub(super) fn check(&mut self, now: Instant) {
        if self.is_healthy() {
            let soon = now.checked_sub(SILENCE - PATHLESS).unwrap_or(now);
            self.last_heard = self.last_heard.min(soon);
        }
    }

    /// Says goodbye to the other end.
    pub(super) fn close(&mut self, now: Instant) {
        self.mutate(now, Stack::close);
        self.notices.clear();
    }

    /// One change of the stack, which is polled dry after it.
    fn mutate<R>(&mut self, now: Instant, change: impl FnOnce(&mut Stack) -> R) -> R {
        let result = change(&mut self.stack);
        self.drain(now);
        result
    }

    fn drain(&mut self, now: Instant) {
        loop {
            match self.stack.poll() {
                Ok(Polled::Idle(at)) => {
                    self.stack_due = Some(at);
                    return;
                }
                Ok(Polled::Transmit {
                    carrier,
                    source,
                    destination,
                    bytes,
                }) => {
                    // Checks go everywhere; what is no STUN goes the way that was chosen.
                    if bytes.first().is_some_and(|first| *first > 3) {
                        self.carrier = Some(carrier);
                    }
                    self.outputs.push_back(Output::Transmit(Transmit {
                        connection: self.id,
                        carrier,
                        source,
                        destination,
                        bytes,
                    }));
                }
                Ok(Polled::Happened(happened)) => self.take(now, happened),
                Err(broken) => {
                    self.settle(Err(broken));
                    self.stack_due = None;
                    return;
                }
            }
        }
    }

    fn take(&mut self, now: Instant, happened: Happened) {
        match happened {
            Happened::Connected => {
                self.was_connected = true;
                self.since = Some(now);
                self.recover(now);
            }
            Happened::Path(true) if self.was_connected => self.recover(now),
            Happened::Path(true) => {}
            Happened::Path(false) if self.was_connected => self.deadline = Some(now + PATHLESS),
            Happened::Path(false) => {}
            Happened::Closed => self.break_down(OfferReason::Failed),
            Happened::KeyframeWanted => self.notices.push_back(Notice::KeyframeWanted),
            Happened::Estimate(bps) => self.uplink.estimated(bps),
            Happened::Ceiling(bps) => self.uplink.limited(bps),
            Happened::Message(bytes) => self.notices.push_back(Notice::Message(bytes)),
            Happened::Counts(counts) => self.counts = counts,
            Happened::Loss {
                sending: true,
                loss,
            } => self.counts.loss_sending = Some(loss),
            Happened::Loss {
                sending: false,
                loss,
            } => self.counts.loss_receiving = Some(loss),
            Happened::ChannelOpen => self.notices.push_back(Notice::ChannelOpen),
            Happened::Frame(arrived) => self.arrivals.push_back(*arrived),
        }
    }

    fn recover(&mut self, now: Instant) {
        self.deadline = None;
        self.trouble = false;
        self.last_heard = now;
        self.notices.push_back(Notice::Connected);
    }

    fn settle(&mut self, outcome: Result<(), Broken>) {
        if outcome.is_err() {
            self.break_down(OfferReason::Failed);
        }
    }

    fn break_down(&mut self, reason: OfferReason) {
        if !self.trouble {
            self.trouble = true;
            self.deadline = None;
            self.notices.push_back(Notice::Trouble(reason));
        }
    }

    const fn lane(&mut self, kind: MediaKind) -> Option<&mut Lane> {
        match kind {
            MediaKind::Video => self.video_up.as_mut(),
            MediaKind::Audio => self.audio_up.as_mut(),
        }
    }
}

fn receivers(slots: &[Slot], config: &SessionConfig) -> Vec<Receiver> {
    let receiver = |slot: &Slot| {
        let kind = match slot.kind {
            SlotKind::VideoDown => MediaKind::Video,
            SlotKind::AudioDown => MediaKind::Audio,
            _ => return None,
        };
        let track = Track {
            mid: slot.mid.clone(),
            kind,
            participant: slot.source,
        };
        Some(Receiver::new(track, config.playout))
    };
    slots.iter().filter_map(receiver).collect()
}
