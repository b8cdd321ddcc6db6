//! The shard alone, with its own time: no sockets, no threads, no waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::Timestamp;
use lens_protocol::entropy::{Entropy, random_bytes};
use lens_protocol::id::{ConferenceId, Epoch, Generation, NegotiationId, ParticipantId};
use lens_protocol::media::{
    AddParticipant, CauseCode, CreateMediaRoom, EndMediaRoom, MediaAddress, MediaPolicy, Offered,
    Pause, RemoveParticipant, Role, SfuEventKind,
};
use lens_runtime::entropy::SeededEntropy;

use super::*;
use crate::core::peer::{self, Blueprint, Credentials, Identity};
use crate::core::slots;

const CONFERENCE: ConferenceId = ConferenceId::from_bytes([1; 16]);

struct Bench {
    shard: Shard,
    start: Instant,
    now: Moment,
    entropy: SeededEntropy,
    identity: Identity,
}

fn door() -> MediaAddress {
    MediaAddress {
        udp: ([192, 0, 2, 1], 8443).into(),
        tcp: Some(([192, 0, 2, 1], 8443).into()),
    }
}

fn person(number: u8) -> ParticipantId {
    ParticipantId::from_bytes([number; 16])
}

impl Bench {
    fn new(seed: u64) -> Self {
        let start = Instant::now();
        let config = ShardConfig {
            worker: 0,
            names: Names::for_tests(),
            doors: vec![door()],
            timeouts: Timeouts::default(),
            occupancy: Arc::new(Occupancy::for_tests(100)),
            entropy: Box::new(SeededEntropy::new(seed)),
            fault: None,
        };
        let mut bench = Self {
            shard: Shard::new(config, start),
            start,
            now: Moment {
                instant: start,
                wall: Timestamp::from_unix_ms(0),
            },
            entropy: SeededEntropy::new(seed + 1),
            identity: Identity::generate().expect("a certificate"),
        };
        let room = CreateMediaRoom {
            conference: CONFERENCE,
            epoch: Epoch(1),
            max_participants: 4,
            media: MediaPolicy::default(),
            memo: serde_json::Value::Null,
        };
        bench.shard.create(room, bench.now).expect("created");
        bench
    }

    fn add(&mut self, who: ParticipantId, role: Role, generation: u32) -> Offered {
        let add = AddParticipant {
            conference: CONFERENCE,
            epoch: Epoch(1),
            participant: who,
            role,
            generation: Generation(generation),
            pause: Pause::default(),
            memo: serde_json::Value::Null,
        };
        let built = peer::build(Blueprint {
            credentials: Credentials::new(0, &Names::for_tests(), &mut self.entropy),
            identity: &self.identity,
            addresses: &[door()],
            layout: &slots::layout(role, 4),
            codecs: &MediaPolicy::default().video_codecs,
            simulcast: lens_protocol::media::Simulcast::Never,
            own_path: true,
            channel: true,
            now: self.now.instant,
        });
        let negotiation = NegotiationId(u64::from(generation));
        let offered = self
            .shard
            .add(add, built.expect("built"), negotiation, self.now);
        offered.expect("added")
    }

    /// Lets time pass as a driver would: from deadline to deadline.
    fn pass(&mut self, time: Duration) {
        let until = self.now.instant + time;
        while self.now.instant < until {
            let due = self.shard.deadline(self.now.instant).unwrap_or(until);
            let step = due.clamp(self.now.instant + Duration::from_millis(1), until);
            let elapsed = step.duration_since(self.start).as_millis();
            self.now = Moment {
                instant: step,
                wall: Timestamp::from_unix_ms(i64::try_from(elapsed).expect("a short test")),
            };
            self.shard.turn(self.now);
        }
    }

    fn failures(&self) -> Vec<(i64, ParticipantId, CauseCode)> {
        let notices = self.shard.notices.iter();
        let failures = notices.filter_map(|notice| match notice.kind {
            SfuEventKind::Failed {
                participant, cause, ..
            } => Some((notice.at.unix_ms(), participant, cause)),
            _ => None,
        });
        failures.collect()
    }
}

#[test]
fn an_unanswered_offer_ends_after_exactly_a_minute_and_keeps_its_place() {
    let mut bench = Bench::new(1);
    bench.add(person(1), Role::Camera, 1);
    bench.pass(Duration::from_millis(59_900));
    assert_eq!(bench.failures(), []);
    bench.pass(Duration::from_millis(200));
    let (at, who, cause) = bench.failures()[0];
    assert_eq!((who, cause), (person(1), CauseCode::NoAnswer));
    assert!((60_000..60_010).contains(&at), "at {at} ms");
    assert_eq!(bench.shard.demux.sizes(), (0, 0));
    assert_eq!(
        bench.shard.report(bench.now.instant).rooms[0]
            .participants
            .len(),
        1
    );
    bench.add(person(1), Role::Camera, 2);
    assert_eq!(bench.shard.demux.sizes(), (1, 0));
}

#[test]
fn nothing_is_left_of_who_has_gone() {
    let mut bench = Bench::new(2);
    for number in 1..=4 {
        let role = if number == 1 {
            Role::Camera
        } else {
            Role::Viewer
        };
        bench.add(person(number), role, 1);
        bench.add(person(number), role, 2);
    }
    assert_eq!(
        bench.shard.demux.sizes(),
        (4, 0),
        "an unconnected generation is closed at once"
    );
    for number in 1..=2 {
        let remove = RemoveParticipant {
            conference: CONFERENCE,
            epoch: Epoch(1),
            participant: person(number),
        };
        bench.shard.remove(&remove, bench.now).expect("removed");
    }
    assert_eq!(bench.shard.demux.sizes(), (2, 0));
    let end = EndMediaRoom {
        conference: CONFERENCE,
        epoch: Epoch(2),
    };
    bench
        .shard
        .end(&end, bench.now)
        .expect("ended by a newer placement");
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.shard.demux.sizes(), (0, 0));
    assert_eq!(bench.shard.links.iter().count(), 0);
    let left = &bench.shard.config.occupancy;
    assert_eq!((left.participants(), left.connecting()), (0, 0));
}

#[test]
fn strangers_datagrams_leave_nothing_and_get_nothing() {
    for seed in [3, 4, 5, 6] {
        let mut bench = Bench::new(seed);
        let offered = bench.add(person(1), Role::Camera, 1);
        bench.shard.turn(bench.now);
        bench.shard.outbox.drain(|_, _, _| {});
        let ufrag = offered
            .sdp
            .lines()
            .find_map(|line| line.strip_prefix("a=ice-ufrag:"));
        let ufrag = ufrag.expect("the offer has one").to_owned();
        for round in 0..2_000_u32 {
            let bytes = stranger(&mut bench.entropy, &ufrag, round);
            let [port, door, carrier] = random_bytes(&mut bench.entropy);
            let path = Path {
                door: door % 2,
                carrier: if carrier % 2 == 0 {
                    Carrier::Udp
                } else {
                    Carrier::Tcp
                },
                remote: ([198, 51, 100, 7], 1_000 + u16::from(port)).into(),
            };
            let verdict = bench.shard.datagram(path, &bytes, bench.now);
            assert!(
                matches!(
                    verdict,
                    Verdict::Unknown | Verdict::Dropped | Verdict::OtherWorker(_)
                ),
                "{verdict:?} in round {round} of seed {seed}"
            );
        }
        bench.shard.turn(bench.now);
        assert_eq!(bench.shard.demux.sizes(), (1, 0));
        assert!(bench.shard.outbox.is_empty(), "nobody is answered");
    }
}

/// Bytes of somebody who may know a user name, but no password.
fn stranger(entropy: &mut SeededEntropy, ufrag: &str, round: u32) -> Vec<u8> {
    let [length, first] = random_bytes(entropy);
    let mut bytes = vec![0; usize::from(length) * 7];
    entropy.fill(&mut bytes);
    if round.is_multiple_of(2) {
        if let Some(byte) = bytes.first_mut() {
            *byte = [0, 1, 22, 128, 200][usize::from(first) % 5];
        }
        return bytes;
    }
    let username = format!("{ufrag}:peer");
    let mut attributes = vec![0, 6, 0, username.len() as u8];
    attributes.extend_from_slice(username.as_bytes());
    attributes.resize(attributes.len().next_multiple_of(4), 0);
    attributes.extend_from_slice(&[0, 0x24, 0, 4, 1, 2, 3, 4, 0, 8, 0, 20]);
    attributes.extend_from_slice(&random_bytes::<20>(entropy));
    let mut message = vec![0, 1];
    message.extend_from_slice(&(attributes.len() as u16).to_be_bytes());
    message.extend_from_slice(&[0x21, 0x12, 0xA4, 0x42]);
    message.extend_from_slice(&random_bytes::<12>(entropy));
    message.extend_from_slice(&attributes);
    message
}
