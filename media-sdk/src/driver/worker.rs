//! The engine's thread: waits for sockets, timers and commands, and steps participants.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::burst::Burst;
use super::callbacks::Pushed;
use super::entropy::SystemEntropy;
use super::sockets::{self, Reading, Tcp, Udp};
use super::{Command, EngineHandle, lines};
use crate::code::{Code, SdkCode};
use crate::core::{
    Carrier, ConnectionId, Datagram, Event, Identity, Input, Output, Session, SessionConfig,
    Transmit,
};
use crate::frame::{Codec, MediaKind};
use crate::shared::{Shared, lock};
use crate::state::State;

/// The token of the host's commands; sockets count on from it.
pub(super) const WAKER: Token = Token(0);
/// How often this machine's addresses are looked at while there are connections. Looking costs
/// tens of microseconds; a change is noticed that much later.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How old figures may be before the thread wakes up for them alone, and before they are made anew where
/// it is awake. Less between the two, and a camera's thread wakes up between pictures.
const STATS_AGE: Duration = Duration::from_millis(200);
const STATS_RENEWED: Duration = Duration::from_millis(150);
/// Reads of one socket before the others have their turn.
const READS: usize = 16;

pub(super) struct Worker {
    poll: Poll,
    handle: Arc<EngineHandle>,
    identity: Identity,
    /// Boxed: the table has room for twice as many.
    members: HashMap<u64, Box<Member>>,
    doors: HashMap<Token, Door>,
    next_token: usize,
    addresses: Vec<IpAddr>,
    look_at: Option<Instant>,
    /// Inputs that outputs led to.
    pending: VecDeque<(u64, Input<'static>)>,
    reading: Reading,
    /// What leaves, and what a participant wants: kept for their memory, empty between two steps.
    burst: Burst,
    outputs: Vec<Output>,
    /// Datagrams that one call of the system takes, as far as is known.
    most_at_once: usize,
    stops: bool,
}

/// A participant here.
struct Member {
    shared: Arc<Shared>,
    session: Session,
    due: Option<Instant>,
    seen_at: Instant,
    /// The figures that the host can see are older than the session.
    stale: bool,
}

/// A socket and whose it is.
struct Door {
    key: u64,
    connection: ConnectionId,
    socket: DoorSocket,
}

enum DoorSocket {
    Udp(Udp),
    Tcp(Tcp),
}

impl Worker {
    pub(super) fn new(poll: Poll, handle: Arc<EngineHandle>, identity: Identity) -> Self {
        Self {
            poll,
            handle,
            identity,
            members: HashMap::new(),
            doors: HashMap::new(),
            next_token: WAKER.0 + 1,
            addresses: Vec::new(),
            look_at: None,
            pending: VecDeque::new(),
            reading: Reading::default(),
            burst: Burst::default(),
            outputs: Vec::new(),
            most_at_once: 1,
            stops: false,
        }
    }

    pub(super) fn run(mut self) {
        let (mut events, mut touched) = (Events::with_capacity(64), Vec::new());
        while !self.stops {
            let wait = self
                .next_due()
                .map(|at| at.saturating_duration_since(Instant::now()));
            // A signal of the system's interrupts it; then it is simply one turn more.
            let _ = self.poll.poll(&mut events, wait);
            for command in self.handle.take_commands() {
                self.obey(command);
            }
            touched.extend(events.iter().map(mio::event::Event::token));
            for token in touched.drain(..).filter(|token| *token != WAKER) {
                self.serve(token);
            }
            self.tick();
        }
        for (key, member) in std::mem::take(&mut self.members) {
            member.shared.mailbox.close();
            self.handle.forget(key);
        }
        self.handle.end_commands();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Add(shared, config) => self.add(shared, config),
            Command::Input(key, input) => {
                if self.members.contains_key(&key) {
                    lines::input(key, &input);
                }
                self.step(key, input);
            }
            Command::Look(key) => self.look(key),
            Command::NetworkChanged => {
                self.look_for_addresses();
                let keys: Vec<u64> = self.members.keys().copied().collect();
                for key in keys {
                    self.step(key, Input::NetworkChanged);
                }
            }
            Command::Stop => {
                let keys: Vec<u64> = self.members.keys().copied().collect();
                keys.into_iter()
                    .for_each(|key| self.step(key, Input::Close));
                self.stops = true;
            }
        }
    }

    fn add(&mut self, shared: Arc<Shared>, config: SessionConfig) {
        let now = Instant::now();
        let entropy = Box::new(SystemEntropy::default());
        let session = Session::new(config, self.identity.clone(), entropy, now);
        let member = Box::new(Member {
            session,
            due: None,
            seen_at: now,
            stale: false,
            shared,
        });
        self.members.insert(member.shared.key, member);
    }

    /// Takes frames and messages that wait.
    fn look(&mut self, key: u64) {
        let Some(member) = self.members.get(&key) else {
            return;
        };
        let shared = Arc::clone(&member.shared);
        let (frames, lost) = {
            let mut outgoing = lock(&shared.outgoing);
            outgoing.told = false;
            let lost = std::mem::take(&mut outgoing.lost);
            (std::mem::take(&mut outgoing.frames), lost)
        };
        for (kind, lost) in [MediaKind::Video, MediaKind::Audio].into_iter().zip(lost) {
            for _ in 0..lost {
                self.step(key, Input::FrameLost(kind));
            }
        }
        for frame in frames {
            self.step(key, Input::Frame(frame));
        }
        // Taken and told in one step: each is counted in exactly one of the queues.
        let messages = {
            let mut outgoing = lock(&shared.outgoing);
            outgoing.handed_over += outgoing.messages.len();
            std::mem::take(&mut outgoing.messages)
        };
        if !messages.is_empty() {
            self.step(key, Input::Messages(messages));
        }
    }

    /// Reads a socket, and what it brings is taken.
    fn serve(&mut self, token: Token) {
        match self.doors.get_mut(&token) {
            Some(Door {
                socket: DoorSocket::Udp(_),
                ..
            }) => self.serve_udp(token),
            Some(Door {
                socket: DoorSocket::Tcp(_),
                ..
            }) => self.serve_tcp(token),
            None => {}
        }
    }

    fn serve_udp(&mut self, token: Token) {
        let mut datagrams = Vec::new();
        loop {
            let Some(door) = self.doors.get(&token) else {
                return;
            };
            let DoorSocket::Udp(udp) = &door.socket else {
                return;
            };
            let (key, connection, port) = (door.key, door.connection, udp.port());
            let mut reads = 0..READS;
            let drained = !reads.all(|_| udp.read(&mut self.reading, &mut datagrams));
            for (source, to, bytes) in datagrams.drain(..) {
                let to = to.or_else(|| self.addresses.first().copied());
                let Some(to) = to else { continue };
                let datagram = Datagram {
                    carrier: Carrier::Udp,
                    source,
                    destination: SocketAddr::new(to, port),
                    bytes: &bytes,
                };
                self.step(key, Input::Datagram(connection, datagram));
            }
            if drained {
                return;
            }
        }
    }

    fn serve_tcp(&mut self, token: Token) {
        let Some(door) = self.doors.get_mut(&token) else {
            return;
        };
        let (key, connection) = (door.key, door.connection);
        let DoorSocket::Tcp(tcp) = &mut door.socket else {
            return;
        };
        let opened = tcp.has_opened();
        let remote = tcp.remote;
        let Some(local) = tcp.local else {
            if opened.is_err() {
                self.close_door(token);
            }
            return;
        };
        tcp.flush();
        let mut datagrams = Vec::new();
        let is_open = tcp.read(&mut datagrams);
        if opened.is_ok_and(|opened| opened) {
            self.step(key, Input::TcpOpened(connection, local));
        }
        for bytes in &datagrams {
            let datagram = Datagram {
                carrier: Carrier::Tcp,
                source: remote,
                destination: local,
                bytes,
            };
            self.step(key, Input::Datagram(connection, datagram));
        }
        if !is_open {
            self.close_door(token);
            self.step(key, Input::TcpClosed(connection, local));
        }
    }

    /// Timers that are due.
    fn tick(&mut self) {
        let now = Instant::now();
        if self.look_at.is_some_and(|at| at <= now) {
            self.look_for_addresses();
        }
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        let members = self.members.iter();
        let due = members.filter(|(_, it)| is_due(it.due) || is_due(it.show_at()));
        let due: Vec<u64> = due.map(|(key, _)| *key).collect();
        for key in due {
            self.step(key, Input::Timeout);
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let members = self.members.values();
        let due = members.flat_map(|it| [it.due, it.show_at()]);
        due.chain([self.look_at]).flatten().min()
    }

    /// Gives a participant an input, and does what it wants.
    fn step(&mut self, key: u64, input: Input<'_>) {
        self.step_once(key, input);
        while let Some((key, input)) = self.pending.pop_front() {
            self.step_once(key, input);
        }
    }

    fn step_once(&mut self, key: u64, input: Input<'_>) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        let now = Instant::now();
        // A step may lead to others': those find none, and make their own.
        let mut outputs = std::mem::take(&mut self.outputs);
        let stepped = catch_unwind(AssertUnwindSafe(|| {
            member.session.step(now, input, &mut outputs)
        }));
        member.due = stepped.unwrap_or_else(|_| {
            tracing::error!(participant = key, "a participant broke; it has failed");
            let code = Code::Sdk(SdkCode::Internal);
            outputs.clear();
            outputs.push(Output::Event(Event::State(State::Failed(code))));
            None
        });
        member.stale = true;
        let ended = self.do_all(key, &mut outputs);
        self.outputs = outputs;
        match ended {
            Some(state) => self.end(key, state),
            None => self.show(key, now),
        }
    }

    /// Does what a participant wants; the state in which it has ended, if it has.
    fn do_all(&mut self, key: u64, outputs: &mut Vec<Output>) -> Option<State> {
        let mut ended = None;
        for output in outputs.drain(..) {
            if let Output::Transmit(transmit) = &output {
                self.gather(key, transmit);
                continue;
            }
            // In the order in which the session says it: a socket may be let go next.
            self.depart(key);
            if let Output::Event(Event::State(state)) = &output
                && state.is_over()
            {
                ended = Some(*state);
                continue;
            }
            self.act(key, output);
        }
        self.depart(key);
        ended
    }

    fn act(&mut self, key: u64, output: Output) {
        match output {
            // Gathered before.
            Output::Transmit(_) => {}
            Output::Open(connection) => self.open(key, connection),
            Output::Dial(connection, remote) => self.dial(key, connection, remote),
            Output::Release(connection) => {
                self.doors
                    .retain(|_, door| (door.key, door.connection) != (key, connection));
            }
            Output::Event(event) => self.tell(key, event),
            Output::Timeout(_) => {}
        }
    }

    fn tell(&mut self, key: u64, event: Event) {
        let Some(member) = self.members.get(&key) else {
            return;
        };
        lines::event(key, &event);
        if let Event::Roster(roster) = &event {
            lock(&member.shared.view).roster.clone_from(roster);
        }
        if let Event::State(state) = &event {
            set_state(&member.shared, *state);
        }
        let is_picture = matches!(&event, Event::Frame(track, _) if track.kind == MediaKind::Video);
        match member.shared.mailbox.push(event) {
            Pushed::Kept => {}
            Pushed::Dropped { broken: true, .. } if is_picture => {
                self.pending.push_back((key, Input::HostLostFrame));
            }
            Pushed::Dropped { .. } => {}
            Pushed::Overflow => {
                let code = Code::Sdk(SdkCode::HostTooSlow);
                self.pending.push_back((key, Input::Fail(code)));
            }
        }
    }

    fn gather(&mut self, key: u64, transmit: &Transmit) {
        if !self.burst.push(transmit, self.most_at_once) {
            self.depart(key);
            self.burst.push(transmit, self.most_at_once);
        }
    }

    /// Sends what is gathered.
    fn depart(&mut self, key: u64) {
        let Some(way) = self.burst.way() else { return };
        let (bytes, segment) = (self.burst.bytes(), self.burst.segment());
        let own = |door: &&mut Door| (door.key, door.connection) == (key, way.connection);
        for door in self.doors.values_mut().filter(own) {
            match (&mut door.socket, way.carrier) {
                (DoorSocket::Udp(udp), Carrier::Udp) => {
                    udp.send(way.source, way.destination, bytes, segment);
                    // Fewer than before when the system has refused several.
                    self.most_at_once = udp.most_at_once();
                }
                (DoorSocket::Tcp(tcp), Carrier::Tcp)
                    if tcp.local == Some(way.source) && tcp.remote == way.destination =>
                {
                    tcp.send(bytes);
                }
                _ => {}
            }
        }
        self.burst.clear();
    }

    fn open(&mut self, key: u64, connection: ConnectionId) {
        if self.look_at.is_none() {
            self.look_for_addresses();
        }
        if !self.handle.config().udp {
            return;
        }
        let Ok(udp) = Udp::open() else {
            tracing::warn!(participant = key, "the system gives no UDP socket");
            return;
        };
        let addresses = addresses_of(&udp, &self.addresses);
        self.register(key, connection, DoorSocket::Udp(udp));
        self.pending
            .push_back((key, Input::Addresses(connection, addresses)));
    }

    fn dial(&mut self, key: u64, connection: ConnectionId, remote: SocketAddr) {
        // What cannot even be begun is one address fewer.
        if let Ok(tcp) = Tcp::dial(remote) {
            self.register(key, connection, DoorSocket::Tcp(tcp));
        }
    }

    fn register(&mut self, key: u64, connection: ConnectionId, mut socket: DoorSocket) {
        let token = Token(self.next_token);
        self.next_token += 1;
        let registry = self.poll.registry();
        let registered = match &mut socket {
            DoorSocket::Udp(udp) => registry.register(udp.io(), token, Interest::READABLE),
            DoorSocket::Tcp(tcp) => {
                let both = Interest::READABLE | Interest::WRITABLE;
                registry.register(tcp.io(), token, both)
            }
        };
        if registered.is_ok() {
            let door = Door {
                key,
                connection,
                socket,
            };
            self.doors.insert(token, door);
        }
    }

    fn close_door(&mut self, token: Token) {
        self.doors.remove(&token);
    }

    fn look_for_addresses(&mut self) {
        let found = sockets::addresses(&self.handle.config().addresses);
        self.look_at = (!self.members.is_empty()).then(|| Instant::now() + LOOK_AGAIN);
        if found == self.addresses {
            return;
        }
        self.addresses = found;
        let told: Vec<_> = self
            .doors
            .values()
            .filter_map(|door| match &door.socket {
                DoorSocket::Udp(udp) => {
                    let addresses = addresses_of(udp, &self.addresses);
                    Some((door.key, Input::Addresses(door.connection, addresses)))
                }
                DoorSocket::Tcp(_) => None,
            })
            .collect();
        for (key, input) in told {
            self.step(key, input);
        }
    }

    /// Lets the host see how its participant stands.
    fn show(&mut self, key: u64, now: Instant) {
        let Some(member) = self.members.get_mut(&key) else {
            return;
        };
        let session = &mut member.session;
        let waiting = session.messages_waiting();
        lock(&member.shared.outgoing).handed_over = waiting;
        let mut view = lock(&member.shared.view);
        let generation = session.generation().0;
        view.capture_stopped = session.capture_stopped();
        if view.generation != generation || view.id != session.id() || view.codecs.is_none() {
            view.id = session.id();
            view.generation = generation;
            let slot = |session: &mut Session, kind| session.has_slot(kind);
            let video = slot(session, MediaKind::Video);
            let audio = slot(session, MediaKind::Audio);
            view.slots = video.zip(audio).map(|(video, audio)| [video, audio]);
            view.codecs = session.codecs(&[Codec::Vp8, Codec::H264, Codec::Opus]);
        }
        if now.saturating_duration_since(member.seen_at) >= STATS_RENEWED {
            view.stats = session.stats();
            member.seen_at = now;
            member.stale = false;
        }
    }

    /// A participant is over.
    fn end(&mut self, key: u64, state: State) {
        let Some(mut member) = self.members.remove(&key) else {
            return;
        };
        lines::state(key, state);
        self.doors.retain(|_, door| door.key != key);
        let stats = catch_unwind(AssertUnwindSafe(|| member.session.stats()));
        if let Ok(stats) = stats {
            lock(&member.shared.view).stats = stats;
        }
        set_state(&member.shared, state);
        member.shared.mailbox.finish(Event::State(state));
        self.handle.forget(key);
        if self.members.is_empty() {
            self.look_at = None;
        }
    }
}

impl Member {
    /// When the figures are to be shown anew.
    fn show_at(&self) -> Option<Instant> {
        self.stale.then(|| self.seen_at + STATS_AGE)
    }
}

fn addresses_of(udp: &Udp, addresses: &[IpAddr]) -> Vec<SocketAddr> {
    let carried = addresses.iter().filter(|ip| udp.carries(**ip));
    carried.map(|ip| SocketAddr::new(*ip, udp.port())).collect()
}

/// A state that is over is never left, whoever wrote it.
fn set_state(shared: &Shared, state: State) {
    let mut view = lock(&shared.view);
    if !view.state.is_over() {
        view.state = state;
    }
}
