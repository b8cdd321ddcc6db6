//! Engines.

use std::ffi::c_char;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use lens_media_sdk::{Callbacks, Engine, EngineConfig};

use crate::abi::{Sized32, init, lens_status, put, read, text};
use crate::codes::LENS_STATUS_CLOSED;
use crate::handles::{Handles, guard};
use crate::last_error::Refusal;
use crate::participant;

/// Names an engine; never 0. Handles may be copied and used from every thread; one whose engine was
/// destroyed is refused with `LENS_STATUS_INVALID_HANDLE`.
pub type lens_engine = u64;

/// Who runs callbacks: one of `LENS_CALLBACKS_*`.
pub type lens_callbacks = i32;
/// Each participant has a thread of the library's. The default.
pub const LENS_CALLBACKS_THREADS: lens_callbacks = 0;
/// Threads that the host lends by `lens_engine_run_callbacks`.
pub const LENS_CALLBACKS_HOST: lens_callbacks = 1;

/// How an engine is set up. `lens_engine_config_init` fills it with its defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_engine_config {
    /// `sizeof(lens_engine_config)`, set by `lens_engine_config_init`.
    pub struct_size: u32,
    /// One of `LENS_CALLBACKS_*`.
    pub callbacks: lens_callbacks,
    /// Addresses of this machine that media may use, separated by commas, `addresses_length` bytes;
    /// NULL, the default, means all of its interfaces, looked for anew every second.
    pub addresses: *const c_char,
    /// How many bytes.
    pub addresses_length: usize,
    /// Not 0, the default, when datagrams are used; 0 for TCP only. One of both has to be.
    pub udp: u32,
    /// Not 0, the default, when TCP (RFC 6544) is tried where datagrams do not pass.
    pub tcp: u32,
}

// SAFETY: it begins with its size; zeros are numbers and NULL.
unsafe impl Sized32 for lens_engine_config {}

impl lens_engine_config {
    const fn defaults() -> Self {
        Self {
            struct_size: size_of::<Self>() as u32,
            callbacks: LENS_CALLBACKS_THREADS,
            addresses: std::ptr::null(),
            addresses_length: 0,
            udp: 1,
            tcp: 1,
        }
    }

    /// # Safety
    /// `addresses` points to `addresses_length` readable bytes, or is NULL.
    unsafe fn to_config(self) -> Result<EngineConfig, Refusal> {
        let mut config = EngineConfig::default();
        config.callbacks = match self.callbacks {
            LENS_CALLBACKS_THREADS => Callbacks::Threads,
            LENS_CALLBACKS_HOST => Callbacks::Host,
            _ => {
                return Err(Refusal::argument(
                    "config.callbacks is none of LENS_CALLBACKS_*",
                ));
            }
        };
        (config.udp, config.tcp) = (self.udp != 0, self.tcp != 0);
        // SAFETY: the caller's promise.
        let addresses = unsafe { text(self.addresses, self.addresses_length, "config.addresses") }?;
        let each = addresses
            .split(',')
            .map(str::trim)
            .filter(|address| !address.is_empty());
        let parsed: Result<Vec<IpAddr>, _> = each.map(str::parse).collect();
        config.addresses = parsed
            .map_err(|_| Refusal::argument("config.addresses has a part that is no IP address"))?;
        Ok(config)
    }
}

/// An engine and the handles of its participants.
pub(crate) struct EngineBox {
    pub(crate) engine: Engine,
    /// None once it is destroyed.
    members: Mutex<Option<Vec<u64>>>,
}

static ENGINES: Handles<EngineBox> = Handles::new();

pub(crate) fn find(engine: lens_engine) -> Result<Arc<EngineBox>, Refusal> {
    ENGINES.find(engine)
}

impl EngineBox {
    /// Remembers a participant's handle; false when the engine was destroyed meanwhile.
    pub(crate) fn add(&self, member: u64) -> bool {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members
            .as_mut()
            .map(|members| members.push(member))
            .is_some()
    }

    pub(crate) fn forget(&self, member: u64) {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(members) = members.as_mut() {
            members.retain(|other| *other != member);
        }
    }

    fn end(&self) -> Vec<u64> {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.take().unwrap_or_default()
    }
}

/// Fills the configuration with its defaults. `struct_size` is `sizeof(lens_engine_config)`.
///
/// # Safety
/// `config` points to `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_engine_config_init(
    config: *mut lens_engine_config,
    struct_size: u32,
) -> lens_status {
    // SAFETY: the caller's promise.
    guard(|| unsafe { init(config, struct_size, lens_engine_config::defaults()) })
}

/// Starts an engine: one thread, `lens-engine`, that carries the network of all its participants.
/// Make one per program. `config` may be NULL for the defaults. Writes the handle to `engine`.
///
/// `LENS_STATUS_INVALID_ARGUMENT` for a field outside its range, `LENS_STATUS_IO` when the system
/// gives no thread or descriptor, `LENS_STATUS_NO_MEMORY` when 32,000 engines are in use.
///
/// # Safety
/// `config` is NULL or a valid configuration; `engine` points to a writable handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_engine_create(
    config: *const lens_engine_config,
    engine: *mut lens_engine,
) -> lens_status {
    guard(|| {
        // SAFETY: the caller's promise, here and below.
        unsafe { put(engine, 0, "engine") }?;
        let given = match config.is_null() {
            true => lens_engine_config::defaults(),
            // SAFETY: as above.
            false => unsafe { read(config, "config") }?,
        };
        // SAFETY: as above.
        let started = Engine::start(unsafe { given.to_config() }?)?;
        let members = Mutex::new(Some(Vec::new()));
        let made = ENGINES.insert(Arc::new(EngineBox {
            engine: started,
            members,
        }))?;
        // SAFETY: as above.
        unsafe { put(engine, made, "engine") }
    })
}

/// Closes all participants of the engine, ends its thread and releases its handle and theirs. From
/// any thread and any callback: from elsewhere it returns after the last callback of all of them,
/// from a callback at once.
///
/// `LENS_STATUS_INVALID_HANDLE` when it was destroyed before.
#[unsafe(no_mangle)]
pub extern "C" fn lens_engine_destroy(engine: lens_engine) -> lens_status {
    guard(|| {
        // Stopped first: callbacks that still run find their handles valid.
        find(engine)?.engine.stop();
        let removed = ENGINES.remove(engine)?;
        removed.end().into_iter().for_each(participant::release);
        Ok(())
    })
}

/// Lends the calling thread for callbacks; returns `LENS_STATUS_OK` once the engine is destroyed.
/// Several threads may be lent; those of one participant never run at the same time.
///
/// `LENS_STATUS_INVALID_STATE` unless the engine was made with `LENS_CALLBACKS_HOST`.
#[unsafe(no_mangle)]
pub extern "C" fn lens_engine_run_callbacks(engine: lens_engine) -> lens_status {
    guard(|| {
        // The engine must not be kept alive by the thread that waits for its end.
        let runner = find(engine)?.engine.callback_runner();
        Ok(runner.run()?)
    })
}

/// Says that the system's network changed: addresses are looked for now, and connections are
/// checked. Harmless at any time.
#[unsafe(no_mangle)]
pub extern "C" fn lens_engine_network_changed(engine: lens_engine) -> lens_status {
    guard(|| {
        find(engine)?.engine.network_changed();
        Ok(())
    })
}

/// How many handles, of engines and participants, are in use in this process: for tests of leaks.
#[unsafe(no_mangle)]
pub extern "C" fn lens_live_handles() -> u32 {
    u32::try_from(ENGINES.len() + participant::live()).unwrap_or(u32::MAX)
}

/// What a new participant is told when its engine was destroyed under it.
pub(crate) fn gone() -> Refusal {
    Refusal::new(LENS_STATUS_CLOSED, "the engine was destroyed")
}
