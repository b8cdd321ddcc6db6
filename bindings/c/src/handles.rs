//! Handles and the guard against panics: the one file that names `ffi-support` (ADR 0010 says what
//! was measured of it, and how to replace it).
//!
//! A handle is looked up and the `Arc` behind it cloned; nothing else happens while the map is
//! held, because a call made there would deadlock on the same handle and delay all others. Handles
//! of destroyed things, of another kind, and numbers that never were handles are told apart.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, LazyLock};

use ffi_support::{ConcurrentHandleMap, ErrorCode, ExternError, HandleError, call_with_result};

use crate::abi::lens_status;
use crate::codes::{
    LENS_STATUS_INTERNAL, LENS_STATUS_INVALID_HANDLE, LENS_STATUS_NO_MEMORY, LENS_STATUS_OK,
};
use crate::last_error::{self, Refusal};

/// Most handles of a kind at a time: what the map holds.
const MOST: usize = (1 << 15) - 2;

/// The handles of one kind.
pub(crate) struct Handles<T>(LazyLock<ConcurrentHandleMap<Arc<T>>>);

impl<T> Handles<T> {
    pub(crate) const fn new() -> Self {
        Self(LazyLock::new(ConcurrentHandleMap::new))
    }

    /// A handle for this.
    pub(crate) fn insert(&self, value: Arc<T>) -> Result<u64, Refusal> {
        // Two threads may both see the last place; the map then panics, and the guard answers.
        if self.0.len() >= MOST {
            return Err(Refusal::new(
                LENS_STATUS_NO_MEMORY,
                "32,766 handles are in use",
            ));
        }
        Ok(self.0.insert(value).into_u64())
    }

    /// What the handle names.
    pub(crate) fn find(&self, handle: u64) -> Result<Arc<T>, Refusal> {
        self.0
            .get_u64(handle, |value| Ok::<_, HandleError>(Arc::clone(value)))
            .map_err(refusal)
    }

    /// Takes it out: the handle is stale from now on.
    pub(crate) fn remove(&self, handle: u64) -> Result<Arc<T>, Refusal> {
        let removed = self.0.remove_u64(handle).map_err(refusal)?;
        removed.ok_or_else(|| Refusal::new(LENS_STATUS_INTERNAL, "the handle's slot is poisoned"))
    }

    /// How many are in use.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

fn refusal(error: HandleError) -> Refusal {
    let sentence = match error {
        HandleError::NullHandle => "the handle is 0",
        HandleError::StaleVersion => "the handle is stale: what it named was destroyed",
        HandleError::WrongMap => "the handle is of another kind",
        HandleError::InvalidHandle | HandleError::IndexPastEnd => "the number is no handle",
    };
    Refusal::new(LENS_STATUS_INVALID_HANDLE, sentence)
}

/// Runs the body of an exported function. A refusal, or a panic, becomes a status and the thread's
/// last error.
pub(crate) fn guard(body: impl FnOnce() -> Result<(), Refusal>) -> lens_status {
    let mut error = ExternError::success();
    call_with_result(&mut error, AssertUnwindSafe(|| without_zeros(body)));
    let code = error.get_code();
    if code == ErrorCode::SUCCESS {
        return LENS_STATUS_OK;
    }
    // SAFETY: `call_with_result` allocated the message of an error; it is taken once.
    let message = unsafe { error.get_and_consume_message() }.unwrap_or_default();
    let status = if code == ErrorCode::PANIC {
        LENS_STATUS_INTERNAL
    } else {
        code.code()
    };
    last_error::keep(message);
    status
}

/// `ffi-support` makes C strings of messages, and itself panics on a zero byte, outside its guard
/// when the message is a panic's: then the process would end.
fn without_zeros(body: impl FnOnce() -> Result<(), Refusal>) -> Result<(), ExternError> {
    let clean = |message: &str| message.replace('\0', "?");
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Refusal { status, message })) => Err(ExternError::new_error(
            ErrorCode::new(status),
            clean(&message),
        )),
        Err(panic) => match panic.downcast::<String>() {
            Ok(message) => resume_unwind(Box::new(clean(&message))),
            Err(panic) => resume_unwind(panic),
        },
    }
}

#[cfg(test)]
mod tests;
