//! Packets that a receiver has not got, sent again from the ring of their stream.

use super::{Broken, Shard, guarded};
use crate::core::arena::Key;
use crate::core::forward::{Origin, Rewriter};
use crate::core::path::Moment;
use crate::core::peer::{Outgoing, Packet};
use crate::core::rtp::ring::{Kept, Ring};

impl Shard {
    /// A receiver has not got a packet: it is sent again, if it is still there.
    pub(super) fn repair(&mut self, to: Key, slot: usize, index: u64, at: Moment) {
        let Some(link) = self.links.get(to) else {
            return;
        };
        let rewriter = link.rewriters.get(slot).and_then(Option::as_ref);
        let Some(origin) = rewriter.and_then(|rewriter| rewriter.origin(index)) else {
            return;
        };
        let (from, ssrc) = origin.source;
        let Some(source) = self.links.get_mut(from) else {
            return;
        };
        // Out of their place while the receiver, a link as well, is written to.
        let rings = std::mem::take(&mut source.rings);
        let mut streams = rings.iter().enumerate();
        let found = streams.find_map(|(slot, ring)| Some((slot, *ring.find(ssrc, origin.index)?)));
        if let Some((from_slot, kept)) = found {
            self.repair_with((to, slot), index, (kept, origin), &rings[from_slot], at);
        }
        if let Some(source) = self.links.get_mut(from) {
            source.rings = rings;
        }
    }

    fn repair_with(
        &mut self,
        (to, slot): (Key, usize),
        index: u64,
        (mut kept, origin): (Kept, Origin),
        ring: &Ring,
        at: Moment,
    ) {
        let payload = ring.payload(&kept);
        let Some(link) = self.links.get_mut(to) else {
            return;
        };
        let Some(payload_type) = link.peer.payload_for(slot, kept.about.codec) else {
            return;
        };
        let rewriter = link.rewriters.get(slot).and_then(Option::as_ref);
        let epoch = rewriter.map_or(0, Rewriter::epoch);
        let patch = link.patch(slot, kept.about.codec, payload, epoch);
        let descriptor = link.describe(slot, ring.descriptor(&kept), epoch);
        kept.about.header.marker |= origin.ends;
        let outgoing = Outgoing {
            slot,
            payload_type,
            sequence: index,
            timestamp: kept
                .about
                .header
                .timestamp
                .wrapping_add(origin.timestamp_offset),
            arrived: at.instant,
            now: at.instant,
            packet: &Packet { slot, kept },
            payload,
            patch,
            descriptor,
        };
        let (path, outbox) = (link.egress(), &mut self.outbox);
        let fault = self.config.fault.as_ref();
        let result = guarded::<_, Broken>(fault, link.participant, || {
            Ok(link.peer.repair(&outgoing, path, outbox))
        });
        match result {
            Ok(true) => {
                link.spend(payload.len(), at.instant);
                link.tally.packets_out += 1;
                self.facts.packets_out += 1;
                self.facts.repaired += 1;
            }
            Ok(false) => {}
            Err(broken) => self.settle(to, Err(broken), at),
        }
    }
}
