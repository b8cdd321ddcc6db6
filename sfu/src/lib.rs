//! The streaming server: conference in, packets relayed.

pub mod client;
pub mod config;
mod core;
pub mod error;
pub mod metrics;
pub mod routes;
pub mod server;

pub use client::{RemoteSfu, SfuControl};
pub use config::Config;
pub use error::SfuError;
pub use metrics::Metrics;
pub use server::{Sfu, SfuHandle};
