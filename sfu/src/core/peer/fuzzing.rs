//! Our own RTP path of one peer without the handshake that comes before it, for the fuzz target
//! `media`: two streams each way, keys that both ends know.

use std::time::Instant;

use lens_runtime::udp::Runs;

use super::fast::{Belongs, Fast, LaneTerms, Terms};
use super::types::{Outgoing, Packet, PeerEvent};
use crate::core::codec::{MediaCodec, VIDEO_CLOCK, VOICE_CLOCK};
use crate::core::path::{Moment, Path};
use crate::core::rtp::header::{self, ExtensionMap};
use crate::core::rtp::ring::Ring;
use crate::core::rtp::srtp::{Opener, Sealer};

/// What the peer's extensions are called.
pub(crate) const NUMBERS: ExtensionMap = ExtensionMap {
    audio_level: 1,
    transport_sequence: 3,
    mid: 4,
    video_orientation: 13,
    abs_capture_time: 9,
    rid: 10,
    repaired_rid: 11,
    descriptor: 12,
};
/// SSRCs of what the peer sends: picture, its repairs, voice.
pub(crate) const THEIRS: [u32; 3] = [1, 2, 3];
/// SSRCs of what it receives: picture, its repairs, voice.
pub(crate) const OURS: [u32; 3] = [11, 12, 13];
/// Payload types: picture, its repairs, voice.
pub(crate) const PAYLOAD_TYPES: [u8; 3] = [96, 97, 111];

/// The path of one peer. Slot 0 carries the picture, slot 1 the voice, each in both directions.
pub(crate) struct Bare(Fast);

impl Bare {
    pub(crate) fn new(sealer: Sealer, opener: Opener, now: Instant) -> Self {
        let lane = |ssrc, repair, clock_rate| {
            Some(LaneTerms {
                ssrc,
                repair,
                mid: "0".to_owned(),
                rid: None,
                clock_rate,
            })
        };
        let terms = Terms {
            map: NUMBERS,
            lanes: vec![
                lane(OURS[0], Some(OURS[1]), VIDEO_CLOCK),
                lane(OURS[2], None, VOICE_CLOCK),
            ],
            repairs: vec![(PAYLOAD_TYPES[1], PAYLOAD_TYPES[0])],
            name: "fuzz".to_owned(),
            wanted: 2_500_000,
        };
        Self(Fast::new(sealer, opener, terms, 0, now))
    }

    /// An RTP packet of the peer, in the stream whose payload type it has.
    pub(crate) fn packet(
        &mut self,
        bytes: &[u8],
        rings: &mut [Ring],
        at: Instant,
    ) -> Option<Packet> {
        let parsed = header::parse(bytes)?;
        let kind = PAYLOAD_TYPES
            .iter()
            .position(|it| *it == parsed.header.payload_type)?;
        let belongs = Belongs {
            slot: [0, 0, 1][kind],
            codec: [MediaCodec::Vp8, MediaCodec::Vp8, MediaCodec::Opus][kind],
            repairs: (kind == 1).then_some(PAYLOAD_TYPES[0]),
            video: kind != 2,
            layer: 0,
        };
        self.0.packet(bytes, &parsed, belongs, rings, at)
    }

    pub(crate) fn control(&mut self, bytes: &[u8], at: Instant, tell: impl FnMut(PeerEvent)) {
        self.0.control(bytes, at, tell);
    }

    pub(crate) fn request_keyframe(&mut self, slot: usize) -> bool {
        self.0.request_keyframe(slot, 0)
    }

    pub(crate) fn speak(&mut self, at: Moment, to: Path, outbox: &mut Runs<Path>) {
        self.0.speak(at, to, outbox);
    }

    pub(crate) fn write(&mut self, out: &Outgoing<'_>, to: Path, outbox: &mut Runs<Path>) -> bool {
        self.0.write(out, to, outbox)
    }

    pub(crate) fn repair(&mut self, out: &Outgoing<'_>, to: Path, outbox: &mut Runs<Path>) -> bool {
        self.0.repair(out, to, outbox)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lens_protocol::Timestamp;

    use super::*;
    use crate::core::path::Carrier;
    use crate::core::rtp::header::{Extensions, Header};
    use crate::core::rtp::ring::About;
    use crate::core::rtp::srtp::{Profile, split};

    /// A report that the packet with this transport-wide number has not come.
    fn lost(number: u16) -> Vec<u8> {
        let mut report = vec![0x8F, 205, 0, 5, 0, 0, 0, 9, 0, 0, 0, 9];
        report.extend(number.to_be_bytes());
        // One packet of the kind "not received".
        report.extend([0, 1, 0, 0, 0, 0, 0x00, 0x01, 0, 0]);
        report
    }

    #[test]
    fn four_reports_of_one_packet_are_read_and_what_stands_beside_the_others() {
        let (now, profile) = (Instant::now(), Profile::Gcm128);
        let material = [7; Profile::Gcm128.material()];
        let (ours, theirs) = split(profile, &material, false).expect("its length");
        let opener = Opener::new(&theirs).expect("a key");
        let mut bare = Bare::new(Sealer::new(&ours).expect("a key"), opener, now);
        let mut sealer = Sealer::new(&theirs).expect("a key");
        let mut ring = Ring::default();
        let path = Path {
            door: 0,
            carrier: Carrier::Udp,
            remote: ([192, 0, 2, 9], 9).into(),
        };
        let mut outbox = Runs::default();
        for index in 100..112 {
            ring.room(3, now).expect("room").fill(9);
            let about = About {
                index,
                header: Header {
                    marker: true,
                    payload_type: PAYLOAD_TYPES[0],
                    sequence: index as u16,
                    timestamp: 0,
                    ssrc: 1,
                },
                extensions: Extensions::default(),
                codec: MediaCodec::Vp8,
                layer: 0,
                at: now,
            };
            let kept = ring.keep(about, 0..3);
            let packet = Packet { slot: 0, kept };
            let out = Outgoing {
                slot: 0,
                payload_type: PAYLOAD_TYPES[0],
                sequence: index,
                timestamp: 0,
                arrived: now,
                now,
                packet: &packet,
                payload: &[9; 3],
                patch: None,
                descriptor: None,
            };
            assert!(bare.write(&out, path, &mut outbox));
        }
        let later = Moment {
            instant: now + Duration::from_millis(50),
            wall: Timestamp::from_unix_ms(0),
        };
        let mut hear = |numbers: std::ops::Range<u16>| {
            let mut packet: Vec<u8> = numbers.flat_map(lost).collect();
            // Behind them all the picture is wanted anew.
            packet.extend([0x81, 206, 0, 2, 0, 0, 0, 9]);
            packet.extend(OURS[0].to_be_bytes());
            sealer.rtcp(&mut packet).expect("few packets");
            let (mut missing, mut wanted) = (Vec::new(), 0);
            bare.control(&packet, later.instant, |event| match event {
                PeerEvent::Missing { index, .. } => missing.push(index),
                PeerEvent::KeyframeWanted { .. } => wanted += 1,
                _ => {}
            });
            (missing, wanted)
        };
        assert_eq!(hear(0..6), (vec![100, 101, 102, 103], 1));
        // The next packet has four of its own.
        assert_eq!(hear(6..10), (vec![106, 107, 108, 109], 1));
    }

    #[test]
    fn there_is_no_place_for_a_65th_stream_and_those_before_go_on() {
        let (now, profile) = (Instant::now(), Profile::Gcm128);
        let material = [7; Profile::Gcm128.material()];
        let (ours, theirs) = split(profile, &material, false).expect("its length");
        let opener = Opener::new(&theirs).expect("a key");
        let mut bare = Bare::new(Sealer::new(&ours).expect("a key"), opener, now);
        let sealer = Sealer::new(&theirs).expect("a key");
        let mut rings = [Ring::default(), Ring::default()];
        let mut send = |bare: &mut Bare, ssrc: u32, sequence: u8| {
            let mut packet = vec![0x80, PAYLOAD_TYPES[0], 0, sequence, 0, 0, 0, 0];
            packet.extend(ssrc.to_be_bytes());
            packet.resize(header::FIXED + 1 + profile.tag(), 0);
            let sealed = sealer.rtp(ssrc, sequence.into(), header::FIXED, &[9], &mut packet);
            sealed.expect("room");
            bare.packet(&packet, &mut rings, now).is_some()
        };
        for ssrc in 100..164 {
            assert!(!bare.0.is_crowded(ssrc));
            assert!(send(&mut bare, ssrc, 1));
        }
        assert!(bare.0.is_crowded(164) && !send(&mut bare, 164, 1));
        assert!(!bare.0.is_crowded(100) && send(&mut bare, 100, 2));
    }
}
