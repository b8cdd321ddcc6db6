//! What touches the process: clock, randomness, configuration, telemetry, TLS, HTTP, shutdown.
//!
//! Every service takes these from here and brings none of its own, so that one configuration, one
//! shutdown and one way of answering errors hold for all roles. No rules of the product live here.
//! Start with [`http`] for what routes are made of, [`door`] for how strangers come in and
//! [`shutdown`] for who owns a task.

pub mod addresses;
pub mod clock;
pub mod config;
pub mod data_dir;
pub mod door;
pub mod entropy;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod metrics;
pub mod private_listener;
pub mod rate_limit;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod udp;
