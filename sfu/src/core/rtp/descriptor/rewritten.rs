//! Descriptors on their way out: another number, and which decode targets are whole.

use super::bits::{Bits, Written};
use super::{ACTIVE, FLAGS, LONGEST, MANDATORY, STRUCTURE, Structure};

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
