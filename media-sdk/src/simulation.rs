//! Whole conferences in virtual time: sessions, a small streaming server, and a network between
//! them that delays and loses what it is told to. The same seed is the same run.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lens_protocol::ErrorCode;
use lens_protocol::entropy::Entropy;
use lens_protocol::id::ParticipantId;
use lens_protocol::media::Role;
use lens_protocol::peer::CommandOutcome;

use crate::core::{
    Carrier, ConnectionId, Datagram, Event, Identity, Input, Output, OwnedFrame, Session,
    SessionConfig, SignalReport, command_body,
};
use crate::frame::{Codec, MediaKind, Rotation};
use crate::message::Command;
use crate::network::{InboundSignal, OfferReason, OutboundBody};
use crate::state::State;

// Tests of the driver use it as well, and more of it.
#[allow(dead_code, unreachable_pub, missing_docs)]
#[path = "../tests/support/room.rs"]
mod room;

use room::{Room, number_of, person, picture};

const CAMERA: u8 = 1;
const VIEWER: u8 = 2;
const STEP: Duration = Duration::from_millis(1);
/// One way of the network.
const DELAY: Duration = Duration::from_millis(15);

/// Reproducible bytes (SplitMix64).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.next() as u8);
    }
}

struct Person {
    number: u8,
    session: Session,
    /// Addresses of its connections' sockets.
    addresses: HashMap<SocketAddr, ConnectionId>,
    states: Vec<State>,
    events: Vec<Event>,
    /// Numbers of the pictures that were given out.
    seen: Vec<u64>,
    requests: u64,
    /// Datagrams of media, and of reports about it.
    sent: u64,
    /// When its session wants to be called, and how often that has come while nothing else had.
    due: Option<Instant>,
    woken: u32,
    /// What the host's network does with signals.
    signals: Signals,
    attempts: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq)]
enum Signals {
    Carried,
    /// Neither carried nor reported.
    Swallowed,
    Refused(ErrorCode),
}

struct World {
    now: Instant,
    room: Room,
    people: Vec<Person>,
    wire: VecDeque<(Instant, SocketAddr, SocketAddr, Vec<u8>)>,
    random: Seeded,
    /// Lost datagrams in a hundred, among those that carry media.
    loss: u64,
    doors: u16,
    ports: u16,
    number: u64,
    next_picture: Instant,
    wants_keyframe: bool,
    /// Its camera does not film.
    dark: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        fastrand::seed(seed);
        let now = Instant::now();
        Self {
            now,
            room: Room::default(),
            people: Vec::new(),
            wire: VecDeque::new(),
            random: Seeded(seed),
            loss: 0,
            doors: 20_000,
            ports: 40_000,
            number: 0,
            next_picture: now,
            wants_keyframe: true,
            dark: false,
        }
    }

    /// A camera and a viewer, connected.
    fn connected(seed: u64) -> Self {
        Self::new(seed).connect()
    }

    fn connect(self) -> Self {
        let mut world = self;
        for (number, role) in [(CAMERA, Role::Camera), (VIEWER, Role::Viewer)] {
            world.enter(number);
            world.offer(number, role);
        }
        world.until("both are connected", |world| {
            let people = &mut world.people;
            people
                .iter()
                .all(|it| it.states.last() == Some(&State::Connected))
        });
        world
    }

    fn enter(&mut self, number: u8) {
        let config = SessionConfig {
            signal_timeout: Duration::from_secs(10),
            max_video_bps: 2_000_000,
            max_fps: 30,
            playout: (Duration::from_millis(20), Duration::from_millis(250)),
            tcp: true,
        };
        let identity = Identity::generate().expect("a certificate");
        let entropy = Box::new(Seeded(u64::from(number)));
        self.people.push(Person {
            number,
            session: Session::new(config, identity, entropy, self.now),
            addresses: HashMap::new(),
            states: vec![State::New],
            events: Vec::new(),
            seen: Vec::new(),
            requests: 0,
            sent: 0,
            due: None,
            woken: 0,
            signals: Signals::Carried,
            attempts: Vec::new(),
        });
    }

    fn offer(&mut self, number: u8, role: Role) -> InboundSignal {
        self.doors += 1;
        let door = SocketAddr::from(([10, 0, 0, 1], self.doors));
        let offer = self.room.offer(self.now, person(number), role, door);
        let signal = InboundSignal::Offer(Box::new(offer));
        self.input(number, Input::Signal(signal.clone()));
        signal
    }

    fn person(&mut self, number: u8) -> &mut Person {
        let mut people = self.people.iter_mut();
        people.find(|it| it.number == number).expect("somebody")
    }

    fn input(&mut self, number: u8, input: Input<'_>) {
        let now = self.now;
        let (mut outputs, person) = (Vec::new(), self.person(number));
        person.due = person.session.step(now, input, &mut outputs);
        for output in outputs {
            self.act(number, output);
        }
    }

    fn act(&mut self, number: u8, output: Output) {
        match output {
            Output::Open(connection) => {
                self.ports += 1;
                let address = SocketAddr::from(([10, 0, 0, 100 + number], self.ports));
                self.person(number).addresses.insert(address, connection);
                self.input(number, Input::Addresses(connection, vec![address]));
            }
            Output::Release(connection) => {
                self.person(number)
                    .addresses
                    .retain(|_, known| *known != connection);
            }
            Output::Transmit(sent) => {
                let is_media = sent.bytes.first().is_some_and(|first| *first >= 128);
                self.person(number).sent += u64::from(is_media);
                if is_media && self.random.next() % 100 < self.loss {
                    return;
                }
                let at = self.now + DELAY;
                self.wire
                    .push_back((at, sent.source, sent.destination, sent.bytes));
            }
            Output::Event(event) => self.hear(number, event),
            Output::Dial(..) | Output::Timeout(_) => {}
        }
    }

    fn hear(&mut self, number: u8, event: Event) {
        match event {
            Event::Send(signal) => self.carry(number, signal.id, signal.attempt, signal.body),
            Event::State(state) => self.person(number).states.push(state),
            Event::Frame(_, frame) => self.person(number).seen.push(number_of(&frame.data)),
            Event::KeyframeRequest => {
                self.wants_keyframe = true;
                self.person(number).requests += 1;
            }
            event => self.person(number).events.push(event),
        }
    }

    fn carry(&mut self, number: u8, id: u64, attempt: u32, body: OutboundBody) {
        self.person(number).attempts.push(attempt);
        match self.person(number).signals {
            Signals::Swallowed => return,
            Signals::Refused(code) => {
                return self.input(number, Input::Report(id, SignalReport::Refused(code)));
            }
            Signals::Carried => {}
        }
        match body {
            OutboundBody::Answer {
                negotiation_id,
                sdp,
                ..
            } => {
                self.room.answer(self.now, negotiation_id, &sdp);
            }
            OutboundBody::OfferRequest { .. } => {
                let role = match number {
                    CAMERA => Role::Camera,
                    _ => Role::Viewer,
                };
                self.offer(number, role);
            }
            _ => {}
        }
        self.input(number, Input::Report(id, SignalReport::Sent));
    }

    fn film(&mut self) {
        let films = self.people.iter().any(|it| it.number == CAMERA);
        if !films || self.dark || self.next_picture > self.now {
            return;
        }
        self.next_picture += Duration::from_millis(33);
        let keyframe = std::mem::take(&mut self.wants_keyframe);
        self.number += 1;
        let frame = OwnedFrame {
            codec: Codec::Vp8,
            data: picture(self.number, keyframe, if keyframe { 12_000 } else { 3_000 }).into(),
            pts_us: self.number * 33_000,
            keyframe,
            rotation: Rotation::Upright,
            after_gap: false,
        };
        self.input(CAMERA, Input::Frame(frame));
    }

    fn step(&mut self) {
        self.now += STEP;
        self.film();
        while self.wire.front().is_some_and(|(at, ..)| *at <= self.now) {
            if let Some((_, from, to, bytes)) = self.wire.pop_front() {
                self.deliver(from, to, &bytes);
            }
        }
        for number in self.people.iter().map(|it| it.number).collect::<Vec<_>>() {
            let now = self.now;
            let person = self.person(number);
            let next = now + STEP;
            person.woken += u32::from(person.due.is_some_and(|due| due <= next));
            self.input(number, Input::Timeout);
        }
        self.room.pass(self.now);
        while let Some((from, to, bytes)) = self.room.sent.pop_front() {
            let is_media = bytes.first().is_some_and(|first| *first >= 128);
            if !is_media || self.random.next() % 100 >= self.loss {
                self.wire.push_back((self.now + DELAY, from, to, bytes));
            }
        }
    }

    fn deliver(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let mut people = self.people.iter();
        let receiver = people.find_map(|it| Some((it.number, *it.addresses.get(&to)?)));
        let Some((number, connection)) = receiver else {
            return self.room.receive(self.now, from, to, bytes);
        };
        let datagram = Datagram {
            carrier: Carrier::Udp,
            source: from,
            destination: to,
            bytes,
        };
        self.input(number, Input::Datagram(connection, datagram));
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.step();
        }
    }

    /// Lets time pass until it is so; a minute of it at most.
    fn until(&mut self, sentence: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        for _ in 0..60_000 {
            if holds(self) {
                return;
            }
            self.step();
        }
        panic!("not within a minute: {sentence}");
    }

    fn more_seen(&mut self, count: usize) {
        let before = self.person(VIEWER).seen.len();
        self.until("more is seen", |world| {
            world.person(VIEWER).seen.len() >= before + count
        });
    }

    /// What was seen: in order, none twice; returns how many are missing in between.
    fn missing(&mut self) -> u64 {
        let seen = &self.person(VIEWER).seen;
        for pair in seen.windows(2) {
            assert!(pair[0] < pair[1], "after {} came {}", pair[0], pair[1]);
        }
        let span = seen[seen.len() - 1] - seen[0] + 1;
        span - seen.len() as u64
    }
}

#[test]
fn a_camera_is_seen_complete_and_in_order() {
    let mut world = World::connected(1);
    world.more_seen(100);
    assert_eq!(world.missing(), 0);
    let expected = [State::New, State::Connecting, State::Connected];
    assert_eq!(world.person(VIEWER).states, expected);
    assert!(
        world.person(CAMERA).requests > 0,
        "a joiner needs a keyframe"
    );
    let now = world.now;
    let viewer = &mut world.person(VIEWER).session;
    viewer.step(now, Input::Timeout, &mut Vec::new());
    let stats = viewer.stats();
    assert_eq!((stats.width, stats.height), (Some(640), Some(480)));
    assert!(
        stats
            .frames_per_second
            .is_some_and(|rate| (25.0..35.0).contains(&rate))
    );
    assert!(
        world
            .person(CAMERA)
            .events
            .iter()
            .any(|it| matches!(it, Event::Bitrate { .. }))
    );
}

#[test]
fn frames_that_come_in_one_instant_all_leave() {
    let mut world = World::connected(2);
    world.more_seen(10);
    for _ in 0..5 {
        world.next_picture = world.now;
        world.film();
    }
    world.more_seen(30);
    assert_eq!(world.missing(), 0);
}

#[test]
fn a_camera_s_timers_wake_it_for_hardly_anything_but_its_pictures() {
    let mut world = World::connected(15);
    world.more_seen(300);
    let before = world.person(CAMERA).woken;
    world.pass(Duration::from_secs(5));
    let woken = world.person(CAMERA).woken - before;
    assert!(woken < 50, "{woken} times in 5 s");
}

#[test]
fn a_camera_that_has_not_filmed_yet_reports_nothing_and_films_when_it_does() {
    let mut world = World::new(16);
    world.dark = true;
    let mut world = world.connect();
    world.pass(Duration::from_secs(5));
    assert_eq!(world.person(CAMERA).sent, 0, "there is nothing to report");
    (world.dark, world.next_picture) = (false, world.now);
    world.more_seen(100);
    assert_eq!(world.missing(), 0);
}

#[test]
fn a_camera_that_pauses_sends_next_to_nothing_and_goes_on_where_it_was() {
    let mut world = World::connected(17);
    world.more_seen(200);
    let told = |world: &mut World| world.person(CAMERA).session.stats().target_bps;
    let before = told(&mut world).expect("told what to send");
    for _ in 0..2 {
        world.input(CAMERA, Input::Mute(MediaKind::Video, true));
        world.pass(Duration::from_secs(3));
        let camera = world.person(CAMERA);
        let (sent, woken) = (camera.sent, camera.woken);
        world.pass(Duration::from_secs(5));
        let camera = world.person(CAMERA);
        let (sent, woken) = (camera.sent - sent, camera.woken - woken);
        assert!(sent < 20, "{sent} sent in 5 s");
        assert!(woken < 50, "{woken} times woken in 5 s");
        world.input(CAMERA, Input::Mute(MediaKind::Video, false));
        world.more_seen(5);
        let after = told(&mut world).expect("told what to send");
        assert!(after >= before / 2, "{after} bit/s after {before}");
        world.more_seen(100);
    }
}

#[test]
fn one_lost_packet_in_twenty_is_sent_again_in_time() {
    for seed in [1, 7, 1871] {
        let mut world = World::connected(seed);
        world.more_seen(10);
        world.loss = 5;
        world.more_seen(300);
        let missing = world.missing();
        assert!(
            missing <= 15,
            "{missing} of 300 are missing with seed {seed}"
        );
    }
}

#[test]
fn a_new_generation_takes_over_and_nothing_is_seen_twice() {
    let mut world = World::connected(3);
    world.more_seen(30);
    world.offer(VIEWER, Role::Viewer);
    world.more_seen(90);
    assert!(world.missing() <= 3, "{} are missing", world.missing());
    assert_eq!(world.person(VIEWER).session.generation().0, 2);
    assert_eq!(world.person(VIEWER).states.last(), Some(&State::Connected));
    assert_eq!(
        world.person(VIEWER).states.len(),
        3,
        "it never left connected"
    );
    assert_eq!(
        world.person(VIEWER).addresses.len(),
        1,
        "the former socket is released"
    );

    world.offer(CAMERA, Role::Camera);
    world.until("the camera's new generation", |world| {
        world.person(CAMERA).session.generation().0 == 2
    });
    world.more_seen(60);
    world.missing();
}

#[test]
fn a_broken_connection_asks_for_a_new_generation_by_itself() {
    let mut world = World::connected(4);
    world.more_seen(10);
    world.room.cut(person(VIEWER));
    world.until("it is noticed", |world| {
        world.person(VIEWER).states.last() == Some(&State::Reconnecting)
    });
    world.until("it is connected again", |world| {
        world.person(VIEWER).states.last() == Some(&State::Connected)
    });
    world.more_seen(30);
    assert_eq!(world.person(VIEWER).session.generation().0, 2);
}

#[test]
fn duplicates_stale_offers_and_unknown_kinds_are_harmless_and_counted() {
    let mut world = World::connected(5);
    let stale = world.offer(VIEWER, Role::Viewer);
    let newest = world.offer(VIEWER, Role::Viewer);
    world.more_seen(30);
    for signal in [&newest, &stale, &newest] {
        world.input(VIEWER, Input::Signal(signal.clone()));
    }
    let kind = "telepathy".to_owned();
    world.input(VIEWER, Input::Signal(InboundSignal::Unknown { kind }));
    for report in [SignalReport::Sent, SignalReport::Failed { retryable: true }] {
        world.input(VIEWER, Input::Report(1, report));
        world.input(VIEWER, Input::Report(99, report));
    }
    world.more_seen(60);
    world.missing();
    assert_eq!(world.person(VIEWER).session.generation().0, 3);
    let stats = world.person(VIEWER).session.stats();
    assert_eq!((stats.stale_signals, stats.ignored), (3, 1));
}

#[test]
fn an_answer_that_nothing_is_heard_of_is_sent_again() {
    let mut world = World::new(6);
    world.enter(VIEWER);
    world.person(VIEWER).signals = Signals::Swallowed;
    world.offer(VIEWER, Role::Viewer);
    world.pass(Duration::from_secs(9));
    assert_eq!(world.person(VIEWER).attempts, [1]);
    // The connection is given up at ten seconds, and a new offer asked for.
    world.pass(Duration::from_secs(2));
    world.person(VIEWER).signals = Signals::Carried;
    world.until("it is connected", |world| {
        world.person(VIEWER).states.last() == Some(&State::Connected)
    });
}

#[test]
fn a_final_refusal_fails_with_the_server_s_code() {
    let mut world = World::new(8);
    world.enter(VIEWER);
    world.person(VIEWER).signals = Signals::Refused(ErrorCode::ConferenceEnded);
    world.offer(VIEWER, Role::Viewer);
    world.pass(Duration::from_millis(100));
    let failed = State::Failed(ErrorCode::ConferenceEnded.into());
    assert_eq!(world.person(VIEWER).states.last(), Some(&failed));
    world.person(VIEWER).signals = Signals::Carried;
    world.offer(VIEWER, Role::Viewer);
    world.pass(Duration::from_secs(1));
    assert_eq!(
        world.person(VIEWER).states.last(),
        Some(&failed),
        "it is never left"
    );
}

#[test]
fn commands_are_asked_refused_and_answered_over_the_data_channel() {
    let mut world = World::connected(9);
    world.more_seen(10);
    let body = command_body(41, &Command::Torch { on: true });
    world.input(VIEWER, Input::Messages([body].into()));
    let asked = |world: &mut World| {
        world
            .person(CAMERA)
            .events
            .iter()
            .find_map(|event| match event {
                Event::Command(request) => Some(request.clone()),
                _ => None,
            })
    };
    world.until("the camera is asked", |world| asked(world).is_some());
    let request = asked(&mut world).expect("a request");
    assert_eq!(request.command, Command::Torch { on: true });
    assert_eq!(request.from, Some(ParticipantId::from_bytes([VIEWER; 16])));
    world.input(CAMERA, Input::Reply(request.id, CommandOutcome::Refused));
    world.until("the viewer is answered", |world| {
        let events = &world.person(VIEWER).events;
        events
            .iter()
            .any(|it| matches!(it, Event::CommandReply(41, CommandOutcome::Refused)))
    });
}

#[test]
fn after_a_minute_without_connection_capture_stops_until_it_is_resumed() {
    let mut world = World::connected(10);
    world.more_seen(10);
    world.person(CAMERA).signals = Signals::Swallowed;
    world.room.cut(person(CAMERA));
    let stopped = |world: &mut World| {
        let events = &world.person(CAMERA).events;
        events.iter().any(|it| matches!(it, Event::CaptureStopped))
    };
    world.pass(Duration::from_secs(50));
    assert!(!stopped(&mut world));
    world.pass(Duration::from_secs(20));
    assert!(stopped(&mut world));
    world.person(CAMERA).signals = Signals::Carried;
    world.input(CAMERA, Input::RequestOffer(OfferReason::Restart));
    world.until("it is connected", |world| {
        world.person(CAMERA).states.last() == Some(&State::Connected)
    });
    let before = world.person(VIEWER).seen.len();
    world.pass(Duration::from_secs(2));
    assert_eq!(
        world.person(VIEWER).seen.len(),
        before,
        "nobody films unknowingly"
    );
    world.input(CAMERA, Input::ResumeCapture);
    world.more_seen(10);
}
