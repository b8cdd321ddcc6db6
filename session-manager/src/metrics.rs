//! What the service counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// The figures of one Session Manager; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Conferences made.
    pub conferences_created: Counter,
    /// Conferences that ended, for whatever reason.
    pub conferences_ended: Counter,
    /// Conferences rebuilt from a node's report.
    pub conferences_adopted: Counter,
    /// Conferences placed anew after their node was lost.
    pub conferences_replaced: Counter,
    /// Offers made and rewritten.
    pub offers: Counter,
    /// Answers taken.
    pub answers: Counter,
    /// Answers refused for their SDP.
    pub answers_refused: Counter,
    /// Clients' own offers answered (WHIP, WHEP).
    pub client_offers: Counter,
    /// Clients' own offers refused.
    pub client_offers_refused: Counter,
    /// Answers replayed for an `Idempotency-Key`.
    pub replays: Counter,
    /// Times a media node was lost.
    pub nodes_lost: Counter,
    /// Media nodes that answer.
    pub nodes_up: Gauge,
    /// Rooms and participants ended on nodes because nobody knows of them.
    pub strays_ended: Counter,
    /// Requests refused by a rate limit at the public door.
    pub rate_limited: Counter,
}

impl Metrics {
    /// Registers them, prefixed `session_manager_`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("session_manager");
        let counters = [
            (
                "conferences_created",
                "Conferences made",
                &self.conferences_created,
            ),
            (
                "conferences_ended",
                "Conferences that ended",
                &self.conferences_ended,
            ),
            (
                "conferences_adopted",
                "Conferences rebuilt from a media node's report",
                &self.conferences_adopted,
            ),
            (
                "conferences_replaced",
                "Conferences placed anew after their media node was lost",
                &self.conferences_replaced,
            ),
            ("offers", "Offers made and rewritten", &self.offers),
            ("answers", "Answers taken", &self.answers),
            (
                "answers_refused",
                "Answers refused for their SDP",
                &self.answers_refused,
            ),
            (
                "client_offers",
                "Offers of WHIP and WHEP clients answered",
                &self.client_offers,
            ),
            (
                "client_offers_refused",
                "Offers of WHIP and WHEP clients refused for their SDP or by the media node",
                &self.client_offers_refused,
            ),
            (
                "replays",
                "Answers replayed for an Idempotency-Key",
                &self.replays,
            ),
            (
                "nodes_lost",
                "Times a media node was lost",
                &self.nodes_lost,
            ),
            (
                "strays_ended",
                "Rooms and participants ended on media nodes because nobody knows of them",
                &self.strays_ended,
            ),
            (
                "rate_limited",
                "Requests refused by a rate limit",
                &self.rate_limited,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register("nodes_up", "Media nodes that answer", self.nodes_up.clone());
    }
}
