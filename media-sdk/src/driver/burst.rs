//! Datagrams that leave together. A picture is a handful of packets of one length, but for the last
//! one; in one system call they cost a third of what they cost one by one.

use super::sockets::Udp;
use crate::core::{Carrier, ConnectionId, Transmit};

/// Most bytes in one system call: what one datagram could have at most.
const MOST_BYTES: usize = 60_000;

/// Datagrams one behind the other, each as long as the first, but for the last.
#[derive(Default)]
pub(super) struct Burst {
    first: Option<Transmit>,
    segment: usize,
    count: usize,
    /// The last one was shorter: nothing can follow.
    ended: bool,
}

impl Burst {
    /// Adds a datagram; what was gathered before it, if it does not belong there, has to leave first.
    pub(super) fn push(&mut self, transmit: Transmit, most: usize) -> Option<Self> {
        let length = transmit.bytes.len();
        if let Some(first) = &mut self.first
            && !self.ended
            && self.count < most
            && first.bytes.len() + length <= MOST_BYTES
            && length <= self.segment
            && is_one_way(first, &transmit)
        {
            first.bytes.extend_from_slice(&transmit.bytes);
            self.count += 1;
            self.ended = length < self.segment;
            return None;
        }
        let next = Self {
            first: Some(transmit),
            segment: length,
            count: 1,
            ended: false,
        };
        let former = std::mem::replace(self, next);
        former.first.is_some().then_some(former)
    }

    /// Whose datagrams these are; none when there are none.
    pub(super) const fn of(&self) -> Option<&Transmit> {
        self.first.as_ref()
    }

    /// Sends them over their socket.
    pub(super) fn leave(&self, udp: &Udp) {
        if let Some(first) = &self.first {
            let segment = (self.count > 1).then_some(self.segment);
            udp.send(first.source, first.destination, &first.bytes, segment);
        }
    }
}

fn is_one_way(one: &Transmit, other: &Transmit) -> bool {
    let way = |it: &Transmit| -> (ConnectionId, bool, _, _) {
        let is_udp = it.carrier == Carrier::Udp;
        (it.connection, is_udp, it.source, it.destination)
    };
    one.carrier == Carrier::Udp && way(one) == way(other)
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
        let mut burst = Burst::default();
        let mut left: Vec<Burst> = datagrams
            .into_iter()
            .filter_map(|datagram| burst.push(datagram, most))
            .collect();
        left.push(burst);
        let told = |burst: &Burst| (burst.count, burst.of().map_or(0, |it| it.bytes.len()));
        left.iter().map(told).collect()
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
