//! The website: accounts, the session registry, invitations, consent, pages, and the bridge
//! between signalling and the Session Manager.
//!
//! It promises that what it acknowledges is on disk and in the session log; that a session that
//! may not be seen looks as if it did not exist; that nobody watches unnamed; and that rights end
//! with the session, the login or the account, at once.
//!
//! Start with [`Website::start`]. `core/` holds the rules without I/O, `registry.rs` the sessions,
//! `bridge.rs` the way from signalling to media, `routes.rs` the list of all routes.

mod accounts;
mod app;
mod bridge;
pub mod config;
mod cookies;
pub mod core;
mod csrf;
mod customer;
pub mod error;
mod invitations;
pub mod metrics;
mod origin;
mod pages;
mod registry;
mod routes;
mod sessions;
pub mod stores;
mod text;
mod tickets;
mod website;

pub use config::Config;
pub use error::StartError;
pub use metrics::Metrics;
pub use routes::openapi;
pub use stores::Stores;
pub use website::{Deps, Website};
