//! What went wrong last on this thread, in words.

use std::cell::RefCell;
use std::ffi::c_char;

use lens_media_sdk::MediaError;

use crate::abi::{copy_text, lens_status};
use crate::codes::LENS_STATUS_INVALID_ARGUMENT;

/// Why a call is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: lens_status,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: lens_status, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message }
    }

    /// An argument is outside its range.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(LENS_STATUS_INVALID_ARGUMENT, message)
    }
}

impl From<MediaError> for Refusal {
    fn from(error: MediaError) -> Self {
        let mut message = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            message = format!("{message}: {source}");
        }
        Self::new(error.code().c_status(), message)
    }
}

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps a message for `lens_last_error_message`.
pub(crate) fn keep(message: String) {
    // Gone while the thread ends: then nobody can ask.
    let _ = LAST.try_with(|last| *last.borrow_mut() = message);
}

/// Writes what went wrong in this thread's last call that failed, as UTF-8 with a zero byte at its
/// end, to `buffer`, and returns how many bytes the message has without that byte. A longer message
/// than fits is cut at a character. `buffer` may be NULL when `capacity` is 0.
///
/// For people and logs; programs look at the status. A call that succeeds leaves it as it is.
///
/// # Safety
/// `buffer` points to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_last_error_message(buffer: *mut c_char, capacity: usize) -> usize {
    let message = LAST
        .try_with(|last| last.borrow().clone())
        .unwrap_or_default();
    // SAFETY: the caller's promise is that of `copy_text`.
    unsafe { copy_text(&message, buffer, capacity) }
}
