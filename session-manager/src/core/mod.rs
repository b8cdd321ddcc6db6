//! The Session Manager's rules, without clock, socket, task or generator of its own: `now` is an
//! argument and so is randomness. Start with [`conference`].
#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod access;
pub mod check;
pub mod conference;
pub mod events;
pub mod expiry;
pub mod idempotency;
pub mod memo;
pub mod offer;
pub mod past;
pub mod placement;
pub mod resource;
pub mod seat;
