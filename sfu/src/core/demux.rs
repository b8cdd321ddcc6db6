//! Whose datagram this is: two hash tables, never a search.
//!
//! STUN requests go by our ICE user name, registered when the offer is made. Everything else goes
//! by the path it came on, which enters only after the participant's ICE agent has verified the
//! integrity of a STUN request from it. Whatever is in neither table is dropped without allocation.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use lens_protocol::entropy::{Entropy, random_bytes};

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

/// Random characters of a user name: 60 bits.
const RANDOM: usize = 10;
/// Characters of its seal: 48 bits.
const SEAL: usize = UFRAG - 2 - RANDOM;

/// What a node's user names are sealed with: every worker can tell a name that was given out from
/// one that was made up, and no table is shared. Names that were made up are not handed over.
#[derive(Clone, Debug)]
pub(crate) struct Names(hmac::Key);

impl Names {
    /// A fresh key.
    pub(crate) fn new(entropy: &mut dyn Entropy) -> Self {
        Self(hmac::Key::new(
            hmac::HMAC_SHA256,
            &random_bytes::<32>(entropy),
        ))
    }

    /// Whether `name` was given out by this node.
    pub(crate) fn gave(&self, name: &Ufrag) -> bool {
        let (open, seal) = name.0.split_at(UFRAG - SEAL);
        // Nothing but a hand-over to another worker hangs on it: no need for constant time.
        self.seal(open) == seal
    }

    /// The same in each test.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn for_tests() -> Self {
        Self::new(&mut lens_runtime::entropy::SeededEntropy::new(77))
    }

    fn seal(&self, open: &[u8]) -> [u8; SEAL] {
        let hash = hmac::sign(&self.0, open);
        let mut seal = [0; SEAL];
        for (char, byte) in seal.iter_mut().zip(hash.as_ref()) {
            *char = ice_char(*byte);
        }
        seal
    }
}

/// Our half of an ICE user name: the owning worker in two hexadecimal digits, then ten random
/// characters, then a seal of the node's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ufrag([u8; UFRAG]);

impl Ufrag {
    /// A fresh name on `worker`.
    pub(crate) fn new(worker: u8, names: &Names, entropy: &mut dyn Entropy) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut name = [0; UFRAG];
        name[0] = HEX[usize::from(worker >> 4)];
        name[1] = HEX[usize::from(worker & 0x0F)];
        let (open, seal) = name.split_at_mut(UFRAG - SEAL);
        for (char, byte) in open[2..].iter_mut().zip(random_bytes::<RANDOM>(entropy)) {
            *char = ice_char(byte);
        }
        seal.copy_from_slice(&names.seal(open));
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
    #[cfg(any(test, fuzzing))]
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.by_ufrag.len(), self.by_path.len())
    }
}

#[cfg(test)]
mod tests {
    use lens_runtime::entropy::SeededEntropy;

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
        let mut entropy = SeededEntropy::new(1);
        let names = Names::new(&mut entropy);
        let ufrag = Ufrag::new(0x2A, &names, &mut entropy);
        assert!(ufrag.as_str().starts_with("2a"));
        assert_eq!(Ufrag::parse(ufrag.as_str().as_bytes()), Some(ufrag));
        assert_eq!(ufrag.worker(), Some(0x2A));
        assert_eq!(Ufrag::parse(b"short"), None);
        assert_ne!(Ufrag::new(0x2A, &names, &mut entropy), ufrag);
    }

    #[test]
    fn a_name_that_was_made_up_or_is_another_nodes_was_not_given_out() {
        let mut entropy = SeededEntropy::new(1);
        let names = Names::new(&mut entropy);
        let ufrag = Ufrag::new(1, &names, &mut entropy);
        assert!(names.gave(&ufrag));
        for at in 0..UFRAG {
            let mut forged = ufrag;
            forged.0[at] ^= 1;
            assert!(!names.gave(&forged), "character {at}");
        }
        assert!(!Names::new(&mut entropy).gave(&ufrag));
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
