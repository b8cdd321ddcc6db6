//! What the website counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// How something turned out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// `ok`, or an error's code.
    pub outcome: &'static str,
}

/// The website's metrics. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Tries to sign in.
    pub logins: Family<Outcome, Counter>,
    /// Tries to redeem an invitation.
    pub redemptions: Family<Outcome, Counter>,
    /// Starts of sessions.
    pub starts: Family<Outcome, Counter>,
    /// From the request to start until its answer, in seconds.
    pub start_seconds: Histogram,
    /// Sessions made.
    pub sessions_created: Counter,
    /// Sessions ended, by state.
    pub sessions_ended: Family<Outcome, Counter>,
    /// Sessions that have not ended.
    pub sessions_open: Gauge,
    /// Chat lines kept.
    pub chat_lines: Counter,
    /// Media nodes lost under a session.
    pub nodes_lost: Counter,
    /// Unsafe requests refused because they did not come from our pages.
    pub foreign_requests: Counter,
    /// Consoles ended because their login did not count any more.
    pub consoles_signed_out: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            logins: Family::default(),
            redemptions: Family::default(),
            starts: Family::default(),
            start_seconds: Histogram::new(exponential_buckets(0.005, 2.0, 11)),
            sessions_created: Counter::default(),
            sessions_ended: Family::default(),
            sessions_open: Gauge::default(),
            chat_lines: Counter::default(),
            nodes_lost: Counter::default(),
            foreign_requests: Counter::default(),
            consoles_signed_out: Counter::default(),
        }
    }
}

impl Metrics {
    /// Registers all of them under `website_`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("website");
        registry.register("logins", "Tries to sign in", self.logins.clone());
        registry.register("redemptions", "Tries to redeem", self.redemptions.clone());
        registry.register("starts", "Starts of sessions", self.starts.clone());
        registry.register(
            "start_seconds",
            "Request to answer",
            self.start_seconds.clone(),
        );
        registry.register(
            "sessions_created",
            "Sessions made",
            self.sessions_created.clone(),
        );
        registry.register(
            "sessions_ended",
            "Sessions ended",
            self.sessions_ended.clone(),
        );
        registry.register(
            "sessions_open",
            "Sessions not ended",
            self.sessions_open.clone(),
        );
        registry.register("chat_lines", "Chat lines kept", self.chat_lines.clone());
        registry.register("nodes_lost", "Media nodes lost", self.nodes_lost.clone());
        registry.register(
            "foreign_requests",
            "Cross-site",
            self.foreign_requests.clone(),
        );
        let signed_out = self.consoles_signed_out.clone();
        registry.register(
            "consoles_signed_out",
            "Consoles ended by a check",
            signed_out,
        );
    }
}

/// The label of a result: `ok` or the problem's code.
pub(crate) fn outcome<T>(result: &Result<T, lens_protocol::Problem>) -> Outcome {
    Outcome {
        outcome: match result {
            Ok(_) => "ok",
            Err(problem) => problem.code.as_str(),
        },
    }
}
