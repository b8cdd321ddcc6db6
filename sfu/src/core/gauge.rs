//! What is counted of one connection, and what is too much.

use std::time::{Duration, Instant};

use lens_protocol::media::ConnectionStats;

use super::peer::Counts;

/// Counters of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) packets_in: u64,
    pub(crate) packets_out: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) plis_in: u64,
    pub(crate) plis_out: u64,
    pub(crate) counts: Counts,
}

impl Tally {
    /// The figures others are told, without those that the transport knows.
    pub(super) fn describe(&self) -> ConnectionStats {
        ConnectionStats {
            transport: None,
            srtp_profile: None,
            packets_in: self.packets_in,
            packets_out: self.packets_out,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            plis_out: self.plis_out,
            plis_in: self.plis_in,
            nacks_in: self.counts.nacks_in,
            loss: self.counts.loss,
            limit_kbps: None,
            rtt_ms: self.counts.rtt.map(|rtt| rtt.as_secs_f32() * 1_000.0),
        }
    }
}

/// Counts things in whole seconds, or minutes.
#[derive(Debug)]
pub(crate) struct Meter {
    length: Duration,
    since: Instant,
    count: u32,
}

impl Meter {
    pub(super) fn new(now: Instant) -> Self {
        Self::of(Duration::from_secs(1), now)
    }

    /// One that starts anew each minute.
    pub(crate) fn a_minute(now: Instant) -> Self {
        Self::of(Duration::from_secs(60), now)
    }

    fn of(length: Duration, now: Instant) -> Self {
        Self {
            length,
            since: now,
            count: 0,
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= self.length
    }

    /// Whether a further one would be more than `limit`.
    pub(crate) fn is_used_up(&self, limit: u32, now: Instant) -> bool {
        self.count >= limit && !self.is_over(now)
    }

    /// Counts one; false when it is more than `limit` in this second, or minute.
    pub(crate) fn allow(&mut self, limit: u32, now: Instant) -> bool {
        if self.is_over(now) {
            *self = Self::of(self.length, now);
        }
        self.count = self.count.saturating_add(1);
        self.count <= limit
    }
}

/// Watches that a sender keeps to the conference's bitrate.
///
/// Encoders overshoot for seconds after a scene change or a keyframe, and repairs come on top; who
/// sends more than twice the policy for ten seconds on end does not keep to it at all.
#[derive(Debug)]
pub(crate) struct RateGuard {
    bytes_per_s: u64,
    since: Instant,
    bytes: u64,
    seconds_over: u32,
}

impl RateGuard {
    const SECONDS: u32 = 10;

    pub(super) fn new(max_kbps: u32, now: Instant) -> Self {
        Self {
            bytes_per_s: u64::from(max_kbps) * 2 * 1_000 / 8,
            since: now,
            bytes: 0,
            seconds_over: 0,
        }
    }

    /// Counts `bytes`; false when the sender has been over for too long.
    pub(crate) fn allow(&mut self, bytes: usize, now: Instant) -> bool {
        self.bytes += bytes as u64;
        let passed = now.saturating_duration_since(self.since);
        if passed >= Duration::from_secs(1) {
            let rate = u128::from(self.bytes) * 1_000 / passed.as_millis().max(1);
            let over = rate > u128::from(self.bytes_per_s);
            self.seconds_over = if over { self.seconds_over + 1 } else { 0 };
            self.since = now;
            self.bytes = 0;
        }
        self.seconds_over < Self::SECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_starts_anew_each_second() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        assert!(meter.allow(2, start) && meter.allow(2, start));
        assert!(!meter.allow(2, start));
        assert!(meter.allow(2, start + Duration::from_secs(1)));
    }

    #[test]
    fn a_meter_tells_that_it_is_used_up_until_its_minute_is_over() {
        let start = Instant::now();
        let mut meter = Meter::a_minute(start);
        assert!(!meter.is_used_up(1, start));
        assert!(meter.allow(1, start));
        let late = start + Duration::from_secs(59);
        assert!(meter.is_used_up(1, late));
        assert!(!meter.is_used_up(1, start + Duration::from_secs(60)));
    }

    #[test]
    fn only_lasting_excess_is_too_much() {
        let start = Instant::now();
        let mut guard = RateGuard::new(1_000, start);
        let second = |n: u64| start + Duration::from_secs(n);
        for n in 1..=9 {
            assert!(guard.allow(300_000, second(n)), "second {n}");
        }
        assert!(guard.allow(100_000, second(10)), "a quiet second");
        for n in 11..=19 {
            assert!(guard.allow(300_000, second(n)), "second {n}");
        }
        assert!(!guard.allow(300_000, second(20)));
    }
}
