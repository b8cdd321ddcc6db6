//! Datagrams in a byte stream: two bytes of length before each (RFC 4571).

use std::collections::VecDeque;

/// Most bytes that wait to be written. Beyond, datagrams are lost, as a full network loses them;
/// more would only make what comes behind later.
const MOST_WAITING: usize = 256 * 1024;

/// Takes datagrams out of what was read.
#[derive(Debug, Default)]
pub(super) struct Unframer {
    bytes: Vec<u8>,
}

impl Unframer {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole datagram.
    pub(super) fn poll(&mut self) -> Option<Vec<u8>> {
        let length: &[u8; 2] = self.bytes.first_chunk()?;
        let end = 2 + usize::from(u16::from_be_bytes(*length));
        let datagram = self.bytes.get(2..end)?.to_vec();
        self.bytes.drain(..end);
        Some(datagram)
    }
}

/// Datagrams that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Framer {
    bytes: VecDeque<u8>,
}

impl Framer {
    /// Adds a datagram; false when it was lost.
    pub(super) fn push(&mut self, datagram: &[u8]) -> bool {
        let Ok(length) = u16::try_from(datagram.len()) else {
            return false;
        };
        if self.bytes.len() + datagram.len() > MOST_WAITING {
            return false;
        }
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(datagram);
        true
    }

    /// What to write next; empty when all is written.
    pub(super) fn waiting(&self) -> &[u8] {
        let (first, second) = self.bytes.as_slices();
        if first.is_empty() { second } else { first }
    }

    /// So many bytes of it were written.
    pub(super) fn written(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_survive_whatever_pieces_they_travel_in() {
        let datagrams: Vec<Vec<u8>> = (0..50_u8).map(|n| vec![n; usize::from(n) * 7]).collect();
        let mut framer = Framer::default();
        assert!(datagrams.iter().all(|datagram| framer.push(datagram)));
        let (mut unframer, mut read) = (Unframer::default(), Vec::new());
        let mut step = 1;
        while !framer.waiting().is_empty() {
            let piece = framer.waiting();
            let piece = piece[..piece.len().min(step)].to_vec();
            framer.written(piece.len());
            unframer.push(&piece);
            read.extend(std::iter::from_fn(|| unframer.poll()));
            step = step % 13 + 1;
        }
        assert_eq!(read, datagrams);
    }

    #[test]
    fn a_stream_that_is_not_read_loses_datagrams_instead_of_memory() {
        let mut framer = Framer::default();
        let kept = (0..1_000).filter(|_| framer.push(&[0; 1_000])).count();
        assert!((200..300).contains(&kept), "{kept}");
        assert!(!framer.push(&[0; 70_000]));
    }
}
