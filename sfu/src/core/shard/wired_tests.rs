//! Whole conferences in one thread and in virtual time: the shard, and str0m callers on wires of
//! ours, so that a test decides what comes in one batch.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::Timestamp;
use lens_protocol::id::{ConferenceId, Epoch, Generation, NegotiationId, ParticipantId};
use lens_protocol::media::{
    AddParticipant, CreateMediaRoom, MediaAddress, MediaPolicy, Pause, Role, Simulcast, SlotKind,
};
use lens_runtime::entropy::SeededEntropy;
use str0m::change::SdpOffer;
use str0m::media::{Mid, Pt, Rid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};

use super::*;
use crate::config::Timeouts;
use crate::core::demux::Ufrag;
use crate::core::description::Description;
use crate::core::peer::{self, Blueprint, Credentials, Identity};
use crate::core::slots;

const DOOR: ([u8; 4], u16) = ([192, 0, 2, 1], 8443);
/// Packets of one frame, at 30 frames a second about 2 Mbit/s.
const FRAME: usize = 8;
const PAYLOAD: usize = 1_100;

/// Somebody on the other end of a wire.
struct Caller {
    rtc: Rtc,
    address: SocketAddr,
    due: Instant,
    /// Where it sends video, and the number of its next packet.
    camera: Option<(Mid, Pt, u64)>,
    connected: bool,
    heard: Vec<Vec<u8>>,
    /// How many times it was asked for a keyframe.
    asked: usize,
    /// Its last connectivity check.
    check: Vec<u8>,
    /// Whether its device is off: it neither sends nor hears.
    gone: bool,
    outgoing: Vec<Vec<u8>>,
}

/// The shard with everybody who is wired to it.
pub(super) struct Wires {
    pub(super) shard: Shard,
    start: Instant,
    now: Moment,
    callers: Vec<Caller>,
    /// Makes every so-manieth media packet to a caller disappear.
    pub(super) lose_every: usize,
    passed: usize,
}

impl Wires {
    /// Rooms of one camera and `viewers`, all connected.
    pub(super) fn connected(rooms: u8, viewers: u8, own_path: bool) -> Self {
        let mut wires = Self::answered(rooms, viewers, own_path);
        wires.connect_among(&[]);
        wires
    }

    /// The same, where everybody's DTLS is that of `identity`.
    pub(super) fn connected_by(identity: &Identity, rooms: u8, viewers: u8) -> Self {
        let mut wires = Self::answered_by(identity, rooms, viewers, true);
        wires.connect_among(&[]);
        wires
    }

    /// The same before anything was said.
    fn answered(rooms: u8, viewers: u8, own_path: bool) -> Self {
        let identity = Identity::generate().expect("a certificate");
        Self::answered_by(&identity, rooms, viewers, own_path)
    }

    fn answered_by(identity: &Identity, rooms: u8, viewers: u8, own_path: bool) -> Self {
        let start = Instant::now();
        let config = ShardConfig {
            worker: 0,
            names: Names::for_tests(),
            doors: vec![MediaAddress {
                udp: DOOR.into(),
                tcp: None,
            }],
            timeouts: Timeouts::default(),
            occupancy: Arc::new(Occupancy::for_tests(1_000)),
            entropy: Box::new(SeededEntropy::new(1)),
            fault: None,
        };
        let mut wires = Self {
            shard: Shard::new(config, start),
            start,
            now: Moment {
                instant: start,
                wall: Timestamp::from_unix_ms(1_800_000_000_000),
            },
            callers: Vec::new(),
            lose_every: 0,
            passed: 0,
        };
        for room in 0..rooms {
            wires.open(room, viewers, own_path, identity);
        }
        wires
    }

    /// Lets everybody connect, while these come beside what each sends, as if from its address.
    fn connect_among(&mut self, garbage: &[&[u8]]) {
        for step in 0..3_000 {
            if self.callers.iter().all(|caller| caller.connected) {
                return;
            }
            if step % 5 == 0 {
                self.inject(garbage);
            }
            self.pass(Duration::from_millis(1));
        }
        panic!("not everybody is connected after 3 s");
    }

    fn open(&mut self, room: u8, viewers: u8, own_path: bool, identity: &Identity) {
        let conference = ConferenceId::from_bytes([room; 16]);
        let create = CreateMediaRoom {
            conference,
            epoch: Epoch(1),
            max_participants: viewers + 1,
            media: MediaPolicy::default(),
            memo: serde_json::Value::Null,
        };
        self.shard.create(create, self.now).expect("created");
        for number in 0..=viewers {
            let role = match number {
                0 => Role::Camera,
                _ => Role::Viewer,
            };
            let mut id = [room; 16];
            id[15] = number + 1;
            self.join(
                conference,
                ParticipantId::from_bytes(id),
                role,
                own_path,
                identity,
            );
        }
    }

    fn join(
        &mut self,
        conference: ConferenceId,
        participant: ParticipantId,
        role: Role,
        own_path: bool,
        identity: &Identity,
    ) {
        let room = self.shard.room_key(conference, Epoch(1)).expect("a room");
        let size = self.shard.rooms.get(room).expect("a room").max_participants;
        let seed = self.callers.len() as u64 + 2;
        let built = peer::build(Blueprint {
            credentials: Credentials::new(0, &Names::for_tests(), &mut SeededEntropy::new(seed)),
            identity,
            addresses: &[MediaAddress {
                udp: DOOR.into(),
                tcp: None,
            }],
            layout: &slots::layout(role, size),
            codecs: &MediaPolicy::default().video_codecs,
            simulcast: Simulcast::Never,
            own_path,
            channel: true,
            now: self.now.instant,
        });
        let negotiation = NegotiationId(seed);
        let add = AddParticipant {
            conference,
            epoch: Epoch(1),
            participant,
            role,
            generation: Generation(1),
            pause: Pause::default(),
            memo: serde_json::Value::Null,
        };
        let offered = self
            .shard
            .add(add, built.expect("built"), negotiation, self.now)
            .expect("added");
        let up = offered.slots.iter().find(|it| it.kind == SlotKind::VideoUp);
        let up = up.map(|slot| slot.mid.clone());
        let address: SocketAddr = ([198, 51, 100, 7], 10_000 + self.callers.len() as u16).into();
        let rtc = Rtc::builder()
            .set_crypto_provider(identity.cryptography())
            .set_rtp_mode(true)
            .build(self.now.instant);
        let up = up.as_deref();
        let (caller, sdp) = Caller::answer(rtc, &offered.sdp, address, up, self.now.instant);
        let answering = Answering {
            conference,
            epoch: Epoch(1),
            participant,
            negotiation,
            answer: Description::parse(&sdp).expect("an answer"),
            parsed: peer::parse_answer(&sdp).expect("an answer"),
        };
        self.shard.answer(answering, self.now).expect("answered");
        self.callers.push(caller);
    }

    /// Lets time pass in one step: everybody's datagrams are given to the shard as one batch,
    /// interleaved, and what it sends is delivered.
    pub(super) fn pass(&mut self, time: Duration) {
        let instant = self.now.instant + time;
        let elapsed = instant.duration_since(self.start).as_millis();
        self.now = Moment {
            instant,
            wall: Timestamp::from_unix_ms(1_800_000_000_000 + elapsed as i64),
        };
        for caller in &mut self.callers {
            caller.tick(instant);
        }
        let mut batch = self.interleaved();
        for (remote, bytes) in batch.drain(..) {
            let path = Path {
                door: 0,
                carrier: Carrier::Udp,
                remote,
            };
            self.shard.datagram(path, &bytes, self.now);
        }
        self.shard.turn(self.now);
        self.deliver();
    }

    /// Gives the shard `count` checks for each caller that name it and prove nothing, from its own
    /// address and from a stranger's in turn, a millisecond before anything else comes.
    fn forge_checks(&mut self, count: usize) {
        self.now.instant += Duration::from_millis(1);
        for caller in &self.callers {
            let mut forged = caller.check.clone();
            // Within the transaction id: what is signed is another message.
            forged[12] ^= 0xFF;
            for number in 0..count {
                let stranger = SocketAddr::from(([203, 0, 113, 9], 4_000));
                let remote = if number % 2 == 0 {
                    caller.address
                } else {
                    stranger
                };
                let path = Path {
                    door: 0,
                    carrier: Carrier::Udp,
                    remote,
                };
                self.shard.datagram(path, &forged, self.now);
            }
        }
    }

    /// Gives the shard these datagrams as if each caller had sent them.
    fn inject(&mut self, datagrams: &[&[u8]]) {
        for caller in &self.callers {
            let path = Path {
                door: 0,
                carrier: Carrier::Udp,
                remote: caller.address,
            };
            for datagram in datagrams {
                self.shard.datagram(path, datagram, self.now);
            }
        }
    }

    /// One datagram of each in turn, as often as somebody has one.
    fn interleaved(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut queues: Vec<_> = self
            .callers
            .iter_mut()
            .map(|caller| {
                (
                    caller.address,
                    std::mem::take(&mut caller.outgoing).into_iter(),
                )
            })
            .collect();
        let mut batch = Vec::new();
        loop {
            let before = batch.len();
            for (address, queue) in &mut queues {
                batch.extend(queue.next().map(|bytes| (*address, bytes)));
            }
            if batch.len() == before {
                return batch;
            }
        }
    }

    fn deliver(&mut self) {
        let mut outbox = std::mem::take(&mut self.shard.outbox);
        outbox.drain(|path, bytes, segment| {
            for datagram in bytes.chunks(segment) {
                let media = header::is_media(datagram) && !header::is_control(datagram);
                self.passed += usize::from(media);
                if media && self.lose_every > 0 && self.passed.is_multiple_of(self.lose_every) {
                    continue;
                }
                let mut callers = self.callers.iter_mut();
                if let Some(caller) = callers.find(|it| it.address == path.remote && !it.gone) {
                    caller.receive(datagram, self.now.instant);
                }
            }
        });
        self.shard.outbox = outbox;
    }

    /// Has each camera send one frame, whose packets name the camera and their number.
    pub(super) fn frame(&mut self) {
        for (index, caller) in self.callers.iter_mut().enumerate() {
            caller.send_frame(index as u8, self.now.instant);
        }
    }

    /// Judges that a frame of the first camera reaches its first viewer.
    fn goes_on(&mut self) {
        let before = self.heard()[0].len();
        self.frame();
        self.pass(Duration::from_millis(20));
        self.pass(Duration::from_millis(20));
        assert_eq!(self.heard()[0].len(), before + FRAME, "the session goes on");
    }

    /// Asks everybody who sends a picture for a keyframe.
    pub(super) fn ask(&mut self) {
        let rooms = self.shard.rooms.iter();
        let people = rooms.flat_map(|room| room.participants.iter());
        let all: Vec<_> = people.filter_map(|person| person.current).collect();
        for key in all {
            self.shard.want_keyframes_of(key, 1, self.now);
        }
        self.pass(Duration::from_millis(3));
    }

    /// How many times cameras were asked for a keyframe, as they understood it.
    pub(super) fn asked(&self) -> usize {
        self.callers.iter().map(|caller| caller.asked).sum()
    }

    /// What each viewer heard: the camera's index and the packet's number.
    pub(super) fn heard(&self) -> Vec<Vec<(u8, u64)>> {
        let viewers = self.callers.iter().filter(|caller| caller.camera.is_none());
        let read = |payload: &Vec<u8>| {
            let number = payload[3..11].try_into().expect("eight bytes");
            (payload[2], u64::from_be_bytes(number))
        };
        viewers
            .map(|caller| caller.heard.iter().map(read).collect())
            .collect()
    }
}

impl Caller {
    fn answer(
        mut rtc: Rtc,
        offer: &str,
        address: SocketAddr,
        up: Option<&str>,
        now: Instant,
    ) -> (Self, String) {
        rtc.add_local_candidate(Candidate::host(address, "udp").expect("a candidate"));
        let offer = SdpOffer::from_sdp_string(offer).expect("an offer");
        let answer = rtc.sdp_api().accept_offer(offer).expect("acceptable");
        let camera = up.map(|mid| {
            let mid = Mid::from(mid);
            let pts = rtc.media(mid).expect("a section").remote_pts().to_vec();
            let params = rtc.codec_config().params();
            let vp8 = |pt: &&Pt| {
                let mut same = params.iter().filter(|it| it.pt() == **pt);
                same.any(|it| it.spec().codec == str0m::format::Codec::Vp8)
            };
            let pt = *pts.iter().find(vp8).expect("VP8");
            (mid, pt, 1_000)
        });
        let caller = Self {
            rtc,
            address,
            due: now,
            camera,
            connected: false,
            heard: Vec::new(),
            asked: 0,
            check: Vec::new(),
            gone: false,
            outgoing: Vec::new(),
        };
        (caller, answer.to_sdp_string())
    }

    fn tick(&mut self, now: Instant) {
        if self.due <= now && !self.gone {
            self.rtc.handle_input(Input::Timeout(now)).expect("goes on");
            self.poll();
        }
    }

    fn receive(&mut self, bytes: &[u8], now: Instant) {
        let receive = Receive::new(Protocol::Udp, DOOR.into(), self.address, bytes);
        let input = Input::Receive(now, receive.expect("a datagram"));
        if self.rtc.accepts(&input) {
            self.rtc.handle_input(input).expect("goes on");
            self.poll();
        }
    }

    fn poll(&mut self) {
        loop {
            match self.rtc.poll_output().expect("goes on") {
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
                Output::Transmit(transmit) => {
                    if transmit.contents.starts_with(&[0, 1]) {
                        self.check = transmit.contents.to_vec();
                    }
                    self.outgoing.push(transmit.contents.to_vec());
                }
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(Event::KeyframeRequest(_)) => self.asked += 1,
                Output::Event(Event::RtpPacket(packet)) => self.heard.push(packet.payload.to_vec()),
                Output::Event(_) => {}
            }
        }
    }

    fn send_frame(&mut self, index: u8, now: Instant) {
        let Some((mid, pt, number)) = &mut self.camera else {
            return;
        };
        for place in 0..FRAME {
            // A VP8 descriptor whose frame header says keyframe.
            let mut payload = vec![0x10, 0x00, index];
            payload.extend(number.to_be_bytes());
            payload.resize(PAYLOAD, 7);
            let timestamp = (*number / FRAME as u64 * 3_000) as u32;
            let write = RtpWrite::new(*pt, (*number).into(), timestamp, now, payload)
                .marker(place + 1 == FRAME)
                .ext_vals(ExtensionValues::default())
                .nackable(true);
            *number += 1;
            let mut api = self.rtc.direct_api();
            let stream = api.stream_tx_by_mid(*mid, None).expect("a stream");
            stream.write_rtp(write);
        }
        self.rtc.handle_input(Input::Timeout(now)).expect("goes on");
        self.poll();
    }
}

#[test]
fn the_stack_that_stays_never_hears_of_the_media_unless_it_carries_it() {
    for own_path in [true, false] {
        let wires = Wires::connected(1, 1, own_path);
        for link in wires.shard.links.iter() {
            assert_eq!(link.peer.stack_knows_media(), !own_path);
        }
    }
}

#[test]
fn interleaved_peers_checks_and_reports_in_one_batch_stay_apart() {
    for own_path in [true, false] {
        let mut wires = Wires::connected(3, 2, own_path);
        // Long enough for checks, reports and feedback to come among the packets.
        for _ in 0..150 {
            wires.frame();
            wires.pass(Duration::from_millis(33));
        }
        wires.pass(Duration::from_millis(33));
        for (viewer, heard) in wires.heard().iter().enumerate() {
            // Callers are camera, viewer, viewer, room by room.
            let camera = (viewer / 2 * 3) as u8;
            assert!(
                heard.iter().all(|(from, _)| *from == camera),
                "another room"
            );
            let numbers = heard.iter().map(|(_, number)| *number);
            let wrong = numbers.zip(1_000..).find(|(number, due)| number != due);
            assert_eq!(wrong, None, "viewer {viewer}, own path {own_path}");
            assert_eq!(heard.len(), 150 * FRAME, "viewer {viewer}");
        }
    }
}

#[test]
fn a_connections_65th_stream_is_left_out_and_counted_and_the_others_go_on() {
    let mut wires = Wires::connected(1, 1, true);
    let (mid, pt, _) = wires.callers[0].camera.expect("a camera");
    let send = |wires: &mut Wires, streams: std::ops::Range<u32>, number: u64| {
        let now = wires.now.instant;
        let camera = &mut wires.callers[0];
        for ssrc in streams {
            let mut payload = vec![0x10, 0x00, 0];
            payload.extend(number.to_be_bytes());
            let write = RtpWrite::new(pt, number.into(), 1, now, payload);
            let mut api = camera.rtc.direct_api();
            let stream = match api.stream_tx(&ssrc.into()) {
                Some(stream) => stream,
                // The stack polls one stream of a name.
                None => {
                    let name = format!("{ssrc}");
                    let name = Some(Rid::from(name.as_str()));
                    api.declare_stream_tx(ssrc.into(), None, mid, name)
                }
            };
            stream.write_rtp(write);
            camera
                .rtc
                .handle_input(Input::Timeout(now))
                .expect("goes on");
            camera.poll();
        }
        for _ in 0..100 {
            wires.pass(Duration::from_millis(1));
        }
        let facts = wires.shard.facts;
        (facts.packets_in, facts.too_many_streams)
    };
    assert_eq!(send(&mut wires, 5_000..5_064, 1_000), (64, 0));
    assert_eq!(send(&mut wires, 5_064..5_065, 1_000), (64, 1));
    assert_eq!(send(&mut wires, 5_063..5_065, 1_001), (65, 2));
}

#[test]
fn lost_packets_come_again_from_one_ring_for_all_viewers() {
    let mut wires = Wires::connected(1, 3, true);
    // What comes before or after everything else cannot be missed, and is not lost.
    for (lose_every, frames) in [(0, 1), (10, 58), (0, 1)] {
        wires.lose_every = lose_every;
        for _ in 0..frames {
            wires.frame();
            for _ in 0..11 {
                wires.pass(Duration::from_millis(3));
            }
        }
    }
    for _ in 0..300 {
        wires.pass(Duration::from_millis(3));
    }
    for mut numbers in wires.heard() {
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 60 * FRAME, "everything came in the end");
    }
    assert!(wires.shard.facts.repaired > 100);
}

#[test]
fn forged_checks_that_name_a_participant_crowd_out_none_of_its_own() {
    let mut wires = Wires::connected(1, 1, true);
    // Longer than a participant may be silent; each second begins with the forged ones.
    for _ in 0..60 * 4 {
        wires.forge_checks(150);
        wires.pass(Duration::from_millis(249));
    }
    wires.goes_on();
    assert!(wires.shard.facts.bad_integrity > 60_000);
}

#[test]
fn forged_checks_from_its_address_keep_nobody_alive_who_is_gone() {
    let mut wires = Wires::connected(1, 1, true);
    wires.callers[1].gone = true;
    for _ in 0..20 * 4 {
        wires.forge_checks(10);
        wires.pass(Duration::from_millis(249));
    }
    let sent = wires.shard.facts.packets_out;
    wires.frame();
    wires.pass(Duration::from_millis(20));
    assert_eq!(wires.shard.facts.packets_out, sent, "nothing is sent there");
}

/// What somebody could send who knows a participant's address and nothing else.
fn garbage() -> Vec<Vec<u8>> {
    // A DTLS 1.2 record of 100 bytes, the beginning of a hello.
    let mut hello = vec![
        22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 100, 1, 0, 0, 88, 0, 0, 0, 0, 0, 88,
    ];
    hello.resize(113, 7);
    vec![
        [&[23, 0xFE, 0xFD, 0, 1], &hello[5..]].concat(),
        hello,
        vec![21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40],
        [&[0x80, 96][..], &[7; 200]].concat(),
        [&[0x80, 201][..], &[7; 60]].concat(),
        vec![99; 40],
    ]
}

#[test]
fn garbage_from_its_address_ends_no_session_and_no_handshake() {
    let garbage = garbage();
    let garbage: Vec<&[u8]> = garbage.iter().map(Vec::as_slice).collect();
    let mut wires = Wires::answered(2, 1, true);
    wires.connect_among(&garbage);
    for _ in 0..300 {
        wires.inject(&garbage);
        wires.pass(Duration::from_millis(33));
    }
    wires.goes_on();
}

/// A check for whoever has this user name.
fn check_for(name: &str) -> Vec<u8> {
    let user = format!("{name}:peer");
    let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
    message.extend([7; 12]);
    message.extend([0, 6, 0, user.len() as u8]);
    message.extend(user.as_bytes());
    message.resize(message.len().next_multiple_of(4), 0);
    message[3] = (message.len() - 20) as u8;
    message
}

#[test]
fn a_name_that_nobody_gave_out_is_not_handed_to_the_worker_it_names() {
    let mut wires = Wires::answered(0, 0, true);
    let path = Path {
        door: 0,
        carrier: Carrier::Udp,
        remote: ([203, 0, 113, 9], 4_000).into(),
    };
    let there = Ufrag::new(1, &Names::for_tests(), &mut SeededEntropy::new(3));
    let mut judge = |name: &str| wires.shard.datagram(path, &check_for(name), wires.now);
    assert_eq!(judge(there.as_str()), Verdict::OtherWorker(1));
    let made_up = format!("01{}", "A".repeat(18));
    assert_eq!(judge(&made_up), Verdict::Unknown);
    assert_eq!(wires.shard.facts.unknown_ufrag, 1);
}
