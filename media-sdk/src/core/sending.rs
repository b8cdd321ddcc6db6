//! What leaves: frames of the host, within what the way carries.

use std::time::{Duration, Instant};

use super::pace::Asking;

/// Bits of voice that are kept free of video, in bits per second.
const VOICE_BPS: u64 = 48_000;
/// Least that an encoder is told, in bits per second.
const LEAST_BPS: u64 = 30_000;
/// More than so much time's worth of bits may not wait to leave. Lower drops large keyframes on a
/// slow way; higher shows what was filmed seconds ago.
const LONGEST_BACKLOG: Duration = Duration::from_millis(1_500);

/// One section that sends.
pub(super) struct Lane {
    pub(super) mid: String,
    /// A video decoder can go on with a keyframe only.
    pub(super) broken: bool,
    /// The host is asked for one.
    pub(super) asking: Asking,
}

impl Lane {
    pub(super) const fn new(mid: String) -> Self {
        Self {
            mid,
            broken: true,
            asking: Asking::new(),
        }
    }

    /// Whether a picture can leave: after a gap, a keyframe only.
    pub(super) fn passes(&mut self, now: Instant, keyframe: bool) -> bool {
        if keyframe {
            self.broken = false;
            self.asking.end();
        } else if self.broken {
            self.asking.begin(now);
        }
        !self.broken
    }

    /// A picture was dropped.
    pub(super) fn break_chain(&mut self, now: Instant) {
        self.broken = true;
        self.asking.begin(now);
    }
}

/// What the way up carries, and what the encoder is told of it.
#[derive(Debug)]
pub(super) struct Uplink {
    most_bps: u64,
    most_fps: u32,
    estimate: Option<u64>,
    ceiling: Option<u64>,
    told: Option<(u32, u32)>,
    /// Bits handed to the stack that cannot have left yet, as of `counted`.
    backlog_bits: f64,
    counted: Option<Instant>,
}

impl Uplink {
    pub(super) const fn new(most_bps: u64, most_fps: u32) -> Self {
        Self {
            most_bps,
            most_fps,
            estimate: None,
            ceiling: None,
            told: None,
            backlog_bits: 0.0,
            counted: None,
        }
    }

    /// Most that is ever wanted, in bits per second.
    pub(super) const fn most_bps(&self) -> u64 {
        self.most_bps
    }

    /// The congestion control's estimate, from transport-wide feedback.
    pub(super) const fn estimated(&mut self, bps: u64) {
        self.estimate = Some(bps);
    }

    /// The server's limit (REMB): what it can use, or the receivers can take.
    pub(super) const fn limited(&mut self, bps: u64) {
        self.ceiling = Some(bps);
    }

    /// What the encoder was told last, in bits per second.
    pub(super) fn told_bps(&self) -> Option<u32> {
        self.told.map(|(bps, _)| bps)
    }

    /// Bits per second and pictures per second for the encoder, when they changed noticeably: by a
    /// twentieth, or at all downwards to another frame rate.
    pub(super) fn poll(&mut self) -> Option<(u32, u32)> {
        let target = self.target();
        let bps = u32::try_from(target).unwrap_or(u32::MAX);
        let fps = frame_rate(target).min(self.most_fps);
        let noticeable = match self.told {
            None => true,
            Some((told, told_fps)) => told.abs_diff(bps) > told / 20 || told_fps != fps,
        };
        if !noticeable {
            return None;
        }
        self.told = Some((bps, fps));
        self.told
    }

    /// A picture of `bytes` wants to leave; false when too much waits already.
    pub(super) fn admits(&mut self, now: Instant, bytes: usize) -> bool {
        let rate = self.target().max(LEAST_BPS) as f64;
        if let Some(counted) = self.counted {
            let passed = now.saturating_duration_since(counted).as_secs_f64();
            self.backlog_bits = (self.backlog_bits - passed * rate).max(0.0);
        }
        self.counted = Some(now);
        if self.backlog_bits > rate * LONGEST_BACKLOG.as_secs_f64() {
            return false;
        }
        self.backlog_bits += bytes as f64 * 8.0;
        true
    }

    fn target(&self) -> u64 {
        let estimate = self.estimate.unwrap_or(super::stack::FIRST_GUESS_BPS);
        let video = estimate.saturating_sub(VOICE_BPS.min(estimate / 3));
        let video = video.min(self.ceiling.unwrap_or(u64::MAX));
        video.clamp(LEAST_BPS.min(self.most_bps), self.most_bps)
    }
}

/// Fewer pictures look better than blurred ones when little passes.
const fn frame_rate(bps: u64) -> u32 {
    match bps {
        0..80_000 => 8,
        80_000..150_000 => 12,
        150_000..300_000 => 20,
        300_000..1_000_000 => 30,
        _ => 60,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoder_is_told_the_least_of_estimate_ceiling_and_limit() {
        let mut uplink = Uplink::new(2_000_000, 30);
        let first = uplink.poll().expect("told once at the beginning");
        assert!((700_000..800_000).contains(&first.0), "{first:?}");
        uplink.estimated(5_000_000);
        assert_eq!(uplink.poll(), Some((2_000_000, 30)));
        uplink.limited(600_000);
        assert_eq!(uplink.poll(), Some((600_000, 30)));
        uplink.limited(590_000);
        assert_eq!(uplink.poll(), None, "a sixtieth is no news");
        uplink.estimated(120_000);
        assert_eq!(uplink.poll(), Some((80_000, 12)));
    }

    #[test]
    fn what_cannot_leave_in_time_is_refused_until_it_can() {
        let start = Instant::now();
        let mut uplink = Uplink::new(1_000_000, 30);
        uplink.estimated(1_048_000);
        let mut refused = 0;
        // Twice of what passes, for four seconds.
        for n in 0..120_u32 {
            let now = start + Duration::from_millis(33) * n;
            refused += u32::from(!uplink.admits(now, 8_250));
        }
        assert!((20..50).contains(&refused), "{refused}");
        assert!(uplink.admits(start + Duration::from_secs(6), 8_250));
    }
}
