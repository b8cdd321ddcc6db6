//! Media and messages between the participants of a conference.

use lens_protocol::media::{CauseCode, Pause, SfuEventKind, SlotKind, TimelineStep};

use super::{Broken, Shard, guarded};
use crate::core::arena::Key;
use crate::core::forward::{Decision, Incoming};
use crate::core::keyframe::starts_keyframe;
use crate::core::path::Moment;
use crate::core::peer::{CHANNEL_MESSAGE, Outgoing, Packet};
use crate::core::slots;

/// Most data channel messages a second from one participant. Pointer movements at 60 Hz fit.
const MESSAGES_PER_S: u32 = 200;

/// What came of offering a packet to one receiver.
enum Passed {
    Sent,
    NoCommonCodec,
    AwaitsKeyframe,
    Left,
}

impl Shard {
    /// Forwards a packet to everybody who receives that stream.
    pub(super) fn forward(&mut self, from: Key, packet: &Packet, at: Moment) {
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        self.facts.packets_in += 1;
        link.tally.packets_in += 1;
        link.tally.bytes_in += packet.payload.len() as u64;
        link.journal.note(TimelineStep::FirstPacketIn, at.wall);
        let kind = link.kinds[packet.slot];
        let video = slots::is_video(kind);
        if video && !link.video_rate.allow(packet.payload.len(), at.instant) {
            return self.fail(from, CauseCode::OverLimit, at);
        }
        let keyframe = video.then(|| starts_keyframe(packet.codec, &packet.payload));
        if keyframe == Some(true) {
            let source = &mut link.sources[packet.slot];
            source.throttle.served();
            source.keyframe = Some(packet.timestamp);
            link.journal.note(TimelineStep::FirstKeyframeIn, at.wall);
        }
        let incoming = Incoming {
            source: (from, packet.ssrc),
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            clock_rate: packet.codec.clock_rate(),
            keyframe,
            at: at.instant,
        };
        let (mut index, mut sent, mut awaited) = (0, 0, false);
        while let Some((to, slot)) = self.receiver(from, kind, index) {
            match self.pass(to, slot, packet, incoming, at) {
                Passed::Sent => sent += 1,
                Passed::NoCommonCodec => self.facts.no_common_codec += 1,
                Passed::AwaitsKeyframe => awaited = true,
                Passed::Left => {}
            }
            // A receiver that broke has left the list, and the next one has its place.
            index += usize::from(self.links.get(to).is_some());
        }
        self.facts.forwarded += sent;
        self.rate.count += sent;
        if video {
            self.after_video(from, packet, sent > 0, awaited, at);
        }
    }

    fn receiver(&self, from: Key, kind: SlotKind, index: usize) -> Option<(Key, usize)> {
        self.links.get(from)?.routes.get(kind, index)
    }

    fn pass(
        &mut self,
        to: Key,
        slot: usize,
        packet: &Packet,
        incoming: Incoming,
        at: Moment,
    ) -> Passed {
        let Some(link) = self.links.get_mut(to) else {
            return Passed::Left;
        };
        let Some(payload_type) = link.peer.payload_for(slot, packet.codec) else {
            return Passed::NoCommonCodec;
        };
        let Some(rewriter) = link.rewriters.get_mut(slot).and_then(Option::as_mut) else {
            return Passed::Left;
        };
        let (sequence, timestamp) = match rewriter.decide(incoming) {
            Decision::Send {
                sequence,
                timestamp,
            } => (sequence, timestamp),
            Decision::AwaitKeyframe => return Passed::AwaitsKeyframe,
            Decision::Skip => return Passed::Left,
        };
        let outgoing = Outgoing {
            slot,
            payload_type,
            sequence,
            timestamp,
            arrived: incoming.at,
            packet,
        };
        let fault = self.config.fault.as_ref();
        let written =
            guarded::<_, Broken>(fault, link.participant, || Ok(link.peer.write(&outgoing)));
        match written {
            Ok(true) => {
                link.tally.bytes_out += packet.payload.len() as u64;
                link.journal.note(TimelineStep::FirstPacketOut, at.wall);
                if incoming.keyframe == Some(true) {
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

    fn after_video(&mut self, from: Key, packet: &Packet, sent: bool, awaited: bool, at: Moment) {
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        let source = &mut link.sources[packet.slot];
        let whole = packet.marker && source.keyframe == Some(packet.timestamp);
        if awaited {
            source.throttle.want();
        }
        if whole && sent && !source.announced {
            source.announced = true;
            let (room, participant) = (link.room, link.participant);
            self.notice(room, SfuEventKind::FirstKeyframe { participant }, at);
        }
        if awaited {
            self.pump_keyframes(from, at);
        }
    }

    /// A receiver lost its picture: its source is asked, at most every 500 ms.
    pub(super) fn keyframe_wanted(&mut self, key: Key, slot: usize, at: Moment) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        link.tally.plis_in += 1;
        let (room, participant) = (link.room, link.participant);
        let room = self.rooms.get(room).filter(|room| !room.held);
        let receiver = room.and_then(|room| room.participant(participant));
        let source = receiver.and_then(|receiver| receiver.seats.source(slot));
        let sender = source.and_then(|source| room?.participant(source)?.current);
        if let Some(sender) = sender {
            self.want_keyframes_of(sender, at);
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
            self.want_keyframes_of(sender, at);
        }
    }

    /// Wants a keyframe of every video that a connection sends.
    pub(super) fn want_keyframes_of(&mut self, key: Key, at: Moment) {
        let Some(link) = self.links.get_mut(key) else {
            return;
        };
        for (kind, source) in link.kinds.iter().zip(&mut link.sources) {
            if *kind == SlotKind::VideoUp {
                source.throttle.want();
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
                if source.throttle.due(at.instant) && link.peer.request_keyframe(slot) {
                    asked += 1;
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
