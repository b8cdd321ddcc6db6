//! What follows from what viewers' ways carry.

use lens_protocol::media::{FollowViewer, Role};

use super::Shard;
use crate::core::arena::Key;
use crate::core::link::Link;
use crate::core::room::Room;

/// Less is not believed of a peer: a voice and a small picture need it.
const LEAST_CEILING: u64 = 64_000;

impl Shard {
    /// The way to a peer carries so many bits per second.
    pub(super) fn limited(&mut self, key: Key, bps: u64) {
        let Some(room) = self.links.get(key).map(|link| link.room) else {
            return;
        };
        let followed = self
            .rooms
            .get(room)
            .is_some_and(|room| self.is_followed(room));
        if let Some(link) = self.links.get_mut(key) {
            link.limit = Some(bps);
            link.budget.limit(bps);
            link.pacer.limit(bps, followed);
        }
        self.keep_longer(room);
        self.follow(room);
    }

    /// A peer says what it can take. One whose way is estimated has told more than that.
    pub(super) fn asked_not_to_exceed(&mut self, key: Key, bps: u64) {
        let link = self.links.get(key);
        if link.is_some_and(|link| !link.peer.is_estimated()) {
            self.limited(key, bps.max(LEAST_CEILING));
        }
    }

    /// What the camera of a room sends is kept for as long as a slow viewer may have to wait for it.
    fn keep_longer(&mut self, room: Key) {
        let room = self.rooms.get(room);
        let mut all = room.into_iter().flat_map(|room| &room.participants);
        let camera = all.find(|p| p.role == Role::Camera);
        let link = camera.and_then(|camera| self.links.get_mut(camera.current?));
        for ring in link.into_iter().flat_map(|link| &mut link.rings) {
            ring.keep_longer();
        }
    }

    /// Has a room's camera follow its viewers, as far as the policy says so.
    pub(super) fn follow(&mut self, room: Key) {
        let Some(room) = self.rooms.get(room) else {
            return;
        };
        let camera = room.participants.iter().find(|p| p.role == Role::Camera);
        let Some(camera) = camera.and_then(|camera| camera.current) else {
            return;
        };
        let most = u64::from(room.media.max_video_kbps) * 1_000;
        let ceiling = self.ceiling(room).map_or(most, |bps| bps.min(most));
        let Some(link) = self.links.get_mut(camera) else {
            return;
        };
        // A camera that was never asked for less is not told that it may send everything.
        let before = link.ceiling.unwrap_or(most);
        if before == ceiling {
            return;
        }
        link.ceiling = Some(ceiling);
        link.peer.ask_at_most(ceiling);
        self.touch(camera);
    }

    /// What the viewers that are followed can take, in bits per second.
    fn ceiling(&self, room: &Room) -> Option<u64> {
        let limits = viewers(room).map(|viewer| self.links.get(viewer)?.limit);
        limits.flatten().min().filter(|_| self.is_followed(room))
    }

    /// Whether the camera keeps below what each viewer's way carries.
    fn is_followed(&self, room: &Room) -> bool {
        follows_all(room) && !self.has_layers(room)
    }

    /// Whether the camera sends several sizes of its picture, so that a slow viewer gets a small
    /// one and holds nobody back.
    fn has_layers(&self, room: &Room) -> bool {
        let camera = room.participants.iter().find(|p| p.role == Role::Camera);
        let link = camera.and_then(|camera| self.links.get(camera.current?));
        link.is_some_and(Link::sends_layers)
    }
}

fn viewers(room: &Room) -> impl Iterator<Item = Key> + '_ {
    let viewers = room.participants.iter().filter(|p| p.role == Role::Viewer);
    viewers.filter_map(|viewer| viewer.current)
}

/// Whether the policy has the camera keep below what each viewer's way carries.
fn follows_all(room: &Room) -> bool {
    match room.media.follow_viewer {
        FollowViewer::Never => false,
        FollowViewer::Only => viewers(room).count() == 1,
        FollowViewer::Slowest => true,
    }
}
