//! Whether a queue grows on the way: the trend of one-way delays
//! (draft-ietf-rmcat-gcc-02 §5; the trendline filter and the constants are those of libwebrtc's
//! trendline_estimator.cc, which replaced the draft's Kalman filter).

use std::collections::VecDeque;

/// Packets that leave within this time are one burst (draft §5.2).
const BURST_US: i64 = 5_000;
/// A burst on arrival lasts no longer.
const LONGEST_BURST_US: i64 = 100_000;
/// A pause this long says nothing of queues.
const PAUSE_US: i64 = 3_000_000;
/// Samples that a trend is drawn through.
const WINDOW: usize = 20;
const SMOOTHING: f64 = 0.9;
const GAIN: f64 = 4.0;
/// Samples after which the gain no longer rises.
const SETTLED: u32 = 60;
const FIRST_THRESHOLD: f64 = 12.5;
const THRESHOLDS: (f64, f64) = (6.0, 600.0);
/// A trend this far beyond the threshold is an outlier, to which it does not adapt.
const OUTLIER: f64 = 15.0;
/// How fast the threshold adapts, each ms: slowly up, so that we are not starved by streams that
/// fill queues, and more slowly down.
const ADAPT_UP: f64 = 0.0087;
const ADAPT_DOWN: f64 = 0.039;
const ADAPT_MOST_MS: f64 = 100.0;
/// A queue has to grow this long to count.
const OVERUSE_MS: f64 = 10.0;

/// What delays say of the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Usage {
    /// Delays stay.
    #[default]
    Normal,
    /// Delays grow: a queue builds up.
    Over,
    /// Delays shrink: a queue empties.
    Under,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Trend {
    former: Option<Burst>,
    current: Option<Burst>,
    origin_ms: Option<f64>,
    accumulated: f64,
    smoothed: f64,
    samples: u32,
    line: VecDeque<(f64, f64)>,
    slope: f64,
    threshold: f64,
    adapted_ms: Option<f64>,
    over_ms: Option<f64>,
    over_count: u32,
    usage: Usage,
}

#[derive(Clone, Copy, Debug)]
struct Burst {
    first_sent: i64,
    last_sent: i64,
    first_arrived: i64,
    last_arrived: i64,
}

impl Trend {
    pub(super) fn new() -> Self {
        Self {
            former: None,
            current: None,
            origin_ms: None,
            accumulated: 0.0,
            smoothed: 0.0,
            samples: 0,
            line: VecDeque::with_capacity(WINDOW + 1),
            slope: 0.0,
            threshold: FIRST_THRESHOLD,
            adapted_ms: None,
            over_ms: None,
            over_count: 0,
            usage: Usage::Normal,
        }
    }

    /// What the packets so far say.
    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    /// Notes a packet that left and arrived at these times, in µs of either clock.
    pub(super) fn note(&mut self, sent: i64, arrived: i64) {
        let Some(current) = &mut self.current else {
            self.current = Some(Burst::of(sent, arrived));
            return;
        };
        if sent < current.first_sent {
            return;
        }
        if current.takes(sent, arrived) {
            current.last_sent = current.last_sent.max(sent);
            current.last_arrived = current.last_arrived.max(arrived);
            return;
        }
        let done = *current;
        self.current = Some(Burst::of(sent, arrived));
        if let Some(former) = self.former.replace(done) {
            let sent = done.last_sent - former.last_sent;
            let arrived = done.last_arrived - former.last_arrived;
            match (0..PAUSE_US).contains(&arrived) {
                true => self.sample(sent as f64 / 1e3, arrived as f64 / 1e3, done.last_arrived),
                false => *self = Self::new(),
            }
        }
    }

    /// One burst came `arrived` ms after the one before, and left `sent` ms after it.
    fn sample(&mut self, sent: f64, arrived: f64, now_us: i64) {
        let now = now_us as f64 / 1e3;
        let origin = *self.origin_ms.get_or_insert(now);
        self.samples = (self.samples + 1).min(SETTLED);
        self.accumulated += arrived - sent;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        self.line.push_back((now - origin, self.smoothed));
        if self.line.len() > WINDOW {
            self.line.pop_front();
        }
        let before = self.slope;
        if self.line.len() == WINDOW {
            self.slope = slope(&self.line).unwrap_or(before);
        }
        self.judge(before, sent, now);
    }

    fn judge(&mut self, before: f64, sent: f64, now: f64) {
        let trend = f64::from(self.samples) * self.slope * GAIN;
        if trend > self.threshold {
            let over = self.over_ms.map_or(sent / 2.0, |over| over + sent);
            self.over_ms = Some(over);
            self.over_count += 1;
            if over > OVERUSE_MS && self.over_count > 1 && self.slope >= before {
                (self.over_ms, self.over_count) = (Some(0.0), 0);
                self.usage = Usage::Over;
            }
        } else {
            (self.over_ms, self.over_count) = (None, 0);
            self.usage = match trend < -self.threshold {
                true => Usage::Under,
                false => Usage::Normal,
            };
        }
        self.adapt(trend.abs(), now);
    }

    fn adapt(&mut self, trend: f64, now: f64) {
        let passed = (now - self.adapted_ms.unwrap_or(now)).clamp(0.0, ADAPT_MOST_MS);
        self.adapted_ms = Some(now);
        if trend > self.threshold + OUTLIER {
            return;
        }
        let pace = match trend < self.threshold {
            true => ADAPT_DOWN,
            false => ADAPT_UP,
        };
        self.threshold += pace * (trend - self.threshold) * passed;
        self.threshold = self.threshold.clamp(THRESHOLDS.0, THRESHOLDS.1);
    }
}

impl Burst {
    fn of(sent: i64, arrived: i64) -> Self {
        Self {
            first_sent: sent,
            last_sent: sent,
            first_arrived: arrived,
            last_arrived: arrived,
        }
    }

    /// Whether a packet belongs to it: left with it, or came with it out of a queue.
    fn takes(&self, sent: i64, arrived: i64) -> bool {
        if sent - self.first_sent <= BURST_US {
            return true;
        }
        let after = arrived - self.last_arrived;
        let faster = after - (sent - self.last_sent) < 0;
        faster && after <= BURST_US && arrived - self.first_arrived < LONGEST_BURST_US
    }
}

/// Slope of the line of least squares.
fn slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let (mut above, mut below) = (0.0, 0.0);
    for (x, y) in points {
        above += (x - mean_x) * (y - mean_y);
        below += (x - mean_x) * (x - mean_x);
    }
    (below > 0.0).then(|| above / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts every 33 ms whose delay grows by `growth` µs each.
    fn usage_after(bursts: i64, growth: i64, jitter: i64) -> Usage {
        let mut trend = Trend::new();
        let mut worst = Usage::Normal;
        for burst in 0..bursts {
            let sent = burst * 33_000;
            let wobble = if burst % 2 == 0 { jitter } else { 0 };
            trend.note(sent, 5_000_000 + sent + burst * growth + wobble);
            if trend.usage() != Usage::Normal {
                worst = trend.usage();
            }
        }
        worst
    }

    #[test]
    fn growing_delays_are_overuse_and_shrinking_ones_underuse() {
        assert_eq!(usage_after(100, 0, 0), Usage::Normal);
        assert_eq!(usage_after(60, 3_000, 0), Usage::Over);
        assert_eq!(usage_after(60, -3_000, 0), Usage::Under);
    }

    #[test]
    fn jitter_alone_is_no_trend() {
        assert_eq!(usage_after(200, 0, 8_000), Usage::Normal);
    }

    #[test]
    fn packets_of_one_frame_are_one_burst() {
        let burst = Burst::of(0, 0);
        assert!(burst.takes(5_000, 90_000), "left together");
        assert!(!burst.takes(5_001, 90_000));
        assert!(burst.takes(33_000, 4_000), "came together out of a queue");
    }

    #[test]
    fn a_long_pause_begins_anew() {
        let mut trend = Trend::new();
        for burst in 0..40 {
            trend.note(burst * 33_000, burst * 36_000);
        }
        assert!(trend.samples > 30);
        for burst in 0..3 {
            trend.note(9_000_000 + burst * 33_000, 9_000_000 + burst * 33_000);
        }
        assert!(trend.samples < 3);
    }

    #[test]
    fn the_threshold_adapts_to_what_is_near_it_and_not_to_outliers() {
        let adapted = |value: f64| {
            let mut trend = Trend::new();
            trend.adapt(value, 0.0);
            trend.adapt(value, 50.0);
            trend.threshold
        };
        assert!(adapted(FIRST_THRESHOLD + OUTLIER - 1.0) > FIRST_THRESHOLD);
        assert_eq!(adapted(FIRST_THRESHOLD + OUTLIER + 1.0), FIRST_THRESHOLD);
        assert!(adapted(1.0) < FIRST_THRESHOLD);
    }
}
