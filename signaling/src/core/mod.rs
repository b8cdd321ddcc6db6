//! The rules of a channel, without clock, socket or task: `now` is an argument, and what is to be
//! written is asked for.
//!
//! [`channel`] puts the parts together: [`frame`] reads and writes envelopes, [`outbox`] keeps
//! what was sent, [`inbox`] takes each message once, [`heartbeat`] notices death. [`peer`] is the
//! other end.
// Tests may read a clock for a first `now`; only differences count.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

pub(crate) mod channel;
pub(crate) mod frame;
pub(crate) mod heartbeat;
pub(crate) mod inbox;
pub(crate) mod outbox;
pub(crate) mod peer;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod simulation_world;
