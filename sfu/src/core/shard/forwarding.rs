//! Media and messages between the participants of a conference.

use lens_protocol::media::{Pause, SfuEventKind, SlotKind, TimelineStep};

use super::{Broken, Shard, guarded};
use crate::caps::Cap;
use crate::core::arena::Key;
use crate::core::budget::Admission;
use crate::core::forward::{Decision, Incoming, LeftOut, Origin, Rewriter};
use crate::core::keyframe::starts_keyframe;
use crate::core::layers::{self, Verdict};
use crate::core::link::Arrived;
use crate::core::pacer::Waiting;
use crate::core::path::Moment;
use crate::core::peer::{CHANNEL_MESSAGE, Outgoing, Packet};
use crate::core::rtp::reception::Clock;
use crate::core::rtp::ring::{Kept, Ring};
use crate::core::scalable::Scalable;
use crate::core::slots;

/// Most data channel messages a second from one participant. Pointer movements at 60 Hz fit.
const MESSAGES_PER_S: u32 = 200;
/// Packets of one connection that wait at most: fewer than its rings hold.
const WAITING: usize = 64;

/// What came of offering a packet to one receiver.
enum Passed {
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
struct Sent<'a> {
    rings: &'a [Ring],
    scalable: Option<&'a Scalable>,
}

impl Shard {
    /// Takes in a packet that came; it is forwarded with the others of its turn, so that each
    /// receiver's datagrams leave as one run.
    pub(super) fn arrive(&mut self, from: Key, packet: Packet, at: Moment) {
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        let payload = link.rings[packet.slot].payload(&packet.kept);
        self.facts.packets_in += 1;
        link.tally.packets_in += 1;
        link.tally.bytes_in += payload.len() as u64;
        link.journal.note(TimelineStep::FirstPacketIn, at.wall);
        let video = slots::is_video(link.kinds[packet.slot]);
        let (rate, cap) = match video {
            true => (&mut link.video_rate, Cap::VideoBitrate),
            false => (&mut link.voice_rate, Cap::VoiceBitrate),
        };
        if !rate.allow(payload.len(), at.instant) {
            return self.cut_off(from, cap, at);
        }
        let keyframe = video.then(|| starts_keyframe(packet.kept.about.codec, payload));
        let about = &packet.kept.about;
        let source = &mut link.sources[packet.slot];
        if video && link.peer.is_layered(packet.slot) {
            let flow = source.flow.get_or_insert_default();
            flow.note(about.layer, payload.len(), about.header.marker, at.instant);
            if keyframe == Some(true) {
                flow.sizes.note(about.layer, about.codec, payload);
            }
            if let Some(orientation) = about.extensions.video_orientation {
                flow.sizes.turn(orientation);
            }
        }
        let descriptor = link.rings[packet.slot].descriptor(&packet.kept);
        let mut frame = None;
        if source.flow.is_none() && !descriptor.is_empty() {
            let (known, length) = (&mut source.scalable, payload.len());
            frame = Scalable::take(known, descriptor, length, at.instant);
            let orientation = about.extensions.video_orientation;
            if let (Some(scalable), Some(orientation)) = (known, orientation) {
                scalable.turn(orientation);
            }
        }
        if let (Some(true), Some(layer)) = (keyframe, source.layer(about.layer)) {
            layer.throttle.served();
            layer.keyframe = Some(about.header.timestamp);
            link.journal.note(TimelineStep::FirstKeyframeIn, at.wall);
        }
        if link.arrived.is_empty() {
            self.speaking.push(from);
        }
        link.arrived.push(Arrived {
            packet,
            keyframe,
            frame,
            ends: false,
            sent: false,
        });
        // Before the ring needs the room of what waits.
        if link.arrived.len() >= WAITING {
            self.forward(from, at);
        }
    }

    /// Forwards all that waits.
    pub(super) fn forward_all(&mut self, at: Moment) {
        let mut speaking = std::mem::take(&mut self.speaking);
        for from in speaking.drain(..) {
            self.forward(from, at);
        }
        // Back in its place, so that none is allocated anew each turn.
        self.speaking = speaking;
    }

    /// Forwards what waits of one connection, receiver by receiver.
    fn forward(&mut self, from: Key, at: Moment) {
        self.choose_layers(from, at);
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        // Out of their place while the receivers, links as well, are written to.
        let mut arrived = std::mem::take(&mut link.arrived);
        let rings = std::mem::take(&mut link.rings);
        let mut sources = link.sources.iter_mut().enumerate();
        let scalable = sources.find_map(|(slot, it)| Some((slot, it.scalable.take()?)));
        let sent = Sent {
            rings: &rings,
            scalable: scalable.as_ref().map(|(_, scalable)| &**scalable),
        };
        let mut awaited = 0;
        for kind in [SlotKind::VideoUp, SlotKind::AudioUp] {
            awaited |= self.forward_kind(from, kind, &mut arrived, sent, at);
        }
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        link.rings = rings;
        if let Some((slot, scalable)) = scalable {
            link.sources[slot].scalable = Some(scalable);
        }
        self.after_video(from, &arrived, awaited, at);
        arrived.clear();
        if let Some(link) = self.links.get_mut(from) {
            link.arrived = arrived;
        }
    }

    /// Forwards packets of one kind of slot to everybody who receives it. Returns the layers, as
    /// bits, of which somebody waits for a keyframe.
    fn forward_kind(
        &mut self,
        from: Key,
        kind: SlotKind,
        arrived: &mut [Arrived],
        sent: Sent<'_>,
        at: Moment,
    ) -> u8 {
        let (mut index, mut awaited) = (0, 0);
        while let Some((to, slot)) = self.receiver(from, kind, index) {
            for waiting in arrived.iter_mut() {
                let packet = &waiting.packet;
                if slots::is_video(kind) != waiting.keyframe.is_some() {
                    continue;
                }
                let length = sent.rings[packet.slot].payload(&packet.kept).len();
                match self.offer((from, to), slot, waiting, sent, at) {
                    Passed::Sent => {
                        waiting.sent = true;
                        self.facts.forwarded += 1;
                        self.rate.count += 1;
                        self.rate.bytes += length as u64;
                    }
                    Passed::NoCommonCodec => self.facts.no_common_codec += 1,
                    Passed::AwaitsKeyframe => awaited |= 1 << packet.kept.about.layer,
                    Passed::Left => {}
                }
            }
            // A receiver that broke has left the list, and the next one has its place.
            index += usize::from(self.links.get(to).is_some());
        }
        awaited
    }

    pub(super) fn receiver(&self, from: Key, kind: SlotKind, index: usize) -> Option<(Key, usize)> {
        self.links.get(from)?.routes.get(kind, index)
    }

    /// Offers a packet to a receiver: it leaves now, waits for its turn, or is left out.
    fn offer(
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
        let payload = ring.payload(&arrived.packet.kept);
        let Some(starts) = arrived.keyframe else {
            link.spend(payload.len(), at.instant);
            link.voices.note(payload.len(), at.instant);
            return self.pass((from, to), slot, arrived, ring, at);
        };
        let about = &arrived.packet.kept.about;
        let (mut arrived, mut awaits) = (*arrived, false);
        if let (Some(frame), Some(scalable)) = (&arrived.frame, sent.scalable) {
            let verdict = link.judge_cut(slot, scalable, frame, about.header.timestamp);
            awaits = verdict.awaits_keyframe;
            arrived.ends = verdict.ends;
            if !verdict.passes {
                self.leave_out((from, to), slot, &arrived.packet, at);
                return Passed::left(awaits);
            }
        }
        let arrived = &arrived;
        match link.judge(slot, from, about.layer, starts) {
            Verdict::Pass | Verdict::Switch { .. } => {}
            Verdict::AwaitKeyframe => return Passed::AwaitsKeyframe,
            Verdict::Skip => return Passed::Left,
        }
        let frame = about.header.timestamp;
        let admission = link.budget.video(frame, starts, payload.len(), at.instant);
        match admission {
            Admission::Send => {}
            // What was left out leaves no gap in the receiver's numbers.
            Admission::Restart => link.restart(slot),
            Admission::Hold | Admission::Resync => {
                self.facts.thinned += 1;
                return match admission {
                    Admission::Resync => Passed::AwaitsKeyframe,
                    _ => Passed::Left,
                };
            }
        }
        if link.pacer.is_open(at.instant) {
            link.pacer.spend(payload.len(), at.instant);
            let passed = self.pass((from, to), slot, arrived, ring, at);
            self.facts.forwarded += u64::from(awaits && matches!(passed, Passed::Sent));
            return if awaits {
                Passed::AwaitsKeyframe
            } else {
                passed
            };
        }
        link.pacer.wait(Waiting {
            from,
            up: arrived.packet.slot,
            ssrc: about.header.ssrc,
            index: about.index,
            starts,
            ends: arrived.ends,
            slot,
        });
        self.touch(to);
        match awaits {
            true => Passed::AwaitsKeyframe,
            false => Passed::Sent,
        }
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

    fn pass(
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
        let payload = ring.payload(&packet.kept);
        let Some(payload_type) = link.peer.payload_for(slot, packet.kept.about.codec) else {
            return Passed::NoCommonCodec;
        };
        let Some(rewriter) = link.rewriters.get_mut(slot).and_then(Option::as_mut) else {
            return Passed::Left;
        };
        let decision = rewriter.decide(Incoming {
            source: (from, packet.kept.about.header.ssrc),
            sequence: packet.kept.about.index,
            timestamp: packet.kept.about.header.timestamp,
            clock_rate: packet.kept.about.codec.clock_rate(),
            keyframe: waiting.keyframe,
            at: packet.kept.about.at,
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
        if waiting.ends && !packet.kept.about.header.marker {
            rewriter.ends(sequence);
            packet.kept.about.header.marker = true;
        }
        let patch = link.patch(slot, packet.kept.about.codec, payload, epoch);
        let descriptor = link.describe(slot, ring.descriptor(&packet.kept), epoch);
        let outgoing = Outgoing {
            slot,
            payload_type,
            sequence,
            timestamp,
            arrived: packet.kept.about.at,
            now: at.instant,
            packet: &packet,
            payload,
            patch,
            descriptor,
        };
        let (path, outbox) = (link.egress(), &mut self.outbox);
        let fault = self.config.fault.as_ref();
        let written = guarded::<_, Broken>(fault, link.participant, || {
            Ok(link.peer.write(&outgoing, path, outbox))
        });
        match written {
            Ok(true) => {
                link.tally.bytes_out += payload.len() as u64;
                if link.peer.counts_itself() {
                    link.tally.packets_out += 1;
                    self.facts.packets_out += 1;
                }
                link.journal.note(TimelineStep::FirstPacketOut, at.wall);
                if waiting.keyframe == Some(true) {
                    link.journal.note(TimelineStep::FirstKeyframeOut, at.wall);
                }
                self.touch(to);
                Passed::Sent
            }
            Ok(false) => Passed::Left,
            Err(broken) => {
                self.settle(to, Err(broken), at);
                Passed::Left
            }
        }
    }

    fn after_video(&mut self, from: Key, arrived: &[Arrived], awaited: u8, at: Moment) {
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        let mut announced = false;
        for waiting in arrived.iter().filter(|it| it.keyframe.is_some()) {
            let about = &waiting.packet.kept.about;
            let head = &about.header;
            let source = &mut link.sources[waiting.packet.slot];
            let keyframe = source.layer(about.layer).and_then(|layer| layer.keyframe);
            let whole = head.marker && keyframe == Some(head.timestamp);
            if whole && waiting.sent && !source.announced {
                source.announced = true;
                announced = true;
            }
            source.want(awaited);
        }
        let (room, participant) = (link.room, link.participant);
        if announced {
            self.notice(room, SfuEventKind::FirstKeyframe { participant }, at);
        }
        if awaited != 0 {
            self.pump_keyframes(from, at);
        }
    }

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

    /// A sender has reported its clocks: whoever receives that stream is told the same by the
    /// timestamps it gets.
    pub(super) fn pass_clock(&mut self, from: Key, slot: usize, ssrc: u32, clock: Clock) {
        let kind = self.links.get(from).and_then(|link| link.kinds.get(slot));
        let Some(kind) = kind.copied() else {
            return;
        };
        let mut index = 0;
        while let Some((to, slot)) = self.receiver(from, kind, index) {
            index += 1;
            let Some(link) = self.links.get_mut(to) else {
                continue;
            };
            let rewriter = link.rewriters.get(slot).and_then(Option::as_ref);
            let offset = rewriter.and_then(|rewriter| rewriter.timestamp_offset((from, ssrc)));
            if let Some(offset) = offset {
                let rtp = clock.rtp.wrapping_add(offset);
                link.peer.note_source(slot, Clock { rtp, ..clock });
            }
        }
    }

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

    /// After a hold, streams continue without a gap and with a keyframe.
    pub(super) fn restart_streams(&mut self, key: Key) {
        if let Some(link) = self.links.get_mut(key) {
            for rewriter in link.rewriters.iter_mut().flatten() {
                rewriter.pause();
            }
        }
    }

    /// Where a sender's paused streams arrive, whatever comes next continues without a gap and,
    /// for video, with a keyframe.
    pub(super) fn cut_streams(&mut self, key: Key, pause: Pause) {
        for (paused, kind) in [
            (pause.video, SlotKind::VideoUp),
            (pause.voice, SlotKind::AudioUp),
        ] {
            let mut index = 0;
            while let Some((to, slot)) = self.receiver(key, kind, index).filter(|_| paused) {
                let link = self.links.get_mut(to);
                let rewriter = link.and_then(|link| link.rewriters.get_mut(slot)?.as_mut());
                if let Some(rewriter) = rewriter {
                    rewriter.pause();
                }
                index += 1;
            }
        }
    }

    /// Relays a data channel message to all the others of a conference.
    pub(super) fn relay(&mut self, from: Key, binary: bool, data: &[u8], at: Moment) {
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        let small = data.len() <= CHANNEL_MESSAGE as usize;
        if !small || !link.messages.allow(MESSAGES_PER_S, at.instant) {
            self.facts.messages_dropped += 1;
            return;
        }
        let sender = link.participant;
        let Some(room) = self.rooms.get(link.room).filter(|room| !room.held) else {
            self.facts.messages_dropped += 1;
            return;
        };
        let receivers = room.participants.iter().filter(|p| p.id != sender);
        let receivers: Vec<Key> = receivers.filter_map(|p| p.current).collect();
        for to in receivers {
            let Some(link) = self.links.get_mut(to) else {
                continue;
            };
            let fault = self.config.fault.as_ref();
            let sent = guarded::<_, Broken>(fault, link.participant, || {
                Ok(link.peer.send_message(binary, data))
            });
            match sent {
                Ok(true) => self.facts.messages_relayed += 1,
                Ok(false) => self.facts.messages_dropped += 1,
                Err(broken) => self.settle(to, Err(broken), at),
            }
            self.touch(to);
        }
    }
}
