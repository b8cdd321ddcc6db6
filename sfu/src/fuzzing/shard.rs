//! A whole media worker, without sockets: participants come and go, and strangers send what they
//! like from addresses they like.
//!
//! No peer breaks, nobody who has not proved an address gets more bytes there than came from it
//! (and as the server is ICE-lite: none), and nothing is left of a conference that has ended.
//!
//! Input: steps, each one byte and what it needs.

mod callers;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use lens_protocol::Timestamp;
use lens_protocol::id::{ConferenceId, Epoch, Generation, NegotiationId, ParticipantId};
use lens_protocol::media::{
    AddParticipant, CreateMediaRoom, EndMediaRoom, HoldMediaRoom, MediaAddress, MediaPolicy, Pause,
    PauseParticipant, RemoveParticipant, Role, Simulcast,
};
use lens_runtime::entropy::SeededEntropy;

use super::input::Input;
use crate::config::Timeouts;
use crate::core::demux::Names;
use crate::core::description::Description;
use crate::core::occupancy::Occupancy;
use crate::core::path::{Carrier, Moment, Path};
use crate::core::peer::{self, Blueprint, Credentials, Identity};
use crate::core::shard::{Answering, Shard, ShardConfig};
use crate::core::slots;
use callers::Caller;

/// Most steps of one input, and most offers among them: each costs a millisecond.
const STEPS: usize = 100;
const OFFERS: u32 = 6;
const ROOM: ConferenceId = ConferenceId::from_bytes([1; 16]);

/// One for all runs: making one is slow.
pub(super) static IDENTITY: LazyLock<Identity> =
    LazyLock::new(|| Identity::generate().expect("a certificate"));

pub(super) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut node = Node::new(input.byte() & 1 == 0);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        node.step(&mut input);
        node.settle();
    }
    node.end();
}

struct Node {
    shard: Shard,
    occupancy: Arc<Occupancy>,
    start: Instant,
    passed: Duration,
    own_path: bool,
    offers: u32,
    entropy: SeededEntropy,
    callers: [Caller; 3],
    /// Bytes that came on each path, less those that went out.
    balance: HashMap<Path, i64>,
    proved: HashSet<Path>,
}

pub(super) fn door() -> MediaAddress {
    MediaAddress {
        udp: ([192, 0, 2, 1], 8443).into(),
        tcp: Some(([192, 0, 2, 1], 8443).into()),
    }
}

fn person(number: usize) -> ParticipantId {
    ParticipantId::from_bytes([number as u8 + 1; 16])
}

impl Node {
    fn new(own_path: bool) -> Self {
        let start = Instant::now();
        let occupancy = Arc::new(Occupancy::for_tests(3));
        let config = ShardConfig {
            worker: 0,
            names: Names::for_tests(),
            doors: vec![door()],
            timeouts: Timeouts::default(),
            occupancy: Arc::clone(&occupancy),
            entropy: Box::new(SeededEntropy::new(1)),
            fault: None,
        };
        let mut node = Self {
            shard: Shard::new(config, start),
            occupancy,
            start,
            passed: Duration::ZERO,
            own_path,
            offers: 0,
            entropy: SeededEntropy::new(2),
            callers: Default::default(),
            balance: HashMap::new(),
            proved: HashSet::new(),
        };
        node.create();
        node
    }

    fn at(&self) -> Moment {
        Moment {
            instant: self.start + self.passed,
            wall: Timestamp::from_unix_ms(self.passed.as_millis() as i64),
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let kind = input.byte() % 12;
        let who = usize::from(input.byte() % 3);
        match kind {
            0 => self.join(who),
            1 => self.answer(who, input),
            2 | 3 => self.prove(who, input),
            4 => self.noise(input),
            5 => self.record(input),
            6 => self.near_request(who, input),
            7 => self.passed += Duration::from_millis(u64::from(input.word() % 20_000)),
            8 => self.command(who, input.byte()),
            9 => {
                let path = self.path(input);
                let at = self.at();
                self.shard.path_closed(&path, at);
            }
            10 => self.leave(who),
            _ => self.create(),
        }
    }

    fn path(&self, input: &mut Input<'_>) -> Path {
        let byte = input.byte();
        Path {
            door: u8::from(byte & 0x70 == 0x70),
            carrier: match byte & 8 {
                0 => Carrier::Udp,
                _ => Carrier::Tcp,
            },
            remote: ([198, 51, 100, 7], 1_000 + u16::from(byte & 7)).into(),
        }
    }

    fn create(&mut self) {
        let room = CreateMediaRoom {
            conference: ROOM,
            epoch: Epoch(1),
            max_participants: 3,
            media: MediaPolicy::default(),
            memo: serde_json::Value::Null,
        };
        let _ = self.shard.create(room, self.at());
    }

    /// The next generation of a participant; the first is the camera.
    fn join(&mut self, who: usize) {
        if self.offers == OFFERS {
            return;
        }
        self.offers += 1;
        let role = if who == 0 { Role::Camera } else { Role::Viewer };
        let negotiation = NegotiationId(u64::from(self.offers));
        let built = peer::build(Blueprint {
            credentials: Credentials::new(0, &Names::for_tests(), &mut self.entropy),
            identity: &IDENTITY,
            addresses: &[door()],
            layout: &slots::layout(role, 3),
            codecs: &MediaPolicy::default().video_codecs,
            simulcast: Simulcast::Never,
            own_path: self.own_path,
            channel: true,
            now: self.at().instant,
        });
        let add = AddParticipant {
            conference: ROOM,
            epoch: Epoch(1),
            participant: person(who),
            role,
            generation: Generation(self.offers),
            pause: Pause::default(),
            memo: serde_json::Value::Null,
        };
        let built = built.expect("an offer");
        if let Ok(offered) = self.shard.add(add, built, negotiation, self.at()) {
            self.callers[who] = Caller::new(offered);
        }
    }

    /// An answer, sound but for one line.
    fn answer(&mut self, who: usize, input: &mut Input<'_>) {
        let (line, length) = (usize::from(input.word()), usize::from(input.byte() % 64));
        let Some((negotiation, sdp)) = self.callers[who].answer(line, input.take(length)) else {
            return;
        };
        let Ok(answer) = Description::parse(&sdp) else {
            return;
        };
        let Ok(parsed) = peer::parse_answer(&answer.sdp) else {
            return;
        };
        let answering = Answering {
            conference: ROOM,
            epoch: Epoch(1),
            participant: person(who),
            negotiation,
            answer,
            parsed,
        };
        let _ = self.shard.answer(answering, self.at());
    }

    /// A check of somebody who knows the password.
    fn prove(&mut self, who: usize, input: &mut Input<'_>) {
        let path = self.path(input);
        let Some(check) = self.callers[who].check(input.byte() & 1 == 0) else {
            return;
        };
        self.proved.insert(path);
        self.datagram(path, &check);
    }

    /// Anything at all.
    fn noise(&mut self, input: &mut Input<'_>) {
        let path = self.path(input);
        let length = usize::from(input.byte()) * 8;
        let bytes = input.take(length);
        self.datagram(path, bytes);
    }

    /// Something that looks like DTLS 1.2.
    fn record(&mut self, input: &mut Input<'_>) {
        let path = self.path(input);
        let length = usize::from(input.byte());
        let mut record = vec![input.byte() % 8 + 19, 0xFE, 0xFD, 0, 0];
        record.extend(input.array::<6>());
        let body = input.take(length);
        record.extend((body.len() as u16).to_be_bytes());
        record.extend(body);
        self.datagram(path, &record);
    }

    /// A check whose bytes were changed in one place on their way.
    fn near_request(&mut self, who: usize, input: &mut Input<'_>) {
        let path = self.path(input);
        let (place, bits) = (usize::from(input.byte()), input.byte());
        let Some(mut check) = self.callers[who].check(true) else {
            return;
        };
        // Bytes 2 and 3 count what comes behind the proof, which nobody has proved.
        let at = 4 + place % (check.len() - 4);
        check[at] ^= bits;
        if bits == 0 {
            self.proved.insert(path);
        }
        self.datagram(path, &check);
    }

    fn command(&mut self, who: usize, byte: u8) {
        let (conference, epoch, at) = (ROOM, Epoch(1), self.at());
        match byte % 4 {
            0 | 1 => {
                let held = byte & 3 == 0;
                let hold = HoldMediaRoom {
                    conference,
                    epoch,
                    held,
                };
                let _ = self.shard.hold(&hold, at);
            }
            2 => {
                let pause = Pause {
                    video: byte & 4 != 0,
                    voice: byte & 8 != 0,
                };
                let wanted = PauseParticipant {
                    conference,
                    epoch,
                    participant: person(who),
                    pause,
                };
                let _ = self.shard.pause(&wanted, at);
            }
            _ => self.end(),
        }
    }

    fn leave(&mut self, who: usize) {
        let remove = RemoveParticipant {
            conference: ROOM,
            epoch: Epoch(1),
            participant: person(who),
        };
        let removed = self.shard.remove(&remove, self.at());
        removed.expect("of the epoch in force");
    }

    fn datagram(&mut self, path: Path, bytes: &[u8]) {
        *self.balance.entry(path).or_default() += bytes.len() as i64;
        let _ = self.shard.datagram(path, bytes, self.at());
    }

    /// The end of a turn, and what holds then.
    fn settle(&mut self) {
        self.shard.turn(self.at());
        let (balance, proved) = (&mut self.balance, &self.proved);
        self.shard.outbox.drain(|path, bytes, _| {
            let left = balance.entry(path).or_default();
            *left -= bytes.len() as i64;
            assert!(proved.contains(&path) || *left >= 0, "{left} to a stranger");
        });
        self.shard.notices.clear();
        self.shard.released.clear();
        self.shard.endings.clear();
        self.shard.reached.clear();
        assert_eq!(self.shard.facts.peer_faults, 0, "a peer broke the stack");
        let [rooms, links, names, _] = self.shard.census();
        // A participant has its newest connection and the one it is still connected with.
        assert!(rooms <= 1 && links <= 2 * 3 && names == links);
    }

    fn end(&mut self) {
        let end = EndMediaRoom {
            conference: ROOM,
            epoch: Epoch(1),
        };
        let at = self.at();
        self.shard.end(&end, at).expect("of the epoch in force");
        self.settle();
        assert_eq!(self.shard.census(), [0; 4], "something is left");
        let left = (self.occupancy.participants(), self.occupancy.connecting());
        assert_eq!(left, (0, 0));
    }
}
