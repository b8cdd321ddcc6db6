//! A deterministic simulator: the real shard, clients on our own path, links that delay, lose and
//! limit (str0m-netem), virtual time. The media stack sends in an order that nobody can set, so
//! that it does ICE, DTLS and SDP alone here; `core/shard/wired_tests.rs` has it at the other end. Every source of chance has a seed ([`Seeds`]), so that a
//! run's trace is the same each time, and what a scenario measures is the same on every machine.
//!
//! [`scenarios`] are conditions that the streaming server has to do well in; what each of them
//! measured last is in `figures.txt`, so that a change of behaviour is seen in a diff.

mod again;
mod camera;
mod client;
mod dtls;
mod figures;
mod frames;
mod scenarios;
mod svc;
mod trace;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use lens_protocol::Timestamp;
use lens_protocol::entropy::{Entropy, random_bytes};
use lens_protocol::id::{ConferenceId, Epoch, Generation, NegotiationId, ParticipantId};
use lens_protocol::media::{
    AddParticipant, CreateMediaRoom, MediaAddress, MediaPolicy, Pause, Role, Simulcast,
};
use lens_runtime::entropy::SeededEntropy;
use str0m::IceCreds;
use str0m_netem::{Input, Netem, NetemConfig, Output};

use self::camera::Camera;
use self::client::Client;
use self::dtls::SimulatedDtls;
use self::trace::{Direction, Trace};
use crate::config::Timeouts;
use crate::core::demux::Names;
use crate::core::description::Description;
use crate::core::estimate::OVERHEAD;
use crate::core::occupancy::Occupancy;
use crate::core::path::{Carrier, Moment, Path};
use crate::core::peer::{self, Blueprint, Credentials, Identity, NewClient};
use crate::core::shard::{Answering, Shard, ShardConfig};
use crate::core::slots;

const DOOR: ([u8; 4], u16) = ([192, 0, 2, 1], 8443);
/// Time passes in steps.
const STEP: Duration = Duration::from_millis(1);

/// Where chance comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seeds {
    /// What the shard draws: user names, first sequence numbers.
    shard: u64,
    /// ICE credentials of the peers.
    credentials: u64,
    /// Keys of DTLS.
    dtls: u8,
    /// The media stack's own generator: SSRCs, transaction ids, tie breakers.
    stack: u64,
    /// Losses and jitter.
    links: u64,
}

impl Seeds {
    fn all(seed: u64) -> Self {
        Self {
            shard: seed,
            credentials: seed + 1,
            dtls: seed as u8,
            stack: seed + 2,
            links: seed + 3,
        }
    }
}

/// The server, and everybody with a link each way.
struct World {
    shard: Shard,
    start: Instant,
    now: Duration,
    clients: Vec<Client>,
    up: Vec<Netem<Vec<u8>>>,
    down: Vec<Netem<Vec<u8>>>,
    trace: Trace,
    seeds: Seeds,
    identity: Identity,
    entropy: SeededEntropy,
    joined: u64,
    /// Bytes that have come through to each client, with their IP and UDP headers.
    passed: Vec<usize>,
    /// Packets of every frame of the cameras that join; `None` for a rate that follows estimates.
    fixed: Option<u16>,
    simulcast: Simulcast,
    /// Whether the cameras that join send one stream of several sizes.
    scalable: bool,
}

/// Where virtual time begins. The media stack writes absolute times into packets, so that all runs
/// have to begin at the same one.
static START: OnceLock<Instant> = OnceLock::new();

const ROOM: ConferenceId = ConferenceId::from_bytes([1; 16]);

impl World {
    /// A room, and nobody in it.
    fn new(seeds: Seeds, media: MediaPolicy) -> Self {
        fastrand::seed(seeds.stack);
        let start = *START.get_or_init(Instant::now);
        let config = ShardConfig {
            worker: 0,
            names: Names::for_tests(),
            doors: vec![door()],
            timeouts: Timeouts::default(),
            occupancy: Arc::new(Occupancy::for_tests(1_000)),
            entropy: Box::new(SeededEntropy::new(seeds.shard)),
            fault: None,
        };
        // The stack takes its cryptography for as long as the process lives.
        let dtls = Box::leak(Box::new(SimulatedDtls(seeds.dtls)));
        let mut world = Self {
            shard: Shard::new(config, start),
            start,
            now: Duration::ZERO,
            clients: Vec::new(),
            up: Vec::new(),
            down: Vec::new(),
            trace: Trace::default(),
            seeds,
            identity: Identity::over(dtls).expect("a certificate"),
            entropy: SeededEntropy::new(seeds.credentials),
            joined: 0,
            passed: Vec::new(),
            fixed: None,
            simulcast: media.simulcast,
            scalable: false,
        };
        let create = CreateMediaRoom {
            conference: ROOM,
            epoch: Epoch(1),
            max_participants: 4,
            media,
            memo: serde_json::Value::Null,
        };
        let at = world.moment();
        world.shard.create(create, at).expect("created");
        world
    }

    /// Somebody joins, or comes again with a new generation; its index is returned.
    fn join(&mut self, number: u8, generation: u32, links: (NetemConfig, NetemConfig)) -> usize {
        let role = match number {
            0 => Role::Camera,
            _ => Role::Viewer,
        };
        self.joined += 1;
        let at = self.moment();
        let built = peer::build(Blueprint {
            credentials: Credentials::new(0, &Names::for_tests(), &mut self.entropy),
            identity: &self.identity,
            addresses: &[door()],
            layout: &slots::layout(role, 4),
            codecs: &MediaPolicy::default().video_codecs,
            simulcast: self.simulcast,
            own_path: true,
            channel: false,
            now: at.instant,
        });
        let add = AddParticipant {
            conference: ROOM,
            epoch: Epoch(1),
            participant: ParticipantId::from_bytes([number + 1; 16]),
            role,
            generation: Generation(generation),
            pause: Pause::default(),
            memo: serde_json::Value::Null,
        };
        let negotiation = NegotiationId(self.joined);
        let participant = add.participant;
        let offered = self.shard.add(add, built.expect("built"), negotiation, at);
        let offered = offered.expect("added");
        let address = ([198, 51, 100, 7], 10_000 + self.joined as u16).into();
        let new = NewClient {
            offer: &offered.sdp,
            layout: &slots::layout(role, 4),
            address,
            credentials: credentials(&mut self.entropy),
            identity: &self.identity,
            codecs: &MediaPolicy::default().video_codecs,
            now: at.instant,
        };
        let camera =
            (number == 0).then(|| Camera::new(generation * 1_000_000, self.fixed, self.simulcast));
        let camera = match self.scalable {
            true => camera.map(Camera::scalable),
            false => camera,
        };
        let (client, sdp) = Client::new(new, camera, number == 0, self.start);
        // The offer has no data channel, and each answer has to have one.
        let whole =
            format!("{sdp}m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:none\r\n");
        let answering = Answering {
            conference: ROOM,
            epoch: Epoch(1),
            participant,
            negotiation,
            answer: Description::parse(&whole).expect("an answer"),
            parsed: peer::parse_answer(&sdp).expect("an answer"),
        };
        self.shard.answer(answering, at).expect("answered");
        self.clients.push(client);
        self.passed.push(0);
        let seed = self.seeds.links + 10 * self.joined;
        self.up.push(Netem::new(links.0.seed(seed)));
        self.down.push(Netem::new(links.1.seed(seed + 1)));
        self.clients.len() - 1
    }

    /// Changes somebody's links.
    fn relink(&mut self, caller: usize, links: (NetemConfig, NetemConfig)) {
        let seed = self.seeds.links + 10 * caller as u64;
        self.up[caller].set_config(links.0.seed(seed));
        self.down[caller].set_config(links.1.seed(seed + 1));
    }

    /// A client says what it wishes for, as its channel would bring it.
    fn wish(&mut self, caller: usize, message: &str) {
        let at = self.moment();
        let path = path(self.clients[caller].address);
        let key = self.shard.demux.by_path(&path, at.instant);
        let key = key.expect("connected");
        self.shard.wish(key, message.as_bytes(), at);
    }

    /// The newest camera.
    fn camera(&self) -> &Camera {
        let cameras = self.clients.iter().filter_map(|it| it.camera.as_ref());
        cameras.last().expect("a camera")
    }

    /// Lets time pass.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.step();
        }
    }

    /// Lets time pass until everybody is connected.
    fn connect(&mut self) {
        for _ in 0..10_000 {
            if self.clients.iter().all(|client| client.connected) {
                return;
            }
            self.step();
        }
        panic!("not everybody is connected after 10 s");
    }

    fn moment(&self) -> Moment {
        Moment {
            instant: self.start + self.now,
            wall: Timestamp::from_unix_ms(1_800_000_000_000 + self.now.as_millis() as i64),
        }
    }

    fn step(&mut self) {
        self.now += STEP;
        let at = self.moment();
        for (index, client) in self.clients.iter_mut().enumerate() {
            for bytes in client.tick(at.instant) {
                self.trace.note(self.now, Direction::Up, index, &bytes);
                self.up[index].handle_input(Input::Packet(at.instant, bytes));
            }
        }
        for (index, client) in self.clients.iter().enumerate() {
            for bytes in arrived(&mut self.up[index], at.instant) {
                self.shard.datagram(path(client.address), &bytes, at);
            }
        }
        self.shard.turn(at);
        let mut outbox = std::mem::take(&mut self.shard.outbox);
        outbox.drain(|path, bytes, segment| {
            let mut clients = self.clients.iter();
            let Some(index) = clients.position(|it| it.address == path.remote) else {
                return;
            };
            for datagram in bytes.chunks(segment) {
                self.trace.note(self.now, Direction::Down, index, datagram);
                self.down[index].handle_input(Input::Packet(at.instant, datagram.to_vec()));
            }
        });
        self.shard.outbox = outbox;
        for (index, client) in self.clients.iter_mut().enumerate() {
            for bytes in arrived(&mut self.down[index], at.instant) {
                self.passed[index] += bytes.len() + OVERHEAD;
                client.receive(&bytes, at.instant);
            }
        }
        for notice in self.shard.notices.drain(..) {
            self.trace.event(self.now, &notice.kind);
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        again::tell(self.seeds, &self.trace);
    }
}

fn arrived(link: &mut Netem<Vec<u8>>, now: Instant) -> Vec<Vec<u8>> {
    link.handle_input(Input::Timeout(now));
    let mut arrived = Vec::new();
    while let Some(output) = link.poll_output() {
        if let Output::Packet(bytes) = output {
            arrived.push(bytes);
        }
    }
    arrived
}

fn door() -> MediaAddress {
    MediaAddress {
        udp: DOOR.into(),
        tcp: None,
    }
}

fn path(remote: SocketAddr) -> Path {
    Path {
        door: 0,
        carrier: Carrier::Udp,
        remote,
    }
}

fn credentials(entropy: &mut dyn Entropy) -> IceCreds {
    let bytes: [u8; 16] = random_bytes(entropy);
    let name = |bytes: &[u8]| bytes.iter().map(|it| char::from(b'a' + it % 26)).collect();
    let (ufrag, pass): (String, String) = (name(&bytes[..4]), name(&bytes));
    IceCreds {
        ufrag,
        pass: format!("{pass}{pass}"),
    }
}
