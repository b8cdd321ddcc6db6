//! One connection of a participant: a transport, the paths it is reached on, and its bookkeeping.

mod choosing;
mod paths;
mod source;

use std::time::Instant;

use lens_protocol::id::{Generation, ParticipantId};
use lens_protocol::media::{CauseCode, ConnectionStats, SlotKind, TimelineStep};
use lens_protocol::wish::Wish;

use crate::config::Timeouts;
use crate::core::arena::Key;
use crate::core::budget::Budget;
use crate::core::demux::Ufrag;
use crate::core::forward::Rewriter;
use crate::core::gauge::{Meter, RateGuard, Tally};
use crate::core::layers::{Choice, Meter as LayerMeter};
use crate::core::pacer::Pacer;
use crate::core::path::{Carrier, Moment, Path};
use crate::core::peer::{Packet, Peer};
use crate::core::rtp::descriptor::Frame;
use crate::core::rtp::ring::Ring;
use crate::core::scalable::Cut;
use crate::core::slots;
use crate::core::timeline::Journal;
use crate::core::vp8::Numbers;
use paths::Reached;
pub(crate) use source::Source;

/// Most verified checks a second; ICE uses about 20 while it connects.
pub(crate) const CHECKS_PER_S: u32 = 100;
/// Most DTLS bytes before the handshake is done. A handshake takes about 4 KB.
pub(crate) const HANDSHAKE_BYTES: usize = 64 * 1024;
/// Voice of one participant, in kilobits per second; who sends more than twice as much on end is
/// cut off. Browsers send 32, and 128 when a page asks for music; the codec ends at 510.
const VOICE_KBPS: u32 = 256;
/// Steps that the stack may refuse before the peer counts as hostile.
pub(crate) const MOST_REFUSALS: u32 = 200;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The offer is out.
    Offered,
    /// The answer is in.
    Answered,
    /// DTLS is done.
    Connected,
}

/// One connection.
pub(crate) struct Link {
    pub(crate) room: Key,
    pub(crate) participant: ParticipantId,
    pub(crate) generation: Generation,
    pub(crate) ufrag: Ufrag,
    pub(crate) kinds: Vec<SlotKind>,
    pub(crate) peer: Peer,
    pub(crate) phase: Phase,
    pub(crate) journal: Journal,
    pub(crate) tally: Tally,
    pub(crate) checks: Meter,
    pub(crate) messages: Meter,
    pub(crate) video_rate: RateGuard,
    pub(crate) voice_rate: RateGuard,
    /// What the way to it carries, in bits per second, once something has shown a limit.
    pub(crate) limit: Option<u64>,
    /// What it wishes for, and how often it says so.
    pub(crate) wish: Wish,
    pub(crate) wishes: Meter,
    /// What it has been asked not to exceed.
    pub(crate) ceiling: Option<u64>,
    pub(crate) budget: Budget,
    pub(crate) pacer: Pacer,
    /// What voices take of its way.
    pub(crate) voices: LayerMeter,
    pub(crate) handshake_bytes: usize,
    pub(crate) refusals: u32,
    /// One for each slot the participant receives in.
    pub(crate) rewriters: Vec<Option<Rewriter>>,
    /// One for each slot; used for those the participant sees a camera in that sends layers.
    pub(crate) choices: Vec<Choice>,
    /// One for each slot, as above.
    pub(crate) numbers: Vec<Numbers>,
    /// One for each slot, once a scalable stream has come in it.
    pub(crate) cuts: Vec<Option<Box<Cut>>>,
    /// One for each slot; used for those the participant sends video in.
    pub(crate) sources: Vec<Source>,
    /// What came last in each slot.
    pub(crate) rings: Vec<Ring>,
    /// What came in this turn and waits to be forwarded.
    pub(crate) arrived: Vec<Arrived>,
    /// Who receives what it sends: nobody unless it is its participant's current connection and
    /// the conference is not held.
    pub(crate) routes: Routes,
    /// Whether it waits for its drain at the end of the turn.
    pub(crate) dirty: bool,
    /// When the timer that is set for it rings.
    pub(crate) timer: Option<Instant>,
    paths: Vec<Reached>,
    egress: Option<Path>,
    /// Whether the traffic goes there although the peer has nominated no path yet.
    provisional: bool,
    phase_since: Instant,
    heard: Instant,
    checked: Instant,
}

/// Receivers of what one connection sends, each with the slot it receives in; kept ready so that
/// forwarding searches nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    pub(crate) video: Vec<(Key, usize)>,
    pub(crate) voice: Vec<(Key, usize)>,
}

impl Routes {
    /// The receiver number `index` of what is sent in a slot of this kind.
    pub(crate) fn get(&self, up: SlotKind, index: usize) -> Option<(Key, usize)> {
        let receivers = match up {
            SlotKind::VideoUp => &self.video,
            SlotKind::AudioUp => &self.voice,
            // Screen slots are kept free: nothing is forwarded in them yet.
            _ => return None,
        };
        receivers.get(index).copied()
    }
}

/// A packet that waits to be forwarded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) packet: Packet,
    /// `Some(true)` for the first packet of a keyframe, `None` when there are none (audio).
    pub(crate) keyframe: Option<bool>,
    /// What its frame is, in a scalable stream.
    pub(crate) frame: Option<Frame>,
    /// Whether it ends a picture for the receiver it is passed to.
    pub(crate) ends: bool,
    /// Whether anybody got it.
    pub(crate) sent: bool,
}

/// What a new connection is made of.
pub(crate) struct NewLink {
    pub(crate) room: Key,
    pub(crate) participant: ParticipantId,
    pub(crate) generation: Generation,
    pub(crate) ufrag: Ufrag,
    pub(crate) kinds: Vec<SlotKind>,
    pub(crate) peer: Peer,
    pub(crate) max_video_kbps: u32,
}

impl Link {
    pub(crate) fn new(new: NewLink, at: Moment, mut first_sequence: impl FnMut() -> u16) -> Self {
        let rewriters = new.kinds.iter().map(|kind| {
            let receives = !slots::is_up(*kind);
            receives.then(|| Rewriter::new(first_sequence()))
        });
        let mut journal = Journal::default();
        journal.note(TimelineStep::OfferMade, at.wall);
        Self {
            rewriters: rewriters.collect(),
            choices: new.kinds.iter().map(|_| Choice::default()).collect(),
            numbers: new.kinds.iter().map(|_| Numbers::default()).collect(),
            cuts: new.kinds.iter().map(|_| None).collect(),
            sources: new.kinds.iter().map(|_| Source::default()).collect(),
            rings: new.kinds.iter().map(|_| Ring::default()).collect(),
            arrived: Vec::new(),
            room: new.room,
            participant: new.participant,
            generation: new.generation,
            ufrag: new.ufrag,
            kinds: new.kinds,
            peer: new.peer,
            phase: Phase::Offered,
            journal,
            tally: Tally::default(),
            checks: Meter::new(at.instant),
            messages: Meter::new(at.instant),
            video_rate: RateGuard::new(new.max_video_kbps, at.instant),
            voice_rate: RateGuard::new(VOICE_KBPS, at.instant),
            limit: None,
            wish: Wish::default(),
            wishes: Meter::new(at.instant),
            ceiling: None,
            budget: Budget::new(),
            pacer: Pacer::default(),
            voices: LayerMeter::default(),
            handshake_bytes: 0,
            refusals: 0,
            routes: Routes::default(),
            dirty: false,
            timer: None,
            paths: Vec::new(),
            egress: None,
            provisional: false,
            phase_since: at.instant,
            heard: at.instant,
            checked: at.instant,
        }
    }

    /// Moves on to `phase`.
    pub(crate) fn enter(&mut self, phase: Phase, step: TimelineStep, at: Moment) {
        self.phase = phase;
        self.phase_since = at.instant;
        self.heard = at.instant;
        self.checked = at.instant;
        self.journal.note(step, at.wall);
    }

    /// Why the connection has to be given up now, if it has to.
    pub(crate) fn overdue(&self, timeouts: &Timeouts, now: Instant) -> Option<CauseCode> {
        if self.limit(timeouts) > now {
            return None;
        }
        Some(match self.phase {
            Phase::Offered => CauseCode::NoAnswer,
            Phase::Answered if self.journal.reached(TimelineStep::FirstCheck) => {
                CauseCode::DtlsFailed
            }
            Phase::Answered => CauseCode::NoConnectivityCheck,
            Phase::Connected => CauseCode::Silent,
        })
    }

    /// Bytes leave for it whatever its way carries.
    pub(crate) fn spend(&mut self, bytes: usize, now: Instant) {
        self.budget.spend(bytes, now);
        self.pacer.spend(bytes, now);
    }

    /// When the connection next needs attention.
    pub(crate) fn deadline(&self, timeouts: &Timeouts) -> Instant {
        let keyframes = self
            .sources
            .iter()
            .flat_map(|source| &source.layers)
            .filter_map(|layer| layer.throttle.deadline());
        let stack = self.peer.deadline().into_iter();
        keyframes
            .chain(stack)
            .chain(self.pacer.due())
            .fold(self.limit(timeouts), Instant::min)
    }

    /// The figures others are told.
    pub(crate) fn stats(&self) -> ConnectionStats {
        let connected = self.phase == Phase::Connected;
        let carrier = self
            .egress
            .or_else(|| self.paths().next())
            .filter(|_| connected);
        ConnectionStats {
            transport: carrier.map(|path| match path.carrier {
                Carrier::Udp => "udp".to_owned(),
                Carrier::Tcp => "tcp".to_owned(),
            }),
            srtp_profile: self.peer.srtp_profile().map(str::to_owned),
            limit_kbps: self
                .limit
                .map(|bps| u32::try_from(bps / 1_000).unwrap_or(u32::MAX)),
            ..self.tally.describe()
        }
    }

    fn limit(&self, timeouts: &Timeouts) -> Instant {
        match self.phase {
            Phase::Offered => self.phase_since + timeouts.answer,
            Phase::Answered => self.phase_since + timeouts.connect,
            Phase::Connected => {
                (self.heard + timeouts.silence).min(self.checked + timeouts.consent)
            }
        }
    }
}
