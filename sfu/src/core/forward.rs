//! Rewriting one stream for one receiver: sequence numbers, timestamps, and when to start.
//!
//! A receiver's stream begins below 65,536, because SRTP cannot tell a receiver the rollover
//! counter (RFC 3711 §3.3.1): a late joiner on a long stream would see nothing. It stays gapless
//! when the source changes or was held, so that the receiver asks for nothing that was never sent.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::gaps::Gaps;

/// How long a receiver is kept waiting for a keyframe before it gets whatever comes. Higher hides
/// a stream whose keyframes we cannot see; lower shows broken pictures after a slow keyframe.
const KEYFRAME_PATIENCE: Duration = Duration::from_secs(3);
/// Older packets of a new stream that still fit before its first one.
const REORDER_ROOM: u64 = 64;
/// Packets remembered that end a picture for the receiver and not for others: 2 s of them.
const ENDS: usize = 64;

/// What a receiver's stream is made of now: the source's connection and its SSRC.
pub(crate) type SourceId = (super::arena::Key, u32);

/// The part of a packet that forwarding decides on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    /// Which stream it belongs to.
    pub(crate) source: SourceId,
    /// Sequence number, extended by the receiver of the source.
    pub(crate) sequence: u64,
    /// RTP timestamp.
    pub(crate) timestamp: u32,
    /// RTP clock ticks per second.
    pub(crate) clock_rate: u32,
    /// `Some(true)` for the first packet of a keyframe, `None` when there are none (audio).
    pub(crate) keyframe: Option<bool>,
    /// When it came.
    pub(crate) at: Instant,
}

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Send it with this sequence number and timestamp.
    Send {
        /// Extended sequence number.
        sequence: u64,
        /// RTP timestamp.
        timestamp: u32,
    },
    /// Leave it out and ask the source for a keyframe.
    AwaitKeyframe,
    /// Leave it out.
    Skip,
}

/// What becomes of the number of a packet that the receiver is not to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// It has none.
    Closed,
    /// It has this one: later packets have left already. It is to be filled with a packet of
    /// nothing, or the receiver would ask for it.
    Open {
        /// Extended sequence number.
        sequence: u64,
        /// RTP timestamp.
        timestamp: u32,
    },
}

/// Where a sent packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) source: SourceId,
    /// Its number there, extended.
    pub(crate) index: u64,
    /// What was added to its timestamp.
    pub(crate) timestamp_offset: u32,
    /// Whether it ended a picture, for this receiver only.
    pub(crate) ends: bool,
}

/// Rewrites packets of changing sources into one continuous stream.
#[derive(Debug)]
pub(crate) struct Rewriter {
    source: Option<Mapping>,
    waiting_since: Option<Instant>,
    next_sequence: u64,
    last: Option<Last>,
    epoch: u32,
}

#[derive(Debug)]
struct Mapping {
    source: SourceId,
    first_in: u64,
    first_out: u64,
    /// Lower numbers may have been used by a former source.
    floor: u64,
    timestamp_offset: u32,
    /// The highest that has passed.
    top: u64,
    gaps: Gaps,
    ends: VecDeque<u64>,
}

impl Mapping {
    fn sequence(&self, index: u64) -> Option<u64> {
        let position = index - self.gaps.before(index)?;
        let sequence = (self.first_out + position).checked_sub(self.first_in)?;
        (sequence >= self.floor).then_some(sequence)
    }
}

#[derive(Debug)]
struct Last {
    timestamp: u32,
    at: Instant,
}

impl Rewriter {
    /// A stream whose first packet has `first_sequence`, which is below 32,768 so that the
    /// rollover counter starts at 0 whatever gets lost.
    pub(crate) fn new(first_sequence: u16) -> Self {
        Self {
            source: None,
            waiting_since: None,
            next_sequence: u64::from(first_sequence & 0x7FFF).max(REORDER_ROOM),
            last: None,
            epoch: 0,
        }
    }

    /// Forgets the source: the next packet, of whatever source, continues the stream without a gap
    /// and, for video, with a keyframe.
    pub(crate) fn pause(&mut self) {
        self.source = None;
        self.waiting_since = None;
    }

    /// Whether packets of `source` pass.
    pub(crate) fn follows(&self, source: SourceId) -> bool {
        self.source
            .as_ref()
            .is_some_and(|mapping| mapping.source == source)
    }

    /// How many times the stream has begun to be made of something else, or of the same anew.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Decides on one packet.
    pub(crate) fn decide(&mut self, packet: Incoming) -> Decision {
        if !self.follows(packet.source) {
            if self.must_wait(&packet) {
                return Decision::AwaitKeyframe;
            }
            self.switch_to(&packet);
        }
        let Some(mapping) = &mut self.source else {
            return Decision::Skip;
        };
        let Some(sequence) = mapping.sequence(packet.sequence) else {
            return Decision::Skip;
        };
        mapping.top = mapping.top.max(packet.sequence);
        let timestamp = packet.timestamp.wrapping_add(mapping.timestamp_offset);
        if sequence >= self.next_sequence {
            self.next_sequence = sequence + 1;
            self.last = Some(Last {
                timestamp,
                at: packet.at,
            });
        }
        Decision::Send {
            sequence,
            timestamp,
        }
    }

    /// A packet that the receiver is not to get leaves no gap in its numbers.
    pub(crate) fn leave_out(&mut self, source: SourceId, index: u64, timestamp: u32) -> LeftOut {
        let mapping = self.source.as_mut().filter(|it| it.source == source);
        let Some(mapping) = mapping else {
            return LeftOut::Closed;
        };
        if index > mapping.top {
            mapping.gaps.add(index);
            return LeftOut::Closed;
        }
        let Some(sequence) = mapping.sequence(index) else {
            return LeftOut::Closed;
        };
        LeftOut::Open {
            sequence,
            timestamp: timestamp.wrapping_add(mapping.timestamp_offset),
        }
    }

    /// Notes that the packet with this number ends a picture for the receiver, and for others not.
    pub(crate) fn ends(&mut self, sequence: u64) {
        if let Some(mapping) = &mut self.source {
            if mapping.ends.len() == ENDS {
                mapping.ends.pop_front();
            }
            mapping.ends.push_back(sequence);
        }
    }

    /// Where the packet with this number came from. `None` for numbers of former sources.
    pub(crate) fn origin(&self, sequence: u64) -> Option<Origin> {
        let mapping = self.source.as_ref().filter(|it| sequence >= it.floor)?;
        let position = (mapping.first_in + sequence).checked_sub(mapping.first_out)?;
        Some(Origin {
            source: mapping.source,
            index: mapping.gaps.index_of(position)?,
            timestamp_offset: mapping.timestamp_offset,
            ends: mapping.ends.contains(&sequence),
        })
    }

    /// What is added to the timestamps of `source`, while it is the one that passes.
    pub(crate) fn timestamp_offset(&self, source: SourceId) -> Option<u32> {
        let mapping = self.source.as_ref().filter(|it| it.source == source)?;
        Some(mapping.timestamp_offset)
    }

    fn must_wait(&mut self, packet: &Incoming) -> bool {
        if packet.keyframe.is_none_or(|starts| starts) {
            return false;
        }
        let since = *self.waiting_since.get_or_insert(packet.at);
        packet.at.saturating_duration_since(since) < KEYFRAME_PATIENCE
    }

    fn switch_to(&mut self, packet: &Incoming) {
        let first_out = self.next_sequence;
        let (floor, timestamp_offset) = match &self.last {
            None => (first_out.saturating_sub(REORDER_ROOM), 0),
            Some(last) => {
                let passed = packet.at.saturating_duration_since(last.at).as_micros();
                let ticks = passed * u128::from(packet.clock_rate) / 1_000_000;
                // At least one tick: two frames never share a timestamp. It wraps as RTP does.
                let expected = last.timestamp.wrapping_add((ticks as u32).max(1));
                (first_out, expected.wrapping_sub(packet.timestamp))
            }
        };
        self.source = Some(Mapping {
            source: packet.source,
            first_in: packet.sequence,
            first_out,
            floor,
            timestamp_offset,
            top: packet.sequence,
            gaps: Gaps::default(),
            ends: VecDeque::new(),
        });
        self.waiting_since = None;
        self.epoch = self.epoch.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::core::arena::{Arena, Key};

    fn sources() -> (Key, Key) {
        let mut arena = Arena::default();
        (arena.insert(|_| ()), arena.insert(|_| ()))
    }

    fn audio(source: SourceId, sequence: u64, timestamp: u32, at: Instant) -> Incoming {
        Incoming {
            source,
            sequence,
            timestamp,
            clock_rate: 48_000,
            keyframe: None,
            at,
        }
    }

    fn sent(decision: Decision) -> (u64, u32) {
        match decision {
            Decision::Send {
                sequence,
                timestamp,
            } => (sequence, timestamp),
            other => panic!("expected a packet to be sent, got {other:?}"),
        }
    }

    #[test]
    fn a_late_joiner_starts_below_the_first_rollover() {
        let (one, _) = sources();
        let mut rewriter = Rewriter::new(u16::MAX);
        let (sequence, _) = sent(rewriter.decide(audio((one, 1), 7_000_000, 5, Instant::now())));
        assert!(sequence < 32_768);
    }

    #[test]
    fn a_new_source_continues_numbers_and_time() {
        let (one, two) = sources();
        let start = Instant::now();
        let mut rewriter = Rewriter::new(1_000);
        let before = sent(rewriter.decide(audio((one, 1), 50, 96_000, start)));
        let later = start + Duration::from_millis(20);
        let after = sent(rewriter.decide(audio((two, 9), 90_000, 7, later)));
        assert_eq!(after, (before.0 + 1, before.1 + 960));
        assert_eq!(
            rewriter.decide(audio((two, 9), 89_999, 6, later)),
            Decision::Skip,
            "a number the former source may have used"
        );
    }

    #[test]
    fn a_packet_that_was_overtaken_at_the_start_still_fits() {
        let (one, _) = sources();
        let start = Instant::now();
        let mut rewriter = Rewriter::new(1_000);
        let first = sent(rewriter.decide(audio((one, 1), 500, 960, start))).0;
        assert_eq!(
            sent(rewriter.decide(audio((one, 1), 499, 0, start))).0,
            first - 1
        );
        assert_eq!(
            rewriter.decide(audio((one, 1), 10, 0, start)),
            Decision::Skip
        );
    }

    #[test]
    fn video_starts_with_a_keyframe_or_when_patience_ends() {
        let (one, _) = sources();
        let start = Instant::now();
        let video = |sequence, keyframe, ms| Incoming {
            clock_rate: 90_000,
            keyframe: Some(keyframe),
            ..audio((one, 1), sequence, 0, start + Duration::from_millis(ms))
        };
        let mut rewriter = Rewriter::new(1_000);
        assert_eq!(rewriter.decide(video(1, false, 0)), Decision::AwaitKeyframe);
        sent(rewriter.decide(video(2, true, 30)));
        sent(rewriter.decide(video(3, false, 60)));
        rewriter.pause();
        assert_eq!(
            rewriter.decide(video(4, false, 90)),
            Decision::AwaitKeyframe
        );
        sent(rewriter.decide(video(5, false, 3_090)));
    }

    #[test]
    fn what_is_left_out_leaves_no_gap_and_requests_lead_back() {
        let (one, _) = sources();
        let (source, now) = ((one, 1), Instant::now());
        let mut rewriter = Rewriter::new(1_000);
        let first = sent(rewriter.decide(audio(source, 500, 960, now))).0;
        let mut numbers = vec![];
        for index in 501..520 {
            if index % 3 == 0 {
                assert_eq!(rewriter.leave_out(source, index, 0), LeftOut::Closed);
            } else {
                numbers.push((
                    index,
                    sent(rewriter.decide(audio(source, index, 960, now))).0,
                ));
            }
        }
        for ((index, number), expected) in numbers.iter().zip(first + 1..) {
            assert_eq!(*number, expected);
            assert_eq!(rewriter.origin(*number).map(|it| it.index), Some(*index));
        }
        // One that comes late has a number already; one of a former source has nothing to fill.
        let late = rewriter.decide(audio(source, 530, 960, now));
        let sequence = sent(late).0 - 2;
        assert_eq!(
            rewriter.leave_out(source, 528, 7),
            LeftOut::Open {
                sequence,
                timestamp: 7
            }
        );
        assert_eq!(rewriter.leave_out((one, 2), 528, 7), LeftOut::Closed);
        rewriter.ends(sequence);
        let ends = |number| rewriter.origin(number).map(|it| it.ends);
        assert_eq!(
            (ends(sequence), ends(sequence + 1)),
            (Some(true), Some(false))
        );
    }

    proptest! {
        #[test]
        fn numbers_are_never_used_twice_across_switches(
            steps in prop::collection::vec((0_u8..3, 0_u64..200_000, any::<u32>(), any::<bool>()), 1..200)
        ) {
            let (one, two) = sources();
            let start = Instant::now();
            let mut rewriter = Rewriter::new(5_000);
            let mut next = [0_u64, 1_000_000, 70_000];
            let mut seen = std::collections::HashSet::new();
            let mut highest: Option<u64> = None;
            for (index, (which, jump, timestamp, pause)) in steps.into_iter().enumerate() {
                let source = [(one, 1), (two, 2), (two, 3)][usize::from(which)];
                next[usize::from(which)] += 1 + jump % 3;
                if pause {
                    rewriter.pause();
                }
                let at = start + Duration::from_millis(index as u64);
                let packet = audio(source, next[usize::from(which)], timestamp, at);
                if let Decision::Send { sequence, .. } = rewriter.decide(packet) {
                    prop_assert!(seen.insert(sequence), "{sequence} was used twice");
                    let gap = highest.map_or(1, |highest| sequence - highest);
                    prop_assert!(gap <= 3, "a gap of {gap} that the source did not have");
                    highest = Some(sequence);
                }
            }
        }
    }
}
