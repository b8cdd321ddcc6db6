//! What the host's function tables have in common: `user_data`, and its end.

use std::cell::RefCell;
use std::ffi::{c_char, c_void};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::abi::{lens_status, text};
use crate::codes::LENS_STATUS_INVALID_STATE;
use crate::handles::guard;
use crate::last_error::Refusal;

/// Called exactly once, after the last call of the table that names it, so that the host can free
/// `user_data`; on the thread of the last callback, or on the one that closed. It may call this
/// library.
pub type lens_destroy_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The host's `user_data`, which the library owns from when a call that takes a table succeeds.
pub(crate) struct UserData {
    pointer: *mut c_void,
    destroy: lens_destroy_fn,
    owner: Arc<Ownership>,
}

// SAFETY: the header says that the tables' functions run on threads of the library, and the host
// gives its pointer for that.
unsafe impl Send for UserData {}
// SAFETY: as above; the pointer itself is only handed on.
unsafe impl Sync for UserData {}

/// Whose `user_data` it is. Until the call that took the table succeeds, the host's: then `destroy`
/// is not called. The participant may end before that call has returned, on another thread.
#[derive(Default)]
pub(crate) struct Ownership(AtomicU8);

const HOSTS: u8 = 0;
const OURS: u8 = 1;
const ENDED: u8 = 2;

impl UserData {
    pub(crate) fn new(pointer: *mut c_void, destroy: lens_destroy_fn) -> Self {
        let owner = Arc::default();
        Self {
            pointer,
            destroy,
            owner,
        }
    }

    pub(crate) const fn pointer(&self) -> *mut c_void {
        self.pointer
    }

    /// To be [taken](Taking::take) once the call has succeeded.
    pub(crate) fn taking(&self) -> Taking {
        let (pointer, destroy) = (self.pointer, self.destroy);
        let owner = Arc::clone(&self.owner);
        Taking {
            pointer,
            destroy,
            owner,
        }
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if self.owner.0.swap(ENDED, Ordering::AcqRel) == OURS {
            destroy(self.destroy, self.pointer);
        }
    }
}

/// Makes `user_data` the library's.
pub(crate) struct Taking {
    pointer: *mut c_void,
    destroy: lens_destroy_fn,
    owner: Arc<Ownership>,
}

impl Taking {
    pub(crate) fn take(self) {
        let order = Ordering::AcqRel;
        if self
            .owner
            .0
            .compare_exchange(HOSTS, OURS, order, Ordering::Acquire)
            .is_err()
        {
            destroy(self.destroy, self.pointer);
        }
    }
}

fn destroy(function: lens_destroy_fn, user_data: *mut c_void) {
    if let Some(function) = function {
        // SAFETY: the host gave both together, and this is the one call.
        unsafe { function(user_data) };
    }
}

thread_local! {
    /// In a callback: what the host said went wrong in it.
    static FAILED: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

/// Runs a callback of the host's. When it says that it failed, this unwinds: the library ends the
/// participant, as it would for a host in Rust that panicked.
pub(crate) fn call(function: impl FnOnce()) {
    let outer = FAILED.replace(Some(None));
    function();
    let own = FAILED.replace(outer);
    if let Some(Some(message)) = own {
        resume_unwind(Box::new(message));
    }
}

/// Says, from within a callback, that the host's code failed in it (an exception was thrown, a
/// program of a script broke). When the callback returns, its participant ends with
/// `LENS_STATUS_HOST_PANICKED` and no other participant notices.
///
/// Exceptions of C++ must not leave a callback: the process would end. `lens_media.hpp` catches them
/// and calls this.
///
/// `LENS_STATUS_INVALID_STATE` when the calling thread is in no callback, `_INVALID_ARGUMENT` when
/// the message is no UTF-8.
///
/// # Safety
/// `message` points to `length` readable bytes, or is NULL with a length of 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_callback_failed(
    message: *const c_char,
    length: usize,
) -> lens_status {
    guard(|| {
        // SAFETY: the caller's promise.
        let message = unsafe { text(message, length, "message") }?;
        FAILED.with_borrow_mut(|failed| match failed {
            Some(failure) => {
                *failure = Some(message.to_owned());
                Ok(())
            }
            None => Err(Refusal::new(
                LENS_STATUS_INVALID_STATE,
                "this thread is in no callback",
            )),
        })
    })
}
