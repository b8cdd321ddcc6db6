//! A worker's ICE-TCP connections: accepting, reading, passing on, hanging up.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use super::port::Inbound;
use super::{LONGEST_WAIT, Worker};
use crate::core::path::{Carrier, Moment, Path};
use crate::core::shard::Verdict;
use crate::server::tcp::{Passing, ReadOutcome};

impl Worker {
    pub(super) fn accept(&mut self, listener: usize, at: Moment) {
        loop {
            let Some((door, listener)) = self.listeners.get(listener) else {
                return;
            };
            let door = *door;
            match listener.accept() {
                Ok((stream, remote)) => {
                    let passing = new_connection(stream, door, remote, at.instant);
                    self.admit(passing, at);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Out of file descriptors, or the peer gave up; others still wait their turn.
                Err(_) => return,
            }
        }
    }

    pub(super) fn admit(&mut self, passing: Passing, at: Moment) {
        match self.tcp.admit(passing, self.poll.registry()) {
            Some(id) => {
                self.metrics.tcp_accepted.inc();
                self.read_connection(id, at);
            }
            None => {
                self.metrics.tcp_refused.inc();
            }
        }
    }

    pub(super) fn read_tcp(&mut self, at: Moment) {
        for id in self.tcp.take_unread() {
            self.read_connection(id, at);
        }
    }

    fn read_connection(&mut self, id: usize, at: Moment) {
        let Some(connection) = self.tcp.get_mut(id) else {
            return;
        };
        let path = connection.path;
        let outcome = connection.read();
        if !self.take_frames(id, path, at) {
            return;
        }
        match outcome {
            ReadOutcome::All => {}
            ReadOutcome::More => self.tcp.read_again(id),
            ReadOutcome::Closed => self.hang_up(&path, at),
        }
    }

    /// Hands a connection's frames to the shard. False when the connection is not ours any more.
    fn take_frames(&mut self, id: usize, path: Path, at: Moment) -> bool {
        let mut frame = Vec::new();
        loop {
            let Some(connection) = self.tcp.get_mut(id) else {
                return false;
            };
            let probation = connection.probation.is_some();
            frame.clear();
            match connection.reader.next() {
                Ok(None) => return true,
                Ok(Some(bytes)) => frame.extend_from_slice(bytes),
                Err(_) => {
                    self.hang_up(&path, at);
                    return false;
                }
            }
            match self.shard.datagram(path, &frame, at) {
                Verdict::Taken | Verdict::Entered => self.tcp.trust(id),
                Verdict::OtherWorker(owner) if probation => {
                    if let Some(connection) = self.tcp.remove(&path, self.poll.registry()) {
                        let passing = Box::new(connection.pass(&frame));
                        self.tell(owner, Inbound::Tcp(passing));
                    }
                    return false;
                }
                _ if probation => {
                    self.metrics.tcp_refused.inc();
                    self.hang_up(&path, at);
                    return false;
                }
                _ => {}
            }
        }
    }

    pub(super) fn hang_up(&mut self, path: &Path, at: Moment) {
        self.tcp.remove(path, self.poll.registry());
        self.shard.path_closed(path, at);
    }

    pub(super) fn sweep(&mut self, at: Moment) {
        if at.instant.saturating_duration_since(self.swept) < LONGEST_WAIT {
            return;
        }
        self.swept = at.instant;
        for listener in 0..self.listeners.len() {
            // Whoever could not be accepted for want of file descriptors is tried again.
            self.accept(listener, at);
        }
        for path in self.tcp.overdue(self.tcp_first_check, at.instant) {
            self.metrics.tcp_refused.inc();
            self.hang_up(&path, at);
        }
        let open = self.tcp.len() as i64;
        self.metrics.tcp_open.inc_by(open - self.counted_tcp);
        self.counted_tcp = open;
    }
}

/// A connection that has just been accepted.
pub(crate) fn new_connection(
    stream: mio::net::TcpStream,
    door: u8,
    remote: SocketAddr,
    since: Instant,
) -> Passing {
    Passing {
        path: Path {
            door,
            carrier: Carrier::Tcp,
            remote,
        },
        stream,
        read: Vec::new(),
        since,
    }
}
