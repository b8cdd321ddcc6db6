//! What the streaming server does for real peers over loopback: one file for each behaviour. Run
//! with one worker here, with three in `three_workers.rs`, and over the
//! media stack's RTP in `over_the_stack.rs`.
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
const RTP_PATH: lens_sfu::config::RtpPath = lens_sfu::config::RtpPath::Own;

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
