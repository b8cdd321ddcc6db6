//! A client: ICE and DTLS of the media stack, RTP of our own path. It films, speaks, or watches.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lens_protocol::Timestamp;
use lens_protocol::media::SlotKind;
use lens_runtime::udp::Runs;

use super::DOOR;
use super::camera::{Camera, Shot};
use super::frames::Decoder;
use super::svc;
use crate::core::codec::MediaCodec;
use crate::core::path::{Carrier, Moment, Path};
use crate::core::peer::{NewClient, Outgoing, Packet, Peer, PeerEvent, Produce, client};
use crate::core::rtp::descriptor::{self, Rewritten};
use crate::core::rtp::header::{Extensions, Header};
use crate::core::rtp::ring::{About, Ring};

/// A voice packet, of 20 ms at 32 kbit/s.
const VOICE: Duration = Duration::from_millis(20);
const VOICE_BYTES: usize = 80;
const VOICE_TICKS: u32 = 960;

pub(super) struct Client {
    peer: Peer,
    pub(super) address: SocketAddr,
    start: Instant,
    pub(super) connected: bool,
    kinds: Vec<SlotKind>,
    /// What it receives, and what it sends, slot by slot.
    rings: Vec<Ring>,
    sent: Vec<Ring>,
    produce: Produce,
    outbox: Runs<Path>,
    pub(super) camera: Option<Camera>,
    speaker: Option<Speaker>,
    pub(super) decoder: Decoder,
    pub(super) parts: svc::Parts,
    /// How long each voice packet took.
    pub(super) voices: Vec<Duration>,
}

#[derive(Default)]
struct Speaker {
    number: u64,
    next: Option<Instant>,
}

impl Client {
    pub(super) fn new(
        new: NewClient<'_>,
        camera: Option<Camera>,
        speaks: bool,
        start: Instant,
    ) -> (Self, String) {
        let (address, mut kinds) = (new.address, new.layout.to_vec());
        if camera.as_ref().is_some_and(Camera::is_layered) {
            kinds.extend([SlotKind::VideoUp; 2]);
        }
        let (mut peer, answer) = client(new);
        peer.expect_at_most(2_500);
        let client = Self {
            peer,
            address,
            start,
            connected: false,
            rings: kinds.iter().map(|_| Ring::default()).collect(),
            sent: kinds.iter().map(|_| Ring::default()).collect(),
            kinds,
            produce: Produce::default(),
            outbox: Runs::default(),
            camera,
            speaker: speaks.then(Speaker::default),
            decoder: Decoder::default(),
            parts: svc::Parts::default(),
            voices: Vec::new(),
        };
        (client, answer)
    }

    /// What it sends now.
    pub(super) fn tick(&mut self, now: Instant) -> Vec<Vec<u8>> {
        if self.connected {
            self.film(now);
            self.speak(now);
            self.watch(now);
        }
        let at = Moment {
            instant: now,
            wall: Timestamp::from_unix_ms(1_800_000_000_000),
        };
        let drained = self
            .peer
            .drain(at, Some(door_path()), &mut self.outbox, &mut self.produce);
        drained.expect("goes on");
        self.act(now);
        let datagrams = self.produce.datagrams.drain(..);
        let mut sent: Vec<Vec<u8>> = datagrams.map(|it| it.bytes).collect();
        self.outbox.drain(|_, bytes, segment| {
            sent.extend(bytes.chunks(segment).map(<[u8]>::to_vec));
        });
        sent
    }

    pub(super) fn receive(&mut self, bytes: &[u8], now: Instant) {
        let passed = now - self.start;
        let received = self.peer.receive(
            now,
            &door_path(),
            self.address,
            bytes,
            &mut self.rings,
            &mut self.produce,
        );
        self.act(now);
        let Some(packet) = received.expect("goes on") else {
            return;
        };
        let payload = self.rings[packet.slot].payload(&packet.kept);
        let about = &packet.kept.about;
        let descriptor = self.rings[packet.slot].descriptor(&packet.kept);
        if about.codec.is_scalable() {
            self.parts.indices.insert(about.index);
            let both = (payload, descriptor);
            let marker = about.header.marker;
            return self.parts.take(both, marker, passed, &mut self.decoder);
        }
        if about.codec != MediaCodec::Opus {
            return self.decoder.take(payload, passed);
        }
        let taken = payload[4..12].try_into().expect("eight bytes");
        let taken = Duration::from_micros(u64::from_be_bytes(taken));
        self.voices.push(passed - taken);
    }

    fn act(&mut self, now: Instant) {
        for event in std::mem::take(&mut self.produce.events) {
            match (event, &mut self.camera) {
                (PeerEvent::Connected, _) => self.connected = true,
                (PeerEvent::Missing { slot, index }, _) => self.repair(slot, index, now),
                (PeerEvent::KeyframeWanted { slot }, Some(camera)) => {
                    let mut slots = video_up(&self.kinds);
                    let place = slots.position(|known| known == slot);
                    camera.want_keyframe(place.expect("a layer"));
                }
                (PeerEvent::Limit(bps), Some(camera)) => camera.limit(bps),
                (PeerEvent::Ceiling(bps), Some(camera)) => camera.ceiling(bps),
                _ => {}
            }
        }
    }

    fn film(&mut self, now: Instant) {
        let Some(camera) = &mut self.camera else {
            return;
        };
        let shots = camera.shoot(now, now - self.start);
        let codec = match camera.is_scalable() {
            true => MediaCodec::Vp9(0),
            false => MediaCodec::Vp8,
        };
        for shot in shots {
            let slot = video_up(&self.kinds).nth(shot.place).expect("a slot");
            self.write(slot, codec, &shot, now);
        }
    }

    fn speak(&mut self, now: Instant) {
        let Some(speaker) = &mut self.speaker else {
            return;
        };
        if speaker.next.is_some_and(|next| next > now) {
            return;
        }
        speaker.next = Some(speaker.next.unwrap_or(now) + VOICE);
        speaker.number += 1;
        let mut payload = (speaker.number as u32).to_be_bytes().to_vec();
        payload.extend(((now - self.start).as_micros() as u64).to_be_bytes());
        payload.resize(VOICE_BYTES, 9);
        let shot = Shot {
            number: 1_000 + speaker.number,
            timestamp: (speaker.number as u32).wrapping_mul(VOICE_TICKS),
            marker: false,
            place: 0,
            payload,
            descriptor: None,
        };
        let slot = self.slot(SlotKind::AudioUp).expect("a slot of it");
        self.write(slot, MediaCodec::Opus, &shot, now);
    }

    fn watch(&mut self, now: Instant) {
        let video = self.slot(SlotKind::VideoDown);
        if let Some(video) = video.filter(|_| self.decoder.is_stuck(now - self.start)) {
            self.peer.request_keyframe(video, 0);
        }
    }

    fn write(&mut self, slot: usize, codec: MediaCodec, shot: &Shot, now: Instant) {
        let payload_type = self.peer.payload_for(slot, codec).expect("taken");
        let ring = &mut self.sent[slot];
        let descriptor = shot.descriptor.as_deref().unwrap_or_default();
        let all = [&shot.payload, descriptor].concat();
        ring.room(all.len(), now)
            .expect("room")
            .copy_from_slice(&all);
        let about = About {
            index: shot.number,
            header: Header {
                marker: shot.marker,
                payload_type,
                sequence: 0,
                timestamp: shot.timestamp,
                ssrc: 0,
            },
            extensions: Extensions::default(),
            codec,
            layer: 0,
            at: now,
        };
        let length = shot.payload.len();
        let kept = ring.keep_described(about, 0..length, length..all.len());
        let packet = Packet { slot, kept };
        self.send(&packet, payload_type, false, now);
    }

    fn repair(&mut self, slot: usize, index: u64, now: Instant) {
        if let Some(kept) = self.sent[slot].find(0, index).copied() {
            let payload_type = kept.about.header.payload_type;
            self.send(&Packet { slot, kept }, payload_type, true, now);
        }
    }

    fn send(&mut self, packet: &Packet, payload_type: u8, again: bool, now: Instant) {
        let about = &packet.kept.about;
        let descriptor = self.sent[packet.slot].descriptor(&packet.kept);
        let number = descriptor::number(descriptor);
        let descriptor = number.and_then(|number| Rewritten::new(descriptor, number));
        let out = Outgoing {
            slot: packet.slot,
            payload_type,
            sequence: about.index,
            timestamp: about.header.timestamp,
            arrived: now,
            now,
            packet,
            payload: self.sent[packet.slot].payload(&packet.kept),
            patch: None,
            descriptor,
        };
        let (to, outbox) = (Some(door_path()), &mut self.outbox);
        match again {
            true => self.peer.repair(&out, to, outbox),
            false => self.peer.write(&out, to, outbox),
        };
    }

    fn slot(&self, kind: SlotKind) -> Option<usize> {
        self.kinds.iter().position(|known| *known == kind)
    }
}

/// The slots that a camera sends in, the largest picture's first.
fn video_up(kinds: &[SlotKind]) -> impl Iterator<Item = usize> {
    let kinds = kinds.iter().enumerate();
    kinds.filter_map(|(slot, kind)| (*kind == SlotKind::VideoUp).then_some(slot))
}

fn door_path() -> Path {
    Path {
        door: 0,
        carrier: Carrier::Udp,
        remote: DOOR.into(),
    }
}
