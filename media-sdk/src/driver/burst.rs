//! Datagrams that leave together. A picture is a handful of packets of one length, but for the last
//! one; in one system call they cost a third of what they cost one by one.

use std::net::SocketAddr;

use crate::core::{Carrier, ConnectionId, Transmit};

/// Most bytes in one system call: what one datagram could have at most.
const MOST_BYTES: usize = 60_000;

/// Datagrams one behind the other, each as long as the first, but for the last. One is used again and
/// again, and keeps its memory.
#[derive(Default)]
pub(super) struct Burst {
    way: Option<Way>,
    bytes: Vec<u8>,
    segment: usize,
    count: usize,
    /// The last one was shorter: nothing can follow.
    ended: bool,
}

/// From where to where, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) connection: ConnectionId,
    pub(super) carrier: Carrier,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
}

impl Burst {
    /// Adds a datagram, of at most `most` in one system call; false when what was gathered before it
    /// has to leave first.
    pub(super) fn push(&mut self, transmit: &Transmit, most: usize) -> bool {
        let (way, length) = (Way::of(transmit), transmit.bytes.len());
        match self.way {
            None => (self.way, self.segment) = (Some(way), length),
            Some(known) if known == way && self.takes(length, most) => {}
            Some(_) => return false,
        }
        self.bytes.extend_from_slice(&transmit.bytes);
        self.count += 1;
        self.ended = length < self.segment;
        true
    }

    fn takes(&self, length: usize, most: usize) -> bool {
        let is_udp = self.way.is_some_and(|way| way.carrier == Carrier::Udp);
        let fits = self.count < most && self.bytes.len() + length <= MOST_BYTES;
        is_udp && fits && !self.ended && length <= self.segment
    }

    /// Which way these go; none when there are none.
    pub(super) const fn way(&self) -> Option<Way> {
        self.way
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How long each is, where there are several.
    pub(super) fn segment(&self) -> Option<usize> {
        (self.count > 1).then_some(self.segment)
    }

    /// They have left.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        (self.way, self.count, self.ended) = (None, 0, false);
    }
}

impl Way {
    const fn of(transmit: &Transmit) -> Self {
        Self {
            connection: transmit.connection,
            carrier: transmit.carrier,
            source: transmit.source,
            destination: transmit.destination,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(length: usize, port: u16) -> Transmit {
        Transmit {
            connection: ConnectionId(1),
            carrier: Carrier::Udp,
            source: ([127, 0, 0, 1], 1).into(),
            destination: ([127, 0, 0, 1], port).into(),
            bytes: vec![length as u8; length],
        }
    }

    /// Lengths of each burst that these become.
    fn bursts(datagrams: Vec<Transmit>, most: usize) -> Vec<(usize, usize)> {
        let (mut burst, mut left) = (Burst::default(), Vec::new());
        for datagram in &datagrams {
            if !burst.push(datagram, most) {
                left.push((burst.count, burst.bytes().len()));
                burst.clear();
                assert!(burst.push(datagram, most), "there is room for one");
            }
        }
        left.push((burst.count, burst.bytes().len()));
        left
    }

    #[test]
    fn a_picture_leaves_at_once_and_what_is_longer_or_goes_elsewhere_does_not() {
        let picture = [100, 100, 100, 40].map(|length| datagram(length, 5));
        assert_eq!(bursts(picture.into(), 64), [(4, 340)]);
        let two = [100, 40, 40, 100].map(|length| datagram(length, 5));
        assert_eq!(bursts(two.into(), 64), [(2, 140), (1, 40), (1, 100)]);
        let elsewhere = [5, 5, 6, 5].map(|port| datagram(100, port));
        assert_eq!(bursts(elsewhere.into(), 64), [(2, 200), (1, 100), (1, 100)]);
    }

    #[test]
    fn a_system_that_takes_one_gets_one() {
        let picture = || [100; 5].map(|length| datagram(length, 5)).into();
        assert_eq!(bursts(picture(), 1), [(1, 100); 5]);
        assert_eq!(bursts(picture(), 3), [(3, 300), (2, 200)]);
        let large = [1_200; 60].map(|length| datagram(length, 5)).into();
        assert_eq!(bursts(large, 64), [(50, 60_000), (10, 12_000)]);
    }
}
