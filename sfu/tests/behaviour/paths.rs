//! Our own RTP path and the media stack's: a viewer cannot tell which one it is on.

use std::collections::BTreeMap;
use std::time::Duration;

use lens_protocol::media::{Role, SlotKind};
use lens_sfu::config::RtpPath;

use crate::support::client::VP8;
use crate::support::{Heard, World};

/// Close to the end of the sequence numbers, so that they roll over on the way.
const FIRST: u64 = 65_400;
const PACKETS: usize = 400;

/// What a viewer got of each packet of the camera, by the camera's own number.
async fn seen_over(path: RtpPath) -> BTreeMap<u64, Heard> {
    let world = World::with(|config| config.rtp_path = path);
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    let (up, down) = (
        camera.mid(SlotKind::VideoUp),
        viewer.mid(SlotKind::VideoDown),
    );
    camera
        .client
        .send_frames(&up, Duration::from_millis(5), FIRST, "VP8", &VP8);
    viewer
        .client
        .wait("the packets", |seen| {
            seen.on(&down).count() >= PACKETS && seen.is_whole(&down)
        })
        .await;
    let seen = viewer.client.seen();
    let numbered = seen.on(&down).map(|heard| (number(heard), heard.clone()));
    numbered.collect()
}

fn number(heard: &Heard) -> u64 {
    u64::from_be_bytes(heard.payload[2..10].try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_paths_send_the_same_packets() {
    let own = seen_over(RtpPath::Own).await;
    let stack = seen_over(RtpPath::Stack).await;
    let shift = |seen: &BTreeMap<u64, Heard>| {
        let shifts = seen
            .iter()
            .map(|(number, heard)| heard.sequence.wrapping_sub(*number));
        let mut shifts: Vec<u64> = shifts.collect();
        shifts.dedup();
        assert_eq!(shifts.len(), 1, "numbers without a gap: {shifts:?}");
    };
    shift(&own);
    shift(&stack);
    let mut compared = 0;
    for (number, one) in &own {
        let Some(other) = stack.get(number) else {
            continue;
        };
        assert_eq!(one.timestamp, other.timestamp, "packet {number}");
        assert_eq!(one.marker, other.marker, "packet {number}");
        assert_eq!(one.rotated, other.rotated, "packet {number}");
        assert_eq!(one.pt, other.pt, "packet {number}");
        // The first two bytes say whether it is a keyframe, which depends on who asked when.
        assert_eq!(one.payload[2..], other.payload[2..], "packet {number}");
        compared += 1;
    }
    assert!(compared > PACKETS / 2, "only {compared} packets in common");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_path_is_taken_unless_it_is_switched_off() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    let mid = viewer.mid(SlotKind::VideoDown);
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(5));
    viewer.client.lose_every(10);
    viewer
        .client
        .wait("300 packets", |seen| seen.on(&mid).count() > 300)
        .await;
    // Only our own path counts what it repairs.
    let repaired = world.sfu.metrics().repaired();
    assert_eq!(repaired > 10, crate::RTP_PATH == RtpPath::Own, "{repaired}");
}
