//! What HTTP routes are made of: one kind of failure, extractors that answer with it, the caller's
//! address, the trace id, the guard of private listeners, and the client for calls between roles.
//!
//! A handler returns `Result<impl IntoResponse, Failure>` and takes [`Json`], [`Path`] and
//! [`Query`] from here, never axum's own: those answer bad input with plain text.

mod client_address;
mod extract;
pub(crate) mod failure;

pub mod client;
pub mod private;
pub mod trace;

pub use client_address::{ClientAddress, PeerAddress, TrustedProxies};
pub use extract::{AnyJson, Json, Path, Query, text};
pub use failure::Failure;
