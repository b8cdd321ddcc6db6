//! What an operator may change about signalling.

use std::time::Duration;

use lens_protocol::limits::SIGNAL_BYTES;

/// Limits and times of a hub. The default is the product's.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// Messages kept for a peer that may come back. More survive longer cuts, for more memory:
    /// a channel holds at most [`HubConfig::window_bytes`].
    pub window_messages: usize,
    /// How long a cut channel and its messages are kept. Longer ones let a phone in a lift come
    /// back without a snapshot.
    pub window: Duration,
    /// Bytes kept per channel for a peer that may come back.
    pub window_bytes: usize,
    /// Messages that may wait for a slow connection; beyond, it is closed with 1013. Has to be
    /// larger than `window_messages`, or a replay would leave no room.
    pub queue_messages: usize,
    /// Bytes that may wait for a slow connection.
    pub queue_bytes: usize,
    /// Time between pings.
    pub ping: Duration,
    /// Pings without any sign of life after which a connection is dead.
    pub missed_pings: u32,
    /// Time a new connection has for its first frame.
    pub hello: Duration,
    /// Time one write may take before the connection is given up.
    pub write: Duration,
    /// How long an acknowledgement waits for a message that could carry it. Zero costs a frame
    /// for each message received; much more makes senders wait.
    pub ack_delay: Duration,
    /// Longest message taken, in bytes.
    pub message_bytes: usize,
    /// Messages a channel may send at once; a page that comes back re-sends what is not
    /// acknowledged, so this is not small.
    pub burst: u32,
    /// Messages per second a channel may send in the long run.
    pub messages_per_s: u32,
    /// Messages of one channel that may wait for the host; beyond, its carrier is not read.
    pub host_backlog: usize,
    /// Channels of one identity (tabs, windows); a further one ends the oldest.
    pub channels_per_identity: usize,
    /// Open connections over all; beyond, new ones are refused with `unavailable`.
    pub max_connections: usize,
    /// Origins that may connect besides the server's own, such as `https://crm.example`.
    pub allowed_origins: Vec<String>,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            window_messages: 256,
            window: Duration::from_secs(60),
            window_bytes: 1024 * 1024,
            queue_messages: 512,
            queue_bytes: 4 * 1024 * 1024,
            ping: Duration::from_secs(15),
            missed_pings: 2,
            hello: Duration::from_secs(5),
            write: Duration::from_secs(10),
            ack_delay: Duration::from_millis(20),
            message_bytes: SIGNAL_BYTES,
            burst: 300,
            messages_per_s: 50,
            host_backlog: 64,
            channels_per_identity: 20,
            max_connections: 20_000,
            allowed_origins: Vec::new(),
        }
    }
}
