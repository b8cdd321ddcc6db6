//! What touches the process: clock, randomness, configuration, telemetry, TLS, HTTP.

pub mod clock;
pub mod entropy;
