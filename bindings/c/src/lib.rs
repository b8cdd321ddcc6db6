//! The C face of the MediaSDK: `lens_media.h` and the library behind it.
//!
//! Each function checks its arguments, finds what the handle names, and calls the Rust library;
//! nothing is decided here. What it promises:
//! - Only `lens_*` is visible, every name stands in `include/lens_media.h`, and that header is made
//!   from these files (`cargo xtask headers`).
//! - Bad arguments and handles are refused by name. A panic ends as `LENS_STATUS_INTERNAL`.
//! - Numbers that come in are checked before they become a Rust `enum`.
//!
//! Start with `participant.rs`; `handles.rs` is the one file that knows how handles are kept.

#![cfg_attr(test, allow(clippy::panic))]
#![allow(non_camel_case_types, reason = "the names are those of the C header")]

mod abi;
mod annotation;
mod callbacks;
mod codes;
mod command;
mod engine;
mod frame;
mod handles;
mod last_error;
mod log;
mod network;
mod observer;
mod participant;
mod signal;
mod stats;
mod talk;
mod transform;
mod version;

pub use abi::*;
pub use annotation::*;
pub use callbacks::*;
pub use codes::*;
pub use command::*;
pub use engine::*;
pub use frame::*;
pub use last_error::*;
pub use log::*;
pub use network::*;
pub use observer::*;
pub use participant::*;
pub use signal::*;
pub use stats::*;
pub use talk::*;
pub use transform::*;
pub use version::*;
