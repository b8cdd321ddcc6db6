//! Whose datagram this is: two hash tables, never a search.
//!
//! STUN requests go by our ICE user name, registered when the offer is made. Everything else goes
//! by the path it came on, which enters only after the participant's ICE agent has verified the
//! integrity of a STUN request from it. Whatever is in neither table is dropped without allocation.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::arena::Key;
use super::path::Path;

/// How long a path must have been silent before another participant's check may take it over.
/// Lower lets a participant with a forged source address cut off another; higher delays those who
/// get a NAT's port right after somebody else.
const TAKEOVER_SILENCE: Duration = Duration::from_secs(3);
/// Length of our ICE user name fragments.
const UFRAG: usize = 20;
/// RFC 8839 ice-char: 64 of them, so that six random bits make one character.
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Our half of an ICE user name: the owning worker in two hexadecimal digits, then 18 random
/// characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ufrag([u8; UFRAG]);

impl Ufrag {
    /// A name on `worker` from 18 random bytes.
    pub(crate) fn new(worker: u8, random: [u8; UFRAG - 2]) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut name = [0; UFRAG];
        name[0] = HEX[usize::from(worker >> 4)];
        name[1] = HEX[usize::from(worker & 0x0F)];
        for (char, byte) in name[2..].iter_mut().zip(random) {
            *char = ice_char(byte);
        }
        Self(name)
    }

    /// The name in a STUN request, when it has our form.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Which worker made it; `None` when it is none of ours.
    pub(crate) fn worker(&self) -> Option<u8> {
        let digit = |byte: u8| (byte as char).to_digit(16);
        let worker = digit(self.0[0])? * 16 + digit(self.0[1])?;
        u8::try_from(worker).ok()
    }

    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII characters, or parsed from one of ours")
    }
}

/// The ICE character of six random bits.
pub(crate) fn ice_char(byte: u8) -> u8 {
    ICE_CHARS[usize::from(byte & 0x3F)]
}

/// What became of a wish to enter a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It is this connection's already.
    Known,
    /// It is now this connection's; it was nobody's or that of `former`, which has gone silent.
    Entered {
        /// Who had it before.
        former: Option<Key>,
    },
    /// It belongs to another connection that is alive.
    Refused,
}

#[derive(Debug)]
struct Owner {
    link: Key,
    heard: Instant,
}

/// The two tables.
#[derive(Debug, Default)]
pub(crate) struct Demux {
    by_ufrag: HashMap<Ufrag, Key>,
    by_path: HashMap<Path, Owner>,
}

impl Demux {
    pub(crate) fn register(&mut self, ufrag: Ufrag, link: Key) {
        self.by_ufrag.insert(ufrag, link);
    }

    pub(crate) fn unregister(&mut self, ufrag: &Ufrag) {
        self.by_ufrag.remove(ufrag);
    }

    pub(crate) fn by_ufrag(&self, ufrag: &Ufrag) -> Option<Key> {
        self.by_ufrag.get(ufrag).copied()
    }

    /// The connection that owns `path`; notes that it was heard.
    pub(crate) fn by_path(&mut self, path: &Path, now: Instant) -> Option<Key> {
        let owner = self.by_path.get_mut(path)?;
        owner.heard = now;
        Some(owner.link)
    }

    /// Enters `path` for `link`, whose STUN request from it has just been verified. `yields` says
    /// which owners give way at once: a participant's own former connection does.
    pub(crate) fn enter(
        &mut self,
        path: Path,
        link: Key,
        now: Instant,
        yields: impl Fn(Key) -> bool,
    ) -> Entry {
        let former = match self.by_path.get_mut(&path) {
            Some(owner) if owner.link == link => {
                owner.heard = now;
                return Entry::Known;
            }
            Some(owner) => {
                let silent = now.saturating_duration_since(owner.heard) >= TAKEOVER_SILENCE;
                if !silent && !yields(owner.link) {
                    return Entry::Refused;
                }
                Some(owner.link)
            }
            None => None,
        };
        self.by_path.insert(path, Owner { link, heard: now });
        Entry::Entered { former }
    }

    /// Forgets `path`, if it is still `link`'s.
    pub(crate) fn leave(&mut self, path: &Path, link: Key) {
        if self
            .by_path
            .get(path)
            .is_some_and(|owner| owner.link == link)
        {
            self.by_path.remove(path);
        }
    }

    /// Entries of both tables.
    #[cfg(test)]
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.by_ufrag.len(), self.by_path.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::arena::Arena;
    use crate::core::path::Carrier;

    fn path(port: u16) -> Path {
        Path {
            door: 0,
            carrier: Carrier::Udp,
            remote: ([192, 0, 2, 1], port).into(),
        }
    }

    #[test]
    fn a_ufrag_names_its_worker() {
        let ufrag = Ufrag::new(0x2A, [0xFF; 18]);
        assert_eq!(ufrag.as_str(), "2a//////////////////");
        assert_eq!(Ufrag::parse(ufrag.as_str().as_bytes()), Some(ufrag));
        assert_eq!(ufrag.worker(), Some(0x2A));
        assert_eq!(Ufrag::parse(b"short"), None);
    }

    #[test]
    fn a_live_path_is_not_taken_over_and_a_silent_one_is() {
        let mut arena = Arena::default();
        let (one, two) = (arena.insert(|_| ()), arena.insert(|_| ()));
        let start = Instant::now();
        let mut demux = Demux::default();
        assert_eq!(
            demux.enter(path(1), one, start, |_| false),
            Entry::Entered { former: None }
        );
        let soon = start + Duration::from_secs(2);
        assert_eq!(demux.enter(path(1), two, soon, |_| false), Entry::Refused);
        assert_eq!(demux.by_path(&path(1), soon), Some(one));
        let late = soon + TAKEOVER_SILENCE;
        assert_eq!(
            demux.enter(path(1), two, late, |_| false),
            Entry::Entered { former: Some(one) }
        );
        demux.leave(&path(1), one);
        assert_eq!(demux.by_path(&path(1), late), Some(two));
        demux.leave(&path(1), two);
        assert_eq!(demux.sizes(), (0, 0));
    }
}
