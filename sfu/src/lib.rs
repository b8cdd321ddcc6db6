//! The streaming server: conference in, packets relayed.

pub mod client;

pub use client::SfuControl;
