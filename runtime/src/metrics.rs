//! Metrics: every service keeps its figures in a `metrics.rs` of its own and registers them here.
//!
//! The convention: a struct `Metrics` of `prometheus_client` counters, gauges and histograms,
//! `Clone`, with `fn register(&self, registry: &mut Registry)`. Names begin with the service
//! (`sfu_packets_forwarded`); label values are words of a closed list, never an id or an address.

use prometheus_client::encoding::text::encode;
pub use prometheus_client::registry::Registry;

/// The content type of [`text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// An empty registry whose names begin with `lens_`.
pub fn registry() -> Registry {
    Registry::with_prefix("lens")
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
}
