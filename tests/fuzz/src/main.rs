//! libFuzzer over every parser of foreign bytes that is ours: the environment names the target.
//!
//! What a target promises stands with the code behind it (`fuzzing.rs` of each crate). Built and
//! run by `cargo xtask fuzz`, which also says where inputs are kept.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

/// The environment variable that names the target.
const TARGET: &str = "LENS_FUZZ_TARGET";

static CHOSEN: OnceLock<fn(&[u8])> = OnceLock::new();

fuzz_target!(init: choose(), |bytes: &[u8]| {
    if let Some(run) = CHOSEN.get() {
        run(bytes);
    }
});

fn choose() {
    let name = std::env::var(TARGET).unwrap_or_default();
    let targets = [
        lens_protocol::fuzzing::TARGETS,
        lens_runtime::fuzzing::TARGETS,
        lens_media_sdk::fuzzing::TARGETS,
        lens_sfu::fuzzing::TARGETS,
        lens_session_manager::fuzzing::TARGETS,
        lens_signaling::fuzzing::TARGETS,
    ];
    let mut all = targets.into_iter().flatten();
    let (_, run) = all
        .find(|(known, _)| *known == name)
        .expect("LENS_FUZZ_TARGET names a target");
    CHOSEN.get_or_init(|| *run);
}
