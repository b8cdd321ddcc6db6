//! Doors for the fuzz targets over what a website and the other participants say (tests/fuzz): each
//! takes a stranger's bytes and panics when the code behind it breaks a promise.
//!
//! No part of the library: compiled for this crate's tests, which replay the committed corpora,
//! and by `cargo xtask fuzz`.

use lens_protocol::id::ParticipantId;
use lens_protocol::peer::{PeerMessage, VERSION};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::fuzzing::Listener;
use crate::message::{self, Annotation, Command};
use crate::network::InboundSignal;

/// Its name, and what takes an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this crate, by name; its corpus is in `tests/fuzz/corpus/`.
pub const TARGETS: &[Target] = &[
    ("inbound_signal", inbound_signal),
    ("peer_message", peer_message),
];

/// Input: a signal, as a host hands it over.
fn inbound_signal(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(signal) = InboundSignal::from_json(text) else {
        return;
    };
    match signal {
        InboundSignal::Offer(offer) => stable(&*offer),
        InboundSignal::Roster(roster) => stable(&roster),
        InboundSignal::Command {
            command, arguments, ..
        } => commands_are_stable(&command, &arguments),
        InboundSignal::KeyMessage { .. } | InboundSignal::Bye { .. } => {}
        InboundSignal::Unknown { kind } => {
            let known = ["offer", "roster", "command", "key_message", "bye"];
            assert!(!known.contains(&kind.as_str()), "{kind} is known");
        }
    }
}

/// Input: messages of the data channel, a line each, to one participant.
fn peer_message(bytes: &[u8]) {
    let mut listener = Listener::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        listener.hear(line);
        if let Ok(message) = serde_json::from_slice::<PeerMessage>(line) {
            message_is_stable(message);
        }
    }
}

fn message_is_stable(message: PeerMessage) {
    stable(&message);
    let (from, body) = (message.from, message.body);
    let Some(annotation) = Annotation::from_body(body) else {
        return;
    };
    assert!(annotation.check().is_ok(), "it is within the limits");
    let said = PeerMessage {
        v: VERSION,
        from,
        body: annotation.to_body(),
    };
    let written = serde_json::to_vec(&said).expect("messages are plain data");
    let again: PeerMessage = serde_json::from_slice(&written).expect("we read what we write");
    assert_eq!(Annotation::from_body(again.body), Some(annotation));
}

fn commands_are_stable(name: &str, arguments: &serde_json::Map<String, serde_json::Value>) {
    if let Some(command) = Command::parse(name, arguments) {
        let again = Command::parse(command.as_str(), &command.arguments());
        assert_eq!(again, Some(command));
    }
}

/// What is written and read again is the same.
fn stable<T: Serialize + DeserializeOwned>(first: &T) {
    let written = serde_json::to_value(first).expect("signals are plain data");
    let second: T = serde_json::from_value(written.clone()).expect("we read what we write");
    let again = serde_json::to_value(&second).expect("signals are plain data");
    assert_eq!(again, written);
}

/// What a host is told of a message.
pub(crate) fn within_limits(text: &str) {
    assert!(
        message::check_chat(text).is_ok(),
        "a chat within its limits"
    );
}

/// Whose messages they are said to be for.
pub(crate) const US: ParticipantId = ParticipantId::from_bytes([1; 16]);

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
