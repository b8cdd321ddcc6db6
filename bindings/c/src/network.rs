//! The host's signalling, seen from the library.

use std::ffi::{c_char, c_void};

use lens_media_sdk::{INetwork, OutboundSignal};

use crate::abi::{Sized32, init, lens_status};
use crate::callbacks::{Taking, UserData, call, lens_destroy_fn};
use crate::handles::guard;
use crate::last_error::Refusal;
use crate::signal::{kind_of, lens_signal_kind};

/// Carries a participant's signals to the server. `lens_network_init` fills it with zeros; `send`
/// has to be set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_network {
    /// `sizeof(lens_network)`, set by `lens_network_init`.
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// Handed to each of the functions below. May be NULL.
    pub user_data: *mut c_void,
    /// Called once, after the last `send`. May be NULL.
    pub destroy: lens_destroy_fn,
    /// Carries a signal; required. One at a time, on the participant's callback queue.
    ///
    /// `json` are `json_length` bytes of UTF-8 (no zero byte at the end), an object whose `kind` is
    /// `kind` in words, borrowed until this returns: hand it over and return. When you know what
    /// became of it, call `lens_participant_signal_sent`, `_failed` or `_refused` with `id`, from
    /// any thread, also from here. A signal that nothing is reported of within `signal_timeout_ms`
    /// counts as failed. The library tries again by itself, with growing pauses, the same `id` and
    /// `attempt` 2, 3 and so on: servers tell duplicates by the `negotiation_id` in it.
    pub send: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            id: u64,
            attempt: u32,
            kind: lens_signal_kind,
            json: *const c_char,
            json_length: usize,
        ),
    >,
}

// SAFETY: it begins with its size; zeros are NULL.
unsafe impl Sized32 for lens_network {}

/// Fills the table with zeros and its size. `struct_size` is `sizeof(lens_network)`.
///
/// # Safety
/// `network` points to `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_network_init(
    network: *mut lens_network,
    struct_size: u32,
) -> lens_status {
    let empty = lens_network {
        struct_size,
        reserved: 0,
        user_data: std::ptr::null_mut(),
        destroy: None,
        send: None,
    };
    // SAFETY: the caller's promise.
    guard(|| unsafe { init(network, struct_size, empty) })
}

/// The table as the Rust library sees it.
pub(crate) struct Network {
    table: lens_network,
    user_data: UserData,
}

// SAFETY: the table is functions and a number; its pointer is handed on only, as `UserData` says.
unsafe impl Send for Network {}
// SAFETY: as above.
unsafe impl Sync for Network {}

impl Network {
    pub(crate) fn new(table: lens_network) -> Self {
        let user_data = UserData::new(table.user_data, table.destroy);
        Self { table, user_data }
    }

    /// Without `send` nothing could ever be carried.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        match self.table.send {
            Some(_) => Ok(()),
            None => Err(Refusal::argument("network.send is NULL")),
        }
    }

    pub(crate) fn taking(&self) -> Taking {
        self.user_data.taking()
    }
}

impl INetwork for Network {
    fn send(&self, signal: OutboundSignal) {
        let Some(send) = self.table.send else { return };
        let (kind, json) = (kind_of(&signal.body), signal.to_json());
        let user_data = self.user_data.pointer();
        call(|| {
            // SAFETY: the host gave both together; `json` lives until the call returns.
            unsafe {
                send(
                    user_data,
                    signal.id,
                    signal.attempt,
                    kind,
                    json.as_ptr().cast(),
                    json.len(),
                );
            }
        });
    }
}
