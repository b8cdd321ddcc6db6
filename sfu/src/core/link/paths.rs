//! The paths that a connection is reached on, and which of them its traffic takes.

use std::time::{Duration, Instant};

use super::Link;
use crate::core::path::{Carrier, Path};

/// Most addresses that one connection is reached on; the longest silent one makes room.
const MOST_PATHS: usize = 16;
/// A path that has been silent this long loses its traffic to one that is not.
const PATH_SILENCE: Duration = Duration::from_millis(500);

/// A path, and when it was heard last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    path: Path,
    heard: Instant,
}

impl Link {
    /// Adds a path, or notes that it was heard. Returns the path that had to make room.
    pub(crate) fn reach(&mut self, path: Path, now: Instant) -> Option<Path> {
        if let Some(known) = self.paths.iter_mut().find(|known| known.path == path) {
            known.heard = now;
            return None;
        }
        let mut evicted = None;
        if self.paths.len() == MOST_PATHS {
            let idle = self
                .paths
                .iter()
                .enumerate()
                .filter(|(_, p)| Some(p.path) != self.egress);
            let oldest = idle.min_by_key(|(_, p)| p.heard).map(|(index, _)| index);
            evicted = oldest.map(|index| self.paths.swap_remove(index).path);
        }
        self.paths.push(Reached { path, heard: now });
        evicted
    }

    /// Forgets a path.
    pub(crate) fn unreach(&mut self, path: &Path) {
        self.paths.retain(|known| known.path != *path);
        if self.egress == Some(*path) {
            self.egress = self.paths.iter().max_by_key(|p| p.heard).map(|p| p.path);
        }
    }

    /// All paths it is reached on.
    pub(crate) fn paths(&self) -> impl Iterator<Item = Path> + '_ {
        self.paths.iter().map(|reached| reached.path)
    }

    /// Notes a verified check from `path`. A nominating one moves the traffic there, once the
    /// former path has gone silent: after a NAT has moved the peer, the stack would stay with the
    /// former address until that expires. As long as the former path is alive, a check may have
    /// been recorded and replayed by somebody else, and moves nothing. A provisional path yields
    /// at once. False for a check that wanted to move the traffic and may not.
    pub(crate) fn note_check(&mut self, path: Path, nominates: bool, now: Instant) -> bool {
        self.heard = now;
        self.checked = now;
        if !nominates {
            return true;
        }
        let may = self.egress == Some(path) || self.provisional || self.may_move(now);
        if may {
            self.egress = Some(path);
            self.provisional = false;
        }
        may
    }

    /// Sends to `path` until the peer nominates one.
    pub(crate) fn adopt(&mut self, path: Path) {
        self.egress = Some(path);
        self.provisional = true;
    }

    /// Notes any other packet from `path`, one of its own.
    pub(crate) fn note_packet(&mut self, path: Path, now: Instant) {
        self.heard = now;
        let Some(known) = self.paths.iter_mut().find(|known| known.path == path) else {
            return;
        };
        known.heard = now;
        if self.egress.is_some() && self.may_move(now) {
            self.egress = Some(path);
        }
    }

    /// Where traffic goes, when the peer's own checks have said so.
    pub(crate) fn egress(&self) -> Option<Path> {
        self.egress
    }

    /// The path with this remote address, for the stack's replies to checks.
    pub(crate) fn path_to(&self, carrier: Carrier, remote: std::net::SocketAddr) -> Option<Path> {
        self.paths()
            .find(|path| path.carrier == carrier && path.remote == remote)
    }

    /// Whether the traffic may go elsewhere: there is no path for it yet, or a silent one.
    fn may_move(&self, now: Instant) -> bool {
        let Some(egress) = self.egress else {
            return true;
        };
        let known = self.paths.iter().find(|known| known.path == egress);
        known.is_none_or(|known| now.saturating_duration_since(known.heard) >= PATH_SILENCE)
    }
}

#[cfg(test)]
mod tests {
    use lens_protocol::Timestamp;
    use lens_protocol::id::{Generation, ParticipantId};
    use lens_protocol::media::{MediaPolicy, Role};
    use lens_runtime::entropy::SeededEntropy;

    use super::super::NewLink;
    use super::*;
    use crate::core::arena::Arena;
    use crate::core::demux::Names;
    use crate::core::path::Moment;
    use crate::core::peer::{self, Blueprint, Credentials, Identity};
    use crate::core::slots;

    fn link(at: Moment) -> Link {
        let kinds = slots::layout(Role::Viewer, 2);
        let built = peer::build(Blueprint {
            credentials: Credentials::new(0, &Names::for_tests(), &mut SeededEntropy::new(1)),
            identity: &Identity::generate().expect("a certificate"),
            addresses: &[],
            layout: &kinds,
            codecs: &MediaPolicy::default().video_codecs,
            simulcast: lens_protocol::media::Simulcast::Never,
            own_path: true,
            channel: true,
            now: at.instant,
        });
        let built = built.expect("a peer");
        let new = NewLink {
            room: Arena::default().insert(|_| ()),
            participant: ParticipantId::from_bytes([1; 16]),
            generation: Generation(1),
            ufrag: built.ufrag,
            kinds,
            peer: built.peer,
            max_video_kbps: 1_000,
        };
        Link::new(new, at, || 1)
    }

    fn path(port: u16) -> Path {
        Path {
            door: 0,
            carrier: Carrier::Udp,
            remote: ([192, 0, 2, 7], port).into(),
        }
    }

    #[test]
    fn a_provisional_path_yields_to_a_nomination_at_once_and_a_nominated_one_when_silent() {
        let now = Instant::now();
        let mut link = link(Moment {
            instant: now,
            wall: Timestamp::from_unix_ms(0),
        });
        for port in [1, 2] {
            link.reach(path(port), now);
        }
        link.adopt(path(1));
        link.note_check(path(2), false, now);
        assert_eq!(link.egress(), Some(path(1)), "no nomination yet");
        link.note_check(path(2), true, now);
        assert_eq!(link.egress(), Some(path(2)));
        link.note_check(path(1), true, now);
        assert_eq!(link.egress(), Some(path(2)), "it may be a replay");
        link.note_check(path(1), true, now + PATH_SILENCE);
        assert_eq!(link.egress(), Some(path(1)));
    }
}
