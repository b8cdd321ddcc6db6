//! One media worker: a thread with its sockets, its inbox and its shard.
//!
//! A turn: wait; read what the sockets have, a batch from each; take the inbox; hand the datagrams
//! to the shard; let it end its turn; send, a run for each peer. No turn waits to fill a batch.
//!
//! The inbox comes before the datagrams, so that what another worker says
//! about a path is known before the first packet on it is judged.
//!
//! With several workers the kernel may deliver a participant's datagrams to another worker's
//! socket. STUN requests name their worker in the ICE user name; everything else goes by what the
//! owner has told about the path (`Inbound::Claim`).

mod frames;
mod port;

pub(crate) use frames::new_connection;
pub(crate) use port::{Inbound, Port, Seat, port};

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use lens_runtime::clock::Clock;
use lens_runtime::udp::{BatchSocket, Receiver as DatagramReceiver};
use mio::net::{TcpListener, UdpSocket};
use mio::{Events, Interest, Poll, Token};

use super::events::EventLog;
use super::tcp::{Connections, FIRST_TOKEN};
use crate::core::path::{Carrier, Moment, Path};
use crate::core::shard::{Shard, Verdict};
use crate::core::stun;
use crate::metrics::Metrics;
use port::{Transit, WAKE};

/// Messages taken from the inbox in a turn.
const INBOX_A_TURN: usize = 256;
/// Longest wait: the worker looks after idle connections at least this often.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

const FIRST_DOOR: usize = 1;
const FIRST_LISTENER: usize = 1 << 8;

/// What a worker is made with.
pub(crate) struct Equipment {
    pub(crate) index: u8,
    pub(crate) udp: Vec<std::net::UdpSocket>,
    pub(crate) tcp: Vec<Option<std::net::TcpListener>>,
    pub(crate) ports: Vec<Port>,
    pub(crate) shard: Shard,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Arc<EventLog>,
    pub(crate) metrics: Metrics,
    pub(crate) tcp_first_check: Duration,
}

/// One worker.
pub(crate) struct Worker {
    index: u8,
    poll: Poll,
    inbox: Receiver<Inbound>,
    /// Datagrams of ours that came to other workers' sockets.
    transit: Receiver<Transit>,
    ports: Vec<Port>,
    shard: Shard,
    clock: Arc<dyn Clock>,
    log: Arc<EventLog>,
    metrics: Metrics,
    doors: Vec<Door>,
    listeners: Vec<(u8, TcpListener)>,
    tcp: Connections,
    tcp_first_check: Duration,
    swept: Instant,
    counted_tcp: i64,
    /// Paths of ours whose owner is another worker.
    foreign: HashMap<Path, u8>,
    /// Paths of our participants that arrive at another worker.
    abroad: HashMap<Path, u8>,
    full_inbox: bool,
    stopping: bool,
}

/// One UDP address of the node, as this worker has it.
struct Door {
    socket: BatchSocket<UdpSocket>,
    /// Whether there may be something to read.
    readable: bool,
    /// What was read in this turn.
    incoming: DatagramReceiver,
}

impl Worker {
    pub(crate) fn new(seat: Seat, equipment: Equipment) -> io::Result<Self> {
        let registry = seat.poll.registry();
        let mut doors = Vec::new();
        for (door, socket) in equipment.udp.into_iter().enumerate() {
            let mut socket = UdpSocket::from_std(socket);
            registry.register(&mut socket, Token(FIRST_DOOR + door), Interest::READABLE)?;
            doors.push(Door {
                socket: BatchSocket::new(socket)?,
                readable: true,
                incoming: DatagramReceiver::default(),
            });
        }
        let mut listeners = Vec::new();
        for (door, listener) in (0..).zip(equipment.tcp) {
            let Some(listener) = listener else {
                continue;
            };
            let mut listener = TcpListener::from_std(listener);
            let token = Token(FIRST_LISTENER + listeners.len());
            registry.register(&mut listener, token, Interest::READABLE)?;
            listeners.push((door, listener));
        }
        Ok(Self {
            index: equipment.index,
            poll: seat.poll,
            inbox: seat.inbox,
            transit: seat.transit,
            ports: equipment.ports,
            shard: equipment.shard,
            clock: equipment.clock,
            log: equipment.log,
            metrics: equipment.metrics,
            doors,
            listeners,
            tcp: Connections::default(),
            tcp_first_check: equipment.tcp_first_check,
            swept: Instant::now(),
            counted_tcp: 0,
            foreign: HashMap::new(),
            abroad: HashMap::new(),
            full_inbox: false,
            stopping: false,
        })
    }

    /// Runs until told to stop.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        while !self.stopping {
            match self.poll.poll(&mut events, Some(self.wait())) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            let at = self.now();
            for event in &events {
                self.ready(event, at);
            }
            self.read_datagrams();
            self.take_inbox(at);
            self.take_transit(at);
            self.route_datagrams(at);
            self.read_tcp(at);
            self.sweep(at);
            self.finish_turn(at);
        }
        Ok(())
    }

    fn now(&self) -> Moment {
        Moment {
            instant: Instant::now(),
            wall: self.clock.now(),
        }
    }

    fn wait(&self) -> Duration {
        let readable = self.doors.iter().any(|door| door.readable);
        if readable || self.full_inbox || self.tcp.has_unread() {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let due = self.shard.deadline(now);
        let wait = due.map_or(LONGEST_WAIT, |due| due.saturating_duration_since(now));
        wait.min(LONGEST_WAIT)
    }

    fn ready(&mut self, event: &mio::event::Event, at: Moment) {
        match event.token() {
            WAKE => {}
            Token(token) if token >= FIRST_TOKEN => {
                let readable = event.is_readable() || event.is_read_closed() || event.is_error();
                self.tcp
                    .ready(token - FIRST_TOKEN, readable, event.is_writable());
            }
            Token(token) if token >= FIRST_LISTENER => self.accept(token - FIRST_LISTENER, at),
            Token(token) => {
                if let Some(door) = self.doors.get_mut(token - FIRST_DOOR) {
                    door.readable = true;
                }
            }
        }
    }

    fn read_datagrams(&mut self) {
        for door in &mut self.doors {
            door.incoming.clear();
            if !door.readable {
                continue;
            }
            match door.incoming.receive(&door.socket) {
                // Less than a batch: whatever comes now is announced anew.
                Ok(more) => door.readable = more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => door.readable = false,
                // A queued ICMP error, for instance; the socket itself goes on.
                Err(_) => {}
            }
        }
    }

    fn take_inbox(&mut self, at: Moment) {
        self.full_inbox = true;
        for _ in 0..INBOX_A_TURN {
            let Ok(message) = self.inbox.try_recv() else {
                self.full_inbox = false;
                break;
            };
            match message {
                Inbound::Command(command) => command(&mut self.shard, at),
                Inbound::Claim { path, owner } => {
                    self.foreign.insert(path, owner);
                }
                Inbound::Release { path } => {
                    self.foreign.remove(&path);
                }
                Inbound::Tcp(passing) => self.admit(*passing, at),
                Inbound::Stop => {
                    self.shard.dissolve_all(at);
                    self.stopping = true;
                }
            }
        }
    }

    fn take_transit(&mut self, at: Moment) {
        for _ in 0..INBOX_A_TURN {
            let Ok(Transit { from, path, bytes }) = self.transit.try_recv() else {
                return;
            };
            self.foreign_datagram(from, path, &bytes, at);
        }
        self.full_inbox = true;
    }

    fn route_datagrams(&mut self, at: Moment) {
        // Out of their place while the worker acts on what was read.
        let doors = std::mem::take(&mut self.doors);
        for (number, door) in (0..).zip(&doors) {
            for datagram in door.incoming.datagrams() {
                let path = Path {
                    door: number,
                    carrier: Carrier::Udp,
                    remote: datagram.from,
                };
                self.own_datagram(path, datagram.bytes, at);
            }
        }
        self.doors = doors;
    }

    /// A datagram that came to our own socket.
    fn own_datagram(&mut self, path: Path, bytes: &[u8], at: Moment) {
        if !stun::is_stun(bytes)
            && let Some(owner) = self.foreign.get(&path).copied()
        {
            self.transit(owner, path, bytes);
            return;
        }
        match self.shard.datagram(path, bytes, at) {
            Verdict::OtherWorker(owner) => self.transit(owner, path, bytes),
            Verdict::Entered => {
                self.foreign.remove(&path);
                self.abroad.remove(&path);
            }
            Verdict::Taken | Verdict::Unknown | Verdict::Dropped => {}
        }
    }

    fn transit(&self, owner: u8, path: Path, bytes: &[u8]) {
        let datagram = Transit {
            from: self.index,
            path,
            bytes: bytes.to_vec(),
        };
        let port = self.ports.get(usize::from(owner));
        match port.map(|port| port.pass(datagram)) {
            Some(Ok(())) => self.metrics.transit.inc(),
            _ => self.metrics.transit_dropped.inc(),
        };
    }

    /// A datagram of ours that came to another worker's socket.
    fn foreign_datagram(&mut self, from: u8, path: Path, bytes: &[u8], at: Moment) {
        let known = self.shard.datagram(path, bytes, at);
        let check = stun::is_stun(bytes) && matches!(known, Verdict::Entered | Verdict::Taken);
        if !check || self.abroad.get(&path) == Some(&from) {
            return;
        }
        let claim = Inbound::Claim {
            path,
            owner: self.index,
        };
        // When the claim cannot be made now, the next check makes it.
        if self.tell(from, claim) {
            self.abroad.insert(path, from);
        }
    }

    fn tell(&self, worker: u8, message: Inbound) -> bool {
        let port = self.ports.get(usize::from(worker));
        port.is_some_and(|port| port.tell(message).is_ok())
    }

    fn finish_turn(&mut self, at: Moment) {
        self.shard.turn(at);
        let mut outbox = std::mem::take(&mut self.shard.outbox);
        outbox.drain(|path, bytes, segment| self.send(path, bytes, segment, at));
        // Back in its place, so that none is allocated anew each turn.
        self.shard.outbox = outbox;
        for path in self.tcp.flush() {
            self.hang_up(&path, at);
        }
        for path in std::mem::take(&mut self.shard.released) {
            if path.carrier == Carrier::Tcp {
                self.tcp.remove(&path, self.poll.registry());
            }
            if let Some(worker) = self.abroad.remove(&path) {
                self.tell(worker, Inbound::Release { path });
            }
        }
        // Counted before it is told: who hears of a fault finds it in the figures.
        self.metrics.publish(&mut self.shard);
        if !self.shard.notices.is_empty() {
            self.log.append(self.shard.notices.drain(..));
        }
    }

    /// Sends datagrams of `segment` bytes, of which the last may be shorter.
    fn send(&mut self, path: Path, bytes: &[u8], segment: usize, at: Moment) {
        match path.carrier {
            Carrier::Udp => {
                let door = self.doors.get(usize::from(path.door));
                let count = bytes.len().div_ceil(segment.max(1)) as u64;
                let sent = door.map(|door| door.socket.send(path.remote, bytes, segment));
                let failed = sent.map_or(count, |sent| sent.failed as u64);
                self.metrics.send_failed.inc_by(failed);
            }
            Carrier::Tcp => {
                for frame in bytes.chunks(segment.max(1)) {
                    if !self.tcp.send(&path, frame) {
                        self.metrics.slow_readers.inc();
                        self.hang_up(&path, at);
                        return;
                    }
                }
            }
        }
    }
}
