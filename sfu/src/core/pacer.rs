//! Spreads video over time towards a receiver whose way is known to be narrow.
//!
//! A keyframe leaves its camera in a burst, and would stand in the queue of the way, or be lost
//! there, with voices behind it. Here it waits on our side instead, by reference: its bytes stay in
//! the ring of its stream. Voices and repairs leave at once, and are paid for by what waits.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::arena::Key;

/// How much faster than the way is believed to carry, where the camera keeps below that by itself:
/// slower adds delay where the belief is too low, faster is no spreading. Where it does not, what
/// waits is a large keyframe, and would fill the queue that voices stand in.
const FOLLOWED: f64 = 1.5;
const ALONE: f64 = 0.8;
/// How much faster than a chosen layer is sent.
const KEEP_UP: f64 = 1.1;
/// What leaves at once.
const BURST: Duration = Duration::from_millis(5);

/// A packet that waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The connection it came from, and its slot there.
    pub(crate) from: Key,
    pub(crate) up: usize,
    /// Its stream, and its number in it.
    pub(crate) ssrc: u32,
    pub(crate) index: u64,
    /// Whether it is the first of a keyframe.
    pub(crate) starts: bool,
    /// Whether it ends a picture for the receiver.
    pub(crate) ends: bool,
    /// The receiver's slot.
    pub(crate) slot: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    /// Bytes per second; `None` while the way has shown no limit.
    rate: Option<f64>,
    /// The layer that was chosen needs so many.
    least: f64,
    /// Bytes that have left early.
    ahead: f64,
    settled: Option<Instant>,
    queue: VecDeque<Waiting>,
    /// Whether a keyframe is among what waits, or its first packets were.
    keyframe: bool,
}

impl Pacer {
    /// The way is believed to carry so many bits per second; `followed` says whether the camera
    /// keeps below that.
    pub(crate) fn limit(&mut self, bps: u64, followed: bool) {
        let factor = if followed { FOLLOWED } else { ALONE };
        self.rate = Some(bps as f64 / 8.0 * factor);
    }

    /// A layer was chosen that sends so many bits per second, within what the way carries; its
    /// keyframes wait, the rest has to keep up.
    pub(crate) fn at_least(&mut self, bps: u64) {
        self.least = bps as f64 / 8.0 * KEEP_UP;
    }

    fn rate(&self) -> Option<f64> {
        self.rate.map(|rate| rate.max(self.least))
    }

    /// Bytes have left.
    pub(crate) fn spend(&mut self, bytes: usize, now: Instant) {
        if let Some(rate) = self.rate() {
            self.settle(rate, now);
            self.ahead += bytes as f64;
        }
    }

    /// Whether a packet of video may leave now; it has to wait behind others that do.
    pub(crate) fn is_open(&mut self, now: Instant) -> bool {
        let Some(rate) = self.rate() else {
            return true;
        };
        self.settle(rate, now);
        self.queue.is_empty() && self.ahead <= rate * BURST.as_secs_f64()
    }

    /// Whether a keyframe is on its way.
    pub(crate) fn holds_keyframe(&self) -> bool {
        self.keyframe && !self.queue.is_empty()
    }

    /// A packet has to wait.
    pub(crate) fn wait(&mut self, packet: Waiting) {
        self.keyframe = packet.starts || self.holds_keyframe();
        self.queue.push_back(packet);
    }

    /// The next packet that may leave now.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Waiting> {
        let rate = self.rate()?;
        self.settle(rate, now);
        if self.ahead > rate * BURST.as_secs_f64() {
            return None;
        }
        self.queue.pop_front()
    }

    /// When the next one may leave.
    pub(crate) fn due(&self) -> Option<Instant> {
        let (rate, settled) = (self.rate()?, self.settled?);
        self.queue.front()?;
        let early = self.ahead / rate - BURST.as_secs_f64();
        Some(settled + Duration::from_secs_f64(early.max(0.0)))
    }

    /// Forgets what waits.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    fn settle(&mut self, rate: f64, now: Instant) {
        let since = self.settled.replace(now).unwrap_or(now);
        let passed = now.saturating_duration_since(since).as_secs_f64();
        self.ahead = (self.ahead - rate * passed).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::arena::Arena;

    fn packet(index: u64) -> Waiting {
        Waiting {
            from: Arena::default().insert(|_| ()),
            up: 0,
            ssrc: 1,
            index,
            starts: false,
            ends: false,
            slot: 0,
        }
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let now = Instant::now();
        let mut pacer = Pacer::default();
        pacer.spend(1_000_000, now);
        assert!(pacer.is_open(now));
        assert_eq!(pacer.due(), None);
    }

    #[test]
    fn a_burst_leaves_at_the_pace_of_the_way_and_in_order() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.limit(800_000, true);
        assert!(pacer.is_open(start));
        pacer.spend(1_000, start);
        for index in 1..=40 {
            assert!(!pacer.is_open(start));
            pacer.wait(packet(index));
        }
        let (mut now, mut left) = (start, Vec::new());
        while let Some(due) = pacer.due() {
            now = now.max(due) + Duration::from_micros(1);
            while let Some(packet) = pacer.next(now) {
                left.push(packet.index);
                pacer.spend(1_000, now);
            }
        }
        assert_eq!(left, (1..=40).collect::<Vec<_>>());
        // 40 kB at 150 kB/s.
        let took = now - start;
        assert!((250..275).contains(&took.as_millis()), "{took:?}");
        assert!(pacer.is_open(now + Duration::from_millis(20)));
    }

    #[test]
    fn what_leaves_at_once_holds_back_what_waits() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.limit(80_000, true);
        pacer.wait(packet(1));
        pacer.spend(1_500, start);
        assert_eq!(pacer.next(start), None);
        let due = pacer.due().expect("it waits");
        assert_eq!((due - start).as_millis(), 95);
        pacer.clear();
        assert_eq!(pacer.due(), None);
    }

    #[test]
    fn a_keyframe_is_on_its_way_until_all_of_it_has_left() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.limit(80_000, true);
        pacer.wait(packet(1));
        assert!(!pacer.holds_keyframe());
        pacer.wait(Waiting {
            starts: true,
            ..packet(2)
        });
        pacer.wait(packet(3));
        for left in 1..=3 {
            assert!(pacer.holds_keyframe(), "before {left}");
            pacer.next(start);
        }
        assert!(!pacer.holds_keyframe());
        pacer.wait(packet(4));
        assert!(!pacer.holds_keyframe());
    }

    #[test]
    fn nothing_overtakes_what_waits() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.limit(800_000, true);
        pacer.spend(5_000, start);
        pacer.wait(packet(1));
        // The way has been free for long; what waits has not left yet.
        let later = start + Duration::from_secs(1);
        assert!(!pacer.is_open(later));
        assert!(pacer.next(later).is_some());
        assert!(pacer.is_open(later));
    }
}
