//! The streaming server: conference in, packets relayed.
//!
//! It makes each participant's offer itself, forwards RTP (VP8, H.264, VP9, AV1, Opus) and data
//! channel messages between the participants of a conference, and tells a Session Manager what
//! happens. It decodes nothing, mixes nothing and writes nothing to disk.
//!
//! Promises:
//! - Who has not passed ICE gets no byte that ICE does not owe them, and takes no memory.
//! - A peer's bad input ends that peer alone, even when it breaks the media stack.
//! - Every receiver gets one continuous stream per slot, whatever its source does: numbers without
//!   gaps that nobody can fill, time that runs on, a keyframe first.
//! - A participant keeps its place until a call removes it; a new generation brings it back.
//! - Voices reach a viewer on a slow way; its video is thinned, and by policy the camera follows it.
//!
//! Left out: layers of one stream (scalable VP9 and AV1), which are forwarded whole; what a peer's way
//! carries is found out on our own RTP path alone.
//!
//! Start at [`Sfu::start`] (server/mod.rs). Others call a node through [`SfuControl`]: a
//! [`SfuHandle`] in the same process, a [`RemoteSfu`] over the routes of [`routes::router`].
//! What a media thread does is in `core`, which knows neither sockets nor clocks: start at
//! core/shard/mod.rs. RTP, RTCP and SRTP are in core/rtp/; only core/peer/ names the media stack,
//! which does ICE, DTLS, SDP and SCTP.

pub mod caps;
pub mod client;
pub mod config;
mod core;
pub mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod metrics;
pub mod routes;
pub mod server;
#[cfg(test)]
mod simulation;

pub use caps::Cap;
pub use client::{RemoteSfu, SfuControl};
pub use config::Config;
pub use error::SfuError;
pub use metrics::Metrics;
pub use server::{Sfu, SfuHandle};
