//! How long packets stand in a queue on the way.
//!
//! The trend of delays sees a queue grow, and not one that stands: a full one that loses what does
//! not fit has constant delays. Here the shortest delay of the last moments is held against the
//! shortest of the last 10 to 20 seconds. A way that has become longer looks the same: when sending
//! less does not shorten the queue, it is none.

use std::time::{Duration, Instant};

/// For how long the shortest delay of a way is remembered, at least.
const MEMORY_US: i64 = 10_000_000;
/// Delays of now; jitter is shorter.
const MOMENT_US: i64 = 250_000;
/// A queue that stands longer is emptied.
const STANDING: Duration = Duration::from_millis(100);
/// One that is longer is not added to.
const NOTICED: Duration = Duration::from_millis(50);
/// How long less is sent until it is judged what came of it.
const TRIAL: Duration = Duration::from_millis(1_500);
/// Less than this share of it left is not a queue that empties.
const SHRUNK: (u32, u32) = (9, 10);

/// What is to be done about a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing: there is none.
    Free,
    /// Send no more than now.
    Hold,
    /// Send less.
    Empty,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Queue {
    way: Shortest,
    now: Shortest,
    /// When less was sent because of a queue, and how long it was.
    trial: Option<(Instant, Duration)>,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            way: Shortest::new(MEMORY_US),
            now: Shortest::new(MOMENT_US),
            trial: None,
        }
    }

    /// Notes a packet that left and arrived at these times, in µs of either clock.
    pub(super) fn note(&mut self, sent: i64, arrived: i64) {
        self.way.note(arrived - sent, arrived);
        self.now.note(arrived - sent, arrived);
    }

    /// How long packets stand in it now.
    pub(super) fn length(&self) -> Duration {
        let shortest = self.now.get().zip(self.way.get());
        let us = shortest.map_or(0, |(now, way)| (now - way).max(0));
        Duration::from_micros(us.unsigned_abs())
    }

    /// Whether it has hardly begun.
    pub(super) fn is_short(&self) -> bool {
        self.length() <= NOTICED
    }

    /// Whether there is one worth the name.
    pub(super) fn is_standing(&self) -> bool {
        self.length() > STANDING
    }

    /// What is to be done now; [`Verdict::Empty`] counts as done.
    pub(super) fn judge(&mut self, now: Instant) -> Verdict {
        let length = self.length();
        if let Some((began, before)) = self.trial {
            if now.saturating_duration_since(began) < TRIAL {
                return Verdict::Hold;
            }
            self.trial = None;
            if length * SHRUNK.1 > before * SHRUNK.0 {
                self.way = Shortest::new(MEMORY_US);
                return Verdict::Free;
            }
        }
        if self.is_standing() {
            self.trial = Some((now, length));
            return Verdict::Empty;
        }
        match length > NOTICED {
            true => Verdict::Hold,
            false => Verdict::Free,
        }
    }
}

/// The shortest delay of the last one to two periods.
#[derive(Debug)]
struct Shortest {
    period_us: i64,
    began: Option<i64>,
    former: Option<i64>,
    current: Option<i64>,
}

impl Shortest {
    fn new(period_us: i64) -> Self {
        Self {
            period_us,
            began: None,
            former: None,
            current: None,
        }
    }

    fn note(&mut self, delay: i64, at: i64) {
        let began = *self.began.get_or_insert(at);
        if at - began >= self.period_us {
            self.began = Some(at);
            self.former = self.current.take();
        }
        self.current = Some(self.current.map_or(delay, |known| known.min(delay)));
    }

    fn get(&self) -> Option<i64> {
        self.former.into_iter().chain(self.current).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets each 10 ms from one moment to another, so long in a queue of a way of 40 ms.
    fn pass(queue: &mut Queue, from_ms: i64, to_ms: i64, standing_ms: i64) {
        for at in (from_ms..to_ms).step_by(10) {
            queue.note(at * 1_000, (at + 40 + standing_ms) * 1_000);
        }
    }

    #[test]
    fn a_queue_that_stands_is_emptied() {
        let start = Instant::now();
        let mut queue = Queue::new();
        pass(&mut queue, 0, 2_000, 0);
        assert_eq!(queue.judge(start), Verdict::Free);
        pass(&mut queue, 2_000, 3_000, 80);
        assert_eq!(queue.judge(start), Verdict::Hold);
        pass(&mut queue, 3_000, 4_000, 300);
        assert_eq!(queue.length(), Duration::from_millis(300));
        assert_eq!(queue.judge(start), Verdict::Empty);
        assert_eq!(queue.judge(start + TRIAL / 2), Verdict::Hold, "on trial");
        pass(&mut queue, 4_000, 5_500, 150);
        assert_eq!(
            queue.judge(start + TRIAL),
            Verdict::Empty,
            "shorter, not gone"
        );
    }

    #[test]
    fn a_way_that_has_become_longer_is_no_queue() {
        let start = Instant::now();
        let mut queue = Queue::new();
        pass(&mut queue, 0, 2_000, 0);
        pass(&mut queue, 2_000, 3_000, 300);
        assert_eq!(queue.judge(start), Verdict::Empty);
        pass(&mut queue, 3_000, 4_500, 300);
        assert_eq!(queue.judge(start + TRIAL), Verdict::Free);
        pass(&mut queue, 4_500, 5_000, 300);
        assert_eq!(queue.judge(start + TRIAL), Verdict::Free);
    }

    #[test]
    fn jitter_is_no_queue() {
        let mut queue = Queue::new();
        for at in 0..300 {
            let late = if at % 7 == 0 { 0 } else { 150_000 };
            queue.note(at * 10_000, at * 10_000 + 40_000 + late);
        }
        assert_eq!(queue.judge(Instant::now()), Verdict::Free);
    }
}
