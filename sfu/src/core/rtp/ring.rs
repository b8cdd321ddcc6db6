//! The packets of one stream that came last, opened, for those who have lost one.
//!
//! One copy for all receivers. Bounded by age, by number and by bytes; it grows to what the
//! stream's bitrate needs and no further. Its memory is a chain of chunks, so that nothing moves
//! when it grows and nothing is pushed out before its time; a chunk whose packets are all too old is
//! taken again.

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
/// Bytes of a chunk: it begins with the first and doubles as the stream turns out to need many.
/// A voice takes 5 KB and a camera's stream at 2 Mbit/s 112. Larger chunks stand half empty at both
/// ends; in smaller ones whole packets leave more at each end.
const SMALLEST_CHUNK: usize = 1024;
const LARGEST_CHUNK: usize = 8 * 1024;
/// So many chunks of a size are few enough.
const CHUNKS: usize = 8;
/// Steps in which the list of packets grows; by itself it would double.
const PACKETS_STEP: usize = 16;

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
    /// Number of its chunk.
    chunk: u32,
    start: u16,
    length: u16,
}

#[derive(Debug)]
struct Chunk {
    number: u32,
    bytes: Box<[u8]>,
    used: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    /// Oldest first.
    kept: VecDeque<Kept>,
    /// Theirs, in the same order; numbers follow each other.
    chunks: VecDeque<Chunk>,
    /// Chunks to be taken again.
    spare: Vec<Box<[u8]>>,
    /// Bytes of all chunks.
    bytes: usize,
    /// How large the next new one is, as a power of two of the smallest.
    doublings: u32,
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
        if length > usize::from(u16::MAX) {
            return None;
        }
        let most = match self.longer {
            true => PACKETS_LONGER,
            false => PACKETS,
        };
        self.forget_old(now);
        while self.kept.len() >= most {
            self.forget_oldest();
        }
        let fits = |chunk: &Chunk| chunk.used + length <= chunk.bytes.len();
        if !self.chunks.back().is_some_and(fits) {
            self.add_chunk(length);
        }
        let chunk = self.chunks.back_mut()?;
        chunk.bytes.get_mut(chunk.used..chunk.used + length)
    }

    /// What was filled into the last [`Self::room`], and what lies behind it.
    pub(crate) fn pending(&self) -> &[u8] {
        let chunk = self.chunks.back();
        chunk.map_or(&[], |chunk| &chunk.bytes[chunk.used..])
    }

    /// Keeps the packet whose payload was filled into the last [`Self::room`]: the bytes in `used`
    /// of it.
    pub(crate) fn keep(&mut self, about: About, used: Range<usize>) -> Kept {
        let mut kept = Kept {
            about,
            chunk: 0,
            start: 0,
            length: used.len() as u16,
        };
        if let Some(chunk) = self.chunks.back_mut() {
            kept.chunk = chunk.number;
            kept.start = (chunk.used + used.start) as u16;
            chunk.used += used.end;
        }
        if self.kept.len() == self.kept.capacity() {
            self.kept.reserve_exact(PACKETS_STEP);
        }
        self.kept.push_back(kept);
        kept
    }

    /// The payload of a packet that was returned by [`Self::keep`] in this turn, or found since.
    /// Nothing for one whose chunk has been taken again.
    pub(crate) fn payload(&self, kept: &Kept) -> &[u8] {
        let first = self.chunks.front().map_or(0, |chunk| chunk.number);
        let place = kept.chunk.wrapping_sub(first) as usize;
        let (start, length) = (usize::from(kept.start), usize::from(kept.length));
        let chunk = self.chunks.get(place);
        chunk.map_or(&[], |chunk| &chunk.bytes[start..start + length])
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
        self.bytes + self.kept.capacity() * size_of::<Kept>()
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
            self.forget_oldest();
        }
    }

    /// Forgets the oldest packet, and spares the chunks before the one of the next.
    fn forget_oldest(&mut self) {
        self.kept.pop_front();
        while let Some(chunk) = self.chunks.front() {
            let next = self.kept.front().map(|next| next.chunk);
            if next == Some(chunk.number) || self.chunks.len() == 1 {
                break;
            }
            self.spare
                .extend(self.chunks.pop_front().map(|it| it.bytes));
        }
    }

    /// Another chunk at the end, with room for `length` bytes: a spared one, a new one while the
    /// bound allows, else one of the oldest packets'.
    fn add_chunk(&mut self, length: usize) {
        let size = (SMALLEST_CHUNK << self.doublings).max(length);
        let bytes = loop {
            match self.spare.pop() {
                Some(bytes) if bytes.len() >= size => break bytes,
                // From when the stream needed less.
                Some(bytes) => self.bytes -= bytes.len(),
                None if self.bytes + size <= self.most() || self.kept.is_empty() => {
                    break self.new_chunk(size);
                }
                None => self.forget_oldest(),
            }
        };
        let last = self.chunks.back();
        let number = last.map_or(0, |last| last.number.wrapping_add(1));
        self.chunks.push_back(Chunk {
            number,
            bytes,
            used: 0,
        });
    }

    fn new_chunk(&mut self, size: usize) -> Box<[u8]> {
        self.bytes += size;
        let largest = SMALLEST_CHUNK << self.doublings >= LARGEST_CHUNK;
        if !largest && self.chunks.len() >= CHUNKS {
            self.doublings += 1;
        }
        vec![0; size].into_boxed_slice()
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
    fn nothing_is_pushed_out_before_its_time_while_the_stream_grows() {
        let start = Instant::now();
        let mut ring = Ring::default();
        let mut sent: Vec<(u64, Duration)> = Vec::new();
        let mut passed = Duration::ZERO;
        // From 200 kbit/s to 2 Mbit/s in 20 s.
        for index in 0..2_000 {
            passed += Duration::from_millis(44 - (index / 50).min(39));
            put(&mut ring, index, 1_100, start + passed).expect("room");
            sent.push((index, passed));
            let newest = sent.iter().rev().take_while(|(_, at)| passed - *at <= KEPT);
            for (index, _) in newest {
                assert!(ring.find(0, *index).is_some(), "{index} at {passed:?}");
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
        // 100 KB of payload, and what is known of 91 packets.
        assert!(ring.memory() < 126 * 1024, "{}", ring.memory());
        // A voice at 32 kbit/s.
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
