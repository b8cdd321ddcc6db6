//! Sockets and threads around the core.
//!
//! ```text
//! host's threads ── Command ──▶ lens-engine (worker.rs) ── sockets.rs, tcp.rs
//!                                  │ Session::handle_input / poll_output, behind catch_unwind
//!                                  ▼ Event
//!                               Mailbox (callbacks.rs) ──▶ lens-callback, or a thread that is lent
//! ```
//!
//! The engine's thread never runs code of the host's, a log function apart, and never waits for it.

mod burst;
mod callbacks;
mod entropy;
mod framing;
mod lines;
mod sockets;
mod stage;
mod waiting;
mod worker;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::JoinHandle;

pub(crate) use callbacks::{Host, Mailbox};
pub(crate) use stage::SenderStage;

use crate::core::{Identity, Input, SessionConfig};
use crate::engine::{Callbacks, EngineConfig};
use crate::error::MediaError;
use crate::shared::{Shared, lock};
use crate::state::State;

/// What the engine's thread is told.
pub(crate) enum Command {
    /// A new participant.
    Add(Arc<Shared>, SessionConfig),
    /// An input for one.
    Input(u64, Input<'static>),
    /// One has frames or messages waiting.
    Look(u64),
    /// Addresses of this machine may have changed.
    NetworkChanged,
    /// End the thread.
    Stop,
}

/// The engine, seen from its host's threads.
pub(crate) struct EngineHandle {
    config: EngineConfig,
    /// None once the thread has ended: a command that stayed would hold its participant, and with it
    /// this engine, for ever.
    commands: Mutex<Option<Vec<Command>>>,
    waker: mio::Waker,
    next_key: AtomicU64,
    members: Mutex<HashMap<u64, Weak<Shared>>>,
    stopped: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Mailboxes that have something to run, where the host lends threads.
    ready: Mutex<VecDeque<Arc<Mailbox>>>,
    ready_changed: Condvar,
}

/// Starts an engine's thread.
pub(crate) fn start(config: EngineConfig) -> Result<Arc<EngineHandle>, MediaError> {
    let system = |what| move |source| MediaError::System { what, source };
    let identity = Identity::generate()?;
    let poll = mio::Poll::new().map_err(system("a poll"))?;
    let waker = mio::Waker::new(poll.registry(), worker::WAKER).map_err(system("a waker"))?;
    let handle = Arc::new(EngineHandle {
        config,
        commands: Mutex::new(Some(Vec::new())),
        waker,
        next_key: AtomicU64::new(1),
        members: Mutex::default(),
        stopped: AtomicBool::new(false),
        thread: Mutex::default(),
        ready: Mutex::default(),
        ready_changed: Condvar::new(),
    });
    let worker = worker::Worker::new(poll, Arc::clone(&handle), identity);
    let thread = std::thread::Builder::new()
        .name("lens-engine".to_owned())
        .spawn(move || worker.run())
        .map_err(system("a thread"))?;
    *lock(&handle.thread) = Some(thread);
    Ok(handle)
}

impl EngineHandle {
    pub(crate) fn new_key(&self) -> u64 {
        self.next_key.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) const fn config(&self) -> &EngineConfig {
        &self.config
    }

    pub(crate) const fn uses_tcp(&self) -> bool {
        self.config.tcp
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Takes a participant in, and starts its callback thread where it has one.
    pub(crate) fn add(
        &self,
        shared: &Arc<Shared>,
        session: SessionConfig,
    ) -> Result<(), MediaError> {
        let mut members = lock(&self.members);
        if self.is_stopped() {
            return Err(MediaError::EngineStopped);
        }
        if self.config.callbacks == Callbacks::Threads {
            shared.mailbox.start_thread()?;
        }
        members.insert(shared.key, Arc::downgrade(shared));
        drop(members);
        self.command(Command::Add(Arc::clone(shared), session));
        Ok(())
    }

    /// An input for a participant; one that is gone does not mind.
    pub(crate) fn input(&self, key: u64, input: Input<'static>) {
        self.command(Command::Input(key, input));
    }

    pub(crate) fn look(&self, key: u64) {
        self.command(Command::Look(key));
    }

    pub(crate) fn network_changed(&self) {
        self.command(Command::NetworkChanged);
    }

    /// Closes a participant without waiting for its last callback.
    pub(crate) fn close(&self, shared: &Shared) {
        {
            let mut view = lock(&shared.view);
            if !view.state.is_over() {
                view.state = State::Closed;
            }
        }
        if shared.mailbox.close() {
            self.input(shared.key, Input::Close);
        }
        shared.sender_stage.let_go();
        lock(&self.members).remove(&shared.key);
    }

    /// The engine's thread has let a participant go.
    pub(crate) fn forget(&self, key: u64) {
        lock(&self.members).remove(&key);
    }

    pub(crate) fn live_participants(&self) -> usize {
        lock(&self.members).len()
    }

    pub(crate) fn run_callbacks(&self) -> Result<(), MediaError> {
        if self.config.callbacks == Callbacks::Threads {
            return Err(MediaError::OwnCallbacks);
        }
        let mut ready = lock(&self.ready);
        loop {
            if let Some(mailbox) = ready.pop_front() {
                drop(ready);
                mailbox.run_turn();
                ready = lock(&self.ready);
            } else if self.is_stopped() {
                return Ok(());
            } else {
                let woken = self.ready_changed.wait(ready);
                ready = woken.unwrap_or_else(std::sync::PoisonError::into_inner);
            }
        }
    }

    /// A mailbox has something to run.
    fn schedule(&self, mailbox: Arc<Mailbox>) {
        lock(&self.ready).push_back(mailbox);
        self.ready_changed.notify_one();
    }

    pub(crate) fn stop(&self) {
        let members: Vec<_> = {
            let mut members = lock(&self.members);
            self.stopped.store(true, Ordering::Release);
            members
                .drain()
                .filter_map(|(_, shared)| shared.upgrade())
                .collect()
        };
        for shared in &members {
            self.close(shared);
        }
        self.command(Command::Stop);
        {
            // Under the lock, so that no thread misses it between its look and its wait.
            let _ready = lock(&self.ready);
            self.ready_changed.notify_all();
        }
        // The engine's thread waits for nobody, so that everybody but itself may wait for it.
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
        if !callbacks::is_callback() {
            members
                .iter()
                .for_each(|shared| shared.mailbox.wait_closed());
        }
    }

    fn command(&self, command: Command) {
        let refused = match lock(&self.commands).as_mut() {
            Some(commands) => {
                commands.push(command);
                None
            }
            None => Some(command),
        };
        // Outside the lock: it may hold the last of a participant.
        drop(refused);
        // It fails only when the poll is gone, and then nobody listens any more.
        let _ = self.waker.wake();
    }

    fn take_commands(&self) -> Vec<Command> {
        lock(&self.commands)
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// The thread has ended: nobody takes commands any more.
    fn end_commands(&self) {
        let left = lock(&self.commands).take();
        drop(left);
    }
}
