//! Figures of a participant.

/// Figures of a participant, as of the last few hundred milliseconds. Counts run over generations;
/// what is not known is none.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// How media travels.
    pub transport: Option<Transport>,
    /// Round trip to the media server, in milliseconds.
    pub rtt_ms: Option<f32>,
    /// Packets lost on the way to us (viewer) or from us (camera), in percent.
    pub loss_percent: Option<f32>,
    /// Media bits of the main direction over the last second, in kilobits per second.
    pub kbps: Option<f32>,
    /// Width of the picture last sent or received, in pixels, before rotation (VP8 keyframes).
    pub width: Option<u16>,
    /// Height of it.
    pub height: Option<u16>,
    /// Pictures in the last second.
    pub frames_per_second: Option<f32>,
    /// Codec of the picture last sent or received.
    pub codec: Option<crate::frame::Codec>,
    /// How unevenly frames come: 95th percentile, in milliseconds (receiver).
    pub jitter_ms: Option<f32>,
    /// How long frames wait before they are given out, in milliseconds (receiver).
    pub playout_delay_ms: Option<f32>,
    /// What the encoder was last told, in bits per second (sender).
    pub target_bps: Option<u32>,
    /// Pictures and pieces of voice taken from the host and sent.
    pub frames_sent: u64,
    /// Frames of the host dropped before they were sent: queue full, or no way to send them.
    pub frames_dropped_sending: u64,
    /// Pictures and pieces of voice received whole.
    pub frames_received: u64,
    /// Of these, given to the observer.
    pub frames_delivered: u64,
    /// Dropped because a later one had been given out, or a former generation had given it out.
    pub frames_dropped_late: u64,
    /// Dropped because frames before them were missing, until the next keyframe.
    pub frames_dropped_undecodable: u64,
    /// Dropped because the host was slow: oldest first.
    pub frames_dropped_queue: u64,
    /// Gaps of more than 500 ms between two pictures that were to be shown (receiver).
    pub freeze_count: u64,
    /// Keyframes asked for.
    pub keyframe_requests_sent: u64,
    /// Keyframes the others asked for.
    pub keyframe_requests_received: u64,
    /// Messages sent over the data channel.
    pub messages_sent: u64,
    /// Messages received over it.
    pub messages_received: u64,
    /// Messages and signals of unknown kinds, or that could not be read.
    pub ignored: u64,
    /// Signals that came twice, late, or for another participant.
    pub stale_signals: u64,
    /// Generations that took over.
    pub generations: u64,
}

/// How media travels to the media server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// ICE-TCP (RFC 6544), where datagrams are blocked.
    Tcp,
}

impl Transport {
    /// Its name, the same in every face.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}
