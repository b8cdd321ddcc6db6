//! What the host does in its callbacks when the runner wants it to misbehave, and how it is let go.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use lens_media_sdk::{INetwork, OutboundSignal, Participant, WeakParticipant};
use serde_json::{Value, json};

use crate::event;

/// What is done, in which callback.
#[derive(Clone, Default)]
struct Whim {
    on: String,
    does: String,
    pause: Duration,
    /// How often still; none for each time.
    times: Option<u64>,
}

/// One participant's host.
#[derive(Default)]
pub(crate) struct Host {
    participant: OnceLock<WeakParticipant>,
    whim: Mutex<Whim>,
    greeting: Mutex<Option<String>>,
    observers_gone: AtomicU32,
    networks_gone: AtomicU32,
    late: AtomicU32,
}

impl Host {
    /// There is no participant yet when its observer is made.
    pub(crate) fn set(&self, participant: WeakParticipant) {
        let _ = self.participant.set(participant);
    }

    pub(crate) fn participant(&self) -> Option<Participant> {
        self.participant.get().and_then(WeakParticipant::upgrade)
    }

    /// `host`: what to do from now on.
    pub(crate) fn behave(&self, call: &Value) {
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        *lock(&self.whim) = Whim {
            on: text("on"),
            does: text("does"),
            pause: Duration::from_millis(call["ms"].as_u64().unwrap_or(0)),
            times: call["times"].as_u64(),
        };
    }

    /// `greet`: what to say to each who hears us.
    pub(crate) fn greet(&self, text: &str) {
        *lock(&self.greeting) = Some(text.to_owned());
    }

    pub(crate) fn greeting(&self) -> Option<String> {
        lock(&self.greeting).clone()
    }

    /// At the end of each callback.
    pub(crate) fn called(&self, callback: &str) {
        if self.observers_gone.load(Ordering::SeqCst) > 0 {
            self.late.fetch_add(1, Ordering::SeqCst);
        }
        let whim = {
            let mut whim = lock(&self.whim);
            if whim.on != callback || whim.times == Some(0) {
                return;
            }
            whim.times = whim.times.map(|times| times - 1);
            whim.clone()
        };
        match whim.does.as_str() {
            "sleep" => std::thread::sleep(whim.pause),
            "throw" => resume_unwind(Box::new("on request")),
            "close" => self.participant().iter().for_each(Participant::close),
            _ => {}
        }
    }

    pub(crate) fn observer_gone(&self) {
        self.observers_gone.fetch_add(1, Ordering::SeqCst);
    }

    /// `ended`: how often both were let go, and what was called after it.
    pub(crate) fn ended(&self) -> Value {
        let observers = self.observers_gone.load(Ordering::SeqCst);
        let networks = self.networks_gone.load(Ordering::SeqCst);
        json!({
            "destroyed": if observers == networks { i64::from(observers) } else { -1 },
            "late": self.late.load(Ordering::SeqCst),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Signalling: the runner carries it.
#[derive(Default)]
pub(crate) struct Runner(pub(crate) Arc<Host>);

impl INetwork for Runner {
    fn send(&self, signal: OutboundSignal) {
        let body = serde_json::from_str::<Value>(&signal.to_json()).unwrap_or_default();
        event("signal", json!({"signal_id": signal.id, "signal": body}));
        self.0.called("signal");
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.0.networks_gone.fetch_add(1, Ordering::SeqCst);
    }
}
