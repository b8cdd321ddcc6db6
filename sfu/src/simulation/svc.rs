//! A scalable stream of three sizes and two frame rates, each size made of the next smaller one, and
//! a decoder that knows nothing of it but dependency descriptors and the marker.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::frames::{Decoder, Piece};
use crate::core::rtp::descriptor::example::{Bitstream, Example, beginning};
use crate::core::rtp::descriptor::{self, Frame, Structure};

/// What each size takes of the rate.
pub(super) const SHARES: [f64; 3] = [0.08, 0.22, 0.7];

/// For each size: a keyframe, the frames between which the rate is halved, and those others.
const TEMPLATES: [Example<'static>; 9] = [
    (0, 0, "SSSSSS", &[], &[]),
    (0, 0, "SSRRRR", &[6], &[]),
    (0, 1, "-D-R-R", &[3], &[]),
    (1, 0, "--SSSS", &[1], &[]),
    (1, 0, "--SSRR", &[6, 1], &[]),
    (1, 1, "---D-R", &[3, 1], &[]),
    (2, 0, "----SS", &[1], &[]),
    (2, 0, "----SS", &[6, 1], &[]),
    (2, 1, "-----D", &[3, 1], &[]),
];

/// The first byte of a payload: that of VP9's descriptor.
pub(super) fn head(starts_keyframe: bool) -> u8 {
    if starts_keyframe { 0x08 } else { 0x40 }
}

/// That of a packet of this size, so many pictures after the keyframe.
pub(super) fn descriptor(picture: u32, layer: u8, since: u32, ends: (bool, bool)) -> Vec<u8> {
    let number = picture.wrapping_mul(3).wrapping_add(layer.into()) as u16;
    let kind = match since {
        0 => 0,
        _ => 1 + since % 2,
    };
    if since == 0 && layer == 0 && ends.0 {
        return beginning(ends, number, &TEMPLATES);
    }
    let mut bits = Bitstream::default();
    bits.mandatory(ends, u32::from(layer) * 3 + kind, number)
        .bytes()
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Parts {
    structure: Option<Structure>,
    frames: BTreeMap<u16, Waiting>,
    decoded: BTreeSet<u16>,
    /// Numbers of all packets.
    pub(super) indices: BTreeSet<u64>,
}

#[derive(Debug)]
struct Waiting {
    missing: BTreeSet<u16>,
    frame: Frame,
    piece: Piece,
    marked: bool,
}

impl Parts {
    /// A packet; what can be shown goes to `decoder`.
    pub(super) fn take(
        &mut self,
        (payload, bytes): (&[u8], &[u8]),
        marker: bool,
        now: Duration,
        decoder: &mut Decoder,
    ) {
        let (Some(piece), Some(read)) = (
            Piece::read(payload),
            descriptor::read(bytes, self.structure.as_ref()),
        ) else {
            return;
        };
        if let Some(structure) = read.structure {
            self.structure = Some(structure);
            (self.frames, self.decoded) = Default::default();
        }
        let frame = read.frame;
        let waiting = self.frames.entry(frame.number).or_insert_with(|| Waiting {
            missing: (0..piece.count).collect(),
            frame,
            piece,
            marked: false,
        });
        waiting.missing.remove(&piece.place);
        waiting.marked |= marker;
        while let Some(waiting) = self.next() {
            if waiting.marked {
                let Piece {
                    frame,
                    taken,
                    layer,
                    ..
                } = waiting.piece;
                decoder.pictures.push((frame, taken, now, layer));
            }
        }
        decoder.came(now, !self.frames.is_empty());
    }

    fn next(&mut self) -> Option<Waiting> {
        let decoded = &self.decoded;
        let whole = |waiting: &Waiting| {
            let mut references = waiting.frame.references();
            waiting.missing.is_empty() && references.all(|it| decoded.contains(&it))
        };
        let found = self.frames.iter().find(|(_, waiting)| whole(waiting));
        let number = *found?.0;
        self.decoded.insert(number);
        self.frames.remove(&number)
    }
}
