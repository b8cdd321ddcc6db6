//! The packets of one stream that came last, opened, for those who have lost one.
//!
//! One copy for all receivers. Bounded by age, by number and by bytes; it grows to what the
//! stream's bitrate needs and no further.
//!
//! Positions are counted on and on, and lie in at most two pieces of memory: the newer packets from
//! the start on, and the older ones behind them. So the older ones can be moved to the end of a
//! larger memory, whoever holds a [`Kept`], and nothing is pushed out before its time because the
//! newest happens to lie before the oldest.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::header::{Extensions, Header};
use crate::core::codec::MediaCodec;

/// How long a packet is kept: longer costs memory for repairs that come too late to be shown.
pub(crate) const KEPT: Duration = Duration::from_millis(400);
/// The same where a receiver on a slow way may have to wait for a packet's first time.
const KEPT_LONGER: Duration = Duration::from_millis(2_500);
/// Most packets kept.
const PACKETS: usize = 512;
const PACKETS_LONGER: usize = 1_024;
/// Most bytes kept; 400 ms at 8 Mbit/s, 2.5 s at 2.5.
const BYTES: usize = 400 * 1024;
const BYTES_LONGER: usize = 800 * 1024;
/// It grows by one part in this many, in whole steps: a voice to 3 KB, a camera's stream at
/// 2 Mbit/s to 104. Larger steps stand empty, smaller ones move what is there more often: in all
/// some 2 MB until it has its size.
const GROWTH: usize = 64;
const STEP: usize = 1024;
/// Steps in which the list of packets grows; by itself it would double.
const PACKETS_STEP: usize = 8;

/// What is kept of a packet beside its payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    /// Its number in its stream, extended.
    pub(crate) index: u64,
    pub(crate) header: Header,
    pub(crate) extensions: Extensions,
    pub(crate) codec: MediaCodec,
    /// Which size of its picture it is of, of those that come; 0 is the smallest.
    pub(crate) layer: u8,
    /// When it came.
    pub(crate) at: Instant,
}

/// One packet in a [`Ring`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) about: About,
    /// Counted on and on; see [`Ring::place_of`].
    start: u64,
    length: u32,
    /// Where its dependency descriptor begins, counted from there, and how long it is.
    descriptor: (u32, u8),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    bytes: Vec<u8>,
    /// Oldest first.
    kept: VecDeque<Kept>,
    /// The position that lies at the start of the memory: those from here on are the newer piece.
    newer: u64,
    /// Where position 0 of the older piece would lie, counted from the start and wrapping.
    older: u64,
    /// The position behind the newest.
    end: u64,
    longer: bool,
}

impl Ring {
    fn most(&self) -> usize {
        match self.longer {
            true => BYTES_LONGER,
            false => BYTES,
        }
    }

    /// From now on packets are kept for longer.
    pub(crate) fn keep_longer(&mut self) {
        self.longer = true;
    }

    /// Room for a payload of `length` bytes, to be filled and then kept by [`Self::keep`]. Older
    /// packets make room. `None` when it could never fit.
    pub(crate) fn room(&mut self, length: usize, now: Instant) -> Option<&mut [u8]> {
        if length > self.most() {
            return None;
        }
        self.forget_old(now);
        let most = match self.longer {
            true => PACKETS_LONGER,
            false => PACKETS,
        };
        while self.kept.len() >= most {
            self.kept.pop_front();
        }
        let place = self.make_room(length);
        Some(&mut self.bytes[place..place + length])
    }

    /// What was filled into the last [`Self::room`], and what lies behind it.
    pub(crate) fn pending(&self) -> &[u8] {
        let place = self.place_of(self.end);
        self.bytes.get(place..).unwrap_or_default()
    }

    /// Keeps the packet whose payload was filled into the last [`Self::room`]: the bytes in `used`
    /// of it.
    pub(crate) fn keep(&mut self, about: About, used: Range<usize>) -> Kept {
        let end = used.end;
        self.keep_described(about, used, end..end)
    }

    /// The same with a dependency descriptor behind the payload, of at most 255 bytes.
    pub(crate) fn keep_described(
        &mut self,
        about: About,
        used: Range<usize>,
        descriptor: Range<usize>,
    ) -> Kept {
        let behind = descriptor.start.saturating_sub(used.start);
        let kept = Kept {
            about,
            start: self.end + used.start as u64,
            length: used.len() as u32,
            descriptor: (behind as u32, descriptor.len() as u8),
        };
        self.end += used.end.max(descriptor.end) as u64;
        if self.kept.len() == self.kept.capacity() {
            self.kept.reserve_exact(PACKETS_STEP);
        }
        self.kept.push_back(kept);
        kept
    }

    /// The payload of a packet that was returned by [`Self::keep`] in this turn, or found since;
    /// of any other one, whatever lies there.
    pub(crate) fn payload(&self, kept: &Kept) -> &[u8] {
        let place = self.place_of(kept.start);
        let end = place.saturating_add(kept.length as usize);
        self.bytes.get(place..end).unwrap_or_default()
    }

    /// The dependency descriptor of such a packet; empty when it has none.
    pub(crate) fn descriptor(&self, kept: &Kept) -> &[u8] {
        let (behind, length) = kept.descriptor;
        let place = self.place_of(kept.start).saturating_add(behind as usize);
        let end = place.saturating_add(length.into());
        self.bytes.get(place..end).unwrap_or_default()
    }

    /// The packet of `ssrc` with this index, if it is still there. Looks at the newest first,
    /// where a request's packet is.
    pub(crate) fn find(&self, ssrc: u32, index: u64) -> Option<&Kept> {
        let wanted = |kept: &&Kept| kept.about.index == index && kept.about.header.ssrc == ssrc;
        self.kept.iter().rev().find(wanted)
    }

    /// Bytes of memory it holds.
    #[cfg(test)]
    fn memory(&self) -> usize {
        self.bytes.capacity() + self.kept.capacity() * size_of::<Kept>()
    }

    fn forget_old(&mut self, now: Instant) {
        let time = match self.longer {
            true => KEPT_LONGER,
            false => KEPT,
        };
        while let Some(oldest) = self.kept.front() {
            if now.saturating_duration_since(oldest.about.at) <= time {
                break;
            }
            self.kept.pop_front();
        }
    }

    /// Where a position lies in memory.
    fn place_of(&self, position: u64) -> usize {
        let from = match position >= self.newer {
            true => self.newer.wrapping_neg(),
            false => self.older,
        };
        position.wrapping_add(from) as usize
    }

    /// Where the next `length` bytes go: behind the newest, or at the start again, over those that
    /// were forgotten; in a larger memory, when that is allowed; else over the oldest.
    fn make_room(&mut self, length: usize) -> usize {
        loop {
            let Some(oldest) = self.kept.front().map(|kept| kept.start) else {
                self.begin_anew();
                if length > self.bytes.len() {
                    self.grow(length);
                }
                return 0;
            };
            let wrapped = oldest < self.newer;
            let (first, end) = (self.place_of(oldest), self.place_of(self.end));
            let limit = if wrapped { first } else { self.bytes.len() };
            if end + length <= limit {
                return end;
            }
            if !wrapped && length <= first {
                self.older = self.newer.wrapping_neg();
                self.newer = self.end;
                return 0;
            }
            if !self.grow(end + length - limit) {
                self.kept.pop_front();
            }
        }
    }

    /// Nothing is kept: what comes next lies at the start.
    fn begin_anew(&mut self) {
        self.newer = self.end;
    }

    /// Makes the memory larger by at least `more` bytes, if the bound allows; says whether it did.
    /// What wraps goes to its end.
    fn grow(&mut self, more: usize) -> bool {
        let before = self.bytes.len();
        let more = more.max(before / GROWTH).next_multiple_of(STEP);
        if before + more > self.most() {
            return false;
        }
        self.bytes.reserve_exact(more);
        self.bytes.resize(before + more, 0);
        let oldest = self.kept.front().map(|kept| kept.start);
        if let Some(oldest) = oldest.filter(|oldest| *oldest < self.newer) {
            let first = self.place_of(oldest);
            self.bytes.copy_within(first..before, first + more);
            self.older = self.older.wrapping_add(more as u64);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn about(index: u64, at: Instant) -> About {
        About {
            index,
            header: Header {
                marker: false,
                payload_type: 0,
                sequence: 0,
                timestamp: 0,
                ssrc: 0,
            },
            extensions: Extensions::default(),
            codec: MediaCodec::Vp8,
            layer: 0,
            at,
        }
    }

    fn put(ring: &mut Ring, index: u64, length: usize, at: Instant) -> Option<Kept> {
        let room = ring.room(length, at)?;
        room.fill(index as u8);
        Some(ring.keep(about(index, at), 0..length))
    }

    #[test]
    fn packets_are_found_until_they_are_too_old() {
        let start = Instant::now();
        let mut ring = Ring::default();
        for index in 0..100 {
            let at = start + Duration::from_millis(10 * index);
            put(&mut ring, index, 1_000, at).expect("room");
        }
        assert!(ring.find(0, 99).is_some() && ring.find(0, 60).is_some());
        assert!(ring.find(0, 58).is_none(), "older than 400 ms");
        assert_eq!(ring.payload(ring.find(0, 70).expect("kept")), [70; 1_000]);
    }

    #[test]
    fn nothing_is_pushed_out_before_its_time_while_the_bitrate_rises() {
        let start = Instant::now();
        let mut ring = Ring::default();
        let mut sent: VecDeque<(u64, Duration)> = VecDeque::new();
        let (mut passed, mut index) = (Duration::ZERO, 0);
        // 250 kbit/s, and each two seconds at once twice as much, up to 4 Mbit/s.
        for pause in [35_200, 17_600, 8_800, 4_400, 2_200] {
            let end = passed + Duration::from_secs(2);
            while passed < end {
                passed += Duration::from_micros(pause);
                index += 1;
                put(&mut ring, index, 1_100, start + passed).expect("room");
                sent.push_back((index, passed));
                while sent.front().is_some_and(|(_, at)| passed - *at > KEPT) {
                    sent.pop_front();
                }
                for (index, _) in &sent {
                    let kept = ring.find(0, *index);
                    let kept = kept.unwrap_or_else(|| panic!("{index} at {passed:?}"));
                    assert_eq!(ring.payload(kept), [*index as u8; 1_100]);
                }
            }
        }
    }

    #[test]
    fn memory_follows_the_bitrate_and_has_a_bound() {
        let start = Instant::now();
        let mut ring = Ring::default();
        // 2 Mbit/s for ten seconds.
        for index in 0..2_270 {
            let at = start + Duration::from_micros(4_405 * index);
            put(&mut ring, index, 1_100, at).expect("room");
        }
        assert!(ring.memory() < 125 * 1024, "{}", ring.memory());
        let mut voice = Ring::default();
        for index in 0..500 {
            let at = start + Duration::from_millis(20 * index);
            put(&mut voice, index, 80, at).expect("room");
        }
        assert!(voice.memory() < 8 * 1024, "{}", voice.memory());
        let mut flood = Ring::default();
        for index in 0..10_000 {
            put(&mut flood, index, 1_200, start).expect("room");
        }
        assert!(flood.memory() < BYTES + 64 * 1024, "{}", flood.memory());
        assert!(put(&mut flood, 0, BYTES + 1, start).is_none());
    }

    proptest! {
        #[test]
        fn whatever_is_found_is_whole(
            steps in prop::collection::vec((0_usize..3_000, 0_u64..60), 1..600)
        ) {
            let mut now = Instant::now();
            let mut ring = Ring::default();
            let mut held = VecDeque::new();
            for (index, (length, pause)) in (0_u64..).zip(steps) {
                now += Duration::from_millis(pause);
                let Some(kept) = put(&mut ring, index, length, now) else {
                    continue;
                };
                held.push_back(kept);
                let first = ring.kept.front().map(|kept| kept.start);
                while held.front().is_some_and(|kept| Some(kept.start) < first) {
                    held.pop_front();
                }
                for kept in &held {
                    let whole = ring.payload(kept).iter().all(|byte| *byte == kept.about.index as u8);
                    prop_assert!(whole, "packet {} is not where it was", kept.about.index);
                }
                for kept in &ring.kept {
                    let whole = ring.payload(kept).iter().all(|byte| *byte == kept.about.index as u8);
                    prop_assert!(whole, "packet {} was overwritten", kept.about.index);
                }
            }
        }
    }
}
