//! Both ends of a channel in one simulated world: connections that delay and are cut at any
//! moment, a host that takes its time, a clock that is moved by hand.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use lens_protocol::entropy::Entropy;
use lens_protocol::id::{ConferenceId, Seq, SessionId};
use lens_protocol::signal::{PeerSignal, ServerSignal};
use lens_runtime::entropy::SeededEntropy;

use super::channel::{Attached, ChannelCore, Received, Transmit};
use super::frame;
use super::peer::{Heard, PeerCore};
use crate::config::HubConfig;
use crate::error::Closed;

/// One connection: frames on their way, each way, with the time of their arrival.
struct Wire {
    attached: Attached,
    up: VecDeque<(Instant, String)>,
    down: VecDeque<(Instant, String)>,
}

struct World {
    now: Instant,
    random: SeededEntropy,
    hub: ChannelCore,
    peer: PeerCore,
    wire: Option<Wire>,
    /// Connections the peer has given up and the hub has not: their frames still arrive.
    ghosts: Vec<Wire>,
    /// Messages with the host: when done, and which.
    at_host: VecDeque<(Instant, Seq, Option<SessionId>)>,
    host_got: Vec<u64>,
    peer_got: Vec<u64>,
    snapshots: usize,
    duplicates: usize,
}

impl World {
    fn new(seed: u64, config: &HubConfig) -> Self {
        let now = Instant::now();
        Self {
            now,
            random: SeededEntropy::new(seed),
            hub: ChannelCore::new(now, "life-1".into(), config),
            peer: PeerCore::new("simulated-channel".into()),
            wire: None,
            ghosts: Vec::new(),
            at_host: VecDeque::new(),
            host_got: Vec::new(),
            peer_got: Vec::new(),
            snapshots: 0,
            duplicates: 0,
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes);
        u64::from_le_bytes(bytes) % limit
    }

    fn arrival(&mut self) -> Instant {
        self.now + Duration::from_millis(self.below(40))
    }

    /// A new connection: `resume` is taken for delivered, `welcome` has to travel.
    fn connect(&mut self) {
        let hello: serde_json::Value =
            serde_json::from_str(&self.peer.hello(None)).expect("an envelope");
        let last_seq = Seq(hello["last_seq"].as_u64().expect("a number"));
        let known = hello["hub"].as_str() == Some(self.hub.life());
        if !known {
            self.hub.start_over(self.now, self.hub.life().to_owned());
        }
        let attached = self.hub.attach(self.now, known.then_some(last_seq));
        if attached.fresh {
            self.snapshots += 1;
            let state = serde_json::Value::Null;
            let snapshot = frame::body_of(None, &ServerSignal::Snapshot { state });
            self.hub.snapshot(self.now, attached, vec![snapshot]);
        }
        self.wire = Some(Wire {
            attached,
            up: VecDeque::new(),
            down: VecDeque::new(),
        });
    }

    /// The connection breaks: what was on its way down is lost; what was on its way up is lost,
    /// or still arrives at a hub that does not know yet.
    fn cut(&mut self) {
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

    fn push_down(&mut self, number: u64) {
        let conference = ConferenceId::from_bytes([7; 16]);
        let candidate = number.to_string();
        let body = frame::body_of(
            None,
            &ServerSignal::Candidate {
                conference,
                candidate,
            },
        );
        assert!(self.hub.push(self.now, body));
    }

    fn push_up(&mut self, number: u64) {
        self.peer.push(
            None,
            PeerSignal::Candidate {
                candidate: number.to_string(),
            },
        );
    }

    /// Moves time on and everything that is due with it.
    fn step(&mut self) {
        let passed = 1 + self.below(5);
        self.now += Duration::from_millis(passed);
        while self
            .at_host
            .front()
            .is_some_and(|(done, ..)| *done <= self.now)
        {
            let (_, seq, session) = self.at_host.pop_front().expect("just seen");
            self.hub.handled(self.now, seq, session, Ok(()));
        }
        for mut ghost in std::mem::take(&mut self.ghosts) {
            self.arrive_up(&mut ghost);
            if !ghost.up.is_empty() {
                self.ghosts.push(ghost);
            } else {
                self.hub.detach(self.now, ghost.attached.link);
            }
        }
        if let Some(mut wire) = self.wire.take() {
            self.arrive_up(&mut wire);
            if self.arrive_down(&mut wire) && self.write(&mut wire) {
                self.wire = Some(wire);
            } else {
                self.peer.cut();
                self.hub.detach(self.now, wire.attached.link);
            }
        }
    }

    fn arrive_up(&mut self, wire: &mut Wire) {
        while wire.up.front().is_some_and(|(at, _)| *at <= self.now) {
            let (_, text) = wire.up.pop_front().expect("just seen");
            let frame = frame::read(&text).expect("the peer writes envelopes");
            match self.hub.receive(self.now, wire.attached.link, frame) {
                Received::Deliver {
                    seq,
                    session,
                    signal,
                } => {
                    let PeerSignal::Candidate { candidate } = signal else {
                        panic!("{signal:?}")
                    };
                    self.host_got.push(candidate.parse().expect("a number"));
                    let done = self.at_host.back().map_or(self.now, |(at, ..)| *at);
                    let done = done.max(self.arrival());
                    self.at_host.push_back((done, seq, session));
                }
                Received::Nothing(super::channel::Idle::Duplicate) => self.duplicates += 1,
                Received::Nothing(_) | Received::Close(Closed::TakenOver | Closed::Bye(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn arrive_down(&mut self, wire: &mut Wire) -> bool {
        while wire.down.front().is_some_and(|(at, _)| *at <= self.now) {
            let (_, text) = wire.down.pop_front().expect("just seen");
            match self.peer.receive(&text) {
                Heard::Signal { signal, .. } => match *signal {
                    ServerSignal::Candidate { candidate, .. } => {
                        self.peer_got.push(candidate.parse().expect("a number"));
                    }
                    ServerSignal::Snapshot { .. } => {}
                    other => panic!("{other:?}"),
                },
                Heard::Open { .. } | Heard::Nothing => {}
                Heard::Broken => return false,
                Heard::Refused(code) => panic!("{code}"),
            }
        }
        true
    }

    fn write(&mut self, wire: &mut Wire) -> bool {
        while let Some(text) = self.peer.poll_transmit() {
            let at = wire
                .up
                .back()
                .map_or(self.now, |(at, _)| *at)
                .max(self.arrival());
            wire.up.push_back((at, text));
        }
        loop {
            match self.hub.poll_transmit(self.now, wire.attached.link) {
                Transmit::Frame(text) => {
                    let at = wire
                        .down
                        .back()
                        .map_or(self.now, |(at, _)| *at)
                        .max(self.arrival());
                    wire.down.push_back((at, text));
                }
                Transmit::Wait(_) => return true,
                Transmit::End(_) => return false,
            }
        }
    }

    fn unanswered(&self, pushed: u64) -> u64 {
        pushed - self.peer_got.len() as u64
    }
}

fn generous() -> HubConfig {
    HubConfig {
        burst: 100_000,
        messages_per_s: 100_000,
        ..HubConfig::default()
    }
}

/// Seeds that found something stay here for good.
const SEEDS: [u64; 8] = [1, 2, 3, 7, 42, 1_000, 20_261_122, 0xDEAD_BEEF];

#[test]
fn ten_thousand_messages_each_way_over_two_hundred_cuts_arrive_once_and_in_order() {
    const MESSAGES: u64 = 10_000;
    const CUTS: u64 = 200;
    for seed in SEEDS {
        let mut world = World::new(seed, &generous());
        world.connect();
        let (mut down, mut up, mut cuts, mut steps) = (0, 0, 0, 0);
        let mut reconnect_at = None;
        while (world.peer_got.len() as u64) < MESSAGES
            || (world.host_got.len() as u64) < MESSAGES
            || world.peer.oldest_waiting().is_some()
            || cuts < CUTS
        {
            // A share of the messages for each cut, so that the cuts spread over the whole run.
            let share = (MESSAGES / CUTS * (cuts + 3)).min(MESSAGES);
            if down < share && world.unanswered(down) < 200 && world.below(3) > 0 {
                down += 1;
                world.push_down(down);
            }
            if up < share && world.below(3) > 0 {
                up += 1;
                world.push_up(up);
            }
            if world.wire.is_some() && cuts < CUTS && world.below(40) == 0 {
                world.cut();
                cuts += 1;
                reconnect_at = Some(world.now + Duration::from_millis(world.below(500)));
            }
            if world.wire.is_none() && reconnect_at.is_none_or(|at| at <= world.now) {
                world.connect();
            }
            world.step();
            steps += 1;
            assert!(steps < 1_000_000, "seed {seed}: something never arrives");
        }
        let all: Vec<u64> = (1..=MESSAGES).collect();
        assert!(
            world.host_got == all,
            "seed {seed}: the host missed, doubled or disordered"
        );
        assert!(
            world.peer_got == all,
            "seed {seed}: the peer missed, doubled or disordered"
        );
        assert_eq!(cuts, CUTS, "seed {seed}");
        assert_eq!(
            world.snapshots, 1,
            "seed {seed}: only the first connection starts over"
        );
    }
}

#[test]
fn a_peer_that_was_away_for_too_much_or_too_long_gets_a_snapshot_and_goes_on() {
    let away: [(&str, u64, u64); 2] = [("too many", 300, 1), ("too long", 1, 61)];
    for (why, messages, seconds) in away {
        let mut world = World::new(5, &generous());
        world.connect();
        world.push_up(1);
        for _ in 0..100 {
            world.step();
        }
        world.cut();
        world.ghosts.clear();
        for number in 1..=messages {
            world.push_down(number);
        }
        world.now += Duration::from_secs(seconds);
        world.connect();
        world.push_down(1_000);
        world.push_up(2);
        for _ in 0..100 {
            world.step();
        }
        assert_eq!(world.snapshots, 2, "{why}");
        assert_eq!(
            world.peer_got,
            [1_000],
            "{why}: the snapshot stands for what was missed"
        );
        assert_eq!(
            world.host_got,
            [1, 2],
            "{why}: the peer's own messages are not doubled"
        );
    }
}

#[test]
fn a_new_life_of_the_hub_starts_over_and_gets_what_was_not_acknowledged() {
    let mut world = World::new(6, &generous());
    world.connect();
    for number in 1..=3 {
        world.push_up(number);
    }
    for _ in 0..100 {
        world.step();
    }
    world.cut();
    world.ghosts.clear();
    world.push_up(4);
    world.hub = ChannelCore::new(world.now, "life-2".into(), &generous());
    world.connect();
    for _ in 0..100 {
        world.step();
    }
    assert_eq!(world.host_got, [1, 2, 3, 4]);
    assert_eq!(world.snapshots, 2);
    assert!(world.peer.oldest_waiting().is_none(), "all is acknowledged");
}

#[test]
fn a_carrier_that_does_not_read_is_closed_and_the_peer_starts_from_a_snapshot() {
    let config = HubConfig {
        window_messages: 4,
        queue_messages: 8,
        ..generous()
    };
    let mut world = World::new(8, &config);
    world.connect();
    let link = world.wire.as_ref().expect("connected").attached.link;
    for number in 1..=8 {
        world.push_down(number);
    }
    assert_eq!(
        world.hub.poll_transmit(world.now, link),
        Transmit::End(Closed::Overflow),
        "the snapshot and seven fit, the eighth does not"
    );
    world.cut();
    world.connect();
    assert_eq!(world.snapshots, 2);
}

#[test]
fn a_snapshot_that_was_never_delivered_is_still_owed() {
    let now = Instant::now();
    let mut hub = ChannelCore::new(now, "life".into(), &generous());
    let first = hub.attach(now, None);
    hub.push(now, frame::body_of(None, &ServerSignal::Ping));
    assert!(hub.detach(now, first.link));
    let second = hub.attach(now, Some(Seq(0)));
    assert!(
        second.fresh,
        "the peer knows the life but has seen nothing of it"
    );
    hub.snapshot(now, first, vec!["\"kind\":\"late\"}".into()]);
    hub.snapshot(now, second, vec!["\"kind\":\"snapshot\"}".into()]);
    let frames: Vec<_> = std::iter::from_fn(|| match hub.poll_transmit(now, second.link) {
        Transmit::Frame(text) => Some(text),
        _ => None,
    })
    .collect();
    assert_eq!(frames.len(), 2, "welcome and one snapshot: {frames:?}");
    assert!(frames[1].contains("\"snapshot\""));
}

#[test]
fn messages_pushed_while_the_host_makes_a_snapshot_follow_it() {
    let now = Instant::now();
    let mut hub = ChannelCore::new(now, "life".into(), &generous());
    let attached = hub.attach(now, None);
    assert!(
        matches!(hub.poll_transmit(now, attached.link), Transmit::Frame(_)),
        "welcome"
    );
    hub.push(now, "\"kind\":\"after\"}".into());
    assert!(matches!(
        hub.poll_transmit(now, attached.link),
        Transmit::Wait(_)
    ));
    hub.snapshot(now, attached, vec!["\"kind\":\"before\"}".into()]);
    for (seq, kind) in [(1, "before"), (2, "after")] {
        let Transmit::Frame(text) = hub.poll_transmit(now, attached.link) else {
            panic!("{kind} is missing");
        };
        assert_eq!(
            text,
            format!(r#"{{"v":1,"seq":{seq},"ack":0,"kind":"{kind}"}}"#)
        );
    }
}

#[test]
fn acknowledgements_go_out_by_themselves_soon_and_only_when_there_is_news() {
    let config = HubConfig {
        ack_delay: Duration::from_millis(20),
        ..generous()
    };
    let now = Instant::now();
    let mut hub = ChannelCore::new(now, "life".into(), &config);
    let attached = hub.attach(now, None);
    hub.snapshot(now, attached, Vec::new());
    assert!(
        matches!(hub.poll_transmit(now, attached.link), Transmit::Frame(_)),
        "welcome"
    );
    let chat = r#"{"v":1,"seq":1,"kind":"candidate","candidate":"x"}"#;
    let received = hub.receive(now, attached.link, frame::read(chat).expect("an envelope"));
    assert!(matches!(received, Received::Deliver { seq: Seq(1), .. }));
    let due = now + Duration::from_millis(20);
    hub.handled(now, Seq(1), None, Ok(()));
    assert_eq!(hub.poll_transmit(now, attached.link), Transmit::Wait(due));
    let Transmit::Frame(text) = hub.poll_transmit(due, attached.link) else {
        panic!("an acknowledgement is due");
    };
    assert_eq!(text, r#"{"v":1,"seq":0,"ack":1,"kind":"ack"}"#);
    assert!(matches!(hub.poll_transmit(due, attached.link), Transmit::Wait(at) if at > due));
}

#[test]
fn unknown_kinds_and_bad_fields_use_up_their_number_and_a_gap_ends_the_carrier() {
    let now = Instant::now();
    let mut hub = ChannelCore::new(now, "life".into(), &generous());
    let link = hub.attach(now, None).link;
    let mut receive = |text: &str| hub.receive(now, link, frame::read(text).expect("an envelope"));
    let unknown = receive(r#"{"v":1,"seq":1,"kind":"telepathy"}"#);
    assert!(matches!(
        unknown,
        Received::Nothing(super::channel::Idle::Unknown)
    ));
    let invalid = receive(r#"{"v":1,"seq":2,"kind":"answer"}"#);
    assert!(matches!(
        invalid,
        Received::Nothing(super::channel::Idle::Invalid)
    ));
    let uncounted = receive(r#"{"v":1,"seq":0,"kind":"end_of_candidates"}"#);
    assert!(matches!(uncounted, Received::Close(Closed::Unreadable)));
    let gap = receive(r#"{"v":1,"seq":4,"kind":"end_of_candidates"}"#);
    assert!(matches!(gap, Received::Close(Closed::Gap)));
    assert_eq!(hub.accepted(), Seq(2));
}
