//! Doors for the fuzz targets over envelopes and channels (tests/fuzz): each takes a stranger's
//! bytes and panics when the code behind it breaks a promise.
//!
//! No part of the product: compiled for this crate's tests, which replay the committed corpora,
//! and by `cargo xtask fuzz`.

use lens_protocol::id::Seq;
use lens_protocol::signal::{Envelope, PeerSignal, ServerSignal, VERSION};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::frame;

/// Its name, and what takes an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this crate, by name; its corpus is in `tests/fuzz/corpus/`.
pub const TARGETS: &[Target] = &[("signal", signal)];

/// Input: a peer's frame.
fn signal(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    stable::<Envelope<ServerSignal>>(text);
    let Ok(frame) = frame::read(text) else { return };
    let Ok(body) = frame.body else {
        return;
    };
    let envelope = Envelope {
        v: VERSION,
        seq: frame.seq,
        ack: frame.ack,
        session: frame.session,
        body,
    };
    let written = serde_json::to_string(&envelope).expect("signals are plain data");
    let again = frame::read(&written).expect("we read what we write");
    assert_eq!((again.seq, again.ack), (envelope.seq, envelope.ack));
    assert_eq!(again.session, envelope.session);
    let body = again.body.expect("a body that was read");
    assert_eq!(as_value(&body), as_value(&envelope.body));
    stable::<Envelope<PeerSignal>>(&written);
    let seq = Seq(envelope.seq.0.wrapping_add(1));
    let hub = frame::write(
        seq,
        envelope.seq,
        &frame::body_of(None, &ServerSignal::Ping),
    );
    assert!(
        frame::read(&hub).is_ok(),
        "an envelope whatever the counters"
    );
}

/// What is decoded, written and decoded again is the same.
fn stable<T: Serialize + DeserializeOwned>(text: &str) {
    let Ok(first) = serde_json::from_str::<T>(text) else {
        return;
    };
    let written = serde_json::to_string(&first).expect("signals are plain data");
    let second: T = serde_json::from_str(&written).expect("we read what we write");
    let kinds = [as_value(&first), as_value(&second)].map(|mut value| {
        // The host's own state: numbers in it may be rounded by a reader.
        value.as_object_mut().map(|map| map.remove("state"));
        value.as_object_mut().map(|map| map.remove("arguments"));
        value
    });
    assert_eq!(kinds[0], kinds[1]);
}

fn as_value<T: Serialize>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).expect("signals are plain data")
}

#[cfg(test)]
#[path = "../../tests/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kept_input_finds_every_promise_held() {
        replay::all(TARGETS);
    }
}
