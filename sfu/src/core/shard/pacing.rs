//! Packets that have waited for their turn on a receiver's way.

use super::Shard;
use super::passing::Passed;
use crate::core::arena::Key;
use crate::core::layers;
use crate::core::link::Arrived;
use crate::core::pacer::Waiting;
use crate::core::path::Moment;
use crate::core::peer::Packet;
use crate::core::rtp::ring::{Kept, Ring};

impl Shard {
    /// Sends a receiver what has waited for its turn.
    pub(super) fn release(&mut self, to: Key, at: Moment) {
        while let Some(link) = self.links.get_mut(to) {
            let Some(waiting) = link.pacer.next(at.instant) else {
                return;
            };
            let source = self.links.get_mut(waiting.from);
            // Whoever was held or paused meanwhile sends nothing more.
            let source = source.filter(|it| it.routes.video.contains(&(to, waiting.slot)));
            let Some(source) = source else {
                continue;
            };
            // Out of their place while the receiver, a link as well, is written to.
            let rings = std::mem::take(&mut source.rings);
            let ring = rings.get(waiting.up);
            let kept = ring.and_then(|ring| ring.find(waiting.ssrc, waiting.index).copied());
            match (ring, kept) {
                (Some(ring), Some(kept)) => self.send_waiting(to, &waiting, ring, kept, at),
                _ => self.give_up_waiting(to, &waiting, at),
            }
            if let Some(source) = self.links.get_mut(waiting.from) {
                source.rings = rings;
            }
        }
    }

    fn send_waiting(&mut self, to: Key, waiting: &Waiting, ring: &Ring, kept: Kept, at: Moment) {
        let payload = ring.payload(&kept);
        if let Some(link) = self.links.get_mut(to) {
            link.pacer.spend(payload.len(), at.instant);
        }
        let arrived = Arrived {
            packet: Packet {
                slot: waiting.up,
                kept,
            },
            keyframe: Some(waiting.starts),
            frame: None,
            ends: waiting.ends,
            sent: false,
        };
        let between = (waiting.from, to);
        if let Passed::AwaitsKeyframe = self.pass(between, waiting.slot, &arrived, ring, at) {
            self.want_keyframes_of(waiting.from, 1 << kept.about.layer, at);
        }
    }

    /// A packet has waited for longer than it is kept: what follows is of no use without it.
    fn give_up_waiting(&mut self, to: Key, waiting: &Waiting, at: Moment) {
        let mut needed = layers::ALL;
        if let Some(link) = self.links.get_mut(to) {
            link.pacer.clear();
            link.restart(waiting.slot);
            needed = link.needed(waiting.slot, waiting.from);
        }
        self.want_keyframes_of(waiting.from, needed, at);
    }
}
