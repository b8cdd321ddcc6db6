//! One connection of a participant: a transport, the paths it is reached on, and its bookkeeping.

use std::time::{Duration, Instant};

use lens_protocol::id::{Generation, ParticipantId};
use lens_protocol::media::{CauseCode, ConnectionStats, SlotKind, TimelineStep};
use lens_protocol::wish::Wish;

use super::arena::Key;
use super::budget::Budget;
use super::codec::MediaCodec;
use super::demux::Ufrag;
use super::forward::Rewriter;
use super::gauge::{Meter, RateGuard, Tally};
use super::keyframe::Throttle;
use super::layers::{self, Choice, Flow, LAYERS, Meter as LayerMeter, Needs, Sent};
use super::pacer::Pacer;
use super::path::{Carrier, Moment, Path};
use super::peer::{Packet, Peer};
use super::rtp::descriptor::{Frame, Rewritten};
use super::rtp::ring::Ring;
use super::scalable::{self, Cut, Scalable};
use super::slots;
use super::timeline::Journal;
use super::vp8::{Numbers, Patch};
use crate::config::Timeouts;

/// Most addresses that one connection is reached on; the longest silent one makes room.
const MOST_PATHS: usize = 16;
/// A path that has been silent this long loses its traffic to one that is not.
const PATH_SILENCE: Duration = Duration::from_millis(500);
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

#[derive(Clone, Copy, Debug)]
struct Reached {
    path: Path,
    heard: Instant,
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

/// What is known of one video stream that the participant sends.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Its layers; one that has none is the first.
    pub(crate) layers: [Layer; LAYERS],
    /// Whether a whole keyframe has been announced.
    pub(crate) announced: bool,
    /// What its layers send, when it has some.
    pub(crate) flow: Option<Box<Flow>>,
    /// What it is made of, when it is one scalable stream.
    pub(crate) scalable: Option<Box<Scalable>>,
}

/// What is known of one layer.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    /// Keyframe requests to it.
    pub(crate) throttle: Throttle,
    /// Timestamp of the keyframe that is arriving.
    pub(crate) keyframe: Option<u32>,
}

impl Source {
    /// A layer by its number.
    pub(crate) fn layer(&mut self, number: u8) -> Option<&mut Layer> {
        self.layers.get_mut(usize::from(number))
    }

    /// Wants keyframes of these layers, as bits.
    pub(crate) fn want(&mut self, layers: u8) {
        let sent = match self.flow {
            Some(_) => layers,
            None => u8::from(layers != 0),
        };
        for (number, layer) in self.layers.iter_mut().enumerate() {
            if sent & 1 << number != 0 {
                layer.throttle.want();
            }
        }
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

    /// Adds a path, or notes that it was heard. Returns the path that had to make room.
    pub(crate) fn reach(&mut self, path: Path, now: Instant) -> Option<Path> {
        if let Some(known) = self.paths.iter_mut().find(|known| known.path == path) {
            known.heard = now;
            return None;
        }
        let mut evicted = None;
        if self.paths.len() == MOST_PATHS {
            let idle = self
                .paths
                .iter()
                .enumerate()
                .filter(|(_, p)| Some(p.path) != self.egress);
            let oldest = idle.min_by_key(|(_, p)| p.heard).map(|(index, _)| index);
            evicted = oldest.map(|index| self.paths.swap_remove(index).path);
        }
        self.paths.push(Reached { path, heard: now });
        evicted
    }

    /// Forgets a path.
    pub(crate) fn unreach(&mut self, path: &Path) {
        self.paths.retain(|known| known.path != *path);
        if self.egress == Some(*path) {
            self.egress = self.paths.iter().max_by_key(|p| p.heard).map(|p| p.path);
        }
    }

    /// All paths it is reached on.
    pub(crate) fn paths(&self) -> impl Iterator<Item = Path> + '_ {
        self.paths.iter().map(|reached| reached.path)
    }

    /// Notes a verified check from `path`. A nominating one moves the traffic there, once the
    /// former path has gone silent: after a NAT has moved the peer, the stack would stay with the
    /// former address until that expires. As long as the former path is alive, a check may have
    /// been recorded and replayed by somebody else, and moves nothing. A provisional path yields
    /// at once. False for a check that wanted to move the traffic and may not.
    pub(crate) fn note_check(&mut self, path: Path, nominates: bool, now: Instant) -> bool {
        self.heard = now;
        self.checked = now;
        if !nominates {
            return true;
        }
        let may = self.egress == Some(path) || self.provisional || self.may_move(now);
        if may {
            self.egress = Some(path);
            self.provisional = false;
        }
        may
    }

    /// Sends to `path` until the peer nominates one.
    pub(crate) fn adopt(&mut self, path: Path) {
        self.egress = Some(path);
        self.provisional = true;
    }

    /// Notes any other packet from `path`, one of its own.
    pub(crate) fn note_packet(&mut self, path: Path, now: Instant) {
        self.heard = now;
        let Some(known) = self.paths.iter_mut().find(|known| known.path == path) else {
            return;
        };
        known.heard = now;
        if self.egress.is_some() && self.may_move(now) {
            self.egress = Some(path);
        }
    }

    /// Where traffic goes, when the peer's own checks have said so.
    pub(crate) fn egress(&self) -> Option<Path> {
        self.egress
    }

    /// The path with this remote address, for the stack's replies to checks.
    pub(crate) fn path_to(&self, carrier: Carrier, remote: std::net::SocketAddr) -> Option<Path> {
        self.paths()
            .find(|path| path.carrier == carrier && path.remote == remote)
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

    /// What comes next in a slot it receives in continues the stream without a gap and, for video,
    /// with a keyframe.
    pub(crate) fn restart(&mut self, slot: usize) {
        if let Some(Some(rewriter)) = self.rewriters.get_mut(slot) {
            rewriter.pause();
        }
    }

    /// Chooses among the layers that a camera sends in one of its slots.
    pub(crate) fn choose(&mut self, slot: usize, camera: Key, sent: &Sent, now: Instant) {
        let voices = self.voices.bps(now);
        let needs = Needs {
            limit: self.limit.map(|limit| limit.saturating_sub(voices)),
            lines: self.wish.max_height,
        };
        if let Some(choice) = self.choices.get_mut(slot) {
            choice.choose(camera, sent, needs, now);
            let chosen = choice.rate(&sent.rates).unwrap_or_default();
            self.pacer.at_least(chosen + voices);
        }
    }

    /// Chooses what of a camera's scalable stream comes in a slot.
    pub(crate) fn choose_cut(&mut self, slot: usize, camera: Key, sent: &Scalable, now: Instant) {
        if !self.peer.takes_descriptors() {
            return;
        }
        let voices = self.voices.bps(now);
        let needs = Needs {
            limit: self.limit.map(|limit| limit.saturating_sub(voices)),
            lines: self.wish.max_height,
        };
        if let Some(cut) = self.cuts.get_mut(slot) {
            let cut = cut.get_or_insert_default();
            cut.choose(camera, sent, needs, now);
            let chosen = cut.rate(sent).unwrap_or_default();
            self.pacer.at_least(chosen + voices);
        }
    }

    /// Whether it has chosen among what a camera's scalable stream is made of now.
    pub(crate) fn has_cut(&self, slot: usize, camera: Key, sent: &Scalable) -> bool {
        let cut = self.cuts.get(slot).and_then(Option::as_ref);
        !self.peer.takes_descriptors() || cut.is_some_and(|cut| cut.is_for(camera, sent))
    }

    /// Judges a packet of a scalable stream, of the picture with this RTP time.
    pub(crate) fn judge_cut(
        &mut self,
        slot: usize,
        sent: &Scalable,
        frame: &Frame,
        picture: u32,
    ) -> scalable::Verdict {
        let cut = self.cuts.get_mut(slot).and_then(Option::as_mut);
        let cut = cut.filter(|_| self.peer.takes_descriptors());
        let whole = scalable::Verdict {
            passes: true,
            ..scalable::Verdict::default()
        };
        cut.map_or(whole, |cut| cut.judge(sent, frame, picture))
    }

    /// The dependency descriptor of a packet that leaves in a slot in the `epoch`th part of its
    /// stream, for a receiver that takes them.
    pub(crate) fn describe(&mut self, slot: usize, bytes: &[u8], epoch: u32) -> Option<Rewritten> {
        if bytes.is_empty() || !self.peer.takes_descriptors() {
            return None;
        }
        let cut = self.cuts.get_mut(slot)?.get_or_insert_default();
        cut.rewrite(bytes, epoch)
    }

    /// Whether it has chosen among the layers of a camera.
    pub(crate) fn has_chosen(&self, slot: usize, camera: Key) -> bool {
        let choice = self.choices.get(slot);
        choice.is_some_and(|choice| choice.is_for(camera))
    }

    /// Judges a packet of video by its layer.
    pub(crate) fn judge(
        &mut self,
        slot: usize,
        camera: Key,
        layer: u8,
        starts: bool,
    ) -> layers::Verdict {
        let Some(choice) = self.choices.get_mut(slot) else {
            return layers::Verdict::Skip;
        };
        let verdict = choice.judge(camera, layer, starts);
        if let layers::Verdict::Switch { down } = verdict {
            self.budget.forget_frame();
            // What waits of the larger picture is what the way could not carry.
            if down {
                self.pacer.clear();
            }
        }
        verdict
    }

    /// The layer, as a bit, of which a keyframe is needed for what comes in a slot from a camera.
    pub(crate) fn needed(&self, slot: usize, camera: Key) -> u8 {
        let choice = self.choices.get(slot);
        choice.map_or(layers::ALL, |choice| choice.needed(camera))
    }

    /// What is written over a payload that leaves in a slot in the `epoch`th part of its stream.
    pub(crate) fn patch(
        &mut self,
        slot: usize,
        codec: MediaCodec,
        payload: &[u8],
        epoch: u32,
    ) -> Option<Patch> {
        let used = self.choices.get(slot).is_some_and(Choice::is_used);
        if codec != MediaCodec::Vp8 || !used {
            return None;
        }
        self.numbers.get_mut(slot)?.patch(payload, epoch)
    }

    /// Whether several layers come from it.
    pub(crate) fn sends_layers(&self) -> bool {
        self.sources.iter().any(|source| {
            let flow = source.flow.as_ref();
            let scalable = source.scalable.as_ref();
            flow.is_some_and(|it| it.live() > 1) || scalable.is_some_and(|it| it.live() > 1)
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

    /// Whether the traffic may go elsewhere: there is no path for it yet, or a silent one.
    fn may_move(&self, now: Instant) -> bool {
        let Some(egress) = self.egress else {
            return true;
        };
        let known = self.paths.iter().find(|known| known.path == egress);
        known.is_none_or(|known| now.saturating_duration_since(known.heard) >= PATH_SILENCE)
    }
}

#[cfg(test)]
mod tests {
    use lens_protocol::Timestamp;
    use lens_protocol::media::{MediaPolicy, Role};
    use lens_runtime::entropy::SeededEntropy;

    use super::*;
    use crate::core::arena::Arena;
    use crate::core::demux::Names;
    use crate::core::peer::{self, Blueprint, Credentials, Identity};

    fn link(at: Moment) -> Link {
        let kinds = slots::layout(Role::Viewer, 2);
        let built = peer::build(Blueprint {
            credentials: Credentials::new(0, &Names::for_tests(), &mut SeededEntropy::new(1)),
            identity: &Identity::generate().expect("a certificate"),
            addresses: &[],
            layout: &kinds,
            codecs: &MediaPolicy::default().video_codecs,
            simulcast: lens_protocol::media::Simulcast::Never,
            own_path: true,
            channel: true,
            now: at.instant,
        });
        let built = built.expect("a peer");
        let new = NewLink {
            room: Arena::default().insert(|_| ()),
            participant: ParticipantId::from_bytes([1; 16]),
            generation: Generation(1),
            ufrag: built.ufrag,
            kinds,
            peer: built.peer,
            max_video_kbps: 1_000,
        };
        Link::new(new, at, || 1)
    }

    fn path(port: u16) -> Path {
        Path {
            door: 0,
            carrier: Carrier::Udp,
            remote: ([192, 0, 2, 7], port).into(),
        }
    }

    #[test]
    fn a_provisional_path_yields_to_a_nomination_at_once_and_a_nominated_one_when_silent() {
        let now = Instant::now();
        let mut link = link(Moment {
            instant: now,
            wall: Timestamp::from_unix_ms(0),
        });
        for port in [1, 2] {
            link.reach(path(port), now);
        }
        link.adopt(path(1));
        link.note_check(path(2), false, now);
        assert_eq!(link.egress(), Some(path(1)), "no nomination yet");
        link.note_check(path(2), true, now);
        assert_eq!(link.egress(), Some(path(2)));
        link.note_check(path(1), true, now);
        assert_eq!(link.egress(), Some(path(2)), "it may be a replay");
        link.note_check(path(1), true, now + PATH_SILENCE);
        assert_eq!(link.egress(), Some(path(1)));
    }
}
