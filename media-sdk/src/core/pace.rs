//! Rates over the last second, and keyframe requests that are spaced out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// Frames and bytes over the last second.
#[derive(Debug, Default)]
pub(super) struct Rate {
    entries: VecDeque<(Instant, usize)>,
}

impl Rate {
    pub(super) fn note(&mut self, now: Instant, bytes: usize) {
        self.entries.push_back((now, bytes));
        self.forget(now);
    }

    /// Frames, and kilobits, in the last second.
    pub(super) fn read(&mut self, now: Instant) -> (f32, f32) {
        self.forget(now);
        let bytes: usize = self.entries.iter().map(|(_, bytes)| bytes).sum();
        (self.entries.len() as f32, bytes as f32 * 8.0 / 1_000.0)
    }

    fn forget(&mut self, now: Instant) {
        let old = |at: &Instant| now.saturating_duration_since(*at) >= SECOND;
        while self.entries.front().is_some_and(|(at, _)| old(at)) {
            self.entries.pop_front();
        }
    }
}

/// Asks for keyframes while one is missing: at once, then at growing distances.
#[derive(Debug)]
pub(super) struct Asking {
    next: Option<Instant>,
    wait: Duration,
    last: Option<Instant>,
}

impl Asking {
    /// Shortest time between two requests. Lower floods a camera that a keyframe is on its way
    /// from; higher shows a broken picture for longer.
    const LEAST: Duration = Duration::from_millis(500);
    const MOST: Duration = Duration::from_secs(4);

    pub(super) const fn new() -> Self {
        Self {
            next: None,
            wait: Self::LEAST,
            last: None,
        }
    }

    /// One is missing from now on.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.next.is_none() {
            self.wait = Self::LEAST;
            let least = self.last.map_or(now, |last| last + Self::LEAST);
            self.next = Some(least.max(now));
        }
    }

    /// It came.
    pub(super) const fn end(&mut self) {
        self.next = None;
    }

    /// When to ask next.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.next
    }

    /// Whether to ask now.
    pub(super) fn poll(&mut self, now: Instant) -> bool {
        if self.next.is_none_or(|next| next > now) {
            return false;
        }
        self.last = Some(now);
        self.next = Some(now + self.wait);
        self.wait = (self.wait * 2).min(Self::MOST);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_never_closer_than_half_a_second() {
        let start = Instant::now();
        let mut asking = Asking::new();
        let mut asked = Vec::new();
        for ms in 0..10_000_u64 {
            let now = start + Duration::from_millis(ms);
            if ms % 100 == 0 {
                asking.end();
            }
            asking.begin(now);
            if asking.poll(now) {
                asked.push(ms);
            }
        }
        assert!(asked.len() > 5);
        assert!(
            asked.windows(2).all(|pair| pair[1] - pair[0] >= 500),
            "{asked:?}"
        );
    }

    #[test]
    fn while_none_comes_the_distance_grows() {
        let start = Instant::now();
        let mut asking = Asking::new();
        asking.begin(start);
        let asked: Vec<u64> = (0..12_000)
            .filter(|ms| asking.poll(start + Duration::from_millis(*ms)))
            .collect();
        assert_eq!(asked, [0, 500, 1_500, 3_500, 7_500, 11_500]);
    }
}
