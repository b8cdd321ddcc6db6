//! Metrics: every service keeps its figures in a `metrics.rs` of its own and registers them here.
//!
//! The convention: a struct `Metrics` of `prometheus_client` counters, gauges and histograms,
//! `Clone`, with `fn register(&self, registry: &mut Registry)`. Names begin with the service
//! (`sfu_packets_forwarded`); label values are words of a closed list, never an id or an address.

use prometheus_client::encoding::text::encode;
pub use prometheus_client::registry::Registry;

use crate::http::failure;

/// The content type of [`text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A registry whose names begin with `lens_`. It holds what is counted for every service here: the
/// refused requests by code.
pub fn registry() -> Registry {
    let mut registry = Registry::with_prefix("lens");
    let help = "Requests refused or failed";
    registry.register("http_refusals", help, failure::REFUSALS.clone());
    registry
}

/// Everything in `registry` in the OpenMetrics text format.
pub fn text(registry: &Registry) -> String {
    let mut text = String::new();
    encode(&mut text, registry).expect("writing into a string does not fail");
    text
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    #[test]
    fn a_registered_counter_shows_under_our_prefix() {
        let mut registry = registry();
        let counter: Counter = Counter::default();
        registry.register("door_connections", "Connections taken", counter.clone());
        counter.inc_by(3);
        assert!(text(&registry).contains("lens_door_connections_total 3"));
    }

    #[test]
    fn every_refusal_is_counted_by_its_code() {
        use axum::response::IntoResponse;
        use lens_protocol::ErrorCode;

        let refused = || {
            let shown = text(&registry());
            let line = shown
                .lines()
                .find(|line| line.contains("code=\"email_taken\""))?;
            line.rsplit_once(' ')?.1.parse::<u64>().ok()
        };
        let before = refused().unwrap_or_default();
        let _ = crate::http::Failure::from(ErrorCode::EmailTaken).into_response();
        assert_eq!(refused(), Some(before + 1));
    }
}
