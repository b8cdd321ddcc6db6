//! The engine: one thread that carries the network of all its participants.

use std::net::IpAddr;
use std::sync::Arc;

use crate::driver::{self, EngineHandle};
use crate::error::MediaError;
use crate::network::INetwork;
use crate::observer::Observer;
use crate::participant::{Participant, ParticipantConfig};

/// Who runs callbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Callbacks {
    /// Each participant has a thread of its own, `lens-callback`. A slow observer delays nobody
    /// else.
    #[default]
    Threads,
    /// The host lends threads: each that calls [`Engine::run_callbacks`] runs callbacks of any
    /// participant, those of one never at the same time. A slow observer holds up a thread; lend
    /// two where that matters.
    Host,
}

/// How an engine is set up. `EngineConfig::default()` is right for most.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineConfig {
    /// Who runs callbacks.
    pub callbacks: Callbacks,
    /// Addresses of this machine that media may use; empty means all of its interfaces, looked for
    /// anew every second while there are connections.
    pub addresses: Vec<IpAddr>,
    /// Whether TCP (RFC 6544) is tried where datagrams do not pass. Default: yes.
    pub tcp: bool,
    /// Whether datagrams are used at all; `false` means TCP only. One of both has to be. Default:
    /// yes.
    pub udp: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            callbacks: Callbacks::Threads,
            addresses: Vec::new(),
            tcp: true,
            udp: true,
        }
    }
}

/// Carries participants. Cheap to clone; all clones are the same engine.
///
/// It has one thread, `lens-engine`, that owns all sockets: one UDP socket for each connection (so
/// one for an engine with one participant), and TCP connections where datagrams do not pass. Make
/// one engine per program.
#[derive(Clone)]
pub struct Engine {
    owner: Arc<Owner>,
}

/// Stops the engine when the last handle is gone.
struct Owner {
    handle: Arc<EngineHandle>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts an engine.
    ///
    /// # Errors
    /// When the system gives no thread or descriptor, no certificate can be made, or there is
    /// neither UDP nor TCP.
    pub fn start(config: EngineConfig) -> Result<Self, MediaError> {
        if !config.udp && !config.tcp {
            return Err(MediaError::OutOfRange {
                what: "one of udp and tcp",
                range: "used",
            });
        }
        let handle = driver::start(config)?;
        Ok(Self {
            owner: Arc::new(Owner { handle }),
        })
    }

    /// Makes a participant that waits for its first offer. `network` and `observer` are its own
    /// until it is closed; they are dropped once, after its last callback.
    ///
    /// # Errors
    /// When the engine has stopped, a field of `config` is outside its range, or the system gives
    /// no thread for callbacks.
    pub fn create_participant(
        &self,
        config: ParticipantConfig,
        network: Arc<dyn INetwork>,
        observer: impl Observer,
    ) -> Result<Participant, MediaError> {
        let handle = &self.owner.handle;
        Participant::create(handle, config, network, Box::new(observer))
    }

    /// Lends the calling thread for callbacks until the engine stops. For [`Callbacks::Host`].
    ///
    /// # Errors
    /// When the engine has threads of its own.
    pub fn run_callbacks(&self) -> Result<(), MediaError> {
        // Not the owner: a thread that is lent does not keep the engine alive.
        let handle = Arc::clone(&self.owner.handle);
        handle.run_callbacks()
    }

    /// A handle for threads that are lent, which does not keep the engine alive.
    pub fn callback_runner(&self) -> CallbackRunner {
        CallbackRunner {
            handle: Arc::clone(&self.owner.handle),
        }
    }

    /// Says that the system's network changed: addresses are looked for now, and connections are
    /// checked. Harmless at any time.
    pub fn network_changed(&self) {
        self.owner.handle.network_changed();
    }

    /// How many participants are not over: for tests of leaks.
    pub fn live_participants(&self) -> usize {
        self.owner.handle.live_participants()
    }

    /// Closes all participants and ends the engine's thread. Idempotent; also done when the last
    /// clone is dropped. From a callback it returns before the thread has ended, from elsewhere
    /// after it.
    pub fn stop(&self) {
        self.owner.handle.stop();
    }
}

/// Runs callbacks of an engine without keeping it alive.
#[derive(Clone)]
pub struct CallbackRunner {
    handle: Arc<EngineHandle>,
}

impl std::fmt::Debug for CallbackRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallbackRunner").finish_non_exhaustive()
    }
}

impl CallbackRunner {
    /// As [`Engine::run_callbacks`].
    ///
    /// # Errors
    /// When the engine has threads of its own.
    pub fn run(&self) -> Result<(), MediaError> {
        self.handle.run_callbacks()
    }
}
