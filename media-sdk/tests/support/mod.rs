//! A streaming server on loopback, people in it, and what their hosts noted.

// Each test program uses its part.
#![allow(dead_code, unreachable_pub)]

pub mod room;

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lens_media_sdk::{
    Chat, CommandOutcome, CommandRequest, EncodedFrame, Engine, EngineConfig, INetwork,
    InboundSignal, Observer, OutboundBody, OutboundSignal, Participant, ParticipantConfig, Role,
    State, Track, WeakParticipant,
};
use room::{Room, number_of, person};

pub const CAMERA: u8 = 1;
pub const VIEWER: u8 = 2;
/// Longest wait for anything: far above what is needed, so that a slow machine does not matter.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until it is so.
pub fn until(sentence: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {sentence}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The server, on a thread.
pub struct World {
    inner: Arc<Mutex<Inner>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    pub engine: Engine,
}

struct Inner {
    room: Room,
    sockets: Vec<(SocketAddr, UdpSocket)>,
}

impl World {
    pub fn start() -> Self {
        Self::with(EngineConfig::default())
    }

    pub fn with(config: EngineConfig) -> Self {
        let inner = Arc::new(Mutex::new(Inner {
            room: Room::default(),
            sockets: Vec::new(),
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let (served, stopped) = (Arc::clone(&inner), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                served.lock().expect("nobody panics in it").serve();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self {
            inner,
            stop,
            thread: Some(thread),
            engine: Engine::start(config).expect("an engine"),
        }
    }

    /// An offer for somebody, as their website would bring it.
    pub fn offer(&self, number: u8, role: Role) -> InboundSignal {
        let mut inner = self.inner.lock().expect("nobody panics in it");
        inner.offer(number, role)
    }

    /// A participant whose network is this world, and what its host notes.
    pub fn enter(&self, number: u8, role: Role) -> (Participant, Arc<Notes>) {
        self.enter_with(number, ParticipantConfig::new(role), Notes::default())
    }

    pub fn enter_with(
        &self,
        number: u8,
        config: ParticipantConfig,
        notes: Notes,
    ) -> (Participant, Arc<Notes>) {
        let role = config.role;
        let notes = Arc::new(notes);
        let network = Arc::new(Network {
            inner: Arc::clone(&self.inner),
            number,
            role,
            notes: Arc::clone(&notes),
        });
        let observer = Watching(Arc::clone(&notes));
        let participant = self.engine.create_participant(config, network, observer);
        let participant = participant.expect("a participant");
        *notes.participant.lock().expect("whole") = Some(participant.downgrade());
        (participant, notes)
    }

    /// The same, connected.
    pub fn connected(&self, number: u8, role: Role) -> (Participant, Arc<Notes>) {
        let (participant, notes) = self.enter(number, role);
        participant.receive(self.offer(number, role)).expect("open");
        until("it is connected", || {
            participant.state() == State::Connected
        });
        (participant, notes)
    }

    /// Cuts somebody's connections without a word.
    pub fn cut(&self, number: u8) {
        self.inner
            .lock()
            .expect("nobody panics in it")
            .room
            .cut(person(number));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.engine.stop();
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn offer(&mut self, number: u8, role: Role) -> InboundSignal {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_nonblocking(true).expect("a socket");
        let door = socket.local_addr().expect("bound");
        self.sockets.push((door, socket));
        let offer = self.room.offer(Instant::now(), person(number), role, door);
        InboundSignal::Offer(Box::new(offer))
    }

    fn serve(&mut self) {
        let mut buffer = [0; 2_000];
        for (door, socket) in &self.sockets {
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                self.room
                    .receive(Instant::now(), from, *door, &buffer[..length]);
            }
        }
        self.room.pass(Instant::now());
        while let Some((from, to, bytes)) = self.room.sent.pop_front() {
            let socket = self.sockets.iter().find(|(door, _)| *door == from);
            let _ = socket.map(|(_, socket)| socket.send_to(&bytes, to));
        }
    }
}

struct Network {
    inner: Arc<Mutex<Inner>>,
    number: u8,
    role: Role,
    notes: Arc<Notes>,
}

impl INetwork for Network {
    fn send(&self, signal: OutboundSignal) {
        self.notes.signals.fetch_add(1, Ordering::AcqRel);
        assert!(
            !self.notes.network_panics.load(Ordering::Acquire),
            "the network broke"
        );
        let Some(participant) = self.notes.participant() else {
            return;
        };
        match signal.body {
            OutboundBody::Answer {
                negotiation_id,
                sdp,
                ..
            } => {
                let mut inner = self.inner.lock().expect("whole");
                inner.room.answer(Instant::now(), negotiation_id, &sdp);
            }
            OutboundBody::OfferRequest { .. } => {
                let offer = self
                    .inner
                    .lock()
                    .expect("whole")
                    .offer(self.number, self.role);
                let _ = participant.receive(offer);
            }
            _ => {}
        }
        participant.signal_sent(signal.id);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.notes.networks_dropped.fetch_add(1, Ordering::AcqRel);
    }
}

type Hook = Box<dyn Fn(&Participant) + Send + Sync>;

/// What a host noted, and how it behaves.
#[derive(Default)]
pub struct Notes {
    pub participant: Mutex<Option<WeakParticipant>>,
    pub states: Mutex<Vec<State>>,
    pub numbers: Mutex<Vec<u64>>,
    pub chats: Mutex<Vec<String>>,
    pub replies: Mutex<Vec<(u64, CommandOutcome)>>,
    pub requests: Mutex<Vec<CommandRequest>>,
    pub keyframe_requests: AtomicU64,
    pub bitrate: AtomicU64,
    pub signals: AtomicU64,
    /// Callbacks so far.
    pub calls: AtomicU64,
    /// Callbacks that run now, and whether two ever did.
    pub running: AtomicU64,
    pub overlapped: AtomicBool,
    pub observers_dropped: AtomicU64,
    pub networks_dropped: AtomicU64,
    pub called_after_drop: AtomicBool,
    pub panics: AtomicBool,
    pub network_panics: AtomicBool,
    /// How long each picture takes to be looked at.
    pub slow: Mutex<Duration>,
    /// Done within the next frame or state callback.
    pub hook: Mutex<Option<Hook>>,
}

impl Notes {
    pub fn participant(&self) -> Option<Participant> {
        self.participant.lock().expect("whole").as_ref()?.upgrade()
    }

    pub fn numbers(&self) -> Vec<u64> {
        self.numbers.lock().expect("whole").clone()
    }

    pub fn states(&self) -> Vec<State> {
        self.states.lock().expect("whole").clone()
    }

    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Acquire)
    }

    pub fn dropped(&self) -> u64 {
        self.observers_dropped.load(Ordering::Acquire)
    }

    fn call(&self, body: impl FnOnce()) {
        self.calls.fetch_add(1, Ordering::AcqRel);
        if self.running.fetch_add(1, Ordering::AcqRel) > 0 {
            self.overlapped.store(true, Ordering::Release);
        }
        if self.dropped() > 0 {
            self.called_after_drop.store(true, Ordering::Release);
        }
        body();
        if let (Some(hook), Some(participant)) =
            (self.hook.lock().expect("whole").take(), self.participant())
        {
            hook(&participant);
        }
        self.running.fetch_sub(1, Ordering::AcqRel);
        assert!(!self.panics.load(Ordering::Acquire), "the host broke");
    }
}

struct Watching(Arc<Notes>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.observers_dropped.fetch_add(1, Ordering::AcqRel);
    }
}

impl Observer for Watching {
    fn on_state(&mut self, state: State) {
        self.0
            .call(|| self.0.states.lock().expect("whole").push(state));
    }

    fn on_frame(&mut self, _track: &Track, frame: &EncodedFrame<'_>) {
        self.0.call(|| {
            self.0
                .numbers
                .lock()
                .expect("whole")
                .push(number_of(frame.data));
            std::thread::sleep(*self.0.slow.lock().expect("whole"));
        });
    }

    fn on_bitrate(&mut self, target_bps: u32, _max_fps: u32) {
        self.0
            .call(|| self.0.bitrate.store(target_bps.into(), Ordering::Release));
    }

    fn on_keyframe_request(&mut self) {
        self.0.call(|| {
            self.0.keyframe_requests.fetch_add(1, Ordering::AcqRel);
        });
    }

    fn on_chat(&mut self, chat: &Chat) {
        self.0
            .call(|| self.0.chats.lock().expect("whole").push(chat.text.clone()));
    }

    fn on_command(&mut self, request: &CommandRequest) {
        self.0
            .call(|| self.0.requests.lock().expect("whole").push(request.clone()));
    }

    fn on_command_reply(&mut self, id: u64, outcome: CommandOutcome) {
        self.0
            .call(|| self.0.replies.lock().expect("whole").push((id, outcome)));
    }
}

/// Films until it is dropped: thirty numbered pictures a second, keyframes when they are wanted.
pub struct Filming {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Filming {
    pub fn start(camera: &Participant, notes: &Arc<Notes>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, notes, camera) = (Arc::clone(&stop), Arc::clone(notes), camera.downgrade());
        let thread = std::thread::spawn(move || {
            let (mut number, mut served) = (0, 0);
            while !stopped.load(Ordering::Acquire) {
                let Some(camera) = camera.upgrade() else {
                    return;
                };
                number += 1;
                let wanted = notes.keyframe_requests.load(Ordering::Acquire);
                let keyframe = number == 1 || wanted > served;
                served = wanted;
                let data = room::picture(number, keyframe, 2_000);
                let codec = lens_media_sdk::Codec::Vp8;
                let frame = EncodedFrame::video(codec, &data, number * 33_000, keyframe);
                let _ = camera.push_frame(&frame);
                std::thread::sleep(Duration::from_millis(33));
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Filming {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Threads and descriptors of this process.
pub fn threads_and_descriptors() -> (usize, usize) {
    let count = |path| std::fs::read_dir(path).expect("Linux").count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}
