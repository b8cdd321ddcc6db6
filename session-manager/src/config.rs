//! What an operator can set.

use std::path::PathBuf;
use std::time::Duration;

use lens_protocol::conference::IceServer;
use lens_runtime::rate_limit::RateLimit;

/// Settings of the service; the defaults are the product's.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the key of media tokens is kept (`media-token.key`, mode 0600).
    pub data_dir: PathBuf,
    /// ICE servers named in every offer; none while the nodes are reachable directly.
    pub ice_servers: Vec<IceServer>,
    /// How media nodes are called and watched.
    pub nodes: NodeTimes,
    /// How often conferences are looked through for those that have to end.
    pub expiry_every: Duration,
    /// How long a media token is good for; at most 10 minutes.
    pub token_life: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("lens-data"),
            ice_servers: Vec::new(),
            nodes: NodeTimes::default(),
            expiry_every: Duration::from_millis(500),
            token_life: Duration::from_secs(600),
        }
    }
}

/// How media nodes are called and watched.
///
/// A node that hangs is noticed after at most `poll_timeout + confirm_timeout`, one that refuses
/// connections after a round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeTimes {
    /// How long one call may take. Higher values let a slow node finish; lower ones free the
    /// callers of a stuck one earlier.
    pub call_timeout: Duration,
    /// How long a node may hold back an empty list of events.
    pub poll_wait: Duration,
    /// When a poll counts as unanswered. Has to be longer than `poll_wait`.
    pub poll_timeout: Duration,
    /// How long the second opinion (a report) may take before the node counts as lost.
    pub confirm_timeout: Duration,
    /// How often a node is asked for its report, which placement goes by.
    pub report_every: Duration,
    /// How long to wait between looks at a lost node.
    pub retry_every: Duration,
    /// How long start waits for the nodes' first reports.
    pub start_wait: Duration,
}

impl Default for NodeTimes {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(3),
            poll_wait: Duration::from_millis(300),
            poll_timeout: Duration::from_millis(800),
            confirm_timeout: Duration::from_millis(500),
            report_every: Duration::from_secs(2),
            retry_every: Duration::from_millis(250),
            start_wait: Duration::from_secs(2),
        }
    }
}

/// How much the public door lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorLimits {
    /// Requests with an owner's API keys, taken together.
    pub per_key: RateLimit,
    /// Requests with one participant's media token.
    pub per_participant: RateLimit,
    /// Requests from one address (an IPv6 network), before it is known who calls.
    pub per_address: RateLimit,
    /// Most keys, participants and addresses remembered of each.
    pub remembered: usize,
}

impl Default for DoorLimits {
    fn default() -> Self {
        let minute = |burst| RateLimit {
            burst,
            per: Duration::from_secs(60),
        };
        Self {
            per_key: minute(1_200),
            // A participant joins, answers and now and then asks for a new generation.
            per_participant: minute(60),
            per_address: minute(1_200),
            remembered: 100_000,
        }
    }
}
