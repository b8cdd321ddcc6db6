//! Door for the fuzz target over the control API's bodies (tests/fuzz): it takes bytes from the
//! network and panics when reading them breaks a promise.
//!
//! No part of the product: compiled for this crate's tests, which replay the committed corpus, and
//! by `cargo xtask fuzz`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Problem;
use crate::conference::{Conference, CreateConference};
use crate::media::{
    AddParticipant, ApplyAnswer, CreateMediaRoom, EndMediaRoom, HoldMediaRoom, NodeReport, Offered,
    PauseParticipant, RemoveParticipant, SfuEvents, Timeline,
};

/// Its name, and what takes an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this crate, by name; its corpus is in `tests/fuzz/corpus/`.
pub const TARGETS: &[Target] = &[("control", control)];

/// Input: which body (1 byte), then the body.
fn control(bytes: &[u8]) {
    let Some((kind, body)) = bytes.split_first() else {
        return;
    };
    let read = match kind % 14 {
        0 => stable::<CreateMediaRoom>,
        1 => stable::<AddParticipant>,
        2 => stable::<ApplyAnswer>,
        3 => stable::<RemoveParticipant>,
        4 => stable::<EndMediaRoom>,
        5 => stable::<HoldMediaRoom>,
        6 => stable::<PauseParticipant>,
        7 => stable::<NodeReport>,
        8 => stable::<SfuEvents>,
        9 => stable::<Timeline>,
        10 => stable::<Offered>,
        11 => stable::<CreateConference>,
        12 => stable::<Conference>,
        _ => stable::<Problem>,
    };
    read(body);
}

/// What is decoded, written and decoded again is the same; one end of the API writes what the
/// other reads.
fn stable<T: Serialize + DeserializeOwned>(body: &[u8]) {
    let Ok(first) = serde_json::from_slice::<T>(body) else {
        return;
    };
    let written = serde_json::to_vec(&first).expect("bodies are plain data");
    let second: T = serde_json::from_slice(&written).expect("one end reads what the other wrote");
    let values = [&first, &second].map(|it| serde_json::to_value(it).expect("plain data"));
    assert!(
        alike(&values[0], &values[1]),
        "{} is not {}",
        values[0],
        values[1]
    );
}

/// Equal, but for the last digit of a fraction: the reader does not promise it.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(key, value): (&String, &Value)| {
                other.get(key).is_some_and(|other| alike(value, other))
            };
            one.len() == other.len() && one.iter().all(same)
        }
        (Value::Number(one), Value::Number(other)) if one.is_f64() && other.is_f64() => {
            let (one, other) = (one.as_f64(), other.as_f64());
            one.zip(other).is_some_and(|(one, other)| {
                (one - other).abs() <= one.abs().max(other.abs()) * 1e-6
            })
        }
        _ => one == other,
    }
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
