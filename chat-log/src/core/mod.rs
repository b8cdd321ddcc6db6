//! The pure part: turning what happened into numbered events.

pub mod draft;
