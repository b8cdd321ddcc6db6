//! Figures of a participant.

use lens_media_sdk::{Stats, Transport};

use crate::abi::{Sized32, fill, init, lens_status};
use crate::frame::{codec_of, lens_codec};
use crate::handles::guard;
use crate::participant::{find, lens_participant};

/// How media travels: one of `LENS_TRANSPORT_*`; 0 while it is not known.
pub type lens_transport = i32;
/// Datagrams.
pub const LENS_TRANSPORT_UDP: lens_transport = 1;
/// ICE-TCP (RFC 6544), where datagrams are blocked.
pub const LENS_TRANSPORT_TCP: lens_transport = 2;

/// Figures of the last few hundred milliseconds. Counts run over generations. What is not known is
/// -1 in numbers with a fraction, and 0 in the others. `lens_stats_init`, or setting `struct_size`
/// yourself, comes before the first call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_stats {
    /// `sizeof(lens_stats)`, set by `lens_stats_init`.
    pub struct_size: u32,
    /// One of `LENS_TRANSPORT_*`.
    pub transport: lens_transport,
    /// Round trip to the media server, in milliseconds.
    pub rtt_ms: f32,
    /// Packets lost on the way to us (viewer) or from us (camera), in percent.
    pub loss_percent: f32,
    /// Media bits of the main direction over the last second, in kilobits per second.
    pub kbps: f32,
    /// Pictures in the last second.
    pub frames_per_second: f32,
    /// How unevenly frames come: 95th percentile, in milliseconds (receiver).
    pub jitter_ms: f32,
    /// How long frames wait before they are given out, in milliseconds (receiver).
    pub playout_delay_ms: f32,
    /// What the encoder was last told, in bits per second (sender).
    pub target_bps: u32,
    /// Codec of the picture last sent or received: one of `LENS_CODEC_*`.
    pub codec: lens_codec,
    /// Size of that picture in pixels, before rotation (VP8 keyframes).
    pub width: u32,
    /// As `width`.
    pub height: u32,
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

// SAFETY: it begins with its size, and consists of numbers.
unsafe impl Sized32 for lens_stats {}

impl lens_stats {
    fn of(stats: &Stats) -> Self {
        Self {
            struct_size: size_of::<Self>() as u32,
            transport: match stats.transport {
                None => 0,
                Some(Transport::Udp) => LENS_TRANSPORT_UDP,
                Some(Transport::Tcp) => LENS_TRANSPORT_TCP,
            },
            rtt_ms: stats.rtt_ms.unwrap_or(-1.0),
            loss_percent: stats.loss_percent.unwrap_or(-1.0),
            kbps: stats.kbps.unwrap_or(-1.0),
            frames_per_second: stats.frames_per_second.unwrap_or(-1.0),
            jitter_ms: stats.jitter_ms.unwrap_or(-1.0),
            playout_delay_ms: stats.playout_delay_ms.unwrap_or(-1.0),
            target_bps: stats.target_bps.unwrap_or(0),
            codec: stats.codec.map_or(0, codec_of),
            width: stats.width.unwrap_or(0).into(),
            height: stats.height.unwrap_or(0).into(),
            frames_sent: stats.frames_sent,
            frames_dropped_sending: stats.frames_dropped_sending,
            frames_received: stats.frames_received,
            frames_delivered: stats.frames_delivered,
            frames_dropped_late: stats.frames_dropped_late,
            frames_dropped_undecodable: stats.frames_dropped_undecodable,
            frames_dropped_queue: stats.frames_dropped_queue,
            freeze_count: stats.freeze_count,
            keyframe_requests_sent: stats.keyframe_requests_sent,
            keyframe_requests_received: stats.keyframe_requests_received,
            messages_sent: stats.messages_sent,
            messages_received: stats.messages_received,
            ignored: stats.ignored,
            stale_signals: stats.stale_signals,
            generations: stats.generations,
        }
    }
}

/// Fills the figures with those of a participant that has done nothing yet. `struct_size` is
/// `sizeof(lens_stats)`.
///
/// # Safety
/// `stats` points to `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_stats_init(stats: *mut lens_stats, struct_size: u32) -> lens_status {
    // SAFETY: the caller's promise.
    guard(|| unsafe { init(stats, struct_size, lens_stats::of(&Stats::default())) })
}

/// Writes the participant's figures; the last ones when it is over.
///
/// # Safety
/// `stats` points to as many writable bytes as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_participant_stats(
    participant: lens_participant,
    stats: *mut lens_stats,
) -> lens_status {
    guard(|| {
        let found = find(participant)?;
        // SAFETY: the caller's promise.
        unsafe { fill(stats, lens_stats::of(&found.stats()), "stats") }
    })
}
