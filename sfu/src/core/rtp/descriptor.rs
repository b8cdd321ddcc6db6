//! The dependency descriptor of a frame (AV1 RTP payload specification, appendix A), which tells a
//! forwarder what may be left out, whatever the codec is and however it is encrypted.
//!
//! A keyframe brings a [`Structure`]: the decode targets that a receiver can choose from, and
//! templates of frames. Each packet names a template, and says what differs. Bytes of a stranger:
//! what does not fit, or goes beyond the bounds below, is none.

/// What the extension is called in SDP.
pub(crate) const URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
/// Longest one: what an extension's length can say.
pub(crate) const LONGEST: usize = 255;
/// Most templates, as their numbers have six bits.
const TEMPLATES: usize = 64;
/// Most frames that one refers to. AV1 has seven, VP9 three.
const REFERENCES: usize = 8;
/// Spatial and temporal layers.
const SPATIAL: u8 = 4;
const TEMPORAL: u8 = 8;
/// Bits of the part that each has, and of the flags behind it.
const MANDATORY: usize = 24;
const FLAGS: usize = 5;
/// Set among the flags when the structure, or which targets are active, follows.
const STRUCTURE: u32 = 0b1_0000;
const ACTIVE: u32 = 0b0_1000;

/// What a frame is to a decode target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indication {
    NotPresent,
    /// Nothing of the target refers to it.
    Discardable,
    /// What follows in the target can be decoded when it can.
    Switch,
    Required,
}

/// One indication for each decode target, the first in the lowest bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Indications(u64);

impl Indications {
    fn read(bits: &mut Bits<'_>, targets: u8) -> Option<Self> {
        let mut all = 0;
        for target in 0..targets {
            all |= u64::from(bits.take(2)?) << (2 * target);
        }
        Some(Self(all))
    }

    fn of(self, target: u8) -> Indication {
        match self.0.checked_shr(2 * u32::from(target)).unwrap_or(0) & 3 {
            0 => Indication::NotPresent,
            1 => Indication::Discardable,
            2 => Indication::Switch,
            _ => Indication::Required,
        }
    }
}

/// How far back the frames are that one refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct References {
    distances: [u16; REFERENCES],
    count: u8,
}

impl References {
    fn push(&mut self, distance: u16) -> Option<()> {
        *self.distances.get_mut(usize::from(self.count))? = distance;
        self.count += 1;
        Some(())
    }
}

/// What one frame is; of which packet does not matter but for the first two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Whether the packet is the first of it.
    pub(crate) starts: bool,
    /// Whether the packet is the last of it.
    pub(crate) ends: bool,
    pub(crate) number: u16,
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
    indications: Indications,
    references: References,
}

impl Frame {
    /// What it is to a decode target.
    pub(crate) fn to(&self, target: u8) -> Indication {
        self.indications.of(target)
    }

    /// The numbers of the frames that it refers to; none for a keyframe's first.
    pub(crate) fn references(&self) -> impl Iterator<Item = u16> + '_ {
        let distances = &self.references.distances[..usize::from(self.references.count)];
        distances.iter().map(|it| self.number.wrapping_sub(*it))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Template {
    spatial: u8,
    temporal: u8,
    indications: Indications,
    references: References,
}

/// What a stream's frames are made of until its next structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Structure {
    first_template: u8,
    targets: u8,
    chains: u8,
    templates: Vec<Template>,
    /// Lines and columns by spatial layer; empty when it does not say.
    sizes: Vec<(u32, u32)>,
}

impl Structure {
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let first_template = bits.take(6)? as u8;
        let targets = bits.take(5)? as u8 + 1;
        let mut templates = template_layers(bits)?;
        for template in &mut templates {
            template.indications = Indications::read(bits, targets)?;
        }
        for template in &mut templates {
            while bits.flag()? {
                template.references.push(bits.take(4)? as u16 + 1)?;
            }
        }
        let chains = bits.one_of(u32::from(targets) + 1)? as u8;
        if chains > 0 {
            for _ in 0..targets {
                bits.one_of(u32::from(chains))?;
            }
            bits.skip(4 * templates.len() * usize::from(chains))?;
        }
        let mut sizes = Vec::new();
        if bits.flag()? {
            let layers = templates.iter().map(|it| it.spatial).max()?;
            for _ in 0..=layers {
                let columns = bits.take(16)? + 1;
                sizes.push((bits.take(16)? + 1, columns));
            }
        }
        Some(Self {
            first_template,
            targets,
            chains,
            templates,
            sizes,
        })
    }

    /// How many decode targets there are.
    pub(crate) fn targets(&self) -> u8 {
        self.targets
    }

    /// The highest spatial and temporal layer of a decode target.
    pub(crate) fn layers(&self, target: u8) -> (u8, u8) {
        let templates = self.templates.iter();
        let within = templates.filter(|it| it.indications.of(target) != Indication::NotPresent);
        within.fold((0, 0), |(spatial, temporal), it| {
            (spatial.max(it.spatial), temporal.max(it.temporal))
        })
    }

    /// Whether whoever gets the one target has all frames of the other.
    pub(crate) fn includes(&self, one: u8, other: u8) -> bool {
        let has = |it: &Template, target| it.indications.of(target) != Indication::NotPresent;
        let mut templates = self.templates.iter();
        templates.all(|it| has(it, one) || !has(it, other))
    }

    /// Lines and columns of a spatial layer, when it says so.
    pub(crate) fn size(&self, spatial: u8) -> Option<(u32, u32)> {
        self.sizes.get(usize::from(spatial)).copied()
    }

    fn template(&self, number: u8) -> Option<&Template> {
        let place = number.wrapping_sub(self.first_template) % TEMPLATES as u8;
        self.templates.get(usize::from(place))
    }
}

fn template_layers(bits: &mut Bits<'_>) -> Option<Vec<Template>> {
    let (mut templates, mut spatial, mut temporal) = (Vec::new(), 0, 0);
    loop {
        if templates.len() == TEMPLATES || spatial == SPATIAL || temporal == TEMPORAL {
            return None;
        }
        templates.push(Template {
            spatial,
            temporal,
            indications: Indications::default(),
            references: References::default(),
        });
        match bits.take(2)? {
            0 => {}
            1 => temporal += 1,
            2 => (spatial, temporal) = (spatial + 1, 0),
            _ => return Some(templates),
        }
    }
}

/// One descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) frame: Frame,
    /// The structure from here on, when it comes with this frame.
    pub(crate) structure: Option<Structure>,
    /// Which targets are sent from here on, the first in the lowest bit, when it says so.
    pub(crate) active: Option<u32>,
}

/// Reads a descriptor of a stream whose last structure is `known`. `None` for what cannot be read,
/// or not without a structure that has not come.
pub(crate) fn read(bytes: &[u8], known: Option<&Structure>) -> Option<Descriptor> {
    let mut bits = Bits { bytes, at: 0 };
    let (starts, ends) = (bits.flag()?, bits.flag()?);
    let template = bits.take(6)? as u8;
    let number = bits.take(16)? as u16;
    let (mut structure, mut active, mut flags) = (None, None, 0);
    if bytes.len() * 8 > MANDATORY {
        flags = bits.take(FLAGS as u32)?;
        if flags & STRUCTURE != 0 {
            structure = Some(Structure::read(&mut bits)?);
        }
        if flags & ACTIVE != 0 {
            let targets = structure.as_ref().or(known)?.targets;
            active = Some(bits.take(targets.into())?);
        }
    }
    let current = structure.as_ref().or(known)?;
    let known = current.template(template)?;
    let mut frame = Frame {
        starts,
        ends,
        number,
        spatial: known.spatial,
        temporal: known.temporal,
        indications: known.indications,
        references: known.references,
    };
    // What is custom: indications, references, chains.
    if flags & 0b100 != 0 {
        frame.indications = Indications::read(&mut bits, current.targets)?;
    }
    if flags & 0b010 != 0 {
        frame.references = custom_references(&mut bits)?;
    }
    if flags & 0b001 != 0 {
        bits.skip(8 * usize::from(current.chains))?;
    }
    Some(Descriptor {
        frame,
        structure,
        active,
    })
}

fn custom_references(bits: &mut Bits<'_>) -> Option<References> {
    let mut references = References::default();
    loop {
        match bits.take(2)? {
            0 => return Some(references),
            size => references.push(bits.take(4 * size)? as u16 + 1)?,
        }
    }
}

/// Whether a descriptor is of a frame's first packet, and whether it brings a structure.
pub(crate) fn begins(bytes: &[u8]) -> (bool, bool) {
    let starts = bytes.first().is_some_and(|it| it & 0x80 != 0);
    (starts, bytes.get(3).is_some_and(|it| it & 0x80 != 0))
}

/// The frame's number, which lies at the same place in each.
pub(crate) fn number(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(1..)?.first_chunk()?))
}

/// A descriptor on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rewritten {
    bytes: [u8; LONGEST],
    length: u8,
}

impl Rewritten {
    /// As it came, with another number for the frame.
    pub(crate) fn new(bytes: &[u8], number: u16) -> Option<Self> {
        let mut own = [0; LONGEST];
        own.get_mut(..bytes.len())?.copy_from_slice(bytes);
        own[1..3].copy_from_slice(&number.to_be_bytes());
        Some(Self {
            bytes: own,
            length: bytes.len() as u8,
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// Says which of so many targets are active. It stays as it is when it would become too long.
    pub(crate) fn activate(&mut self, targets: u8, active: u32) {
        if let Some(changed) = activated(self.bytes(), targets, active) {
            *self = changed;
        }
    }
}

fn activated(bytes: &[u8], targets: u8, active: u32) -> Option<Rewritten> {
    let mut bits = Bits { bytes, at: 0 };
    let mut out = Written {
        bytes: [0; LONGEST],
        at: 0,
    };
    out.copy(&mut bits, MANDATORY)?;
    let flags = match bytes.len() * 8 > MANDATORY {
        true => bits.take(FLAGS as u32)?,
        false => 0,
    };
    out.put(flags | ACTIVE, FLAGS as u32)?;
    if flags & STRUCTURE != 0 {
        let from = bits.at;
        let structure = Structure::read(&mut bits)?;
        if structure.targets != targets {
            return None;
        }
        let length = bits.at - from;
        bits.at = from;
        out.copy(&mut bits, length)?;
    }
    if flags & ACTIVE != 0 {
        bits.skip(targets.into())?;
    }
    out.put(active, targets.into())?;
    let rest = (bytes.len() * 8).saturating_sub(bits.at);
    out.copy(&mut bits, rest)?;
    Some(Rewritten {
        bytes: out.bytes,
        length: u8::try_from(out.at.div_ceil(8)).ok()?,
    })
}

/// Bits from the highest of the first byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn flag(&mut self) -> Option<bool> {
        Some(self.take(1)? == 1)
    }

    /// So many bits, at most 32.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at += count;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// A number below `most`, in as few bits as that takes: `ns(n)` of the specification.
    fn one_of(&mut self, most: u32) -> Option<u32> {
        let width = u32::BITS - most.leading_zeros();
        let short = (1 << width) - most;
        let value = self.take(width.saturating_sub(1))?;
        if value < short {
            return Some(value);
        }
        Some((value << 1) - short + self.take(1)?)
    }
}

struct Written {
    bytes: [u8; LONGEST],
    at: usize,
}

impl Written {
    fn put(&mut self, value: u32, count: u32) -> Option<()> {
        for place in (0..count).rev() {
            let byte = self.bytes.get_mut(self.at / 8)?;
            *byte |= ((value >> place & 1) as u8) << (7 - self.at % 8);
            self.at += 1;
        }
        Some(())
    }

    fn copy(&mut self, from: &mut Bits<'_>, count: usize) -> Option<()> {
        for _ in 0..count {
            self.put(from.take(1)?, 1)?;
        }
        Some(())
    }
}

/// Structures and frames written by hand, for tests of what reads them.
#[cfg(test)]
pub(crate) mod example {
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::example::{Bitstream, keyframe};
    use super::*;

    fn structure() -> Structure {
        let read = read(&keyframe(100), None).expect("a descriptor");
        read.structure.expect("a structure")
    }

    fn short(template: u32, number: u16) -> Vec<u8> {
        let mut bits = Bitstream::default();
        bits.mandatory((true, false), template, number).bytes()
    }

    #[test]
    fn a_structure_tells_layers_sizes_and_what_includes_what() {
        let structure = structure();
        let layers: Vec<_> = (0..structure.targets())
            .map(|it| structure.layers(it))
            .collect();
        assert_eq!(layers, [(0, 0), (0, 1), (1, 0), (1, 1)]);
        assert_eq!(structure.size(0), Some((360, 640)));
        assert_eq!(structure.size(1), Some((720, 1_280)));
        assert_eq!(structure.size(2), None);
        let within = |one| {
            (0..4)
                .filter(|it| structure.includes(one, *it))
                .collect::<Vec<_>>()
        };
        assert_eq!([within(0), within(1)], [vec![0], vec![0, 1]]);
        assert_eq!([within(2), within(3)], [vec![0, 2], vec![0, 1, 2, 3]]);
    }

    #[test]
    fn a_frame_is_what_its_template_says_and_numbers_of_both_wrap() {
        let structure = structure();
        // Templates 62, 63, 0, 1, 2, 3.
        let read = |template, number| read(&short(template, number), Some(&structure));
        let frame = read(3, 1).expect("the last template").frame;
        assert_eq!((frame.spatial, frame.temporal), (1, 1));
        assert_eq!(frame.references().collect::<Vec<_>>(), [0xFFFF, 0]);
        assert_eq!(
            (frame.to(3), frame.to(2)),
            (Indication::Discardable, Indication::NotPresent)
        );
        let base = read(63, 9).expect("the second").frame;
        assert_eq!(
            (base.to(0), base.to(3)),
            (Indication::Switch, Indication::Required)
        );
        assert!(base.starts && !base.ends);
        assert_eq!(read(4, 9), None, "there is no such template");
        assert_eq!(super::read(&short(63, 9), None), None, "nor a structure");
    }

    #[test]
    fn what_is_custom_stands_in_place_of_the_template() {
        let structure = structure();
        let mut bits = Bitstream::default();
        bits.mandatory((true, true), 63, 500)
            .put(0b0_1111, 5)
            .put(0b0011, 4);
        bits.indications("SDR-");
        // Back by 3, by 256 and by 4,096; then none.
        bits.put(1, 2)
            .put(2, 4)
            .put(2, 2)
            .put(255, 8)
            .put(3, 2)
            .put(4_095, 12)
            .put(0, 2);
        bits.put(7, 8).put(8, 8);
        let read = read(&bits.bytes(), Some(&structure)).expect("a descriptor");
        assert_eq!(read.active, Some(0b0011));
        let frame = read.frame;
        let numbers: Vec<u16> = frame.references().collect();
        assert_eq!(numbers, [497, 244, 500_u16.wrapping_sub(4_096)]);
        let all = [0, 1, 2, 3].map(|it| frame.to(it));
        let expected = [
            Indication::Switch,
            Indication::Discardable,
            Indication::Required,
            Indication::NotPresent,
        ];
        assert_eq!(all, expected);
        // Chains are skipped, and have to be there.
        let cut = &bits.bytes()[..bits.bytes().len() - 2];
        assert_eq!(super::read(cut, Some(&structure)), None);
    }

    #[test]
    fn numbers_below_a_bound_take_no_more_bits_than_they_need() {
        for most in 1..=33 {
            for value in 0..most {
                let mut bits = Bitstream::default();
                let bytes = bits.one_of(value, most).put(0b101, 3).bytes();
                let mut bits = Bits {
                    bytes: &bytes,
                    at: 0,
                };
                assert_eq!(bits.one_of(most), Some(value), "{value} of {most}");
                assert_eq!(bits.take(3), Some(0b101), "{value} of {most}");
            }
        }
        // The specification's own: of five, the first three take two bits and the others three.
        let mut bits = Bits {
            bytes: &[0b0001_1011, 0b0111_0000],
            at: 0,
        };
        let numbers: Vec<_> = (0..5).map(|_| bits.one_of(5)).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4].map(Some));
    }

    #[test]
    fn what_is_active_is_written_into_each_form() {
        let structure = structure();
        let mut custom = Bitstream::default();
        custom
            .mandatory((true, true), 63, 7)
            .put(0b0_1100, 5)
            .put(0b1111, 4);
        custom.indications("SDR-");
        for (bytes, known) in [
            (short(63, 7), Some(&structure)),
            (keyframe(7), None),
            (custom.bytes(), Some(&structure)),
        ] {
            let before = read(&bytes, known).expect("a descriptor");
            let mut own = Rewritten::new(&bytes, 900).expect("short enough");
            own.activate(4, 0b0101);
            let after = read(own.bytes(), known).expect("a descriptor");
            assert_eq!(after.active, Some(0b0101));
            assert_eq!(after.structure, before.structure);
            assert_eq!(
                after.frame,
                Frame {
                    number: 900,
                    ..before.frame
                }
            );
        }
        let mut other = Rewritten::new(&keyframe(7), 7).expect("short enough");
        other.activate(5, 1);
        assert_eq!(other.bytes(), keyframe(7), "of another structure");
    }

    proptest! {
        #[test]
        fn nothing_breaks_the_reader(
            bytes in prop::collection::vec(any::<u8>(), 0..=LONGEST),
            cut in 0_usize..60,
            targets in 1_u8..=32,
        ) {
            let structure = structure();
            let whole = keyframe(3);
            for bytes in [&bytes[..], &whole[..cut.min(whole.len())]] {
                let _ = read(bytes, None);
                let _ = read(bytes, Some(&structure));
                if let Some(mut own) = number(bytes).and_then(|it| Rewritten::new(bytes, it)) {
                    own.activate(targets, 1);
                }
            }
        }
    }
}
