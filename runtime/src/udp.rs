//! Many datagrams in one system call, in reused memory.
//!
//! Reading uses `recvmmsg` and lets the kernel merge datagrams of one flow (UDP_GRO); writing hands
//! runs of equal datagrams to one destination over in one call (UDP_SEGMENT). Where the kernel or
//! a network card refuses either, the same calls go on without it.
//!
//! The system calls are quinn-udp's. What is here adds the memory: after warm-up neither
//! [`Receiver`] nor [`Runs`] allocates.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::ops::AddAssign;

use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};

/// Room for what the kernel may merge into one read: 64 KiB, the most that UDP_GRO does.
const SLOT: usize = 64 * 1024;
/// Most bytes of one run: an IPv6 datagram's payload, less what headers may take.
const LONGEST_RUN: usize = 65_000;

/// A UDP socket that reads and writes in batches. It is non-blocking from then on.
#[derive(Debug)]
pub struct BatchSocket<S> {
    io: S,
    state: UdpSocketState,
}

impl<S> BatchSocket<S>
where
    for<'a> UdpSockRef<'a>: From<&'a S>,
{
    /// Prepares a bound socket. Errors are the system's: the socket refuses the options that every
    /// kernel has.
    pub fn new(io: S) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        Ok(Self { io, state })
    }

    /// The socket itself.
    pub fn io(&self) -> &S {
        &self.io
    }

    /// The same, to register it with a poll.
    pub fn io_mut(&mut self) -> &mut S {
        &mut self.io
    }

    /// Sends one run to one destination, in as few calls as the kernel allows: datagrams of
    /// `segment` bytes, of which the last may be shorter.
    pub fn send(&self, to: SocketAddr, bytes: &[u8], segment: usize) -> Flushed {
        let mut flushed = Flushed::default();
        let segment = segment.max(1);
        let mut rest = bytes;
        while !rest.is_empty() {
            // Read anew each time: the first refusal ends all runs on this socket.
            let most = self.longest_run() * segment;
            let (now, later) = rest.split_at(rest.len().min(most));
            let count = now.len().div_ceil(segment);
            let transmit = Transmit {
                destination: to,
                ecn: None,
                contents: now,
                segment_size: (count > 1).then_some(segment),
                src_ip: None,
            };
            flushed.calls += 1;
            match self.state.try_send(UdpSockRef::from(&self.io), &transmit) {
                Ok(()) => flushed.sent += count,
                // Refused as a run: the same datagrams once more, one by one.
                Err(error) if count > 1 && self.longest_run() == 1 && !is_full(&error) => continue,
                Err(_) => flushed.failed += count,
            }
            rest = later;
        }
        flushed
    }

    /// Datagrams of one run that leave in one call now; 1 when the kernel refuses runs.
    pub fn longest_run(&self) -> usize {
        self.state.max_gso_segments()
    }
}

/// One datagram that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received<'a> {
    /// Where it came from.
    pub from: SocketAddr,
    /// Its payload, whole.
    pub bytes: &'a [u8],
}

/// What one read brought, in memory of its own: 2 MiB of address space, of which only what is
/// filled becomes resident.
#[derive(Debug)]
pub struct Receiver {
    bytes: Vec<u8>,
    metas: [RecvMeta; BATCH_SIZE],
    filled: usize,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            bytes: vec![0; SLOT * BATCH_SIZE],
            metas: [RecvMeta::default(); BATCH_SIZE],
            filled: 0,
        }
    }
}

impl Receiver {
    /// Reads what has come, up to a batch, in place of what was read before. Returns whether the
    /// socket may have more. [`io::ErrorKind::WouldBlock`] when there is nothing.
    pub fn receive<S>(&mut self, socket: &BatchSocket<S>) -> io::Result<bool>
    where
        for<'a> UdpSockRef<'a>: From<&'a S>,
    {
        self.filled = 0;
        let mut slots = self.bytes.chunks_exact_mut(SLOT);
        let mut slots: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(slots.next().unwrap_or_default()));
        let io = UdpSockRef::from(&socket.io);
        self.filled = socket.state.recv(io, &mut slots, &mut self.metas)?;
        Ok(self.filled == BATCH_SIZE)
    }

    /// Forgets what was read.
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    /// The datagrams of the last read, in the order they came.
    pub fn datagrams(&self) -> impl Iterator<Item = Received<'_>> {
        let slots = self.bytes.chunks_exact(SLOT);
        let reads = self.metas[..self.filled].iter().zip(slots);
        reads.flat_map(|(meta, slot)| {
            let whole = &slot[..meta.len.min(SLOT)];
            // A datagram without payload has stride 0, and is none to us.
            whole.chunks(meta.stride.max(1)).map(|bytes| Received {
                from: meta.addr,
                bytes,
            })
        })
    }
}

/// What became of datagrams that were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Datagrams the kernel took.
    pub sent: usize,
    /// Datagrams it did not take: its buffer is full, or the destination cannot be reached. They
    /// are dropped; media that waits is worth less than media that is lost.
    pub failed: usize,
    /// System calls.
    pub calls: usize,
}

/// Datagrams on their way out, written one behind the other into reused memory; `D` says where
/// each goes.
///
/// Neighbours to one destination leave as one run when all are of one length but the last, which
/// may be shorter. Write what goes to one destination together.
#[derive(Debug)]
pub struct Runs<D> {
    arena: Vec<u8>,
    used: usize,
    runs: Vec<Run<D>>,
    single: bool,
}

/// Runs to plain addresses.
pub type Sender = Runs<SocketAddr>;

#[derive(Clone, Copy, Debug)]
struct Run<D> {
    to: D,
    start: usize,
    len: usize,
    /// Length of each datagram but the last.
    segment: usize,
    /// A shorter datagram ends a run.
    open: bool,
}

impl<D> Default for Runs<D> {
    fn default() -> Self {
        Self {
            arena: Vec::new(),
            used: 0,
            runs: Vec::new(),
            single: false,
        }
    }
}

impl<D: Copy + PartialEq> Runs<D> {
    /// One that never makes runs, to measure against.
    pub fn without_runs() -> Self {
        Self {
            single: true,
            ..Self::default()
        }
    }

    /// Copies a datagram in.
    pub fn push(&mut self, to: D, bytes: &[u8]) {
        self.reserve(to, bytes.len()).copy_from_slice(bytes);
    }

    /// Room for a datagram of `len` bytes, to be written in place. It holds what was there before.
    pub fn reserve(&mut self, to: D, len: usize) -> &mut [u8] {
        let start = self.used;
        self.used += len;
        if self.arena.len() < self.used {
            self.arena.resize(self.used.next_power_of_two(), 0);
        }
        self.extend(to, start, len);
        &mut self.arena[start..start + len]
    }

    /// Takes back the datagram of `len` bytes that was written last.
    pub fn retract(&mut self, len: usize) {
        let Some(run) = self.runs.last_mut() else {
            return;
        };
        self.used -= len;
        run.len -= len;
        run.open = true;
        if run.len == 0 {
            self.runs.pop();
        }
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Hands out each run (where to, its bytes, the length of each datagram in it but the last)
    /// in the order of writing, and is empty again.
    pub fn drain(&mut self, mut send: impl FnMut(D, &[u8], usize)) {
        for run in self.runs.drain(..) {
            let bytes = &self.arena[run.start..run.start + run.len];
            send(run.to, bytes, run.segment);
        }
        self.used = 0;
    }

    fn extend(&mut self, to: D, start: usize, len: usize) {
        if let Some(run) = self.runs.last_mut()
            && !self.single
            && run.open
            && run.to == to
            && len <= run.segment
            && len > 0
            && run.len + len <= LONGEST_RUN
        {
            run.len += len;
            run.open = len == run.segment;
            return;
        }
        self.runs.push(Run {
            to,
            start,
            len,
            segment: len,
            open: true,
        });
    }
}

impl Sender {
    /// Sends everything, as far as the kernel takes it, and is empty again.
    pub fn flush<S>(&mut self, socket: &BatchSocket<S>) -> Flushed
    where
        for<'a> UdpSockRef<'a>: From<&'a S>,
    {
        let mut flushed = Flushed::default();
        self.drain(|to, bytes, segment| flushed += socket.send(to, bytes, segment));
        flushed
    }
}

impl AddAssign for Flushed {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.failed += other.failed;
        self.calls += other.calls;
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::{Duration, Instant};

    use super::*;

    fn socket() -> (BatchSocket<UdpSocket>, SocketAddr) {
        let io = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = io.local_addr().expect("bound");
        (BatchSocket::new(io).expect("a socket"), address)
    }

    /// Reads until `count` datagrams have come.
    fn read(socket: &BatchSocket<UdpSocket>, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut receiver = Receiver::default();
        let mut found = Vec::new();
        let until = Instant::now() + Duration::from_secs(5);
        while found.len() < count && Instant::now() < until {
            match receiver.receive(socket) {
                Ok(_) => {
                    let datagrams = receiver.datagrams();
                    found.extend(datagrams.map(|it| (it.from, it.bytes.to_vec())));
                }
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        found
    }

    fn numbered(lengths: &[usize]) -> Vec<Vec<u8>> {
        let numbered = lengths.iter().zip(0..).map(|(len, n)| vec![n; *len]);
        numbered.collect()
    }

    #[test]
    fn datagrams_arrive_whole_and_in_order_whatever_runs_they_made() {
        let (from, source) = socket();
        let (to, address) = socket();
        // Two runs, a short end, a longer one after it, an odd one.
        let datagrams = numbered(&[100, 100, 100, 40, 1_200, 1_200, 7, 1_200]);
        let mut sender = Sender::default();
        for bytes in &datagrams {
            sender.push(address, bytes);
        }
        let flushed = sender.flush(&from);
        assert_eq!((flushed.sent, flushed.failed), (8, 0));
        assert!(sender.is_empty());
        let found = read(&to, 8);
        assert!(found.iter().all(|(from, _)| *from == source));
        let bytes: Vec<_> = found.into_iter().map(|(_, bytes)| bytes).collect();
        assert_eq!(bytes, datagrams);
    }

    #[test]
    fn a_run_is_one_call_and_ends_with_another_destination() {
        let (from, _) = socket();
        // A kernel without UDP_SEGMENT takes each datagram by itself.
        let calls = if from.longest_run() == 1 { 5 } else { 3 };
        let (one, first) = socket();
        let (other, second) = socket();
        let mut sender = Sender::default();
        for to in [first, first, first, second, first] {
            sender.push(to, &[1; 500]);
        }
        assert_eq!(sender.flush(&from).calls, calls);
        assert_eq!(read(&one, 4).len(), 4);
        assert_eq!(read(&other, 1).len(), 1);

        let mut single = Sender::without_runs();
        for _ in 0..3 {
            single.push(first, &[1; 500]);
        }
        assert_eq!(single.flush(&from).calls, 3);
    }

    #[test]
    fn more_than_the_kernel_takes_at_once_is_split() {
        let (from, _) = socket();
        let (to, address) = socket();
        let mut sender = Sender::default();
        for _ in 0..200 {
            sender.push(address, &[5; 60]);
        }
        let flushed = sender.flush(&from);
        assert_eq!((flushed.sent, flushed.failed), (200, 0));
        assert_eq!(read(&to, 200).len(), 200);
    }

    #[test]
    fn what_cannot_be_sent_is_counted_and_dropped() {
        let (from, _) = socket();
        let mut sender = Sender::default();
        sender.push("[::1]:9".parse().expect("an address"), &[1; 10]);
        sender.push("[::1]:9".parse().expect("an address"), &[1; 10]);
        let flushed = sender.flush(&from);
        assert_eq!((flushed.sent, flushed.failed), (0, 2));
        assert!(sender.is_empty());
    }
}
