//! The dependency descriptor of a frame (AV1 RTP payload specification, appendix A), which tells a
//! forwarder what may be left out, whatever the codec is and however it is encrypted.
//!
//! A keyframe brings a [`Structure`]: the decode targets that a receiver can choose from, and
//! templates of frames. Each packet names a template, and says what differs. Bytes of a stranger:
//! what does not fit, or goes beyond the bounds below, is none.

mod bits;
#[cfg(test)]
pub(crate) mod example;
mod rewritten;
#[cfg(test)]
mod tests;

use bits::Bits;
pub(crate) use rewritten::Rewritten;

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
