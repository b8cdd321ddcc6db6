//! When a picture was captured, as the encoder's rate control wants it.
//!
//! Libvpx takes the rate of pictures from their timestamps, and gives each the bits for the time since
//! the one before. Taken as they come, a camera that paused for ten seconds would be owed ten
//! seconds' worth of bits for one picture, and a clock that was set back would turn the rate negative.

/// Longest time between two pictures that counts, in microseconds. Higher serves cameras slower than one
/// picture a second, and there are none.
const LONGEST: u64 = 1_000_000;

/// Time as the encoder sees it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    former: Option<Tick>,
}

/// A picture's time, in microseconds.
#[derive(Debug)]
struct Tick {
    /// As its host says.
    captured: u64,
    /// As the encoder is told.
    told: i64,
    /// Since the one before, as the encoder was told.
    passed: u64,
}

impl Clock {
    /// The picture's time and how long it lasts, in microseconds. More has passed than half of what so many
    /// pictures a second have each, and at most twice as much as between the two before: a camera that
    /// slows down gets its bits within a few pictures, one that paused gets no burst.
    pub(crate) fn tick(&mut self, captured: u64, max_fps: u32) -> (i64, u32) {
        let lasts = 1_000_000 / max_fps.clamp(1, 1_000);
        let (mut told, mut passed) = (0, u64::from(lasts));
        if let Some(former) = &self.former {
            let most = (former.passed.max(passed) * 2).min(LONGEST);
            let really = captured.saturating_sub(former.captured);
            passed = really.clamp(passed / 2, most);
            // At most a second: no stream lasts long enough to overflow.
            told = former.told + passed as i64;
        }
        self.former = Some(Tick {
            captured,
            told,
            passed,
        });
        (told, lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_evenly_whatever_the_camera_says() {
        let mut clock = Clock::default();
        assert_eq!(clock.tick(7_000_000, 25), (0, 40_000));
        assert_eq!(clock.tick(7_040_000, 25).0, 40_000, "as it came");
        assert_eq!(clock.tick(7_040_000, 25).0, 60_000, "twice the same");
        assert_eq!(clock.tick(3_000_000, 25).0, 80_000, "set back");
        assert_eq!(clock.tick(9_000_000, 25).0, 160_000, "after a pause");
        assert_eq!(clock.tick(u64::MAX, 1).0, 1_160_000, "another rate");
        assert_eq!(clock.tick(0, 0).1, 1_000_000, "no rate at all");
    }

    #[test]
    fn a_slow_camera_s_time_is_found_within_three_pictures() {
        let mut clock = Clock::default();
        let told = [0, 1, 2, 3, 4].map(|n| clock.tick(n * 200_000, 30).0);
        let apart = [told[1] - told[0], told[2] - told[1], told[3] - told[2]];
        assert_eq!(apart, [66_666, 133_332, 200_000]);
        assert_eq!(told[4] - told[3], 200_000);
    }
}
