//! Two minutes of people who come and go: the short form of `cargo xtask bench churn`. They come four
//! times as fast as in its hour, so that what is kept of the past is full before half of the time. Pages
//! that an allocator takes on the way weigh more in a minute than in an hour: the bound is wider. A
//! kilobyte kept of each person would be 3.2 % here.

use std::process::Command;

/// Rooms pile up for a moment where other work takes the processor, and an allocator keeps their pages:
/// that looks like growth. What is really kept is there each time.
const ATTEMPTS: usize = 2;

#[test]
fn nothing_stays_of_those_who_came_and_went() {
    let mut said = Vec::new();
    while said.len() < ATTEMPTS {
        match churn() {
            Ok(()) => return,
            Err(words) => said.push(words),
        }
    }
    assert!(said.len() < ATTEMPTS, "{}", said.join("\n"));
}

fn churn() -> Result<(), String> {
    let output = Command::new(env!("CARGO_BIN_EXE_lens-bench"))
        .args(["churn", "--joins", "20", "--seconds", "120"])
        .args(["--growth", "3", "--bin"])
        .arg(lens_tests::product::binary())
        .output()
        .expect("lens-bench starts");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(()).ok_or(words)
}
