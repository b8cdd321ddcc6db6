//! Datagrams in: whose they are, and what they may do.

use lens_protocol::media::TimelineStep;

use super::{Shard, Verdict, guarded};
use crate::caps::Cap;
use crate::core::arena::Key;
use crate::core::demux::{Entry, Ufrag};
use crate::core::framing::LONGEST;
use crate::core::link::{CHECKS_PER_S, HANDSHAKE_BYTES, Phase};
use crate::core::path::{Moment, Path};
use crate::core::stun::{self, Request};

impl Shard {
    /// Takes one datagram or frame that came on `path`. [`Shard::turn`] has to follow before the
    /// driver waits again.
    pub(crate) fn datagram(&mut self, path: Path, bytes: &[u8], at: Moment) -> Verdict {
        if bytes.len() > LONGEST {
            self.facts.malformed += 1;
            return Verdict::Dropped;
        }
        if !stun::is_stun(bytes) {
            return self.packet(path, bytes, at);
        }
        match stun::request(bytes) {
            Some(request) => self.check(path, bytes, request, at),
            // An ICE-lite server sends no checks, so nothing but requests is expected.
            None => {
                self.facts.malformed += 1;
                Verdict::Dropped
            }
        }
    }

    /// A path's carrier is gone: its TCP connection was closed.
    pub(crate) fn path_closed(&mut self, path: &Path, at: Moment) {
        if let Some(key) = self.demux.by_path(path, at.instant) {
            self.demux.leave(path, key);
            if let Some(link) = self.links.get_mut(key) {
                link.unreach(path);
            }
        }
    }

    fn check(&mut self, path: Path, bytes: &[u8], request: Request<'_>, at: Moment) -> Verdict {
        let ufrag = Ufrag::parse(request.ufrag);
        let Some(key) = ufrag.and_then(|ufrag| self.demux.by_ufrag(&ufrag)) else {
            return match ufrag.and_then(|ufrag| self.elsewhere(&ufrag)) {
                Some(other) => Verdict::OtherWorker(other),
                None => {
                    self.facts.unknown_ufrag += 1;
                    Verdict::Unknown
                }
            };
        };
        let Some(local) = self.config.local(&path) else {
            return Verdict::Dropped;
        };
        let Some(link) = self.links.get_mut(key) else {
            return Verdict::Unknown;
        };
        if !link.peer.proves(&request, bytes) {
            self.facts.bad_integrity += 1;
            return Verdict::Dropped;
        }
        // Counted once they are proved: what anybody can send in its name is not the peer's.
        if !link.checks.allow(CHECKS_PER_S, at.instant) {
            self.facts.too_many_checks += 1;
            return Verdict::Dropped;
        }
        let entered = self.verified(key, path, request.nominates, at);
        self.feed(key, path, local, bytes, at);
        match entered {
            true => Verdict::Entered,
            false => Verdict::Taken,
        }
    }

    /// The worker that gave out this name, when it is another one of this node.
    fn elsewhere(&self, ufrag: &Ufrag) -> Option<u8> {
        let worker = ufrag.worker()?;
        let another = worker != self.config.worker && self.config.names.gave(ufrag);
        another.then_some(worker)
    }

    /// A check whose integrity has been verified: the path may enter. True when it is new.
    fn verified(&mut self, key: Key, path: Path, nominates: bool, at: Moment) -> bool {
        let links = &self.links;
        let owner = |key| links.get(key).map(|link| (link.room, link.participant));
        let own = owner(key);
        let entry = self
            .demux
            .enter(path, key, at.instant, |former| owner(former) == own);
        let Some(link) = self.links.get_mut(key) else {
            return false;
        };
        link.journal.note(TimelineStep::FirstCheck, at.wall);
        match entry {
            Entry::Refused => {
                self.facts.path_refused += 1;
                return false;
            }
            Entry::Known | Entry::Entered { .. } => {
                if !link.note_check(path, nominates, at.instant) {
                    self.facts.nominations_refused += 1;
                }
                if let Some(evicted) = link.reach(path, at.instant) {
                    self.demux.leave(&evicted, key);
                    self.released.push(evicted);
                }
            }
        }
        if let Entry::Entered {
            former: Some(former),
        } = entry
            && let Some(former) = self.links.get_mut(former)
        {
            former.unreach(&path);
        }
        matches!(entry, Entry::Entered { .. })
    }

    /// Anything but STUN: goes by the path it came on, which a verified check has entered.
    fn packet(&mut self, path: Path, bytes: &[u8], at: Moment) -> Verdict {
        let Some(key) = self.demux.by_path(&path, at.instant) else {
            self.facts.unknown_path += 1;
            return Verdict::Unknown;
        };
        let (Some(local), Some(link)) = (self.config.local(&path), self.links.get_mut(key)) else {
            return Verdict::Unknown;
        };
        if link.phase == Phase::Offered {
            self.facts.too_early += 1;
            return Verdict::Dropped;
        }
        if link.phase == Phase::Answered {
            link.handshake_bytes += bytes.len();
            if link.handshake_bytes > HANDSHAKE_BYTES {
                self.cut_off(key, Cap::HandshakeBytes, at);
                return Verdict::Dropped;
            }
        }
        link.note_packet(path, at.instant);
        if link.phase == Phase::Answered && link.egress().is_none() {
            self.answer_on(key, path, at);
        }
        self.feed(key, path, local, bytes, at);
        Verdict::Taken
    }

    /// The peer speaks on a path before it has nominated one, as RFC 8445 §12.1 lets it; it is
    /// answered there. Browsers nominate with a second check, 50 to 100 ms after their DTLS hello:
    /// waiting for it would cost every join that time. What is said there is bound by DTLS to the
    /// fingerprint in the answer, and the path has been entered by a verified check like any other.
    fn answer_on(&mut self, key: Key, path: Path, at: Moment) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        link.adopt(path);
        let mut produce = std::mem::take(&mut self.scratch);
        let fault = self.config.fault.as_ref();
        let result = guarded(fault, link.participant, || {
            link.peer.send_unnominated(at.instant, &mut produce)
        });
        self.collect(key, &mut produce);
        self.scratch = produce;
        self.settle(key, result, at);
    }

    /// Gives a datagram to its peer; the media packet that was in it waits to be forwarded.
    fn feed(
        &mut self,
        key: Key,
        path: Path,
        local: std::net::SocketAddr,
        bytes: &[u8],
        at: Moment,
    ) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        let mut produce = std::mem::take(&mut self.scratch);
        let fault = self.config.fault.as_ref();
        let result = guarded(fault, link.participant, || {
            let rings = &mut link.rings;
            link.peer
                .receive(at.instant, &path, local, bytes, rings, &mut produce)
        });
        self.collect(key, &mut produce);
        self.scratch = produce;
        self.touch(key);
        // At once: a packet that comes right behind the end of the handshake is forwarded.
        self.act_on_events(at);
        match result {
            Ok(None) => {}
            Ok(Some(packet)) => self.arrive(key, packet, at),
            Err(broken) => self.settle(key, Err(broken), at),
        }
    }
}
