//! When a received frame is given out: as soon as most of its like would have come too.
//!
//! Frames leave the camera evenly and arrive unevenly. Each is given out one delay after the
//! fastest of late would have come; the delay is the 95th percentile of how much later than the
//! fastest frames came, between the limits of the configuration. It rises at once and falls slowly.
//!
//! Voice and picture of one person wait alike, so that lips and words stay together: whichever comes
//! more evenly waits as long as the other, and gets there step by step, for a jump would be heard.
//!
//! A frame that comes after its time is given out at once while no later one has been; a decoder
//! needs it. Otherwise it is dropped.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Frames that the delay is judged by: about four seconds of pictures. Fewer follow a change
/// faster, and forget an outlier that comes back.
const WINDOW: usize = 128;
/// A step in the sender's clock against ours that only another source makes.
const JUMP_US: i64 = 3_000_000;
/// How much nearer to its companion's a delay gets with each frame. A voice of 50 frames a second
/// catches up by 50 ms a second, which is not heard; lips may be 45 ms behind and 125 ms before
/// (ITU-R BT.1359).
const STEP_US: i64 = 1_000;
/// Without frames for so long, a track is nobody's companion: who has stopped filming is heard as soon as
/// ever.
const SILENT: Duration = Duration::from_secs(2);
/// Most frames that wait: more than the longest delay can hold.
const MOST_WAITING: usize = 64;

/// The queue of one track.
#[derive(Debug)]
pub(super) struct Playout<F> {
    least_us: i64,
    most_us: i64,
    origin: Option<Origin>,
    /// How much longer than the first one each of the last frames took.
    transits: VecDeque<i64>,
    delay_us: i64,
    /// What the companion's delay is, and how far towards it this track's has come.
    companion_us: i64,
    together_us: i64,
    waiting: BTreeMap<u64, F>,
    last_came: Option<Instant>,
    last_given: Option<u64>,
}

/// The first frame of a timeline.
#[derive(Clone, Copy, Debug)]
struct Origin {
    at: Instant,
    time_us: u64,
}

/// What became of a frame that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It waits for its time.
    Waits,
    /// A later one has been given out.
    TooLate,
    /// The sender's clock begins anew: it is another source.
    Restarted,
}

impl<F> Playout<F> {
    /// Frames wait between `least` and `most`.
    pub(super) fn new((least, most): (Duration, Duration)) -> Self {
        let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self {
            least_us: micros(least),
            most_us: micros(most.max(least)),
            origin: None,
            transits: VecDeque::with_capacity(WINDOW),
            delay_us: micros(least),
            companion_us: 0,
            together_us: micros(least),
            waiting: BTreeMap::new(),
            last_came: None,
            last_given: None,
        }
    }

    /// Takes a frame of media time `time_us` that came at `at`.
    pub(super) fn push(&mut self, at: Instant, time_us: u64, frame: F) -> Place {
        let mut place = Place::Waits;
        if self.origin.is_some() && self.jumps(at, time_us) {
            self.restart();
            place = Place::Restarted;
        }
        self.last_came = Some(at);
        let origin = *self.origin.get_or_insert(Origin { at, time_us });
        // Those above all that come too late: the next ones are waited for.
        self.note(transit(origin, at, time_us));
        if self.last_given.is_some_and(|last| time_us <= last) {
            return Place::TooLate;
        }
        self.waiting.insert(time_us, frame);
        if self.waiting.len() > MOST_WAITING {
            self.waiting.pop_first();
        }
        place
    }

    /// The next frame that is due, with its media time.
    pub(super) fn poll(&mut self, now: Instant) -> Option<(u64, F)> {
        if self.due()? > now {
            return None;
        }
        let (time_us, frame) = self.waiting.pop_first()?;
        self.last_given = Some(time_us);
        Some((time_us, frame))
    }

    /// When the next frame is due.
    pub(super) fn due(&self) -> Option<Instant> {
        let (time_us, _) = self.waiting.first_key_value()?;
        let origin = self.origin?;
        let after = difference(*time_us, origin.time_us) + self.fastest() + self.waits_us();
        let micros = Duration::from_micros(after.unsigned_abs());
        match after < 0 {
            true => origin.at.checked_sub(micros).or(Some(origin.at)),
            false => Some(origin.at + micros),
        }
    }

    /// How long frames wait now, at the fastest.
    pub(super) fn delay(&self) -> Duration {
        Duration::from_micros(self.waits_us().unsigned_abs())
    }

    /// How long they would wait if there were no companion; none while none come.
    pub(super) fn delay_alone(&self, now: Instant) -> Option<Duration> {
        let silent = now.saturating_duration_since(self.last_came?);
        (silent < SILENT).then(|| Duration::from_micros(self.delay_us.unsigned_abs()))
    }

    /// How long the companion's frames would wait alone; zero without one.
    pub(super) fn accompany(&mut self, delay: Duration) {
        self.companion_us = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
    }

    /// The 95th percentile of how much later than the fastest frames came.
    pub(super) fn unevenness(&self) -> Duration {
        Duration::from_micros(self.percentile().unsigned_abs())
    }

    /// Forgets what waits, and returns how many that were.
    pub(super) fn clear(&mut self) -> usize {
        std::mem::take(&mut self.waiting).len()
    }

    fn restart(&mut self) {
        self.origin = None;
        self.transits.clear();
        self.waiting.clear();
        self.last_given = None;
    }

    fn jumps(&self, at: Instant, time_us: u64) -> bool {
        let Some(origin) = self.origin else {
            return false;
        };
        (transit(origin, at, time_us) - self.fastest()).abs() > JUMP_US
    }

    fn note(&mut self, transit: i64) {
        if self.transits.len() == WINDOW {
            self.transits.pop_front();
        }
        self.transits.push_back(transit);
        let target = self.percentile().clamp(self.least_us, self.most_us);
        self.delay_us = match target >= self.delay_us {
            true => target,
            false => self.delay_us - (self.delay_us - target + 15) / 16,
        };
        let apart = self.companion_us.max(self.delay_us) - self.together_us;
        self.together_us += apart.clamp(-STEP_US, STEP_US);
    }

    fn waits_us(&self) -> i64 {
        self.delay_us.max(self.together_us)
    }

    fn fastest(&self) -> i64 {
        self.transits.iter().copied().min().unwrap_or(0)
    }

    fn percentile(&self) -> i64 {
        let mut sorted: Vec<i64> = self.transits.iter().copied().collect();
        sorted.sort_unstable();
        let Some(fastest) = sorted.first() else {
            return 0;
        };
        let index = (sorted.len() * 95 / 100).min(sorted.len() - 1);
        sorted.get(index).map_or(0, |late| late - fastest)
    }
}

fn transit(origin: Origin, at: Instant, time_us: u64) -> i64 {
    let passed = match at.checked_duration_since(origin.at) {
        Some(passed) => i64::try_from(passed.as_micros()).unwrap_or(i64::MAX),
        None => -i64::try_from((origin.at - at).as_micros()).unwrap_or(i64::MAX),
    };
    passed.saturating_sub(difference(time_us, origin.time_us))
}

fn difference(one: u64, other: u64) -> i64 {
    i64::try_from(i128::from(one) - i128::from(other)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000;

    struct World {
        start: Instant,
        playout: Playout<u64>,
    }

    impl World {
        fn new() -> Self {
            let limits = (Duration::from_millis(20), Duration::from_millis(250));
            Self {
                start: Instant::now(),
                playout: Playout::new(limits),
            }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        /// Frame number `n` of 33 ms each comes `late` milliseconds late.
        fn push(&mut self, n: u64, late: u64) -> Place {
            let at = self.at(n * 33 + late);
            self.playout.push(at, n * 33 * MS, n)
        }
    }

    #[test]
    fn even_frames_wait_for_the_least_delay_and_no_longer() {
        let mut world = World::new();
        for n in 0..50 {
            world.push(n, 0);
            assert_eq!(world.playout.poll(world.at(n * 33 + 19)), None);
            let given = world.playout.poll(world.at(n * 33 + 20));
            assert_eq!(given.map(|(_, n)| n), Some(n));
        }
    }

    #[test]
    fn the_delay_follows_the_unevenness_up_at_once_and_down_slowly() {
        let mut world = World::new();
        for n in 0..100 {
            world.push(n, (n % 4) * 30);
        }
        assert_eq!(world.playout.delay(), Duration::from_millis(90));
        for n in 100..110 {
            world.push(n, 0);
        }
        assert!(world.playout.delay() > Duration::from_millis(40));
        for n in 110..400 {
            world.push(n, 0);
        }
        assert!(world.playout.delay() < Duration::from_millis(22));
        for n in 400..500 {
            world.push(n, (n % 2) * 900);
        }
        assert_eq!(world.playout.delay(), Duration::from_millis(250));
    }

    #[test]
    fn a_track_gets_to_its_companion_s_delay_by_small_steps_and_back() {
        let mut world = World::new();
        let (least, companion) = (Duration::from_millis(20), Duration::from_millis(80));
        let mut before = least;
        for n in 0..200 {
            let with = n < 100;
            world
                .playout
                .accompany(if with { companion } else { least });
            world.push(n, 0);
            let now = world.playout.delay();
            assert!(now.abs_diff(before) <= Duration::from_millis(1), "{now:?}");
            before = now;
            assert!(n != 99 || now == companion, "{now:?}");
        }
        assert_eq!(before, least);
    }

    #[test]
    fn a_late_frame_is_given_unless_a_later_one_has_been() {
        let mut world = World::new();
        world.push(0, 0);
        world.push(2, 0);
        assert_eq!(world.playout.poll(world.at(30)), Some((0, 0)));
        assert_eq!(world.push(1, 20), Place::Waits);
        assert_eq!(world.playout.poll(world.at(100)).map(|(_, n)| n), Some(1));
        assert_eq!(world.playout.poll(world.at(100)).map(|(_, n)| n), Some(2));
        assert_eq!(world.push(1, 90), Place::TooLate);
    }

    #[test]
    fn another_source_begins_a_timeline_of_its_own() {
        let mut world = World::new();
        world.push(0, 0);
        world.playout.poll(world.at(100));
        let place = world.playout.push(world.at(120), 900_000 * MS, 7);
        assert_eq!(place, Place::Restarted);
        assert_eq!(world.playout.poll(world.at(141)).map(|(_, n)| n), Some(7));
    }
}
