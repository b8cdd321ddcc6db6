//! Signalling: carries messages between peers and the program that hosts it.
//!
//! Knows channels, sequence numbers and carriers; knows nothing of sessions or media. Within one
//! life of the hub every counted message is delivered exactly once and in order, across cut
//! connections and over both carriers (WebSocket; server-sent events with `POST`). Where that
//! cannot be kept – beyond the window, or after a restart – the peer gets a snapshot instead.
//!
//! Start with [`Hub`] for the use of it, [`host`] for what a host program brings,
//! [`lens_protocol::signal`] for the words on the wire, and `core/channel.rs` for the rules.
//!
//! ```text
//! page ── carrier (server/websocket.rs, server/sse.rs) ── channel (core/) ── worker ── Host
//!            reads, writes, closes                          counts, keeps     calls, in order
//! ```

pub mod client;
pub mod config;
mod core;
pub mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod host;
mod hub;
pub mod metrics;
#[cfg(feature = "media-sdk")]
pub mod network;
mod registry;
pub mod server;

pub use config::HubConfig;
pub use host::{Channel, Door, Host, Identity, Outbound};
pub use hub::{Counts, Hub};
