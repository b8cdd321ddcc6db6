//! Connections of a participant: one plays, a newer one may be under way, a former one plays on
//! until the newer one flows. The twin of `html5-sdk/src/participant.js`.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};
use std::time::{Duration, Instant};

use super::connection::{Connection, OfferName};
use super::{ConnectionId, earlier};
use crate::frame::MediaKind;

/// How long a new generation may take to flow before the old one is closed anyway: a paused camera
/// sends nothing.
pub(super) const HANDOVER: Duration = Duration::from_millis(1_500);
/// Frames that are remembered to be shown once: ten seconds of pictures.
const REMEMBERED: usize = 300;
/// How long a new generation's frames are compared with those.
const COMPARED: Duration = Duration::from_secs(5);

/// The connections. Boxed: there is room for three, and there mostly is one, of 16 KB.
#[derive(Default)]
pub(super) struct Generations {
    /// What plays.
    pub(super) current: Option<Box<Connection>>,
    /// The newest offer's, while it is not `current`.
    pub(super) next: Option<Box<Connection>>,
    /// What played before; closed when `current` flows, or at that time.
    pub(super) former: Option<(Box<Connection>, Instant)>,
    /// The newest offer that was taken, whatever became of it.
    pub(super) offer: Option<OfferName>,
    last_id: u32,
}

impl Generations {
    pub(super) const fn new_id(&mut self) -> ConnectionId {
        self.last_id += 1;
        ConnectionId(self.last_id)
    }

    /// The connection that playing and sending is about: what plays, or is about to.
    pub(super) fn playing(&mut self) -> Option<&mut Connection> {
        self.current.as_deref_mut().or(self.next.as_deref_mut())
    }

    pub(super) fn newest(&mut self) -> Option<&mut Connection> {
        self.next.as_deref_mut().or(self.current.as_deref_mut())
    }

    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut Connection> {
        let former = self.former.as_mut().map(|(connection, _)| connection);
        let rest = self.current.iter_mut().chain(self.next.iter_mut());
        former.into_iter().chain(rest).map(Box::as_mut)
    }

    pub(super) fn find(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.each().find(|connection| connection.id == id)
    }

    /// The next generation takes over; what it replaces plays on for a while.
    pub(super) fn promote(&mut self, now: Instant) -> Vec<Box<Connection>> {
        let mut over = Vec::new();
        let Some(next) = self.next.take() else {
            return over;
        };
        over.extend(self.former.take().map(|(former, _)| former));
        if let Some(former) = self.current.replace(next) {
            self.former = Some((former, now + HANDOVER));
        }
        over
    }

    /// The former connection, once it is of no use any more.
    pub(super) fn retire(&mut self, now: Instant) -> Option<Box<Connection>> {
        let (former, until) = self.former.as_ref()?;
        let current = self.current.as_ref()?;
        // What was silent before need not be waited for.
        let flows = (0..2).all(|kind| !former.flows[kind] || current.flows[kind]);
        let is_over = flows || *until <= now;
        is_over
            .then(|| self.former.take())?
            .map(|(former, _)| former)
    }

    /// Every connection, out.
    pub(super) fn take_all(&mut self) -> Vec<Box<Connection>> {
        let former = self.former.take().map(|(former, _)| former);
        let all = [former, self.current.take(), self.next.take()];
        all.into_iter().flatten().collect()
    }

    pub(super) fn due(&self) -> Option<Instant> {
        let former = self
            .former
            .iter()
            .map(|(former, until)| earlier(former.due(), Some(*until)));
        let rest = self
            .current
            .iter()
            .chain(self.next.iter())
            .map(|it| it.due());
        former.chain(rest).fold(None, earlier)
    }
}

/// Index of a kind in [`Connection::flows`].
pub(super) const fn index(kind: MediaKind) -> usize {
    match kind {
        MediaKind::Video => 0,
        MediaKind::Audio => 1,
    }
}

/// What has been shown of late, so that a new generation shows none of it again.
///
/// Time stamps cannot tell: the server writes them anew for each connection. The bytes can; but
/// within one connection the same bytes are another frame, such as a picture that stands still, or
/// silence.
#[derive(Default)]
pub(super) struct Shown {
    frames: VecDeque<(ConnectionId, u64)>,
}

impl Shown {
    /// Notes a frame of a connection that has flowed since `since`; true when it is to be shown.
    pub(super) fn is_new(
        &mut self,
        now: Instant,
        (connection, since): (ConnectionId, Option<Instant>),
        data: &[u8],
    ) -> bool {
        let mut hasher = DefaultHasher::new();
        hasher.write(data);
        let hash = hasher.finish();
        let young = since.is_none_or(|since| now.saturating_duration_since(since) < COMPARED);
        let again = |(from, shown): &(ConnectionId, u64)| *from != connection && *shown == hash;
        if young && self.frames.iter().any(again) {
            return false;
        }
        if self.frames.len() == REMEMBERED {
            self.frames.pop_front();
        }
        self.frames.push_back((connection, hash));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_connection_has_shown_is_not_shown_again() {
        let now = Instant::now();
        let (former, newer) = (ConnectionId(1), ConnectionId(2));
        let mut shown = Shown::default();
        assert!(shown.is_new(now, (former, Some(now)), b"frame"));
        assert!(!shown.is_new(now, (newer, Some(now)), b"frame"));
        assert!(shown.is_new(now, (newer, Some(now)), b"another"));
        let later = now + COMPARED;
        assert!(shown.is_new(later, (newer, Some(now)), b"frame"));
    }

    #[test]
    fn a_picture_that_stands_still_is_shown_frame_by_frame() {
        let now = Instant::now();
        let mut shown = Shown::default();
        for _ in 0..10 {
            assert!(shown.is_new(now, (ConnectionId(1), Some(now)), b"the same"));
        }
    }
}
