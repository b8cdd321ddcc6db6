//! Numbers of pictures in VP8's payload descriptor (RFC 7741 §4.2), kept continuous for a receiver
//! whose stream is made of several.
//!
//! Each layer of a camera numbers its pictures by itself. A decoder that sees them go back takes
//! what follows for old and shows nothing. The bytes of a packet are shared by all receivers and
//! stay as they are: a [`Patch`] is written over the copy that leaves.

/// Longest descriptor.
const LONGEST: usize = 6;

/// Where the numbers of a descriptor are, and what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Descriptor {
    /// PictureID of 15 bits, or of 7.
    picture: Option<(usize, u16, bool)>,
    /// TL0PICIDX, when the descriptor has one.
    base: Option<(usize, u8)>,
    /// The byte that KEYIDX is the lower five bits of.
    key: Option<(usize, u8)>,
    length: usize,
}

fn read(payload: &[u8]) -> Option<Descriptor> {
    let mut found = Descriptor {
        picture: None,
        base: None,
        key: None,
        length: 1,
    };
    if payload.first()? & 0x80 == 0 {
        return Some(found);
    }
    let extension = *payload.get(1)?;
    found.length = 2;
    if extension & 0x80 != 0 {
        let first = *payload.get(2)?;
        let long = first & 0x80 != 0;
        let number = match long {
            true => u16::from_be_bytes([first & 0x7F, *payload.get(3)?]),
            false => u16::from(first),
        };
        found.picture = Some((2, number, long));
        found.length += 1 + usize::from(long);
    }
    if extension & 0x40 != 0 {
        found.base = Some((found.length, *payload.get(found.length)?));
        found.length += 1;
    }
    if extension & 0x30 != 0 {
        let byte = *payload.get(found.length)?;
        found.key = (extension & 0x10 != 0).then_some((found.length, byte));
        found.length += 1;
    }
    Some(found)
}

/// Width and height of the picture that a payload begins, when it is the first of a keyframe whose
/// header is in the clear (RFC 6386 §9.1): of one that is encrypted end to end nothing is known.
pub(crate) fn size(payload: &[u8]) -> Option<(u16, u16)> {
    const START: [u8; 3] = [0x9D, 0x01, 0x2A];
    let first = *payload.first()?;
    let begins = first & 0x10 != 0 && first & 0x07 == 0;
    let frame = payload.get(read(payload)?.length..)?;
    let (tag, rest) = frame.split_first_chunk::<3>()?;
    let (start, rest) = rest.split_first_chunk::<3>()?;
    if !begins || tag[0] & 0x01 != 0 || *start != START {
        return None;
    }
    let ([a, b, c, d], _) = rest.split_first_chunk::<4>()?;
    // The upper two bits of each ask for a larger picture than was coded.
    let side = |bytes: [u8; 2]| u16::from_le_bytes(bytes) & 0x3FFF;
    let (width, height) = (side([*a, *b]), side([*c, *d]));
    (width > 0 && height > 0).then_some((width, height))
}

/// The first bytes of a payload, as one receiver gets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patch {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Patch {
    /// Writes them over a copy of the payload.
    pub(crate) fn over(&self, payload: &mut [u8]) {
        if let Some(head) = payload.get_mut(..self.length) {
            head.copy_from_slice(&self.bytes[..self.length]);
        }
    }
}

/// Continuous numbers of one receiver's stream.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    picture: Number,
    base: Number,
    key: Number,
}

impl Numbers {
    /// The head of a packet that passes, or is sent again, in the `epoch`th part of the receiver's
    /// stream; `None` when it stays as it is. An epoch begins with its first picture.
    pub(crate) fn patch(&mut self, payload: &[u8], epoch: u32) -> Option<Patch> {
        let found = read(payload)?;
        let mut bytes = [0; LONGEST];
        let head = payload.get(..found.length)?;
        bytes[..found.length].copy_from_slice(head);
        if let Some((at, number, long)) = found.picture {
            let bits = if long { 15 } else { 7 };
            let [high, low] = self.picture.map(number, bits, epoch).to_be_bytes();
            match long {
                true => (bytes[at], bytes[at + 1]) = (0x80 | high, low),
                false => bytes[at] = low,
            }
        }
        if let Some((at, number)) = found.base {
            bytes[at] = self.base.map(u16::from(number), 8, epoch) as u8;
        }
        if let Some((at, byte)) = found.key {
            let number = self.key.map(u16::from(byte & 0x1F), 5, epoch) as u8;
            bytes[at] = byte & 0xE0 | number;
        }
        let changed = bytes[..found.length] != *head;
        changed.then_some(Patch {
            bytes,
            length: found.length,
        })
    }
}

/// A number that each receiver sees go on, whatever its stream is made of.
#[derive(Debug, Default)]
pub(crate) struct Number {
    epoch: Option<u32>,
    offset: u16,
    last: Option<u16>,
}

impl Number {
    /// What the receiver sees for `number`, which has so many bits.
    pub(crate) fn map(&mut self, number: u16, bits: u32, epoch: u32) -> u16 {
        let most = u16::MAX >> (u16::BITS - bits);
        if self.epoch.replace(epoch) != Some(epoch) {
            let next = self.last.map(|last| last.wrapping_add(1));
            self.offset = next.map_or(0, |next| next.wrapping_sub(number));
        }
        let seen = number.wrapping_add(self.offset) & most;
        let ahead = |last: u16| seen.wrapping_sub(last) & most <= most / 2;
        if self.last.is_none_or(ahead) {
            self.last = Some(seen);
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A payload with all numbers, as Chromium sends it with temporal layers.
    fn full(picture: u16, base: u8, key: u8) -> Vec<u8> {
        let [high, low] = picture.to_be_bytes();
        vec![
            0x90,
            0xF0,
            0x80 | high,
            low,
            base,
            0x60 | key & 0x1F,
            0x55,
            0x66,
        ]
    }

    fn patched(numbers: &mut Numbers, payload: &[u8], epoch: u32) -> Vec<u8> {
        let mut copy = payload.to_vec();
        if let Some(patch) = numbers.patch(payload, epoch) {
            patch.over(&mut copy);
        }
        copy
    }

    #[test]
    fn the_first_source_passes_as_it_is_and_the_next_one_continues() {
        let mut numbers = Numbers::default();
        let first = full(0x7FFE, 255, 31);
        assert_eq!(numbers.patch(&first, 1), None);
        assert_eq!(
            patched(&mut numbers, &full(700, 9, 3), 2),
            full(0x7FFF, 0, 0)
        );
        assert_eq!(patched(&mut numbers, &full(701, 10, 3), 2), full(0, 1, 0));
        assert_eq!(
            patched(&mut numbers, &full(700, 9, 3), 2),
            full(0x7FFF, 0, 0),
            "again"
        );
    }

    #[test]
    fn short_numbers_stay_short() {
        let mut numbers = Numbers::default();
        let short = |picture: u8| vec![0x90, 0x80, picture, 0x11];
        assert_eq!(numbers.patch(&short(127), 1), None);
        assert_eq!(patched(&mut numbers, &short(50), 2), short(0));
        assert_eq!(patched(&mut numbers, &short(51), 2), short(1));
    }

    #[test]
    fn descriptors_without_numbers_and_cut_ones_stay_as_they_are() {
        let mut numbers = Numbers::default();
        numbers.patch(&full(5, 5, 5), 1);
        for payload in [
            &[0x10, 0x00][..],
            &[0x90, 0x20, 0x60, 0x00],
            &[0x90, 0x80, 0x81],
            &[],
        ] {
            assert_eq!(numbers.patch(payload, 2), None, "{payload:?}");
        }
    }

    #[test]
    fn a_clear_keyframe_tells_its_size_and_nothing_else_does() {
        let keyframe = [0x90, 0x80, 0x81, 0x02, 0x10, 0x3A, 0x02];
        let whole = |start: [u8; 3]| [&keyframe[..], &start, &[0x80, 0x42, 0xD0, 0x02]].concat();
        let clear = whole([0x9D, 0x01, 0x2A]);
        assert_eq!(size(&clear), Some((640, 720)));
        assert_eq!(size(&whole([0x11, 0x22, 0x33])), None, "encrypted");
        for cut in 0..clear.len() {
            assert_eq!(size(&clear[..cut]), None, "{cut}");
        }
        let mut later = clear;
        later[0] = 0x80;
        assert_eq!(size(&later), None, "not the first packet");
        later[0] = 0x90;
        later[4] |= 1;
        assert_eq!(size(&later), None, "no keyframe");
    }

    proptest! {
        #[test]
        fn pictures_never_repeat_or_go_back(
            steps in prop::collection::vec((0_usize..3, 1_u16..4), 1..300),
            starts in prop::array::uniform3(0_u16..0x8000),
        ) {
            let mut numbers = Numbers::default();
            let (mut next, mut epoch, mut source) = (starts, 0, None);
            let mut last: Option<u16> = None;
            for (which, step) in steps {
                if source.replace(which) != Some(which) {
                    epoch += 1;
                }
                next[which] = (next[which] + step) & 0x7FFF;
                let payload = full(next[which], next[which] as u8, which as u8);
                let seen = patched(&mut numbers, &payload, epoch);
                prop_assert_eq!(&seen[..2], &payload[..2]);
                prop_assert_eq!(&seen[6..], &payload[6..]);
                prop_assert_eq!(seen[5] & 0xE0, payload[5] & 0xE0);
                let picture = u16::from_be_bytes([seen[2] & 0x7F, seen[3]]);
                if let Some(last) = last {
                    let ahead = picture.wrapping_sub(last) & 0x7FFF;
                    prop_assert!((1..4).contains(&ahead), "{} after {}", picture, last);
                }
                last = Some(picture);
            }
        }

        #[test]
        fn nothing_breaks_the_reader(payload in prop::collection::vec(any::<u8>(), 0..12)) {
            let _ = size(&payload);
            let seen = patched(&mut Numbers::default(), &payload, 1);
            prop_assert_eq!(seen, payload, "the first source passes as it is");
        }
    }
}
