//! The website's rules without the website: what can happen to a session, what a technician and
//! a customer may see of it, who guesses too often. Sans-IO: `now` is passed in; no clock, socket,
//! task or generator of randomness.
//!
//! Start with [`session`] for the state and [`transition`] for what changes it.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

pub mod device;
pub mod event;
mod media;
pub mod session;
pub mod throttle;
mod transition;
#[cfg(test)]
mod transition_tests;
pub mod view;

pub use event::{Event, Fact, Place, Shown};
pub use session::{Consent, Customer, Link, Rules, Seat, Session};
