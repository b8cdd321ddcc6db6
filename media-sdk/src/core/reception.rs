//! One section that receives: gaps, keyframes, and the time at which a frame is given out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::earlier;
use super::pace::Asking;
use super::playout::{Place, Playout};
use super::stack::Arrived;
use crate::frame::{MediaKind, Track};
use crate::stats::Stats;

/// A pause between two pictures that a viewer sees as one.
const FREEZE: Duration = Duration::from_millis(500);

/// One receiving section.
pub(super) struct Receiver {
    pub(super) track: Arc<Track>,
    playout: Playout<Waiting>,
    asking: Asking,
    /// Nothing can be decoded until the next keyframe.
    broken: bool,
    after_gap: bool,
    last_given: Option<Instant>,
    /// The sender's clock against the pts given out.
    timeline: Option<Timeline>,
}

struct Waiting {
    arrived: Arrived,
    after_gap: bool,
    restarted: bool,
}

#[derive(Clone, Copy)]
struct Timeline {
    time_us: u64,
    pts_us: u64,
    last_pts_us: u64,
}

/// A frame whose time has come.
pub(super) struct Due {
    pub(super) arrived: Arrived,
    pub(super) pts_us: u64,
    pub(super) after_gap: bool,
}

impl Receiver {
    pub(super) fn new(track: Track, playout: (Duration, Duration)) -> Self {
        Self {
            broken: track.kind == MediaKind::Video,
            track: Arc::new(track),
            playout: Playout::new(playout),
            asking: Asking::new(),
            after_gap: false,
            last_given: None,
            timeline: None,
        }
    }

    /// Takes a frame from the stack.
    pub(super) fn take(&mut self, now: Instant, arrived: Arrived, stats: &mut Stats) {
        stats.frames_received += 1;
        if self.track.kind == MediaKind::Video && !self.decodable(now, &arrived) {
            stats.frames_dropped_undecodable += 1;
            return;
        }
        let waiting = Waiting {
            after_gap: std::mem::take(&mut self.after_gap),
            restarted: false,
            arrived,
        };
        let (at, time_us) = (waiting.arrived.at, waiting.arrived.time_us);
        match self.playout.push(at, time_us, waiting) {
            Place::Waits => {}
            Place::TooLate => stats.frames_dropped_late += 1,
            Place::Restarted => self.timeline = None,
        }
    }

    /// The decoder's chain is broken: a frame was lost after it had left here.
    pub(super) fn break_chain(&mut self, now: Instant) {
        if self.track.kind == MediaKind::Video {
            self.broken = true;
            self.after_gap = true;
            self.asking.begin(now);
        }
    }

    /// A frame whose time has come. `clock_us` is the session's clock, for the first pts.
    pub(super) fn poll(&mut self, now: Instant, clock_us: u64, stats: &mut Stats) -> Option<Due> {
        let (time_us, waiting) = self.playout.poll(now)?;
        let pts_us = self.pts(time_us, clock_us);
        if self.track.kind == MediaKind::Video {
            let paused = self
                .last_given
                .map(|last| now.saturating_duration_since(last));
            stats.freeze_count += u64::from(paused.is_some_and(|paused| paused > FREEZE));
            self.last_given = Some(now);
        }
        Some(Due {
            pts_us,
            after_gap: waiting.after_gap || waiting.restarted,
            arrived: waiting.arrived,
        })
    }

    /// Whether to ask for a keyframe now.
    pub(super) fn poll_keyframe(&mut self, now: Instant) -> bool {
        self.asking.poll(now)
    }

    /// The host wants one.
    pub(super) fn want_keyframe(&mut self, now: Instant) {
        if self.track.kind == MediaKind::Video {
            self.asking.begin(now);
        }
    }

    /// When it wants to be polled.
    pub(super) fn due(&self) -> Option<Instant> {
        earlier(self.playout.due(), self.asking.due())
    }

    pub(super) fn delay(&self) -> Duration {
        self.playout.delay()
    }

    /// Has the tracks of one person wait alike.
    pub(super) fn keep_together(receivers: &mut [Self], now: Instant) {
        for at in 0..receivers.len() {
            let Some(person) = receivers.get(at).and_then(|it| it.track.participant) else {
                continue;
            };
            let same = receivers
                .iter()
                .filter(|it| it.track.participant == Some(person));
            let longest = same.filter_map(|it| it.playout.delay_alone(now)).max();
            if let Some(receiver) = receivers.get_mut(at) {
                receiver.playout.accompany(longest.unwrap_or_default());
            }
        }
    }

    pub(super) fn unevenness(&self) -> Duration {
        self.playout.unevenness()
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self) -> usize {
        self.playout.clear()
    }

    fn decodable(&mut self, now: Instant, arrived: &Arrived) -> bool {
        if arrived.keyframe {
            self.broken = false;
            self.asking.end();
        } else if !arrived.contiguous {
            self.broken = true;
        }
        if !arrived.contiguous {
            self.after_gap = true;
        }
        if self.broken {
            self.asking.begin(now);
        }
        !self.broken
    }

    fn pts(&mut self, time_us: u64, clock_us: u64) -> u64 {
        let timeline = self.timeline.get_or_insert(Timeline {
            time_us,
            pts_us: clock_us,
            last_pts_us: 0,
        });
        let pts = timeline.pts_us + time_us.saturating_sub(timeline.time_us);
        timeline.last_pts_us = pts.max(timeline.last_pts_us + 1);
        timeline.last_pts_us
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use lens_protocol::id::ParticipantId;

    use super::*;
    use crate::frame::{Codec, Rotation};

    const LIMITS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(250));

    fn receiver() -> Receiver {
        let track = Track {
            mid: "1".to_owned(),
            kind: MediaKind::Video,
            participant: None,
        };
        Receiver::new(track, LIMITS)
    }

    /// How much later than the voice a picture of the same moment was given, in milliseconds, in the last
    /// two of ten seconds in which pictures came unevenly; and how long the voice waits at their end.
    /// The camera films for `films` seconds.
    fn lips_behind(people: [u8; 2], films: u64) -> (u64, Duration) {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut receivers: Vec<Receiver> = Vec::new();
        for (kind, person) in [MediaKind::Video, MediaKind::Audio].into_iter().zip(people) {
            let track = Track {
                mid: String::new(),
                kind,
                participant: Some(ParticipantId::from_bytes([person; 16])),
            };
            receivers.push(Receiver::new(track, LIMITS));
        }
        let mut given = [HashMap::new(), HashMap::new()];
        for ms in 0..10_000_u64 {
            for (slot, every) in [(0, 40), (1, 20)] {
                // Every second picture comes 100 ms late.
                let late = if slot == 0 && ms / 40 % 2 == 0 {
                    100
                } else {
                    0
                };
                let Some(filmed) = ms.checked_sub(late).filter(|it| it % every == 0) else {
                    continue;
                };
                if slot == 1 || filmed < films * 1_000 {
                    let arrived = Arrived {
                        time_us: filmed * 1_000,
                        at: at(ms),
                        ..frame(start, 0, true, true)
                    };
                    receivers[slot].take(at(ms), arrived, &mut Stats::default());
                }
            }
            Receiver::keep_together(&mut receivers, at(ms));
            for (slot, receiver) in receivers.iter_mut().enumerate() {
                while let Some(due) = receiver.poll(at(ms), 0, &mut Stats::default()) {
                    given[slot].insert(due.arrived.time_us / 1_000, ms);
                }
            }
        }
        let behind = given[0].iter().filter_map(|(filmed, shown): (&u64, &u64)| {
            let heard: &u64 = given[1].get(filmed)?;
            (*filmed > 8_000).then(|| shown.abs_diff(*heard))
        });
        (behind.max().unwrap_or_default(), receivers[1].delay())
    }

    #[test]
    fn lips_and_words_of_one_person_stay_together() {
        let (behind, _) = lips_behind([1, 1], 10);
        assert!(behind <= 45, "{behind} ms");
        let (behind, delay) = lips_behind([1, 2], 10);
        assert!(behind > 45, "another's voice does not wait: {behind} ms");
        assert_eq!(delay, LIMITS.0);
        let (_, delay) = lips_behind([1, 1], 3);
        assert_eq!(delay, LIMITS.0, "nobody films any more");
    }

    fn frame(start: Instant, n: u64, keyframe: bool, contiguous: bool) -> Arrived {
        Arrived {
            mid: "1".to_owned(),
            codec: Codec::Vp8,
            time_us: n * 33_000,
            at: start + Duration::from_millis(n * 33),
            data: Arc::from([0; 4]),
            keyframe,
            contiguous,
            rotation: Rotation::Upright,
        }
    }

    #[test]
    fn after_a_gap_nothing_is_given_before_a_keyframe_which_is_asked_for() {
        let start = Instant::now();
        let (mut receiver, mut stats) = (receiver(), Stats::default());
        let mut given = Vec::new();
        for n in 0..40 {
            let now = start + Duration::from_millis(n * 33);
            // Number 10 is missing before 11; the keyframe that follows is number 30.
            let arrived = frame(start, n, n == 0 || n == 30, n != 11);
            if n != 10 {
                receiver.take(now, arrived, &mut stats);
            }
            if n == 11 {
                assert!(receiver.poll_keyframe(now), "it is asked for at once");
            }
            while let Some(due) = receiver.poll(now, 0, &mut stats) {
                given.push((due.arrived.time_us / 33_000, due.after_gap));
            }
        }
        let numbers: Vec<u64> = given.iter().map(|(n, _)| *n).collect();
        let expected: Vec<u64> = (0..10).chain(30..39).collect();
        assert_eq!(numbers, expected);
        assert_eq!(stats.frames_dropped_undecodable, 19);
        assert_eq!(stats.freeze_count, 1);
        let gaps: Vec<u64> = given
            .iter()
            .filter(|(_, gap)| *gap)
            .map(|(n, _)| *n)
            .collect();
        assert_eq!(gaps, [30], "the first one after the gap says so");
    }
}
