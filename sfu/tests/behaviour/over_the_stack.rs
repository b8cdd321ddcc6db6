//! The whole suite of `main.rs` with RTP through the media stack, as it goes for peers whose SRTP
//! profile our own path does not speak.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests may break loudly, and each uses a part of the support"
)]

mod support;

/// Workers of the servers under test.
const WORKERS: usize = 1;
/// Who protects and opens RTP in them.
const RTP_PATH: lens_sfu::config::RtpPath = lens_sfu::config::RtpPath::Stack;

mod answers;
mod channel;
mod codecs;
mod dtls_roles;
mod events;
mod faults;
mod gate;
mod generations;
mod hold;
mod keyframes;
mod late_joiner;
mod limits;
mod losses;
mod nat;
mod nomination;
mod own_offers;
mod paths;
mod pause;
mod picture;
mod remote;
mod silence;
mod slots;
mod tcp;
mod wishes;
mod workers;

#[test]
fn it_is_the_same_suite() {
    let behaviours = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("mod "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (own, stack) = (include_str!("main.rs"), include_str!("over_the_stack.rs"));
    assert_eq!(behaviours(own), behaviours(stack));
}
