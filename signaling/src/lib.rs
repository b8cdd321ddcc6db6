//! Signalling: carries messages between peers and the program that hosts it.
//!
//! Knows channels, sequence numbers and carriers; knows nothing of sessions or media.

pub mod host;

pub use host::{Channel, Door, Host, Identity};
