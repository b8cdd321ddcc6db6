//! What the hub counts: connections, channels, messages, and everything it refused.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Which carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// WebSocket.
    WebSocket,
    /// Server-sent events with `POST`.
    EventStream,
}

impl EncodeLabelValue for Carrier {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        let word = match self {
            Self::WebSocket => "websocket",
            Self::EventStream => "event_stream",
        };
        word.encode(encoder)
    }
}

/// The label `carrier`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByCarrier {
    /// Which carrier.
    pub carrier: Carrier,
}

/// The label `reason`: a name of [`crate::error::Closed`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ByReason {
    /// Why.
    pub reason: &'static str,
}

/// The hub's metrics.
#[derive(Clone, Debug, Default)]
pub struct HubMetrics {
    /// Open connections.
    pub connections: Family<ByCarrier, Gauge>,
    /// Channels, attached or waiting for their peer.
    pub channels: Gauge,
    /// Channels attached with a replay.
    pub resumed: Counter,
    /// Channels attached with a snapshot.
    pub snapshots: Counter,
    /// Messages delivered to the host.
    pub received: Counter,
    /// Messages taken for delivery to peers, one per channel.
    pub sent: Counter,
    /// Peers' messages that had arrived before.
    pub duplicates: Counter,
    /// Peers' messages of a kind this build does not know.
    pub unknown_kinds: Counter,
    /// Peers' messages with unusable fields.
    pub invalid: Counter,
    /// Messages that the host refused.
    pub refused: Counter,
    /// Ended or refused connections.
    pub closed: Family<ByReason, Counter>,
}

impl HubMetrics {
    /// Adds all of them to `registry`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("signaling");
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register(
            "channels",
            "Channels, attached or kept",
            self.channels.clone(),
        );
        registry.register("resumed", "Attached with a replay", self.resumed.clone());
        registry.register(
            "snapshots",
            "Attached with a snapshot",
            self.snapshots.clone(),
        );
        registry.register("received", "Messages to the host", self.received.clone());
        registry.register("sent", "Messages to peers", self.sent.clone());
        registry.register(
            "duplicates",
            "Messages that came again",
            self.duplicates.clone(),
        );
        registry.register(
            "unknown_kinds",
            "Messages of unknown kind",
            self.unknown_kinds.clone(),
        );
        registry.register(
            "invalid",
            "Messages with unusable fields",
            self.invalid.clone(),
        );
        registry.register("refused", "Messages the host refused", self.refused.clone());
        registry.register(
            "closed",
            "Ended or refused connections",
            self.closed.clone(),
        );
    }
}
