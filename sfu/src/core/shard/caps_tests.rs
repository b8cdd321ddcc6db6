//! Caps that take time to be reached, in virtual time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::Timestamp;
use lens_protocol::media::{CauseCode, Role};

use super::wired_tests::Wires;
use super::*;
use crate::core::codec::MediaCodec;
use crate::core::occupancy::Limits;
use crate::core::peer::Packet;
use crate::core::rtp::header::{Extensions, Header};
use crate::core::rtp::ring::About;

/// The camera's voice slot.
const VOICE: usize = 1;

/// Seconds until a camera is cut off that sends so many bytes of voice a second, if within 30.
fn voice_lasts(bytes_per_s: usize) -> (Option<u64>, Vec<Cap>) {
    let mut wires = Wires::connected(1, 1, true);
    wires.pass(Duration::from_millis(50));
    let shard = &mut wires.shard;
    let room = shard.rooms.iter().next().expect("a room");
    let camera = room.participants[0].current.expect("connected");
    let start = Instant::now() + Duration::from_secs(10);
    for packet in 0..30 * 20 {
        let at = Moment {
            instant: start + Duration::from_millis(packet * 50),
            wall: Timestamp::from_unix_ms(0),
        };
        let Some(link) = shard.links.get_mut(camera) else {
            return (Some(packet / 20), shard.reached.clone());
        };
        let length = bytes_per_s / 20;
        let ring = &mut link.rings[VOICE];
        ring.room(length, at.instant).expect("room").fill(7);
        let about = About {
            index: packet,
            header: Header {
                marker: false,
                payload_type: 111,
                sequence: packet as u16,
                timestamp: packet as u32 * 2_400,
                ssrc: 3,
            },
            extensions: Extensions::default(),
            codec: MediaCodec::Opus,
            layer: 0,
            at: at.instant,
        };
        let kept = ring.keep(about, 0..length);
        shard.arrive(camera, Packet { slot: VOICE, kept }, at);
        shard.forward_all(at);
    }
    (None, shard.reached.clone())
}

#[test]
fn a_voice_that_would_be_a_picture_ends_its_connection_after_ten_seconds() {
    assert_eq!(voice_lasts(60_000), (None, vec![]), "480 kbit/s");
    let (lasted, reached) = voice_lasts(80_000);
    assert!(lasted.is_some_and(|s| (9..=11).contains(&s)), "{lasted:?}");
    assert_eq!(reached, [Cap::VoiceBitrate]);
}

#[test]
fn nobody_enters_a_node_that_forwards_as_much_as_it_may() {
    let mut wires = Wires::connected(1, 1, true);
    wires.shard.config.occupancy = Arc::new(Occupancy::new(Limits {
        participants: 100,
        connecting: 100,
        mbps: 1,
    }));
    let key = *wires.shard.by_conference.values().next().expect("a room");
    wires.shard.rooms.get_mut(key).expect("it").max_participants = 4;
    let refused = |wires: &Wires| {
        let room = wires.shard.rooms.get(key).expect("it");
        let entered = wires.shard.may_enter(room, Role::Viewer);
        entered.err().and_then(|error| error.cap())
    };
    assert_eq!(refused(&wires), None);
    for _ in 0..70 {
        wires.frame();
        wires.pass(Duration::from_millis(33));
    }
    assert_eq!(refused(&wires), Some(Cap::Bitrate));
    for _ in 0..70 {
        wires.pass(Duration::from_millis(33));
    }
    assert_eq!(refused(&wires), None, "it is quiet again");
}

#[test]
fn a_camera_over_its_policy_is_cut_off_by_name() {
    let mut wires = Wires::connected(1, 1, true);
    // Four times 2 Mbit/s, where twice 2.5 is let pass.
    for _ in 0..12 * 30 {
        for _ in 0..4 {
            wires.frame();
        }
        wires.pass(Duration::from_millis(33));
    }
    assert_eq!(wires.shard.reached, [Cap::VideoBitrate]);
    assert!(matches!(
        wires.shard.endings.first(),
        Some(CauseCode::OverLimit)
    ));
}
