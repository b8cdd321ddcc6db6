//! The words that Lens processes and peers say to each other.
//!
//! Wire types only: identifiers, secrets, times, the error table, API bodies and the signalling
//! envelope. No I/O, no async, no rules about who may do what. Every other crate may depend on
//! this one; it depends on none of them.
//!
//! Unknown fields are ignored and unknown signal kinds are counted, so that wire protocols work
//! one version apart in both directions. Start with [`signal`] for what peers exchange and
//! [`conference`] for the Session Manager's HTTP API.

pub mod account;
pub mod conference;
pub mod entropy;
pub mod error;
pub mod event;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod id;
pub mod limits;
pub mod media;
pub mod peer;
pub mod secret;
pub mod session;
pub mod signal;
pub mod time;
pub mod wish;

pub use error::{ErrorCode, Problem};
pub use secret::{SecretDigest, SecretText};
pub use time::Timestamp;
