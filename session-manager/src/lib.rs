//! Create, join, leave: places conferences on streaming servers and rewrites their offers.

pub mod client;

pub use client::{Caller, Grant, SessionManager};
