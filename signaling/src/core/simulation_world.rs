//! The simulated world: both ends of a channel over connections that delay, repeat, overtake and
//! are cut at any moment, a host that takes its time, a clock that is moved by hand.
//!
//! Every arrival is judged at once: the host and the peer get each number once and in order, and
//! a peer misses only what a snapshot stands for. What the world does to frames is what carriers
//! do: a `POST` whose answer was lost is posted again, one of two overtakes the other, a peer that
//! comes back may send everything anew that it has no acknowledgement for, and frames are lost with
//! their connection.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use lens_protocol::entropy::Entropy;
use lens_protocol::id::{ConferenceId, Seq, SessionId};
use lens_protocol::signal::{PeerSignal, ServerSignal};
use lens_runtime::entropy::SeededEntropy;

use super::channel::{Attached, ChannelCore, Idle, Received, Transmit};
use super::frame;
use super::peer::{Heard, PeerCore};
use crate::config::HubConfig;
use crate::error::Closed;

/// How many of its latest frames a peer can send anew.
const REMEMBERED: usize = 256;

type Frames = VecDeque<(Instant, String)>;

/// One connection: frames on their way, each way, with the time of their arrival.
pub(super) struct Wire {
    pub(super) attached: Attached,
    up: Frames,
    down: Frames,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) hub: ChannelCore,
    pub(super) peer: PeerCore,
    pub(super) wire: Option<Wire>,
    /// Whether frames are repeated, overtaken and sent anew.
    pub(super) rough: bool,
    /// Connections the peer has given up and the hub has not: their frames still arrive.
    pub(super) ghosts: Vec<Wire>,
    /// Numbers as they arrived.
    pub(super) host_got: Vec<u64>,
    pub(super) peer_got: Vec<u64>,
    pub(super) snapshots: usize,
    pub(super) duplicates: usize,
    pub(super) gaps: usize,
    /// How many messages the hub has numbered, snapshots included.
    pub(super) numbered: u64,
    seed: u64,
    random: SeededEntropy,
    /// Messages with the host: when done, and which.
    at_host: VecDeque<(Instant, Seq, Option<SessionId>)>,
    /// The latest numbers pushed down, and the one the peer is to get next.
    pushed_down: u64,
    peer_next: u64,
    /// The peer's latest counted frames.
    sent: VecDeque<(Seq, String)>,
}

impl World {
    pub(super) fn new(seed: u64, config: &HubConfig) -> Self {
        let now = Instant::now();
        Self {
            now,
            hub: ChannelCore::new(now, "life-1".into(), config),
            peer: PeerCore::new("simulated-channel".into()),
            wire: None,
            rough: false,
            ghosts: Vec::new(),
            host_got: Vec::new(),
            peer_got: Vec::new(),
            snapshots: 0,
            duplicates: 0,
            gaps: 0,
            numbered: 0,
            seed,
            random: SeededEntropy::new(seed),
            at_host: VecDeque::new(),
            pushed_down: 0,
            peer_next: 1,
            sent: VecDeque::new(),
        }
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        u64::from_le_bytes(bytes) % limit
    }

    /// True once in `times`, and never in a world that is not rough.
    fn mishap(&mut self, times: u64) -> bool {
        self.rough && self.below(times) == 0
    }

    fn arrival(&mut self) -> Instant {
        self.now + Duration::from_millis(self.below(40))
    }

    /// A new connection: `resume` is taken for delivered, `welcome` has to travel. Returns how many
    /// messages the peer had missed, none when it knew nothing of this life.
    pub(super) fn connect(&mut self) -> Option<u64> {
        let hello: serde_json::Value =
            serde_json::from_str(&self.peer.hello(None)).expect("an envelope");
        let last_seq = Seq(hello["last_seq"].as_u64().expect("a number"));
        let known = hello["hub"].as_str() == Some(self.hub.life());
        if !known {
            self.hub.start_over(self.now, self.hub.life().to_owned());
            self.numbered = 0;
        }
        let missed = known.then(|| self.numbered - last_seq.0);
        let attached = self.hub.attach(self.now, known.then_some(last_seq));
        if attached.fresh {
            self.snapshots += 1;
            self.numbered += 1;
            let state = self.pushed_down.into();
            let snapshot = frame::body_of(None, &ServerSignal::Snapshot { state });
            self.hub.snapshot(self.now, attached, vec![snapshot]);
        }
        let mut wire = Wire {
            attached,
            up: VecDeque::new(),
            down: VecDeque::new(),
        };
        if known && self.mishap(2) {
            self.send_anew(&mut wire);
        }
        self.wire = Some(wire);
        missed
    }

    /// A peer that does not wait for the welcome to learn what is here.
    fn send_anew(&mut self, wire: &mut Wire) {
        let from = (self.hub.accepted().0 + 1).saturating_sub(self.below(20));
        let anew = self.sent.iter().filter(|(seq, _)| seq.0 >= from);
        let at = self.now;
        wire.up.extend(anew.map(|(_, text)| (at, text.clone())));
    }

    /// The connection breaks: what was on its way down is lost; what was on its way up is lost,
    /// or still arrives at a hub that does not know yet.
    pub(super) fn cut(&mut self) {
        let Some(mut wire) = self.wire.take() else {
            return;
        };
        self.peer.cut();
        wire.down.clear();
        if self.below(2) == 0 {
            self.hub.detach(self.now, wire.attached.link);
        } else {
            self.ghosts.push(wire);
        }
    }

    pub(super) fn push_down(&mut self) {
        self.pushed_down += 1;
        self.numbered += 1;
        let conference = ConferenceId::from_bytes([7; 16]);
        let candidate = self.pushed_down.to_string();
        let signal = ServerSignal::Candidate {
            conference,
            candidate,
        };
        assert!(self.hub.push(self.now, frame::body_of(None, &signal)));
    }

    pub(super) fn push_up(&mut self, number: u64) {
        let candidate = number.to_string();
        self.peer.push(None, PeerSignal::Candidate { candidate });
    }

    /// How many of the messages pushed down have not arrived.
    pub(super) fn on_the_way_down(&self) -> u64 {
        self.pushed_down + 1 - self.peer_next
    }

    pub(super) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.step();
        }
    }

    /// Moves time on and everything that is due with it.
    pub(super) fn step(&mut self) {
        let passed = 1 + self.below(5);
        self.now += Duration::from_millis(passed);
        let now = self.now;
        while self.at_host.front().is_some_and(|(done, ..)| *done <= now) {
            let (_, seq, session) = self.at_host.pop_front().expect("just seen");
            self.hub.handled(now, seq, session, Ok(()));
        }
        for mut ghost in std::mem::take(&mut self.ghosts) {
            if self.arrive_up(&mut ghost) && !ghost.up.is_empty() {
                self.ghosts.push(ghost);
            } else {
                self.hub.detach(now, ghost.attached.link);
            }
        }
        if let Some(mut wire) = self.wire.take() {
            let carried = self.arrive_up(&mut wire) && {
                self.arrive_down(&mut wire);
                self.write(&mut wire)
            };
            if carried {
                self.wire = Some(wire);
            } else {
                self.peer.cut();
                self.hub.detach(now, wire.attached.link);
            }
        }
    }

    /// False when the hub ends the connection.
    fn arrive_up(&mut self, wire: &mut Wire) -> bool {
        while let Some((_, text)) = wire.up.pop_front_if(|(at, _)| *at <= self.now) {
            let frame = frame::read(&text).expect("the peer writes envelopes");
            match self.hub.receive(self.now, wire.attached.link, frame) {
                Received::Deliver {
                    seq,
                    session,
                    signal,
                } => self.deliver(seq, session, &signal),
                Received::Nothing(Idle::Duplicate) => self.duplicates += 1,
                Received::Nothing(_) => {}
                Received::Close(Closed::Gap) => {
                    self.gaps += 1;
                    return false;
                }
                Received::Close(Closed::TakenOver | Closed::Bye(_)) => return false,
                other => panic!("seed {}: {other:?}", self.seed),
            }
        }
        true
    }

    fn deliver(&mut self, seq: Seq, session: Option<SessionId>, signal: &PeerSignal) {
        let PeerSignal::Candidate { candidate } = signal else {
            panic!("seed {}: {signal:?}", self.seed)
        };
        let number: u64 = candidate.parse().expect("a number");
        let next = self.host_got.last().map_or(1, |last| last + 1);
        assert_eq!(
            number, next,
            "seed {}: the host missed, doubled or disordered",
            self.seed
        );
        self.host_got.push(number);
        let done = self.at_host.back().map_or(self.now, |(at, ..)| *at);
        let done = done.max(self.arrival());
        self.at_host.push_back((done, seq, session));
    }

    fn arrive_down(&mut self, wire: &mut Wire) {
        while let Some((_, text)) = wire.down.pop_front_if(|(at, _)| *at <= self.now) {
            match self.peer.receive(&text) {
                Heard::Signal { signal, .. } => self.hear(&signal),
                Heard::Open { .. } | Heard::Nothing => {}
                // The way down keeps order and loses nothing but its end.
                other => panic!("seed {}: {other:?} at {text}", self.seed),
            }
        }
    }

    fn hear(&mut self, signal: &ServerSignal) {
        match signal {
            ServerSignal::Candidate { candidate, .. } => {
                let number: u64 = candidate.parse().expect("a number");
                assert_eq!(
                    number, self.peer_next,
                    "seed {}: the peer missed, doubled or disordered",
                    self.seed
                );
                self.peer_next += 1;
                self.peer_got.push(number);
            }
            ServerSignal::Snapshot { state } => {
                self.peer_next = state.as_u64().expect("a number") + 1;
            }
            other => panic!("seed {}: {other:?}", self.seed),
        }
    }

    /// False when the hub ends the connection.
    fn write(&mut self, wire: &mut Wire) -> bool {
        while let Some(text) = self.peer.poll_transmit() {
            let seq = frame::read(&text).expect("an envelope").seq;
            if seq == Seq(0) && self.mishap(4) {
                continue;
            }
            self.put(&mut wire.up, text.clone());
            if self.mishap(20) {
                self.put(&mut wire.up, text.clone());
            }
            let last = wire.up.len().saturating_sub(1);
            if last > 0 && self.mishap(500) {
                let times = (wire.up[last - 1].0, wire.up[last].0);
                wire.up.swap(last - 1, last);
                (wire.up[last - 1].0, wire.up[last].0) = times;
            }
            if seq != Seq(0) && self.sent.back().is_none_or(|(newest, _)| *newest < seq) {
                self.sent.push_back((seq, text));
                if self.sent.len() > REMEMBERED {
                    self.sent.pop_front();
                }
            }
        }
        loop {
            match self.hub.poll_transmit(self.now, wire.attached.link) {
                Transmit::Frame(text) => {
                    let bare = text.ends_with("\"kind\":\"ack\"}");
                    if !(bare && self.mishap(4)) {
                        self.put(&mut wire.down, text);
                    }
                }
                Transmit::Wait(_) => return true,
                Transmit::End(_) => return false,
            }
        }
    }

    fn put(&mut self, frames: &mut Frames, text: String) {
        let last = frames.back().map_or(self.now, |(at, _)| *at);
        let at = last.max(self.arrival());
        frames.push_back((at, text));
    }
}
