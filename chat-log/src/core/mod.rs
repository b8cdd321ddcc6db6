//! The pure part: turning what happened into numbered events.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

pub mod draft;
