//! Handles and the guard against panics: the one file that names `ffi-support` (ADR 0011).
//!
//! Only the `Arc` behind a handle is cloned while the map is held: a call made there would deadlock
//! on the same handle, and delay all others.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ffi_support::{ConcurrentHandleMap, ErrorCode, ExternError, HandleError, call_with_result};

use crate::abi::lens_status;
use crate::codes;
use crate::last_error::{self, Refusal};

/// Most handles of a kind. With 32,766 the map panics, and is poisoned for good.
const MOST: usize = 32_000;

/// The handles of one kind; the lock is for who inserts.
pub(crate) struct Handles<T>(LazyLock<ConcurrentHandleMap<Arc<T>>>, Mutex<()>);

impl<T> Handles<T> {
    pub(crate) const fn new() -> Self {
        Self(LazyLock::new(ConcurrentHandleMap::new), Mutex::new(()))
    }

    pub(crate) fn insert(&self, value: Arc<T>) -> Result<u64, Refusal> {
        let _one = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.len() >= MOST {
            return Err(Refusal::new(
                codes::LENS_STATUS_NO_MEMORY,
                "all handles are in use",
            ));
        }
        Ok(self.0.insert(value).into_u64())
    }

    /// What the handle names.
    pub(crate) fn find(&self, handle: u64) -> Result<Arc<T>, Refusal> {
        let clone = |value: &Arc<T>| Ok::<_, HandleError>(Arc::clone(value));
        self.0.get_u64(handle, clone).map_err(refusal)
    }

    /// Takes it out: the handle is stale from now on.
    pub(crate) fn remove(&self, handle: u64) -> Result<Arc<T>, Refusal> {
        let removed = self.0.remove_u64(handle).map_err(refusal)?;
        removed.ok_or_else(|| Refusal::new(codes::LENS_STATUS_INTERNAL, "the slot is poisoned"))
    }

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
    Refusal::new(codes::LENS_STATUS_INVALID_HANDLE, sentence)
}

/// Runs the body of an exported function. A refusal, or a panic, becomes a status and the thread's
/// last error.
pub(crate) fn guard(body: impl FnOnce() -> Result<(), Refusal>) -> lens_status {
    let mut error = ExternError::success();
    call_with_result(&mut error, AssertUnwindSafe(|| without_zeros(body)));
    let code = error.get_code();
    if code == ErrorCode::SUCCESS {
        return codes::LENS_STATUS_OK;
    }
    // SAFETY: `call_with_result` allocated the message of an error; it is taken once.
    let message = unsafe { error.get_and_consume_message() }.unwrap_or_default();
    last_error::keep(message);
    match code {
        ErrorCode::PANIC => codes::LENS_STATUS_INTERNAL,
        _ => code.code(),
    }
}

/// `ffi-support` makes C strings of messages, and itself panics on a zero byte, outside its guard
/// when the message is a panic's: then the process would end.
fn without_zeros(body: impl FnOnce() -> Result<(), Refusal>) -> Result<(), ExternError> {
    let clean = |message: &str| message.replace('\0', "?");
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(refusal)) => {
            let code = ErrorCode::new(refusal.status);
            Err(ExternError::new_error(code, clean(&refusal.message)))
        }
        Err(panic) => resume_unwind(match panic.downcast::<String>() {
            Ok(message) => Box::new(clean(&message)),
            Err(other) => other,
        }),
    }
}

#[cfg(test)]
mod tests;
