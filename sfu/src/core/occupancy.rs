//! How full the node is, over all its workers. Read and written when people come and go, and once
//! a second by each worker: never on the packet path.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::caps::Cap;

/// Most of each on the whole node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) participants: u32,
    /// Connections that are not connected yet.
    pub(crate) connecting: u32,
    /// Forwarded megabits per second beyond which nobody new enters.
    pub(crate) mbps: u32,
}

/// What there is.
#[derive(Debug)]
pub(crate) struct Occupancy {
    limits: Limits,
    participants: AtomicU32,
    connecting: AtomicU32,
    bytes_per_s: AtomicU64,
}

impl Occupancy {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            participants: AtomicU32::new(0),
            connecting: AtomicU32::new(0),
            bytes_per_s: AtomicU64::new(0),
        }
    }

    /// A node for so many participants and whatever they do.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn for_tests(participants: u32) -> Self {
        Self::new(Limits {
            participants,
            connecting: u32::MAX,
            mbps: u32::MAX,
        })
    }

    pub(crate) fn participants(&self) -> u32 {
        self.participants.load(Ordering::Relaxed)
    }

    pub(crate) fn enter(&self) {
        self.participants.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.participants.fetch_sub(count, Ordering::Relaxed);
    }

    pub(crate) fn begin_connecting(&self) {
        self.connecting.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end_connecting(&self) {
        self.connecting.fetch_sub(1, Ordering::Relaxed);
    }

    /// A worker forwards `now` bytes a second, and forwarded `before` when it last said so.
    pub(crate) fn forwards(&self, before: u64, now: u64) {
        // Wrapping: what one worker takes away it has added before.
        let change = now.wrapping_sub(before);
        self.bytes_per_s.fetch_add(change, Ordering::Relaxed);
    }

    /// The cap that keeps a further participant, or a conference of some, out.
    pub(crate) fn full(&self) -> Option<Cap> {
        if self.participants() >= self.limits.participants {
            return Some(Cap::Participants);
        }
        let most = u64::from(self.limits.mbps) * 1_000_000 / 8;
        (self.bytes_per_s.load(Ordering::Relaxed) >= most).then_some(Cap::Bitrate)
    }

    /// The cap that keeps a further offer from being made.
    pub(crate) fn too_many_connecting(&self) -> Option<Cap> {
        let connecting = self.connecting.load(Ordering::Relaxed);
        (connecting >= self.limits.connecting).then_some(Cap::Connecting)
    }

    /// Connections that are not connected yet.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn connecting(&self) -> u32 {
        self.connecting.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cap_is_named_when_it_is_reached() {
        let node = Occupancy::new(Limits {
            participants: 2,
            connecting: 1,
            mbps: 8,
        });
        node.enter();
        assert_eq!((node.full(), node.too_many_connecting()), (None, None));
        node.begin_connecting();
        assert_eq!(node.too_many_connecting(), Some(Cap::Connecting));
        node.end_connecting();
        assert_eq!(node.too_many_connecting(), None);
        // Two workers; one of them goes quiet.
        node.forwards(0, 999_999);
        assert_eq!(node.full(), None);
        node.forwards(0, 1);
        assert_eq!(node.full(), Some(Cap::Bitrate));
        node.forwards(999_999, 0);
        assert_eq!(node.full(), None);
        node.enter();
        assert_eq!(node.full(), Some(Cap::Participants));
        node.leave(2);
        assert_eq!(node.participants(), 0);
    }
}
