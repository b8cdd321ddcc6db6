//! One packet and one receiver: whether it passes, and as what.

use lens_protocol::media::TimelineStep;

use super::{Broken, Shard, guarded};
use crate::core::arena::Key;
use crate::core::budget::Admission;
use crate::core::forward::{Decision, Incoming, LeftOut};
use crate::core::layers::Verdict;
use crate::core::link::Arrived;
use crate::core::pacer::Waiting;
use crate::core::path::Moment;
use crate::core::peer::{Outgoing, Packet};
use crate::core::rtp::ring::Ring;
use crate::core::scalable::Scalable;

/// What came of offering a packet to one receiver.
pub(super) enum Passed {
    Sent,
    NoCommonCodec,
    AwaitsKeyframe,
    Left,
}

impl Passed {
    fn left(awaits_keyframe: bool) -> Self {
        match awaits_keyframe {
            true => Self::AwaitsKeyframe,
            false => Self::Left,
        }
    }
}

/// What a connection sends, out of its place while others are written to.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) rings: &'a [Ring],
    pub(super) scalable: Option<&'a Scalable>,
}

impl Shard {
    /// Offers a packet to a receiver: it leaves now, waits for its turn, or is left out.
    pub(super) fn offer(
        &mut self,
        (from, to): (Key, Key),
        slot: usize,
        arrived: &Arrived,
        sent: Sent<'_>,
        at: Moment,
    ) -> Passed {
        let Some(link) = self.links.get_mut(to) else {
            return Passed::Left;
        };
        let ring = &sent.rings[arrived.packet.slot];
        let Some(starts) = arrived.keyframe else {
            let length = ring.payload(&arrived.packet.kept).len();
            link.spend(length, at.instant);
            link.voices.note(length, at.instant);
            return self.pass((from, to), slot, arrived, ring, at);
        };
        let (mut arrived, mut awaits) = (*arrived, false);
        if let (Some(frame), Some(scalable)) = (&arrived.frame, sent.scalable) {
            let timestamp = arrived.packet.kept.about.header.timestamp;
            let verdict = link.judge_cut(slot, scalable, frame, timestamp);
            (awaits, arrived.ends) = (verdict.awaits_keyframe, verdict.ends);
            if !verdict.passes {
                self.leave_out((from, to), slot, &arrived.packet, at);
                return Passed::left(awaits);
            }
        }
        if let Some(left) = self.thin((from, to), slot, &arrived, starts, ring, at) {
            return left;
        }
        let passed = self.send_or_wait((from, to), slot, &arrived, starts, ring, at);
        if awaits {
            self.facts.forwarded += u64::from(matches!(passed, Passed::Sent));
            return Passed::AwaitsKeyframe;
        }
        passed
    }

    /// Leaves a packet of video out that is of another layer than the receiver's, or more than its
    /// way carries.
    fn thin(
        &mut self,
        (from, to): (Key, Key),
        slot: usize,
        arrived: &Arrived,
        starts: bool,
        ring: &Ring,
        at: Moment,
    ) -> Option<Passed> {
        let link = self.links.get_mut(to)?;
        let about = &arrived.packet.kept.about;
        match link.judge(slot, from, about.layer, starts) {
            Verdict::Pass | Verdict::Switch { .. } => {}
            Verdict::AwaitKeyframe => return Some(Passed::AwaitsKeyframe),
            Verdict::Skip => return Some(Passed::Left),
        }
        let (frame, length) = (
            about.header.timestamp,
            ring.payload(&arrived.packet.kept).len(),
        );
        let thinned = match link.budget.video(frame, starts, length, at.instant) {
            Admission::Send => return None,
            // What was left out leaves no gap in the receiver's numbers.
            Admission::Restart => {
                link.restart(slot);
                return None;
            }
            Admission::Hold => Passed::Left,
            Admission::Resync => Passed::AwaitsKeyframe,
        };
        self.facts.thinned += 1;
        Some(thinned)
    }

    /// Sends a packet of video while the receiver's pacer is open; else it waits for its turn.
    fn send_or_wait(
        &mut self,
        (from, to): (Key, Key),
        slot: usize,
        arrived: &Arrived,
        starts: bool,
        ring: &Ring,
        at: Moment,
    ) -> Passed {
        let Some(link) = self.links.get_mut(to) else {
            return Passed::Left;
        };
        let kept = &arrived.packet.kept;
        if link.pacer.is_open(at.instant) {
            link.pacer.spend(ring.payload(kept).len(), at.instant);
            return self.pass((from, to), slot, arrived, ring, at);
        }
        link.pacer.wait(Waiting {
            from,
            up: arrived.packet.slot,
            ssrc: kept.about.header.ssrc,
            index: kept.about.index,
            starts,
            ends: arrived.ends,
            slot,
        });
        self.touch(to);
        Passed::Sent
    }

    /// A packet of a frame that a receiver does not get: nothing is missing in its numbers.
    fn leave_out(&mut self, (from, to): (Key, Key), slot: usize, packet: &Packet, at: Moment) {
        let Some(link) = self.links.get_mut(to) else {
            return;
        };
        let about = &packet.kept.about;
        let rewriter = link.rewriters.get_mut(slot).and_then(Option::as_mut);
        let source = (from, about.header.ssrc);
        let left = rewriter.map(|it| it.leave_out(source, about.index, about.header.timestamp));
        let payload_type = link.peer.payload_for(slot, about.codec);
        let (
            Some(LeftOut::Open {
                sequence,
                timestamp,
            }),
            Some(payload_type),
        ) = (left, payload_type)
        else {
            return;
        };
        let mut nothing = *packet;
        nothing.kept.about.header.marker = false;
        let outgoing = Outgoing {
            slot,
            payload_type,
            sequence,
            timestamp,
            arrived: about.at,
            now: at.instant,
            packet: &nothing,
            payload: &[],
            patch: None,
            descriptor: None,
        };
        let (path, outbox) = (link.egress(), &mut self.outbox);
        if link.peer.write(&outgoing, path, outbox) {
            self.touch(to);
        }
    }

    /// Rewrites a packet into the receiver's stream and sends it.
    pub(super) fn pass(
        &mut self,
        (from, to): (Key, Key),
        slot: usize,
        waiting: &Arrived,
        ring: &Ring,
        at: Moment,
    ) -> Passed {
        let Some(link) = self.links.get_mut(to) else {
            return Passed::Left;
        };
        let mut packet = waiting.packet;
        let about = &mut packet.kept.about;
        let Some(payload_type) = link.peer.payload_for(slot, about.codec) else {
            return Passed::NoCommonCodec;
        };
        let Some(rewriter) = link.rewriters.get_mut(slot).and_then(Option::as_mut) else {
            return Passed::Left;
        };
        let decision = rewriter.decide(Incoming {
            source: (from, about.header.ssrc),
            sequence: about.index,
            timestamp: about.header.timestamp,
            clock_rate: about.codec.clock_rate(),
            keyframe: waiting.keyframe,
            at: about.at,
        });
        let (sequence, timestamp) = match decision {
            Decision::Send {
                sequence,
                timestamp,
            } => (sequence, timestamp),
            Decision::AwaitKeyframe => return Passed::AwaitsKeyframe,
            Decision::Skip => return Passed::Left,
        };
        let epoch = rewriter.epoch();
        if waiting.ends && !about.header.marker {
            rewriter.ends(sequence);
            about.header.marker = true;
        }
        let payload = ring.payload(&packet.kept);
        let outgoing = Outgoing {
            slot,
            payload_type,
            sequence,
            timestamp,
            arrived: packet.kept.about.at,
            now: at.instant,
            packet: &packet,
            payload,
            patch: link.patch(slot, packet.kept.about.codec, payload, epoch),
            descriptor: link.describe(slot, ring.descriptor(&packet.kept), epoch),
        };
        self.write(to, &outgoing, waiting.keyframe, at)
    }

    /// Writes what was rewritten, and counts it.
    fn write(
        &mut self,
        to: Key,
        outgoing: &Outgoing<'_>,
        keyframe: Option<bool>,
        at: Moment,
    ) -> Passed {
        let Some(link) = self.links.get_mut(to) else {
            return Passed::Left;
        };
        let (path, outbox) = (link.egress(), &mut self.outbox);
        let fault = self.config.fault.as_ref();
        let written = guarded::<_, Broken>(fault, link.participant, || {
            Ok(link.peer.write(outgoing, path, outbox))
        });
        match written {
            Ok(true) => {}
            Ok(false) => return Passed::Left,
            Err(broken) => {
                self.settle(to, Err(broken), at);
                return Passed::Left;
            }
        }
        link.tally.bytes_out += outgoing.payload.len() as u64;
        if link.peer.counts_itself() {
            link.tally.packets_out += 1;
            self.facts.packets_out += 1;
        }
        link.journal.note(TimelineStep::FirstPacketOut, at.wall);
        if keyframe == Some(true) {
            link.journal.note(TimelineStep::FirstKeyframeOut, at.wall);
        }
        self.touch(to);
        Passed::Sent
    }
}
