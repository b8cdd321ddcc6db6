//! RFC 4571 framing for ICE-TCP: each datagram behind its length in two bytes.

/// Longest frame taken. The media stack makes packets of at most 2,000 bytes and adds up to 80 to
/// what it forwards; browsers stay below 1,500. Higher would let one peer break its receivers.
pub(crate) const LONGEST: usize = 1_600;

/// A frame that no peer of ours sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadFrame;

/// Cuts a byte stream into frames. Holds at most one unfinished frame and what came with it.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    bytes: Vec<u8>,
    start: usize,
}

impl FrameReader {
    /// Adds what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, BadFrame> {
        let rest = &self.bytes[self.start..];
        let Some((head, body)) = rest.split_at_checked(2) else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([head[0], head[1]]));
        if length == 0 || length > LONGEST {
            return Err(BadFrame);
        }
        if body.len() < length {
            return Ok(None);
        }
        let begin = self.start + 2;
        self.start = begin + length;
        Ok(Some(&self.bytes[begin..self.start]))
    }
}

impl FrameReader {
    /// What has not been cut yet.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// Appends `datagram` with its length to `out`. False, and nothing appended, when it is too long.
pub(crate) fn append(out: &mut Vec<u8>, datagram: &[u8]) -> bool {
    let Ok(length) = u16::try_from(datagram.len()) else {
        return false;
    };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(datagram);
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_however_they_are_cut(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..20),
            cut in 1_usize..50,
        ) {
            let mut stream = Vec::new();
            for frame in &frames {
                prop_assert!(append(&mut stream, frame));
            }
            let mut reader = FrameReader::default();
            let mut read = Vec::new();
            for piece in stream.chunks(cut) {
                reader.push(piece);
                while let Some(frame) = reader.next().expect("well-formed") {
                    read.push(frame.to_vec());
                }
            }
            prop_assert_eq!(read, frames);
        }
    }

    #[test]
    fn an_empty_or_giant_frame_is_refused() {
        for length in [0_u16, 1_601, u16::MAX] {
            let mut reader = FrameReader::default();
            reader.push(&length.to_be_bytes());
            assert_eq!(reader.next(), Err(BadFrame), "{length}");
        }
    }
}
