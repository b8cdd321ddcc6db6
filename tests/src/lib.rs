//! The product under test: start it as its users do, talk to its doors, be a peer of its conferences.
//!
//! - [`product`]: the `lens` binary as real processes, in one or split by role
//! - [`http`]: a client for doors with a self-signed certificate
//! - [`socket`]: a page's signalling over a WebSocket
//! - [`peer`]: a camera or viewer over real sockets, whose packets carry numbers
//! - [`native`]: a camera or viewer made of the MediaSDK
//! - `raw`: for such a peer, pictures by a software codec; with the feature `vpx`
//! - [`room`]: a conference over the HTTP API, with peers in it
//! - [`wait`]: conditions with limits instead of pauses
//!
//! Scenarios are the files in `tests/`, one behaviour each. Browsers are driven from `browser/`.

// A harness fails a test by panicking, with the sentence that says what was missed.
#![allow(clippy::panic)]

pub mod http;
pub mod native;
pub mod peer;
pub mod product;
#[cfg(feature = "vpx")]
pub mod raw;
pub mod room;
pub mod socket;
pub mod wait;
