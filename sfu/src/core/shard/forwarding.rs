//! Media between the participants of a conference: what came in a turn, to everybody who receives
//! it. What becomes of one packet at one receiver is in passing.rs.

use lens_protocol::media::{Pause, SfuEventKind, SlotKind, TimelineStep};

use super::Shard;
use super::passing::{Passed, Sent};
use crate::caps::Cap;
use crate::core::arena::Key;
use crate::core::keyframe::starts_keyframe;
use crate::core::link::{Arrived, Link};
use crate::core::path::Moment;
use crate::core::peer::Packet;
use crate::core::rtp::reception::Clock;
use crate::core::scalable::Scalable;
use crate::core::slots;

/// Packets of one connection that wait at most: fewer than its rings hold.
const WAITING: usize = 64;

impl Shard {
    /// Takes in a packet that came; it is forwarded with the others of its turn, so that each
    /// receiver's datagrams leave as one run.
    pub(super) fn arrive(&mut self, from: Key, packet: Packet, at: Moment) {
        let Some(link) = self.links.get_mut(from) else {
            return;
        };
        self.facts.packets_in += 1;
        if let Err(cap) = count(link, &packet, at) {
            return self.cut_off(from, cap, at);
        }
        let arrived = look_into(link, packet, at);
        if link.arrived.is_empty() {
            self.speaking.push(from);
        }
        link.arrived.push(arrived);
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
}

/// Counts a packet; an error when its sender is beyond a cap.
fn count(link: &mut Link, packet: &Packet, at: Moment) -> Result<(), Cap> {
    let length = link.rings[packet.slot].payload(&packet.kept).len();
    link.tally.packets_in += 1;
    link.tally.bytes_in += length as u64;
    link.journal.note(TimelineStep::FirstPacketIn, at.wall);
    let (rate, cap) = match slots::is_video(link.kinds[packet.slot]) {
        true => (&mut link.video_rate, Cap::VideoBitrate),
        false => (&mut link.voice_rate, Cap::VoiceBitrate),
    };
    rate.allow(length, at.instant).then_some(()).ok_or(cap)
}

/// Notes what a packet says of its stream: its layers, their sizes, its keyframes.
fn look_into(link: &mut Link, packet: Packet, at: Moment) -> Arrived {
    let (about, ring) = (&packet.kept.about, &link.rings[packet.slot]);
    let payload = ring.payload(&packet.kept);
    let video = slots::is_video(link.kinds[packet.slot]);
    let keyframe = video.then(|| starts_keyframe(about.codec, payload));
    let orientation = about.extensions.video_orientation;
    let source = &mut link.sources[packet.slot];
    if video && link.peer.is_layered(packet.slot) {
        let flow = source.flow.get_or_insert_default();
        flow.note(about.layer, payload.len(), about.header.marker, at.instant);
        if keyframe == Some(true) {
            flow.sizes.note(about.layer, about.codec, payload);
        }
        if let Some(orientation) = orientation {
            flow.sizes.turn(orientation);
        }
    }
    let descriptor = ring.descriptor(&packet.kept);
    let mut frame = None;
    if source.flow.is_none() && !descriptor.is_empty() {
        let known = &mut source.scalable;
        frame = Scalable::take(known, descriptor, payload.len(), at.instant);
        if let (Some(scalable), Some(orientation)) = (known, orientation) {
            scalable.turn(orientation);
        }
    }
    if let (Some(true), Some(layer)) = (keyframe, source.layer(about.layer)) {
        layer.throttle.served();
        layer.keyframe = Some(about.header.timestamp);
        link.journal.note(TimelineStep::FirstKeyframeIn, at.wall);
    }
    Arrived {
        packet,
        keyframe,
        frame,
        ends: false,
        sent: false,
    }
}
