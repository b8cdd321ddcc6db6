//! What one media worker knows and does, without its sockets, thread and clock.
//!
//! ```text
//! driver                                shard
//!   commands (control.rs) ──────────────▶ rooms, participants, offers, answers
//!   datagram(path, bytes) (ingress.rs) ─▶ demultiplex → peer → forward (forwarding.rs) → peers
//!   turn(now) ──────────────────────────▶ timers, one drain for each touched peer
//!                         ◀────────────── datagrams, notices, released paths
//! ```
//!
//! Every step of a peer runs behind `catch_unwind`: a stack that breaks on one peer's input ends
//! that peer (ending.rs) and touches no other.

mod adapting;
#[cfg(test)]
mod caps_tests;
mod control;
mod ending;
mod forwarding;
mod ingress;
mod joining;
mod keyframes;
mod layering;
mod pacing;
mod passing;
#[cfg(test)]
mod profile_tests;
mod relaying;
mod repairing;
mod report;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wired_tests;

pub(crate) use control::Answering;
pub(crate) use joining::{Invitation, Wanted};
pub(crate) use report::ShardReport;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::Timestamp;
use lens_protocol::entropy::Entropy;
use lens_protocol::id::{ConferenceId, Epoch, ParticipantId};
use lens_protocol::media::{MediaAddress, SfuEventKind};
use lens_runtime::udp::Runs;

use super::arena::{Arena, Key};
use super::demux::{Demux, Names};
use super::link::Link;
use super::occupancy::Occupancy;
use super::path::{Carrier, Moment, Path};
use super::peer::{Datagram, PeerEvent, Produce, StackError};
use super::room::Room;
use super::rtp::header;
use super::stun;
use crate::caps::Cap;
use crate::config::{FaultHook, Timeouts};

/// Rounds in which what one peer produces may touch others before the turn ends; the rest follows
/// in the next turn.
const ROUNDS: usize = 8;
/// Shortest time between two drains of a peer whose stack asks for one at once.
const SHORTEST_TIMER: Duration = Duration::from_millis(1);

/// What a shard is made with.
pub(crate) struct ShardConfig {
    /// Its number among the node's workers.
    pub(crate) worker: u8,
    /// Tells the node's user names from others.
    pub(crate) names: Names,
    /// What peers believe each door's address to be.
    pub(crate) doors: Vec<MediaAddress>,
    pub(crate) timeouts: Timeouts,
    pub(crate) occupancy: Arc<Occupancy>,
    pub(crate) entropy: Box<dyn Entropy>,
    pub(crate) fault: Option<FaultHook>,
}

/// Something that happened, for the node's event log.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) at: Timestamp,
    pub(crate) conference: ConferenceId,
    pub(crate) epoch: Epoch,
    pub(crate) kind: SfuEventKind,
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was for one of ours.
    Taken,
    /// It was for one of ours, and its path is known from now on.
    Entered,
    /// A STUN request for another worker.
    OtherWorker(u8),
    /// From nobody we know.
    Unknown,
    /// From somebody we know, and dropped.
    Dropped,
}

/// Facts counted for the metrics, taken and reset by the driver.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) packets_in: u64,
    pub(crate) packets_out: u64,
    pub(crate) forwarded: u64,
    pub(crate) repaired: u64,
    pub(crate) thinned: u64,
    pub(crate) unknown_ufrag: u64,
    pub(crate) unknown_path: u64,
    pub(crate) bad_integrity: u64,
    pub(crate) too_many_checks: u64,
    pub(crate) path_refused: u64,
    pub(crate) nominations_refused: u64,
    pub(crate) too_early: u64,
    pub(crate) malformed: u64,
    pub(crate) refused_by_stack: u64,
    pub(crate) no_common_codec: u64,
    pub(crate) too_many_streams: u64,
    pub(crate) messages_relayed: u64,
    pub(crate) messages_dropped: u64,
    pub(crate) plis_out: u64,
    pub(crate) peer_faults: u64,
}

/// One worker's share of the node.
pub(crate) struct Shard {
    config: ShardConfig,
    rooms: Arena<Room>,
    by_conference: HashMap<ConferenceId, Key>,
    links: Arena<Link>,
    pub(crate) demux: Demux,
    timers: BinaryHeap<Reverse<(Instant, Key)>>,
    dirty: Vec<Key>,
    /// Links with packets that wait to be forwarded.
    speaking: Vec<Key>,
    /// The other list of touched links, so that none is allocated anew each turn.
    spare: Vec<Key>,
    events: VecDeque<(Key, PeerEvent)>,
    scratch: Produce,
    /// Datagrams to send, taken by the driver.
    pub(crate) outbox: Runs<Path>,
    /// Things that happened, taken by the driver.
    pub(crate) notices: Vec<Notice>,
    /// Paths that are nobody's any more, taken by the driver.
    pub(crate) released: Vec<Path>,
    /// Counts, taken by the driver.
    pub(crate) facts: Facts,
    /// Causes of ended connections, taken by the driver.
    pub(crate) endings: Vec<lens_protocol::media::CauseCode>,
    /// Caps that connections were ended by, taken by the driver.
    pub(crate) reached: Vec<Cap>,
    rate: Rate,
}

/// Why a step of a peer came to nothing.
#[derive(Debug)]
enum Broken {
    /// The stack refused it.
    Stack(StackError),
    /// The stack panicked.
    Panic,
}

impl From<StackError> for Broken {
    fn from(error: StackError) -> Self {
        Self::Stack(error)
    }
}

impl Shard {
    pub(crate) fn new(config: ShardConfig, now: Instant) -> Self {
        Self {
            config,
            rooms: Arena::default(),
            by_conference: HashMap::new(),
            links: Arena::default(),
            demux: Demux::default(),
            timers: BinaryHeap::new(),
            dirty: Vec::new(),
            speaking: Vec::new(),
            spare: Vec::new(),
            events: VecDeque::new(),
            scratch: Produce::default(),
            outbox: Runs::default(),
            notices: Vec::new(),
            released: Vec::new(),
            facts: Facts::default(),
            endings: Vec::new(),
            reached: Vec::new(),
            rate: Rate::new(now),
        }
    }

    /// The end of a turn: forwards what came, rings due timers and drains every touched peer once.
    pub(crate) fn turn(&mut self, at: Moment) {
        self.forward_all(at);
        self.ring(at);
        for _ in 0..ROUNDS {
            if self.dirty.is_empty() {
                break;
            }
            let mut batch = std::mem::replace(&mut self.dirty, std::mem::take(&mut self.spare));
            for key in &batch {
                self.drain(*key, at);
            }
            self.act_on_events(at);
            self.forward_all(at);
            for key in batch.drain(..) {
                self.arm(key, at.instant);
            }
            self.spare = batch;
        }
        let before = self.rate.bytes_per_s;
        if self.rate.tick(at.instant) {
            self.config
                .occupancy
                .forwards(before, self.rate.bytes_per_s);
        }
    }

    /// When the next turn is due without any input.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        if !self.dirty.is_empty() {
            return Some(now);
        }
        self.timers.peek().map(|Reverse((at, _))| *at)
    }

    /// Rooms, connections, and the entries of both tables of the demultiplexer.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn census(&self) -> [usize; 4] {
        let (names, paths) = self.demux.sizes();
        [
            self.rooms.iter().count(),
            self.links.iter().count(),
            names,
            paths,
        ]
    }

    /// Marks a link for the turn's drain.
    fn touch(&mut self, key: Key) {
        if let Some(link) = self.links.get_mut(key).filter(|link| !link.dirty) {
            link.dirty = true;
            self.dirty.push(key);
        }
    }

    fn ring(&mut self, at: Moment) {
        while let Some(Reverse((due, key))) = self.timers.peek().copied() {
            if due > at.instant {
                break;
            }
            self.timers.pop();
            let Some(link) = self
                .links
                .get_mut(key)
                .filter(|link| link.timer == Some(due))
            else {
                continue;
            };
            link.timer = None;
            if let Some(cause) = link.overdue(&self.config.timeouts, at.instant) {
                self.fail(key, cause, at);
                continue;
            }
            self.pump_keyframes(key, at);
            self.touch(key);
        }
    }

    /// Sets a link's timer, unless an earlier one is set.
    fn arm(&mut self, key: Key, now: Instant) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        let due = link
            .deadline(&self.config.timeouts)
            .max(now + SHORTEST_TIMER);
        if link.timer.is_none_or(|set| due < set) {
            link.timer = Some(due);
            self.timers.push(Reverse((due, key)));
        }
    }

    /// Acts on what peers have reported, until nothing new comes.
    fn act_on_events(&mut self, at: Moment) {
        while let Some((key, event)) = self.events.pop_front() {
            self.act(key, event, at);
        }
    }

    fn drain(&mut self, key: Key, at: Moment) {
        self.release(key, at);
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        link.dirty = false;
        let mut produce = std::mem::take(&mut self.scratch);
        let fault = self.config.fault.as_ref();
        let (to, outbox) = (link.egress(), &mut self.outbox);
        let result = guarded(fault, link.participant, || {
            link.peer.drain(at, to, outbox, &mut produce)
        });
        self.collect(key, &mut produce);
        self.scratch = produce;
        self.settle(key, result, at);
    }

    /// Hands on what a peer produced.
    fn collect(&mut self, key: Key, produce: &mut Produce) {
        let Some(link) = self.links.get_mut(key) else {
            produce.datagrams.clear();
            produce.events.clear();
            return;
        };
        for datagram in produce.datagrams.drain(..) {
            let own = !stun::is_stun(&datagram.bytes);
            let path = link.egress().filter(|_| own);
            let Some(path) = path.or_else(|| self.config.path(link, &datagram)) else {
                continue;
            };
            if header::is_media(&datagram.bytes) && !header::is_control(&datagram.bytes) {
                link.tally.packets_out += 1;
                self.facts.packets_out += 1;
            }
            self.outbox.push(path, &datagram.bytes);
        }
        self.events
            .extend(produce.events.drain(..).map(|event| (key, event)));
    }

    fn notice(&mut self, room: Key, kind: SfuEventKind, at: Moment) {
        if let Some(room) = self.rooms.get(room) {
            self.notices.push(Notice {
                at: at.wall,
                conference: room.conference,
                epoch: room.epoch,
                kind,
            });
        }
    }
}

impl ShardConfig {
    /// What peers believe the address of a path's door to be.
    fn local(&self, path: &Path) -> Option<SocketAddr> {
        let door = self.doors.get(usize::from(path.door))?;
        match path.carrier {
            Carrier::Udp => Some(door.udp),
            Carrier::Tcp => door.tcp,
        }
    }

    /// The path of a datagram that the stack addressed itself.
    fn path(&self, link: &Link, datagram: &Datagram) -> Option<Path> {
        let known = link.path_to(datagram.carrier, datagram.remote);
        known.or_else(|| {
            let door = self.doors.iter().position(|door| match datagram.carrier {
                Carrier::Udp => door.udp == datagram.local,
                Carrier::Tcp => door.tcp == Some(datagram.local),
            });
            Some(Path {
                door: u8::try_from(door?).ok()?,
                carrier: datagram.carrier,
                remote: datagram.remote,
            })
        })
    }
}

/// Runs one step of a peer so that a panic in it stays with that peer.
fn guarded<T, E: Into<Broken>>(
    fault: Option<&FaultHook>,
    who: ParticipantId,
    step: impl FnOnce() -> Result<T, E>,
) -> Result<T, Broken> {
    let step = AssertUnwindSafe(|| {
        if let Some(hook) = fault {
            (hook.0)(who);
        }
        step()
    });
    match catch_unwind(step) {
        Ok(result) => result.map_err(Into::into),
        Err(_) => Err(Broken::Panic),
    }
}

/// Packets and bytes a second, over the last whole second.
struct Rate {
    since: Instant,
    count: u64,
    bytes: u64,
    per_s: u64,
    bytes_per_s: u64,
}

impl Rate {
    fn new(now: Instant) -> Self {
        Self {
            since: now,
            count: 0,
            bytes: 0,
            per_s: 0,
            bytes_per_s: 0,
        }
    }

    /// True when a second has passed and the rates are new.
    fn tick(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since);
        if passed < Duration::from_secs(1) {
            return false;
        }
        let per_s = |count: u64| {
            let per_s = u128::from(count) * 1_000 / passed.as_millis().max(1);
            u64::try_from(per_s).unwrap_or(u64::MAX)
        };
        (self.per_s, self.bytes_per_s) = (per_s(self.count), per_s(self.bytes));
        (self.count, self.bytes) = (0, 0);
        self.since = now;
        true
    }

    fn per_s(&self, now: Instant) -> u64 {
        let stale = now.saturating_duration_since(self.since) >= Duration::from_secs(2);
        if stale { 0 } else { self.per_s }
    }
}
