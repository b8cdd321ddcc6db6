//! The rate that a way is believed to carry: up while delays are calm, down at once when a queue
//! grows (draft-ietf-rmcat-gcc-02 §5.5, with the constants of libwebrtc's aimd_rate_control.cc).

use std::time::{Duration, Instant};

use super::trend::Usage;

/// Before anything is known: what a camera sends at most. The stream itself is the test.
const FIRST: f64 = 5e6;
/// Below this not even a small picture and a voice fit.
pub(super) const LEAST: f64 = 64e3;
/// Above this a limit is none for us.
pub(super) const MOST: f64 = 30e6;
/// What is kept of the throughput when a queue grows, and when it has only begun to.
const BACKOFF: f64 = 0.85;
const EARLY_BACKOFF: f64 = 0.93;
/// Growth each second while the way's end is not in sight.
const GROWTH: f64 = 1.08;
/// The rate never runs further ahead of what arrives: an untested way proves nothing.
const AHEAD: (f64, f64) = (1.5, 10e3);
/// What a round trip is lengthened by until its effect is seen in a report.
const RESPONSE: Duration = Duration::from_millis(100);
const PACKET_BITS: f64 = 1_200.0 * 8.0;
/// Weight of a new sample of the way's capacity.
const CAPACITY_WEIGHT: f64 = 0.05;

/// See the module. All rates in bits per second.
#[derive(Debug)]
pub(super) struct Rate {
    bps: f64,
    /// Whether anything has ever shown that the way has a limit.
    limited: bool,
    increasing: bool,
    changed: Option<Instant>,
    decreased: Option<Instant>,
    capacity: Capacity,
}

/// What delays say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delays {
    pub(super) usage: Usage,
    /// Whether the queue is short as yet.
    pub(super) short: bool,
}

/// The throughput at which queues began to grow, and how much it varies.
#[derive(Debug, Default)]
struct Capacity {
    /// kbit/s, as the variance is relative to it.
    mean: Option<f64>,
    variance: f64,
}

impl Rate {
    pub(super) fn new() -> Self {
        Self {
            bps: FIRST,
            limited: false,
            increasing: true,
            changed: None,
            decreased: None,
            capacity: Capacity::default(),
        }
    }

    pub(super) fn bps(&self) -> f64 {
        self.bps
    }

    pub(super) fn is_limited(&self) -> bool {
        self.limited
    }

    /// When it last went down.
    pub(super) fn decreased(&self) -> Option<Instant> {
        self.decreased
    }

    /// After a report: what delays say, and what arrives.
    pub(super) fn update(
        &mut self,
        delays: Delays,
        throughput: Option<f64>,
        round_trip: Duration,
        now: Instant,
    ) {
        match delays.usage {
            Usage::Over => self.back_off(throughput, delays.short, round_trip, now),
            // The queue is emptying: wait until it is.
            Usage::Under => {
                self.increasing = false;
                self.changed = Some(now);
            }
            Usage::Normal if !self.increasing => {
                self.increasing = true;
                self.changed = Some(now);
            }
            Usage::Normal => self.grow(throughput, round_trip, now),
        }
    }

    /// Losses ask for less.
    pub(super) fn cut(&mut self, factor: f64, throughput: Option<f64>, now: Instant) {
        let sending = throughput.unwrap_or(self.bps).min(self.bps);
        self.lower(sending.max(self.bps * factor).min(self.bps), now);
    }

    /// A probe went through at `bps`.
    pub(super) fn proven(&mut self, bps: f64, now: Instant) {
        if bps > self.bps {
            self.bps = bps.min(MOST);
            self.changed = Some(now);
            if self.capacity.upper().is_some_and(|upper| bps > upper) {
                self.capacity = Capacity::default();
            }
        }
    }

    fn back_off(
        &mut self,
        throughput: Option<f64>,
        early: bool,
        round_trip: Duration,
        now: Instant,
    ) {
        // One step for each report that can know of the last one.
        let again = round_trip + RESPONSE;
        let recently = |at: Instant| now.saturating_duration_since(at) < again;
        if self.decreased.is_some_and(recently) {
            return;
        }
        let throughput = throughput.unwrap_or(self.bps);
        let kept = if early { EARLY_BACKOFF } else { BACKOFF };
        self.lower((throughput * kept).min(self.bps), now);
        self.capacity.learn(throughput);
        self.increasing = false;
    }

    fn lower(&mut self, bps: f64, now: Instant) {
        self.bps = bps.max(LEAST);
        self.limited = true;
        self.decreased = Some(now);
        self.changed = Some(now);
    }

    fn grow(&mut self, throughput: Option<f64>, round_trip: Duration, now: Instant) {
        let passed = now.saturating_duration_since(self.changed.unwrap_or(now));
        self.changed = Some(now);
        if !self.limited {
            return;
        }
        let upper = self.capacity.upper();
        if throughput
            .zip(upper)
            .is_some_and(|(now, upper)| now > upper)
        {
            self.capacity = Capacity::default();
        }
        let passed = passed.as_secs_f64().min(1.0);
        let grown = match self.capacity.mean {
            // Near the end: about a packet each time an effect can have been seen.
            Some(_) => {
                let response = 2.0 * (round_trip + RESPONSE).as_secs_f64();
                self.bps + (PACKET_BITS / response).max(4e3) * passed
            }
            None => self.bps * GROWTH.powf(passed),
        };
        let ahead = throughput.map_or(MOST, |now| now * AHEAD.0 + AHEAD.1);
        self.bps = grown.min(ahead).max(self.bps).min(MOST);
    }
}

impl Capacity {
    fn learn(&mut self, bps: f64) {
        let kbps = bps / 1e3;
        let lower = self.mean.map(|mean| mean - 3.0 * self.deviation(mean));
        // Far below what it was: another way.
        let mean = match self
            .mean
            .filter(|_| lower.is_none_or(|lower| kbps >= lower))
        {
            Some(mean) => mean + CAPACITY_WEIGHT * (kbps - mean),
            None => kbps,
        };
        let error = (mean - kbps).powi(2) / mean.max(1.0);
        self.variance += CAPACITY_WEIGHT * (error - self.variance);
        self.variance = self.variance.clamp(0.4, 2.5);
        self.mean = Some(mean);
    }

    fn deviation(&self, mean: f64) -> f64 {
        (self.variance * mean).sqrt()
    }

    /// More than this never filled it: it has grown.
    fn upper(&self) -> Option<f64> {
        let mean = self.mean?;
        Some((mean + 3.0 * self.deviation(mean)) * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(50);

    fn delays(usage: Usage) -> Delays {
        Delays {
            usage,
            short: false,
        }
    }

    fn limited(at: f64, now: Instant) -> Rate {
        let mut rate = Rate::new();
        rate.update(delays(Usage::Over), Some(at), RTT, now);
        rate
    }

    #[test]
    fn nothing_is_known_until_a_queue_grows() {
        let now = Instant::now();
        let mut rate = Rate::new();
        rate.update(delays(Usage::Normal), Some(9e5), RTT, now);
        assert!(!rate.is_limited());
        rate.update(delays(Usage::Over), Some(1e6), RTT, now);
        assert!(rate.is_limited());
        assert_eq!(rate.bps(), 1e6 * BACKOFF);
    }

    #[test]
    fn one_queue_is_answered_once() {
        let now = Instant::now();
        let mut rate = limited(1e6, now);
        rate.update(delays(Usage::Over), Some(9e5), RTT, now + RTT);
        assert_eq!(rate.bps(), 1e6 * BACKOFF);
        rate.update(delays(Usage::Over), Some(9e5), RTT, now + RTT + RESPONSE);
        assert_eq!(rate.bps(), 9e5 * BACKOFF);
    }

    #[test]
    fn a_queue_that_has_only_begun_costs_less() {
        let now = Instant::now();
        let mut rate = Rate::new();
        let early = Delays {
            usage: Usage::Over,
            short: true,
        };
        rate.update(early, Some(1e6), RTT, now);
        assert_eq!(rate.bps(), 1e6 * EARLY_BACKOFF);
    }

    #[test]
    fn it_grows_slowly_near_the_end_and_never_far_ahead() {
        let now = Instant::now();
        let mut rate = limited(1e6, now);
        let mut at = now;
        for _ in 0..20 {
            at += Duration::from_millis(100);
            rate.update(delays(Usage::Normal), Some(8.5e5), RTT, at);
        }
        let grown = rate.bps() - 8.5e5;
        assert!((3e4..9e4).contains(&grown), "{grown} in two seconds");
        for _ in 0..2_000 {
            at += Duration::from_millis(100);
            rate.update(delays(Usage::Normal), Some(7e5), RTT, at);
        }
        assert!(rate.bps() <= 7e5 * AHEAD.0 + AHEAD.1 + 1.0);
    }

    #[test]
    fn a_probe_raises_it_and_an_emptying_queue_holds_it() {
        let now = Instant::now();
        let mut rate = limited(1e6, now);
        rate.proven(5e5, now);
        assert_eq!(rate.bps(), 8.5e5, "less than known");
        rate.proven(2e6, now);
        rate.update(delays(Usage::Under), Some(2e6), RTT, now + RTT);
        assert_eq!(rate.bps(), 2e6);
    }
}
