//! The hub on real ports, with peers that behave and peers that do not.

mod channels;
mod doors;
mod event_stream;
mod exactly_once;
mod limits;
mod support;
