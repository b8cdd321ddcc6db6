//! Which layer of a camera each viewer gets.

use lens_protocol::limits::WISHES_PER_S;
use lens_protocol::media::SlotKind;
use lens_protocol::wish::Wish;

use super::Shard;
use crate::core::arena::Key;
use crate::core::path::Moment;

impl Shard {
    /// A peer says what it wishes for; the next choice knows it. What cannot be read, or comes too
    /// often, changes nothing.
    pub(crate) fn wish(&mut self, key: Key, message: &[u8], at: Moment) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        let allowed = link.wishes.allow(WISHES_PER_S, at.instant);
        match Wish::read(message).filter(|_| allowed) {
            Some(wish) => link.wish = wish,
            None => self.facts.messages_dropped += 1,
        }
    }

    /// Chooses for everybody who sees a connection's camera: anew, when it is time for it, and at
    /// once for those who have only come.
    pub(super) fn choose_layers(&mut self, from: Key, at: Moment) {
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        let (room, before) = (link.room, link.sends_layers());
        self.choose_cuts(from, at);
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        let mut sources = link.sources.iter_mut();
        let judged = sources.find_map(|source| Some(source.flow.as_mut()?.judge(at.instant)));
        let Some((sent, anew)) = judged else {
            return;
        };
        let changed = link.sends_layers() != before;
        let mut index = 0;
        while let Some((to, slot)) = self.receiver(from, SlotKind::VideoUp, index) {
            let link = self.links.get_mut(to);
            if let Some(link) = link.filter(|link| anew || !link.has_chosen(slot, from)) {
                link.choose(slot, from, &sent, at.instant);
            }
            index += 1;
        }
        if changed {
            self.follow(room);
        }
    }

    /// The same for a camera that sends one scalable stream.
    fn choose_cuts(&mut self, from: Key, at: Moment) {
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        let (room, before) = (link.room, link.sends_layers());
        // Out of its place while the receivers, links as well, choose.
        let mut sources = link.sources.iter_mut().enumerate();
        let taken = sources.find_map(|(slot, it)| Some((slot, it.scalable.take()?)));
        let Some((place, mut sent)) = taken else {
            return;
        };
        let anew = sent.judge(at.instant);
        let mut index = 0;
        while let Some((to, slot)) = self.receiver(from, SlotKind::VideoUp, index) {
            let link = self.links.get_mut(to);
            if let Some(link) = link.filter(|link| anew || !link.has_cut(slot, from, &sent)) {
                link.choose_cut(slot, from, &sent, at.instant);
            }
            index += 1;
        }
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        link.sources[place].scalable = Some(sent);
        if link.sends_layers() != before {
            self.follow(room);
        }
    }
}
