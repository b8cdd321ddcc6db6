//! Counters of the record's writer.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// What the writer counts. Clones share the values.
#[derive(Clone, Debug, Default)]
pub struct ChatLogMetrics {
    /// Events kept.
    pub events: Counter,
    /// Durable commits.
    pub commits: Counter,
    /// Events refused by the store.
    pub failures: Counter,
}

impl ChatLogMetrics {
    /// Adds the counters to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("chat_log");
        registry.register(
            "events",
            "Events kept in the session log",
            self.events.clone(),
        );
        registry.register(
            "commits",
            "Durable commits of the session log",
            self.commits.clone(),
        );
        registry.register(
            "failures",
            "Events the store refused",
            self.failures.clone(),
        );
    }
}
