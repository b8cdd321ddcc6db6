//! What losses say of the way: too much for it, or simply a bad way.
//!
//! The draft (draft-ietf-rmcat-gcc-02 §6) takes every loss above a tenth for congestion, and so
//! starves a stream on a radio link that loses a tenth of everything. Here a cut is a trial: when
//! the losses do not follow it, they are taken to be the way's own, and are not counted again.

use std::time::{Duration, Instant};

/// Losses are judged over this long, and this many packets, at least.
const INTERVAL: Duration = Duration::from_millis(1_000);
const PACKETS: u32 = 40;
/// Losses below this are no congestion (draft §6).
const TOLERATED: f64 = 0.10;
/// A way that loses more than this loses repairs, too.
const LOSSY: f64 = 0.03;
/// How far losses have to be above the way's own.
const EXCESS: f64 = 0.05;
/// Congestion's losses fall to about half of themselves after a cut; those above this share of
/// what they were have not followed it.
const FOLLOWED: f64 = 0.75;
/// More than this is never taken for a way's own.
const MOST_INHERENT: f64 = 0.30;
/// How fast what the way was believed to lose is forgotten, each interval.
const FORGETTING: f64 = 0.25;

/// See the module.
#[derive(Debug)]
pub(super) struct Loss {
    since: Instant,
    received: u32,
    lost: u32,
    /// What the way loses whatever is sent.
    inherent: f64,
    /// Share that was lost in the last interval.
    share: f64,
    /// Losses before the cut that is on trial.
    trial: Option<f64>,
}

impl Loss {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            received: 0,
            lost: 0,
            inherent: 0.0,
            share: 0.0,
            trial: None,
        }
    }

    /// Whether so much is lost that a repair is likely to be lost as well.
    pub(super) fn is_lossy(&self) -> bool {
        self.share > LOSSY
    }

    /// Notes what a report said, and whether a queue stands on the way, whose losses are never the
    /// way's own. `Some` with the factor that the rate is to be cut by.
    pub(super) fn note(
        &mut self,
        received: u32,
        lost: u32,
        standing: bool,
        now: Instant,
    ) -> Option<f64> {
        self.received += received;
        self.lost += lost;
        let told = self.received + self.lost;
        if told < PACKETS || now.saturating_duration_since(self.since) < INTERVAL {
            return None;
        }
        let share = f64::from(self.lost) / f64::from(told);
        (self.since, self.received, self.lost) = (now, 0, 0);
        self.share = share;
        if let Some(before) = self.trial.take()
            && share > before * FOLLOWED
            && !standing
        {
            self.inherent = self.inherent.max(share.min(MOST_INHERENT));
        }
        if share < self.inherent {
            self.inherent -= (self.inherent - share) * FORGETTING;
        }
        if share <= TOLERATED || share - self.inherent <= EXCESS {
            return None;
        }
        self.trial = Some(share);
        Some(1.0 - share / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates after each second on a way that loses `inherent`, and all above `capacity`.
    fn rates(inherent: f64, capacity: f64, seconds: u64) -> Vec<f64> {
        let start = Instant::now();
        let mut loss = Loss::new(start);
        let mut rate = 1.0;
        (1..=seconds)
            .map(|second| {
                let sent = 200.0 * rate;
                let through = (sent * (1.0 - inherent)).min(200.0 * capacity);
                let (received, lost) = (through as u32, (sent - through) as u32);
                let now = start + Duration::from_secs(second);
                if let Some(factor) = loss.note(received, lost, false, now) {
                    rate *= factor;
                }
                rate
            })
            .collect()
    }

    #[test]
    fn losses_of_a_full_way_are_cut_until_they_are_tolerable() {
        let rates = rates(0.0, 0.5, 12);
        let last = rates.last().expect("some");
        assert!((0.45..0.56).contains(last), "{rates:?}");
    }

    #[test]
    fn a_way_that_always_loses_costs_one_trial() {
        for inherent in [0.12, 0.2] {
            let rates = rates(inherent, 9.0, 60);
            let last = *rates.last().expect("some");
            assert!(last >= 1.0 - inherent / 2.0 - 0.01, "{inherent}: {rates:?}");
        }
    }

    #[test]
    fn little_is_not_judged() {
        let start = Instant::now();
        let mut loss = Loss::new(start);
        assert_eq!(
            loss.note(10, 20, false, start + INTERVAL * 2),
            None,
            "few packets"
        );
        let mut loss = Loss::new(start);
        assert_eq!(
            loss.note(100, 200, false, start + INTERVAL / 2),
            None,
            "too soon"
        );
    }
}
