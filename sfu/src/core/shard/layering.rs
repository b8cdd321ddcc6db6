//! Which layer of a camera each viewer gets.

use lens_protocol::media::SlotKind;

use super::Shard;
use crate::core::arena::Key;
use crate::core::path::Moment;

impl Shard {
    /// Chooses for everybody who sees a connection's camera: anew, when it is time for it, and at
    /// once for those who have only come.
    pub(super) fn choose_layers(&mut self, from: Key, at: Moment) {
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        let (room, before) = (link.room, link.sends_layers());
        let mut sources = link.sources.iter_mut();
        let judged = sources.find_map(|source| Some(source.flow.as_mut()?.judge(at.instant)));
        let Some((rates, anew)) = judged else {
            return;
        };
        let changed = link.sends_layers() != before;
        let mut index = 0;
        while let Some((to, slot)) = self.receiver(from, SlotKind::VideoUp, index) {
            let link = self.links.get_mut(to);
            if let Some(link) = link.filter(|link| anew || !link.has_chosen(slot, from)) {
                link.choose(slot, from, &rates, at.instant);
            }
            index += 1;
        }
        if changed {
            self.follow(room);
        }
    }
}
