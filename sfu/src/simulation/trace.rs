//! What happened in a run, so that two can be held against each other.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Up,
    Down,
}

/// One datagram or event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Datagram {
        at: Duration,
        direction: Direction,
        caller: usize,
        length: usize,
        digest: u64,
    },
    Event {
        at: Duration,
        what: String,
    },
}

/// See the module.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Trace(Vec<Entry>);

impl Trace {
    pub(super) fn note(&mut self, at: Duration, direction: Direction, caller: usize, bytes: &[u8]) {
        self.0.push(Entry::Datagram {
            at,
            direction,
            caller,
            length: bytes.len(),
            digest: digest(bytes),
        });
    }

    pub(super) fn event(&mut self, at: Duration, what: &impl std::fmt::Debug) {
        let what = format!("{what:?}");
        self.0.push(Entry::Event { at, what });
    }

    /// The same for two runs that went the same way, in whatever process.
    pub(super) fn digest(&self) -> u64 {
        digest(format!("{:?}", self.0).as_bytes())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The first place where another run went another way.
    pub(super) fn first_difference(&self, other: &Self) -> Option<String> {
        let pairs = self.0.iter().zip(&other.0);
        let different = pairs.enumerate().find(|(_, (one, two))| one != two);
        match different {
            Some((place, (one, two))) => Some(format!("entry {place}: {one:?} and {two:?}")),
            None if self.len() != other.len() => {
                Some(format!("{} and {} entries", self.len(), other.len()))
            }
            None => None,
        }
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
