//! How a worker is reached from other threads.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use mio::{Poll, Token, Waker};

use crate::core::path::{Moment, Path};
use crate::core::shard::Shard;
use crate::error::SfuError;
use crate::server::tcp::Passing;

/// Messages that may wait for a worker. At the cap commands are refused.
const INBOX: usize = 4_096;
/// Datagrams from other workers' sockets that may wait; at the cap they are dropped. A queue of
/// their own: a flood of them stands in no command's way.
const TRANSIT: usize = 4_096;
/// The token of the wake-up.
pub(super) const WAKE: Token = Token(0);

/// A command, run on the worker's thread.
pub(crate) type Command = Box<dyn FnOnce(&mut Shard, Moment) + Send>;

/// What others tell a worker.
pub(crate) enum Inbound {
    /// Run this.
    Command(Command),
    /// What comes on this path of yours is for the named worker.
    Claim { path: Path, owner: u8 },
    /// That path is nobody's any more.
    Release { path: Path },
    /// A TCP connection, new or from another worker.
    Tcp(Box<Passing>),
    /// End everything.
    Stop,
}

/// A datagram that came to another worker's socket.
pub(crate) struct Transit {
    pub(super) from: u8,
    pub(super) path: Path,
    pub(super) bytes: Vec<u8>,
}

/// How to reach a worker.
#[derive(Clone)]
pub(crate) struct Port {
    sender: SyncSender<Inbound>,
    transit: SyncSender<Transit>,
    waker: Arc<Waker>,
}

impl Port {
    /// Tells the worker something and wakes it.
    pub(crate) fn tell(&self, message: Inbound) -> Result<(), SfuError> {
        send(&self.sender, message, &self.waker)
    }

    /// Hands a datagram over and wakes the worker.
    pub(super) fn pass(&self, datagram: Transit) -> Result<(), SfuError> {
        send(&self.transit, datagram, &self.waker)
    }
}

fn send<T>(sender: &SyncSender<T>, message: T, waker: &Waker) -> Result<(), SfuError> {
    sender.try_send(message).map_err(|error| match error {
        TrySendError::Full(_) => SfuError::Busy,
        TrySendError::Disconnected(_) => SfuError::Stopped,
    })?;
    // A wake-up that fails is made good by the next turn, at most a second later.
    let _ = waker.wake();
    Ok(())
}

/// A worker's end of its port, made before its thread.
pub(crate) struct Seat {
    pub(super) poll: Poll,
    pub(super) inbox: Receiver<Inbound>,
    pub(super) transit: Receiver<Transit>,
}

/// Makes a port and the seat behind it.
pub(crate) fn port() -> io::Result<(Port, Seat)> {
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
    let (sender, inbox) = sync_channel(INBOX);
    let (passing, transit) = sync_channel(TRANSIT);
    let port = Port {
        sender,
        transit: passing,
        waker,
    };
    let seat = Seat {
        poll,
        inbox,
        transit,
    };
    Ok((port, seat))
}
