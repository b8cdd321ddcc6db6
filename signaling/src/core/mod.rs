//! The rules of a channel, without clock, socket or task: `now` is an argument, and what is to be
//! written is asked for.
//!
//! [`channel`] puts the parts together: [`frame`] reads and writes envelopes, [`outbox`] keeps
//! what was sent, [`inbox`] takes each message once, [`heartbeat`] notices death.

pub(crate) mod channel;
pub(crate) mod frame;
pub(crate) mod heartbeat;
pub(crate) mod inbox;
pub(crate) mod outbox;
pub(crate) mod peer;
