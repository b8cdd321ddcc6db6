//! The packets of one stream that came last, opened, for those who have lost one.
//!
//! One copy for all receivers. Bounded by age, by number and by bytes; it grows to what the
//! stream's bitrate needs and no further.

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
/// Steps in which it grows. A camera's stream at 2 Mbit/s takes seven.
const STEP: usize = 16 * 1024;

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
    start: usize,
    length: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    bytes: Vec<u8>,
    /// Oldest first; their bytes lie one behind the other, wrapping to the start as a whole.
    kept: VecDeque<Kept>,
    end: usize,
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
        let start = self.place(length);
        self.end = start;
        Some(&mut self.bytes[start..start + length])
    }

    /// What was filled into the last [`Self::room`], and what lies behind it.
    pub(crate) fn pending(&self) -> &[u8] {
        self.bytes.get(self.end..).unwrap_or_default()
    }

    /// Keeps the packet whose payload was filled into the last [`Self::room`]: the bytes in `used`
    /// of it.
    pub(crate) fn keep(&mut self, about: About, used: Range<usize>) -> Kept {
        let kept = Kept {
            about,
            start: self.end + used.start,
            length: used.len(),
        };
        self.end += used.end;
        self.kept.push_back(kept);
        kept
    }

    /// The payload of a packet that was returned by [`Self::keep`] in this turn, or found since.
    pub(crate) fn payload(&self, kept: &Kept) -> &[u8] {
        &self.bytes[kept.start..kept.start + kept.length]
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

    /// Where `length` bytes go: behind the newest, or at the start again, over the oldest.
    fn place(&mut self, length: usize) -> usize {
        loop {
            let Some(oldest) = self.kept.front().map(|kept| kept.start) else {
                self.grow(length);
                return 0;
            };
            let newest_wraps = self.end <= oldest && !self.kept.is_empty();
            let limit = if newest_wraps {
                oldest
            } else {
                self.bytes.len()
            };
            if self.end + length <= limit {
                return self.end;
            }
            if !newest_wraps && length <= oldest {
                return 0;
            }
            // Full: larger while that is allowed, else without the oldest.
            if !newest_wraps && self.grow(self.end + length) {
                continue;
            }
            self.kept.pop_front();
        }
    }

    /// Makes room for `needed` bytes in all, if the bound allows; says whether it did.
    fn grow(&mut self, needed: usize) -> bool {
        let wanted = needed.next_multiple_of(STEP);
        if needed <= self.bytes.len() || wanted > self.most() {
            return false;
        }
        self.bytes.reserve_exact(wanted - self.bytes.len());
        self.bytes.resize(wanted, 0);
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
    fn memory_follows_the_bitrate_and_has_a_bound() {
        let start = Instant::now();
        let mut ring = Ring::default();
        // 2 Mbit/s for ten seconds.
        for index in 0..2_270 {
            let at = start + Duration::from_micros(4_405 * index);
            put(&mut ring, index, 1_100, at).expect("room");
        }
        assert!(ring.memory() < 150 * 1024, "{}", ring.memory());
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
            for (index, (length, pause)) in (0_u64..).zip(steps) {
                now += Duration::from_millis(pause);
                if put(&mut ring, index, length, now).is_none() {
                    continue;
                }
                for kept in &ring.kept {
                    let whole = ring.payload(kept).iter().all(|byte| *byte == kept.about.index as u8);
                    prop_assert!(whole, "packet {} was overwritten", kept.about.index);
                }
            }
        }
    }
}
