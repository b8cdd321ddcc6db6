//! The library's log lines, given to the host.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::fmt::Write;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Once, PoisonError, RwLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::abi::lens_status;
use crate::callbacks::{UserData, lens_destroy_fn};
use crate::codes::LENS_STATUS_INVALID_STATE;
use crate::handles::guard;
use crate::last_error::Refusal;

/// How much is told: one of `LENS_LOG_*`; each includes those with smaller numbers.
pub type lens_log_level = i32;
/// Nothing.
pub const LENS_LOG_OFF: lens_log_level = 0;
/// What broke inside the library.
pub const LENS_LOG_ERROR: lens_log_level = 1;
/// A participant that failed, a signal that was refused or not carried.
pub const LENS_LOG_WARN: lens_log_level = 2;
/// Milestones: each state, each new generation.
pub const LENS_LOG_INFO: lens_log_level = 3;
/// Steps: signals, tracks, commands, what the encoder is told. A handful a second.
pub const LENS_LOG_DEBUG: lens_log_level = 4;
/// Everything; no more than the steps today.
pub const LENS_LOG_TRACE: lens_log_level = 5;

/// Takes a log line: `length` bytes of UTF-8, without line feed or zero byte at its end, borrowed
/// until it returns. On any thread, several at a time. It must not block, so it must not close or
/// destroy; other calls of this library are allowed and not logged.
pub type lens_log_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        level: lens_log_level,
        line: *const c_char,
        length: usize,
    ),
>;

struct Sink {
    function: lens_log_fn,
    user_data: UserData,
}

static MOST: AtomicI32 = AtomicI32::new(LENS_LOG_OFF);
static SINK: RwLock<Option<Sink>> = RwLock::new(None);

thread_local! {
    static LOGGING: Cell<bool> = const { Cell::new(false) };
}

/// Has log lines up to a level given to `log`, for all engines of this process. It replaces the one
/// before, whose `destroy` is called once none of its calls run. `LENS_LOG_OFF`, or a NULL function,
/// ends it; a `destroy` that comes with it is called before this returns. Lines name no secret, SDP,
/// address or chat text.
///
/// `LENS_STATUS_INVALID_ARGUMENT` for an unknown level, `LENS_STATUS_INVALID_STATE` from within a
/// log function, and when the program is in Rust and has a `tracing` subscriber of its own. When it
/// fails, `user_data` stays yours and `destroy` is not called.
///
/// # Safety
/// `log` and `destroy` may be called with `user_data` from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_set_log_callback(
    most: lens_log_level,
    log: lens_log_fn,
    user_data: *mut c_void,
    destroy: lens_destroy_fn,
) -> lens_status {
    guard(|| {
        if !(LENS_LOG_OFF..=LENS_LOG_TRACE).contains(&most) {
            return Err(Refusal::argument("most is none of LENS_LOG_*"));
        }
        let state = |sentence| Err(Refusal::new(LENS_STATUS_INVALID_STATE, sentence));
        if LOGGING.get() {
            return state("a log function cannot replace itself");
        }
        if !subscribe() {
            return state("the program has a tracing subscriber of its own");
        }
        let user_data = UserData::new(user_data, destroy);
        user_data.taking().take();
        let on = log.is_some() && most != LENS_LOG_OFF;
        let sink = Sink {
            function: log,
            user_data,
        };
        let former = {
            let mut place = SINK.write().unwrap_or_else(PoisonError::into_inner);
            MOST.store(if on { most } else { LENS_LOG_OFF }, Ordering::Relaxed);
            place.replace(sink)
        };
        // Outside the lock: `destroy` may call this library.
        drop(former);
        if !on {
            drop(SINK.write().unwrap_or_else(PoisonError::into_inner).take());
        }
        tracing::callsite::rebuild_interest_cache();
        Ok(())
    })
}

fn subscribe() -> bool {
    static ONCE: Once = Once::new();
    static OURS: AtomicI32 = AtomicI32::new(0);
    ONCE.call_once(|| {
        let set = tracing::subscriber::set_global_default(Lines);
        OURS.store(i32::from(set.is_ok()), Ordering::Release);
    });
    OURS.load(Ordering::Acquire) == 1
}

/// Gives events of our crates to the sink. The media stack's name addresses, and stay out.
struct Lines;

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && metadata.target().starts_with("lens_")
            && level_of(metadata.level()) <= MOST.load(Ordering::Relaxed)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if LOGGING.replace(true) {
            return;
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        let sink = SINK.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(Sink {
            function: Some(function),
            user_data,
        }) = sink.as_ref()
        {
            let (level, text) = (
                level_of(event.metadata().level()),
                line.0.replace('\n', " "),
            );
            // SAFETY: the host gave both together; the text lives until the call returns.
            unsafe { function(user_data.pointer(), level, text.as_ptr().cast(), text.len()) };
        }
        drop(sink);
        LOGGING.set(false);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn level_of(level: &Level) -> lens_log_level {
    match *level {
        Level::ERROR => LENS_LOG_ERROR,
        Level::WARN => LENS_LOG_WARN,
        Level::INFO => LENS_LOG_INFO,
        Level::DEBUG => LENS_LOG_DEBUG,
        _ => LENS_LOG_TRACE,
    }
}

/// The sentence, then the fields as `name=value`.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.insert_str(0, &format!("{value:?}"));
        } else {
            let _ = write!(self.0, " {}={value:?}", field.name());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    static SEEN: Mutex<Vec<(lens_log_level, String)>> = Mutex::new(Vec::new());

    unsafe extern "C" fn note(
        _: *mut c_void,
        level: lens_log_level,
        line: *const c_char,
        length: usize,
    ) {
        // SAFETY: `Lines` lends a text of this length.
        let line = unsafe { crate::abi::text(line, length, "line") };
        tracing::error!(target: "lens_test", "a line within a line");
        let line = line.map(str::to_owned).unwrap_or_default();
        SEEN.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((level, line));
    }

    fn set(level: lens_log_level) -> lens_status {
        // SAFETY: `note` takes any pointer.
        unsafe { lens_set_log_callback(level, Some(note), std::ptr::null_mut(), None) }
    }

    #[test]
    fn lines_of_ours_up_to_the_level_are_given_and_nobody_elses() {
        assert_eq!(set(LENS_LOG_WARN), 0);
        tracing::warn!(target: "lens_test", place = 7, "it\nbroke");
        tracing::info!(target: "lens_test", "too quiet");
        tracing::error!(target: "str0m", "an address");
        assert_eq!(set(LENS_LOG_OFF), 0);
        tracing::error!(target: "lens_test", "after the end");
        let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(*seen, [(LENS_LOG_WARN, "it broke place=7".to_owned())]);
    }
}
