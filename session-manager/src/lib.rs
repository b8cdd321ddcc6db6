//! Create, join, leave: places conferences on streaming servers and rewrites their offers.
//!
//! The Session Manager is the one service that peers' programs talk to about media; it hides the
//! streaming servers behind it. It promises:
//!
//! - **Running media does not need it.** Streaming servers keep enough (a memo) that a restarted
//!   Session Manager rebuilds its table from their reports; no picture stops meanwhile.
//! - **Racing calls end well.** Calls on one conference run one after the other; a seat is reserved
//!   before the streaming server is asked, and freed when it fails.
//! - **A dead streaming server is noticed within 1.5 s**, owners are told, and the next offer places
//!   the conference anew under a higher fencing epoch.
//! - **Peers see only what they shall**: offers are rewritten ([`core::offer`]), other owners'
//!   conferences do not exist, rights not granted are denied ([`core::access`]).
//!
//! Start with [`client::SessionManager`] for the calls, [`SessionManagerService::start`] for the
//! service, [`routes::public`] for the HTTP API.

pub mod authenticate;
pub mod client;
pub mod config;
pub mod core;
pub mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod metrics;
pub mod routes;
mod service;
pub mod token;

pub use authenticate::{Authenticator, KeysAndTokens};
pub use client::{Caller, Grant, RemoteSessionManager, Scope, SessionManager, Trickle};
pub use config::Config;
pub use error::StartError;
pub use metrics::Metrics;
pub use service::{Parts, SessionManagerService};
pub use token::{MediaKeys, MediaTokens};
