//! Structures and frames written by hand, for tests of what reads them.

use super::*;

/// A template: layers, what it is to each decode target (`-DSR`), how far back it refers, and
/// how far back each chain's last frame is.
pub(crate) type Example<'a> = (u8, u8, &'a str, &'a [u16], &'a [u32]);

/// L2T2 of the specification (§A.8.3.6): two sizes, two rates, two chains.
pub(crate) const L2T2: [Example<'static>; 6] = [
    (0, 0, "SSSS", &[], &[0, 0]),
    (0, 0, "SSRR", &[4], &[4, 3]),
    (0, 1, "-D-R", &[2], &[2, 1]),
    (1, 0, "--SS", &[1], &[1, 1]),
    (1, 0, "--SS", &[4, 1], &[1, 1]),
    (1, 1, "---D", &[2, 1], &[3, 2]),
];
/// The chain that protects each of its targets.
pub(crate) const L2T2_CHAINS: [u32; 4] = [0, 0, 1, 1];
/// Lines and columns of its sizes.
pub(crate) const SIZES: [(u32, u32); 2] = [(360, 640), (720, 1_280)];

/// Bits as they are written down.
#[derive(Default)]
pub(crate) struct Bitstream(Vec<bool>);

impl Bitstream {
    pub(crate) fn put(&mut self, value: u32, count: u32) -> &mut Self {
        self.0
            .extend((0..count).rev().map(|place| value >> place & 1 == 1));
        self
    }

    /// A number below `most`: `ns(n)` of the specification.
    pub(crate) fn one_of(&mut self, value: u32, most: u32) -> &mut Self {
        let width = u32::BITS - most.leading_zeros();
        let short = (1 << width) - most;
        match value < short {
            true => self.put(value, width - 1),
            false => self.put(value + short, width),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let bytes = self.0.chunks(8).map(|bits| {
            let bits = bits.iter().enumerate();
            bits.fold(0, |byte, (place, bit)| byte | u8::from(*bit) << (7 - place))
        });
        bytes.collect()
    }

    /// What each descriptor has.
    pub(crate) fn mandatory(
        &mut self,
        ends: (bool, bool),
        template: u32,
        number: u16,
    ) -> &mut Self {
        let (starts, ends) = ends;
        self.put(starts.into(), 1).put(ends.into(), 1);
        self.put(template, 6).put(number.into(), 16)
    }

    /// A structure whose templates are numbered from `first` on.
    pub(crate) fn structure(
        &mut self,
        first: u32,
        templates: &[Example<'_>],
        chains: &[u32],
        sizes: &[(u32, u32)],
    ) {
        let targets = templates[0].2.len() as u32;
        self.put(first, 6).put(targets - 1, 5);
        for pair in templates.windows(2) {
            let next = match (pair[1].0 > pair[0].0, pair[1].1 > pair[0].1) {
                (true, _) => 2,
                (_, true) => 1,
                _ => 0,
            };
            self.put(next, 2);
        }
        self.put(3, 2);
        for template in templates {
            self.indications(template.2);
        }
        for (_, _, _, distances, _) in templates {
            for distance in *distances {
                self.put(1, 1).put(u32::from(*distance) - 1, 4);
            }
            self.put(0, 1);
        }
        let count = chains.iter().max().map_or(0, |highest| highest + 1);
        self.one_of(count, targets + 1);
        if count > 0 {
            for chain in chains {
                self.one_of(*chain, count);
            }
            for (_, _, _, _, back) in templates {
                for distance in *back {
                    self.put(*distance, 4);
                }
            }
        }
        self.put(u32::from(!sizes.is_empty()), 1);
        for (lines, columns) in sizes {
            self.put(columns - 1, 16).put(lines - 1, 16);
        }
    }

    pub(crate) fn indications(&mut self, all: &str) -> &mut Self {
        for letter in all.chars() {
            let number = "-DSR".find(letter).expect("one of these");
            self.put(number as u32, 2);
        }
        self
    }
}

/// A keyframe's first descriptor, with a structure whose first template it has.
pub(crate) fn beginning(ends: (bool, bool), number: u16, templates: &[Example<'_>]) -> Vec<u8> {
    let mut bits = Bitstream::default();
    bits.mandatory(ends, 0, number).put(STRUCTURE, 5);
    bits.structure(0, templates, &[], &[]);
    bits.bytes()
}

/// The first descriptor of a stream of L2T2, whose templates are numbered from 62 on.
pub(crate) fn keyframe(number: u16) -> Vec<u8> {
    let mut bits = Bitstream::default();
    bits.mandatory((true, true), 62, number).put(STRUCTURE, 5);
    bits.structure(62, &L2T2, &L2T2_CHAINS, &SIZES);
    bits.bytes()
}
