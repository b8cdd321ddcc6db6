//! Doors for the fuzz targets over what a stranger's connection begins with (tests/fuzz).
//!
//! No part of the product: compiled for this crate's tests, which replay the committed corpora,
//! and by `cargo xtask fuzz`.

use crate::door;

/// Its name, and what takes an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this crate, by name; its corpus is in `tests/fuzz/corpus/`.
pub const TARGETS: &[Target] = &[("first_bytes", door::fuzzing::first_bytes)];

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
