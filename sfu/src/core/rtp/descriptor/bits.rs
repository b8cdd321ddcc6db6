//! Reading and writing bit by bit.

use super::LONGEST;

/// Bits from the highest of the first byte on.
pub(super) struct Bits<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl Bits<'_> {
    pub(super) fn flag(&mut self) -> Option<bool> {
        Some(self.take(1)? == 1)
    }

    /// So many bits, at most 32.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        self.at += count;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// A number below `most`, in as few bits as that takes: `ns(n)` of the specification.
    pub(super) fn one_of(&mut self, most: u32) -> Option<u32> {
        let width = u32::BITS - most.leading_zeros();
        let short = (1 << width) - most;
        let value = self.take(width.saturating_sub(1))?;
        if value < short {
            return Some(value);
        }
        Some((value << 1) - short + self.take(1)?)
    }
}

/// Bits that are written, up to the longest descriptor.
pub(super) struct Written {
    pub(super) bytes: [u8; LONGEST],
    pub(super) at: usize,
}

impl Written {
    pub(super) fn put(&mut self, value: u32, count: u32) -> Option<()> {
        for place in (0..count).rev() {
            let byte = self.bytes.get_mut(self.at / 8)?;
            *byte |= ((value >> place & 1) as u8) << (7 - self.at % 8);
            self.at += 1;
        }
        Some(())
    }

    pub(super) fn copy(&mut self, from: &mut Bits<'_>, count: usize) -> Option<()> {
        for _ in 0..count {
            self.put(from.take(1)?, 1)?;
        }
        Some(())
    }
}
