//! Doors for the fuzz targets (tests/fuzz): each takes a stranger's bytes and panics when the code
//! behind it breaks a promise.
//!
//! No part of the product: compiled for this crate's tests, which replay the committed corpora,
//! and by `cargo xtask fuzz`.

mod answer;
mod client_offer;
mod descriptor;
mod framing;
mod input;
mod media;
mod rtcp;
mod rtp;
mod shard;
mod stun;

/// Its name, and what takes an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this crate, by name; its corpus is in `tests/fuzz/corpus/`.
pub const TARGETS: &[Target] = &[
    ("answer", answer::check),
    ("client_offer", client_offer::check),
    ("descriptor", descriptor::check),
    ("framing", framing::check),
    ("keyframe", rtp::check_payload),
    ("media", media::check),
    ("rtcp", rtcp::check),
    ("rtp", rtp::check),
    ("shard", shard::check),
    ("stun", stun::check),
];

#[cfg(test)]
#[path = "../../../tests/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kept_input_finds_every_promise_held() {
        replay::all(TARGETS);
    }
}
