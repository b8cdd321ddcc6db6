//! Who wants a keyframe, and when its camera is asked for one.

use lens_protocol::media::SlotKind;

use super::{Broken, Shard, guarded};
use crate::core::arena::Key;
use crate::core::layers;
use crate::core::path::Moment;

impl Shard {
    /// A receiver lost its picture: its source is asked, at most every 500 ms.
    pub(super) fn keyframe_wanted(&mut self, key: Key, slot: usize, at: Moment) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        link.tally.plis_in += 1;
        // Its video has stopped, or the keyframe is on its way: it gets one without asking.
        if link.budget.is_closed() || link.pacer.holds_keyframe() {
            return;
        }
        let (room, participant) = (link.room, link.participant);
        let room = self.rooms.get(room).filter(|room| !room.held);
        let receiver = room.and_then(|room| room.participant(participant));
        let source = receiver.and_then(|receiver| receiver.seats.source(slot));
        let sender = source.and_then(|source| room?.participant(source)?.current);
        if let Some(sender) = sender {
            let link = self.links.get(key);
            let needed = link.map_or(layers::ALL, |link| link.needed(slot, sender));
            self.want_keyframes_of(sender, needed, at);
        }
    }

    /// Wants keyframes from all sources that a newly connected participant receives.
    pub(super) fn want_keyframes_for(&mut self, key: Key, at: Moment) {
        let Some(link) = self.links.get(key) else {
            return;
        };
        let Some(room) = self.rooms.get(link.room).filter(|room| !room.held) else {
            return;
        };
        let senders = room
            .participants
            .iter()
            .filter(|p| p.id != link.participant);
        let senders: Vec<Key> = senders.filter_map(|p| p.current).collect();
        for sender in senders {
            self.want_keyframes_of(sender, layers::ALL, at);
        }
    }

    /// Wants a keyframe of these layers, as bits, of every video that a connection sends.
    pub(super) fn want_keyframes_of(&mut self, key: Key, layers: u8, at: Moment) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        for (kind, source) in link.kinds.iter().zip(&mut link.sources) {
            if *kind == SlotKind::VideoUp {
                source.want(layers);
            }
        }
        self.pump_keyframes(key, at);
    }

    /// Sends the keyframe requests that are due, and sets the timer for the others.
    pub(super) fn pump_keyframes(&mut self, key: Key, at: Moment) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        let fault = self.config.fault.as_ref();
        let mut asked = 0;
        let participant = link.participant;
        let result = guarded::<_, Broken>(fault, participant, || {
            for (slot, source) in link.sources.iter_mut().enumerate() {
                for (number, layer) in (0..).zip(&mut source.layers) {
                    if layer.throttle.due(at.instant) && link.peer.request_keyframe(slot, number) {
                        asked += 1;
                    }
                }
            }
            Ok(())
        });
        link.tally.plis_out += asked;
        self.facts.plis_out += asked;
        self.settle(key, result, at);
        if asked > 0 {
            self.touch(key);
        }
        self.arm(key, at.instant);
    }
}
