//! ICE-TCP connections of one worker (RFC 6544, passive side).
//!
//! A connection is on probation until its first frame has been a valid ICE check; whoever sends
//! anything else, sends nothing, frames badly or reads too slowly is disconnected.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::core::framing::{self, FrameReader};
use crate::core::path::Path;

/// Bytes queued towards one peer before it counts as too slow: one second at 2 Mbit/s.
const QUEUE: usize = 256 * 1024;
/// What the kernel may hold towards one peer. Left to itself it grows to megabytes, which a slow
/// reader would get as seconds of delay.
const KERNEL_QUEUE: usize = 128 * 1024;
/// Most connections on probation. A flood of them is refused rather than stored.
const MOST_ON_PROBATION: usize = 512;
/// Bytes read from one connection in a turn, so that one sender cannot hold up the others.
const READ_A_TURN: usize = 64 * 1024;

/// First token of a connection; lower ones belong to the worker's other sources.
pub(crate) const FIRST_TOKEN: usize = 1 << 16;

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    pub(crate) path: Path,
    pub(crate) reader: FrameReader,
    out: Vec<u8>,
    written: usize,
    /// When it was accepted, while on probation.
    pub(crate) probation: Option<Instant>,
    writable: bool,
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadOutcome {
    /// Everything there was.
    All,
    /// There is more.
    More,
    /// The connection is over.
    Closed,
}

/// A connection on its way to another worker.
pub(crate) struct Passing {
    pub(crate) stream: TcpStream,
    pub(crate) path: Path,
    /// What was read from it already.
    pub(crate) read: Vec<u8>,
    pub(crate) since: Instant,
}

/// All connections of one worker.
#[derive(Default)]
pub(crate) struct Connections {
    all: HashMap<usize, Connection>,
    by_path: HashMap<Path, usize>,
    next: usize,
    on_probation: usize,
    unsent: Vec<usize>,
    unread: Vec<usize>,
}

impl Connections {
    /// Takes a connection in; it is dropped when there are too many or it cannot be watched.
    pub(crate) fn admit(&mut self, mut passing: Passing, registry: &Registry) -> Option<usize> {
        if self.on_probation >= MOST_ON_PROBATION || self.by_path.contains_key(&passing.path) {
            return None;
        }
        let _ = passing.stream.set_nodelay(true);
        let _ = socket2::SockRef::from(&passing.stream).set_send_buffer_size(KERNEL_QUEUE);
        let id = self.next;
        self.next += 1;
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry
            .register(&mut passing.stream, Token(FIRST_TOKEN + id), interest)
            .ok()?;
        let mut reader = FrameReader::default();
        reader.push(&passing.read);
        self.by_path.insert(passing.path, id);
        self.on_probation += 1;
        let connection = Connection {
            stream: passing.stream,
            path: passing.path,
            reader,
            out: Vec::new(),
            written: 0,
            probation: Some(passing.since),
            writable: true,
        };
        self.all.insert(id, connection);
        self.unread.push(id);
        Some(id)
    }

    pub(crate) fn get_mut(&mut self, id: usize) -> Option<&mut Connection> {
        self.all.get_mut(&id)
    }

    /// Notes readiness.
    pub(crate) fn ready(&mut self, id: usize, readable: bool, writable: bool) {
        if let Some(connection) = self.all.get_mut(&id) {
            if readable {
                self.unread.push(id);
            }
            if writable {
                connection.writable = true;
                self.unsent.push(id);
            }
        }
    }

    /// Takes the connections that may have something to read.
    pub(crate) fn take_unread(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.unread)
    }

    /// Puts one back that had more than a turn's worth.
    pub(crate) fn read_again(&mut self, id: usize) {
        self.unread.push(id);
    }

    /// Whether some have more to read.
    pub(crate) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Ends the probation: the peer has proved who it is.
    pub(crate) fn trust(&mut self, id: usize) {
        if let Some(connection) = self.all.get_mut(&id)
            && connection.probation.take().is_some()
        {
            self.on_probation -= 1;
        }
    }

    /// Queues a datagram. False when the peer reads too slowly: the connection has to be closed.
    pub(crate) fn send(&mut self, path: &Path, datagram: &[u8]) -> bool {
        let Some(id) = self.by_path.get(path).copied() else {
            return true;
        };
        let Some(connection) = self.all.get_mut(&id) else {
            return true;
        };
        if connection.out.len() - connection.written + datagram.len() > QUEUE {
            return false;
        }
        framing::append(&mut connection.out, datagram);
        self.unsent.push(id);
        true
    }

    /// Writes what is queued. Returns connections that broke.
    pub(crate) fn flush(&mut self) -> Vec<Path> {
        let mut broken = Vec::new();
        for id in std::mem::take(&mut self.unsent) {
            if let Some(connection) = self.all.get_mut(&id)
                && connection.flush().is_err()
            {
                broken.push(connection.path);
            }
        }
        broken
    }

    /// Takes a connection out: to close it by dropping, or to pass it on.
    pub(crate) fn remove(&mut self, path: &Path, registry: &Registry) -> Option<Connection> {
        let id = self.by_path.remove(path)?;
        let mut connection = self.all.remove(&id)?;
        let _ = registry.deregister(&mut connection.stream);
        self.on_probation -= usize::from(connection.probation.is_some());
        Some(connection)
    }

    /// Connections that have been on probation for `limit`.
    pub(crate) fn overdue(&self, limit: Duration, now: Instant) -> Vec<Path> {
        if self.on_probation == 0 {
            return Vec::new();
        }
        let late = |since: Instant| now.saturating_duration_since(since) >= limit;
        let overdue = self.all.values().filter(|c| c.probation.is_some_and(late));
        overdue.map(|connection| connection.path).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}

impl Connection {
    /// Reads into the frame reader.
    pub(crate) fn read(&mut self) -> ReadOutcome {
        let mut buffer = [0; 16 * 1024];
        let mut total = 0;
        while total < READ_A_TURN {
            match self.stream.read(&mut buffer) {
                Ok(0) => return ReadOutcome::Closed,
                Ok(length) => {
                    total += length;
                    self.reader.push(&buffer[..length]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return ReadOutcome::All;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return ReadOutcome::Closed,
            }
        }
        ReadOutcome::More
    }

    /// Turns it into what another worker takes in.
    pub(crate) fn pass(self, first_frame: &[u8]) -> Passing {
        let mut read = Vec::new();
        framing::append(&mut read, first_frame);
        read.extend_from_slice(self.reader.rest());
        Passing {
            since: self.probation.unwrap_or_else(Instant::now),
            stream: self.stream,
            path: self.path,
            read,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.writable && self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => self.written += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        } else if self.written > QUEUE {
            self.out.drain(..self.written);
            self.written = 0;
        }
        Ok(())
    }
}
