//! Figures of the streaming server for the operator. Per-packet facts are counted here, not logged.

use lens_protocol::media::CauseCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::caps::Cap;
use crate::core::shard::{Facts, Shard};

/// Counters and gauges of one node; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    packets_in: Counter,
    packets_out: Counter,
    forwarded: Counter,
    dropped: Family<Reason, Counter>,
    endings: Family<Cause, Counter>,
    reached: Family<Reached, Counter>,
    repaired: Counter,
    thinned: Counter,
    messages_relayed: Counter,
    messages_dropped: Counter,
    plis_out: Counter,
    peer_faults: Counter,
    nominations_refused: Counter,
    pub(crate) participants: Gauge,
    pub(crate) conferences: Gauge,
    pub(crate) tcp_open: Gauge,
    pub(crate) tcp_accepted: Counter,
    pub(crate) tcp_refused: Counter,
    pub(crate) slow_readers: Counter,
    pub(crate) send_failed: Counter,
    pub(crate) transit: Counter,
    pub(crate) transit_dropped: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reached {
    cap: &'static str,
}

impl Metrics {
    /// Shows the figures in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        let mut counter = |name: &str, help: &str, counter: &Counter| {
            registry.register(name, help, counter.clone());
        };
        counter(
            "sfu_packets_in",
            "RTP packets from participants",
            &self.packets_in,
        );
        counter(
            "sfu_packets_out",
            "RTP packets to participants, retransmissions included",
            &self.packets_out,
        );
        counter(
            "sfu_packets_forwarded",
            "Copies of packets forwarded",
            &self.forwarded,
        );
        counter(
            "sfu_packets_repaired",
            "Packets sent again because a participant had lost them",
            &self.repaired,
        );
        counter(
            "sfu_packets_thinned",
            "Packets of video left out because a receiver's way was full",
            &self.thinned,
        );
        counter(
            "sfu_messages_relayed",
            "Data channel messages relayed",
            &self.messages_relayed,
        );
        counter(
            "sfu_messages_dropped",
            "Data channel messages dropped",
            &self.messages_dropped,
        );
        counter(
            "sfu_keyframe_requests",
            "Keyframe requests to cameras",
            &self.plis_out,
        );
        counter(
            "sfu_peer_faults",
            "Peers ended because the stack broke",
            &self.peer_faults,
        );
        counter(
            "sfu_nominations_refused",
            "Checks that wanted traffic elsewhere while the former address was alive",
            &self.nominations_refused,
        );
        counter(
            "sfu_tcp_accepted",
            "ICE-TCP connections taken",
            &self.tcp_accepted,
        );
        counter(
            "sfu_tcp_refused",
            "ICE-TCP connections refused",
            &self.tcp_refused,
        );
        counter(
            "sfu_tcp_slow_readers",
            "ICE-TCP peers too slow",
            &self.slow_readers,
        );
        counter(
            "sfu_send_failed",
            "Datagrams the kernel did not take",
            &self.send_failed,
        );
        counter(
            "sfu_transit",
            "Datagrams handed to another worker",
            &self.transit,
        );
        counter(
            "sfu_transit_dropped",
            "Datagrams lost between workers",
            &self.transit_dropped,
        );
        registry.register(
            "sfu_datagrams_dropped",
            "Datagrams dropped",
            self.dropped.clone(),
        );
        registry.register(
            "sfu_connections_ended",
            "Connections ended",
            self.endings.clone(),
        );
        registry.register(
            "sfu_caps_reached",
            "Calls refused and connections ended because of a cap",
            self.reached.clone(),
        );
        registry.register(
            "sfu_participants",
            "Participants",
            self.participants.clone(),
        );
        registry.register("sfu_conferences", "Conferences", self.conferences.clone());
        registry.register(
            "sfu_tcp_open",
            "Open ICE-TCP connections",
            self.tcp_open.clone(),
        );
    }

    /// Datagrams dropped for `reason` since the start, for tests and diagnosis.
    pub fn dropped(&self, reason: &'static str) -> u64 {
        self.dropped.get_or_create(&Reason { reason }).get()
    }

    /// Packets sent again over our own RTP path.
    pub fn repaired(&self) -> u64 {
        self.repaired.get()
    }

    /// Peers ended because the media stack broke on their input.
    pub fn peer_faults(&self) -> u64 {
        self.peer_faults.get()
    }

    /// Checks that wanted traffic elsewhere while the former address was alive.
    pub fn nominations_refused(&self) -> u64 {
        self.nominations_refused.get()
    }

    /// Calls refused and connections ended because of `cap`.
    pub fn reached(&self, cap: Cap) -> u64 {
        let cap = cap.as_str();
        self.reached.get_or_create(&Reached { cap }).get()
    }

    pub(crate) fn note_reached(&self, cap: Cap) {
        let cap = cap.as_str();
        self.reached.get_or_create(&Reached { cap }).inc();
    }

    /// Takes over what a shard has counted.
    pub(crate) fn publish(&self, shard: &mut Shard) {
        let facts = std::mem::take(&mut shard.facts);
        for (counter, count) in self.plain(&facts) {
            if count > 0 {
                counter.inc_by(count);
            }
        }
        for (reason, count) in drops(&facts) {
            if count > 0 {
                self.dropped.get_or_create(&Reason { reason }).inc_by(count);
            }
        }
        for cap in shard.reached.drain(..) {
            self.note_reached(cap);
        }
        for cause in shard.endings.drain(..) {
            let cause = Cause { cause: word(cause) };
            self.endings.get_or_create(&cause).inc();
        }
    }

    fn plain(&self, facts: &Facts) -> [(&Counter, u64); 10] {
        [
            (&self.packets_in, facts.packets_in),
            (&self.packets_out, facts.packets_out),
            (&self.forwarded, facts.forwarded),
            (&self.repaired, facts.repaired),
            (&self.thinned, facts.thinned),
            (&self.messages_relayed, facts.messages_relayed),
            (&self.messages_dropped, facts.messages_dropped),
            (&self.plis_out, facts.plis_out),
            (&self.peer_faults, facts.peer_faults),
            (&self.nominations_refused, facts.nominations_refused),
        ]
    }
}

fn drops(facts: &Facts) -> [(&'static str, u64); 10] {
    [
        ("unknown_ufrag", facts.unknown_ufrag),
        ("unknown_path", facts.unknown_path),
        ("bad_integrity", facts.bad_integrity),
        ("too_many_checks", facts.too_many_checks),
        ("path_refused", facts.path_refused),
        ("too_early", facts.too_early),
        ("malformed", facts.malformed),
        ("refused_by_stack", facts.refused_by_stack),
        ("no_common_codec", facts.no_common_codec),
        ("too_many_streams", facts.too_many_streams),
    ]
}

fn word(cause: CauseCode) -> &'static str {
    match cause {
        CauseCode::NoAnswer => "no_answer",
        CauseCode::BadAnswer => "bad_answer",
        CauseCode::NoConnectivityCheck => "no_connectivity_check",
        CauseCode::DtlsFailed => "dtls_failed",
        CauseCode::Silent => "silent",
        CauseCode::PeerClosed => "peer_closed",
        CauseCode::StackFault => "stack_fault",
        CauseCode::OverLimit => "over_limit",
        CauseCode::NodeLost => "node_lost",
        CauseCode::Replaced => "replaced",
        _ => "other",
    }
}
