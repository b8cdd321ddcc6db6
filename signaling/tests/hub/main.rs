//! The hub on real ports, with peers that behave and peers that do not.

// A test fails by panicking, with the sentence that says what was missed.
#![allow(clippy::panic, clippy::type_complexity)]

mod channels;
mod doors;
mod event_stream;
mod exactly_once;
mod limits;
mod support;
