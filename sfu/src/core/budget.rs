//! What a receiver's way carries goes to voices first: video gets the rest of it, frame by frame.
//!
//! A camera that follows its viewer stays below the limit by itself. Where it does not, a viewer on
//! a slow way would get a queue full of video that voices stand in. Instead its video stops at the
//! end of a frame once it owes the way a second, and goes on with a keyframe when that is paid: a
//! slow viewer sees few pictures, hears everything, and costs the others nothing.

use std::time::{Duration, Instant};

/// How much more than the limit may leave before video stops. Shorter stops it for a keyframe, or
/// before a camera that follows has had time to; longer is a queue that voices stand in.
const DEPTH: Duration = Duration::from_millis(1_000);
/// What video may still owe when it goes on.
const PAID: Duration = Duration::from_millis(50);

/// What to do with a packet of video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Forward it.
    Send,
    /// Forward it, as the first after others that were left out.
    Restart,
    /// Leave it out: the way is not free yet.
    Hold,
    /// Leave it out and ask for a keyframe, with which video goes on.
    Resync,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Bytes per second; `None` while the way has shown no limit.
    limit: Option<f64>,
    /// Bytes that have left beyond the limit.
    owed: f64,
    paid: Option<Instant>,
    /// RTP time of the newest frame.
    frame: Option<u32>,
    open: bool,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self {
            limit: None,
            owed: 0.0,
            paid: None,
            frame: None,
            open: true,
        }
    }

    /// The way is believed to carry so many bits per second.
    pub(crate) fn limit(&mut self, bps: u64) {
        self.limit = Some(bps as f64 / 8.0);
    }

    /// Bytes that leave whatever is owed: voices, repairs.
    pub(crate) fn spend(&mut self, bytes: usize, now: Instant) {
        if let Some(limit) = self.limit {
            self.pay(limit, now);
            self.owed += bytes as f64;
        }
    }

    /// Another stream follows, whose RTP times have nothing to do with those of the former.
    pub(crate) fn forget_frame(&mut self) {
        self.frame = None;
    }

    /// Whether video has stopped.
    pub(crate) fn is_closed(&self) -> bool {
        !self.open
    }

    /// Judges a packet of video of the frame with this RTP time; `starts` says whether it is the
    /// first of a keyframe.
    pub(crate) fn video(
        &mut self,
        frame: u32,
        starts: bool,
        bytes: usize,
        now: Instant,
    ) -> Admission {
        let Some(limit) = self.limit else {
            return Admission::Send;
        };
        self.pay(limit, now);
        // Another camera's times may lie before: it begins with a keyframe.
        let newer = |former: u32| frame.wrapping_sub(former).cast_signed() > 0;
        let next = |former: u32| frame != former && (starts || newer(former));
        if self.frame.is_none_or(next) {
            self.frame = Some(frame);
            let was_open = self.open;
            self.open = match was_open {
                true => self.owed <= limit * DEPTH.as_secs_f64(),
                false => starts && self.is_paid(limit),
            };
            if self.open && !was_open {
                self.owed += bytes as f64;
                return Admission::Restart;
            }
        }
        if self.open {
            self.owed += bytes as f64;
            return Admission::Send;
        }
        match self.is_paid(limit) {
            true => Admission::Resync,
            false => Admission::Hold,
        }
    }

    fn is_paid(&self, limit: f64) -> bool {
        self.owed <= limit * PAID.as_secs_f64()
    }

    fn pay(&mut self, limit: f64, now: Instant) {
        let since = self.paid.replace(now).unwrap_or(now);
        let passed = now.saturating_duration_since(since).as_secs_f64();
        self.owed = (self.owed - limit * passed).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of ten packets at 30 a second and 2 Mbit/s for ten seconds, each tenth a keyframe;
    /// bytes that pass, and how many frames are whole or missing.
    fn run(budget: &mut Budget, start: Instant) -> (usize, usize, usize) {
        let (mut passed, mut whole, mut missing) = (0, 0, 0);
        for frame in 0..300_u32 {
            let now = start + Duration::from_millis(33) * frame;
            let sent = (0..10).filter(|packet| {
                let starts = *packet == 0 && frame % 10 == 0;
                let judged = budget.video(frame * 3_000, starts, 830, now);
                matches!(judged, Admission::Send | Admission::Restart)
            });
            let sent = sent.count();
            passed += sent * 830;
            whole += usize::from(sent == 10);
            missing += usize::from(sent == 0);
        }
        (passed, whole, missing)
    }

    #[test]
    fn a_way_without_a_limit_gets_everything() {
        let (_, whole, _) = run(&mut Budget::new(), Instant::now());
        assert_eq!(whole, 300);
    }

    #[test]
    fn a_slow_way_gets_whole_frames_and_no_more_than_it_carries() {
        let mut budget = Budget::new();
        budget.limit(500_000);
        let (passed, whole, missing) = run(&mut budget, Instant::now());
        assert_eq!(whole + missing, 300, "no frame is cut");
        // Ten seconds, and the second that it may owe.
        assert!((450_000..720_000).contains(&passed), "{passed}");
        assert!(missing > 100);
    }

    #[test]
    fn video_goes_on_with_a_keyframe_once_it_has_paid() {
        let mut budget = Budget::new();
        budget.limit(80_000);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(budget.video(0, true, 15_000, start), Admission::Send);
        assert_eq!(budget.video(1, false, 1_000, at(33)), Admission::Hold);
        assert_eq!(
            budget.video(2, true, 1_000, at(66)),
            Admission::Hold,
            "not yet"
        );
        assert_eq!(budget.video(3, false, 1_000, at(1_600)), Admission::Resync);
        assert!(budget.is_closed());
        assert_eq!(budget.video(4, true, 1_000, at(1_633)), Admission::Restart);
        assert_eq!(budget.video(4, false, 1_000, at(1_633)), Admission::Send);
        assert_eq!(
            budget.video(3, false, 1_000, at(1_640)),
            Admission::Send,
            "late"
        );
    }

    #[test]
    fn voices_are_always_sent_and_paid_for_by_video() {
        let mut budget = Budget::new();
        budget.limit(80_000);
        let now = Instant::now();
        budget.video(0, true, 100, now);
        budget.spend(20_000, now);
        assert_eq!(budget.video(1, false, 100, now), Admission::Hold);
    }

    #[test]
    fn a_camera_that_comes_anew_with_earlier_times_is_seen() {
        let mut budget = Budget::new();
        budget.limit(80_000);
        let start = Instant::now();
        budget.video(900_000, true, 15_000, start);
        assert_eq!(budget.video(903_000, false, 100, start), Admission::Hold);
        let later = start + Duration::from_secs(3);
        assert_eq!(budget.video(6_000, false, 100, later), Admission::Resync);
        assert_eq!(budget.video(9_000, true, 100, later), Admission::Restart);
        assert_eq!(budget.video(12_000, false, 100, later), Admission::Send);
    }
}
