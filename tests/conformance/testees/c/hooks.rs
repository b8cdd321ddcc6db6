//! The C face, for its testee; and what breaks it on request (`test-hooks`).

/// Has the library panic inside the participant; `LENS_STATUS_*`.
#[cfg(feature = "test-hooks")]
#[unsafe(no_mangle)]
pub extern "C" fn lens_test_panic(participant: u64) -> i32 {
    let found = lens_media::participant_of(participant);
    match found.map(|participant| participant.panic_on_request()) {
        Some(Ok(())) => lens_media::LENS_STATUS_OK,
        _ => lens_media::LENS_STATUS_CLOSED,
    }
}
