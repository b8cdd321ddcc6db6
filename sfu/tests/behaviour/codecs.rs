//! Codecs and payload types: mapped per receiver, and forwarded only to who can take them.

use std::time::Duration;

use lens_protocol::media::{Role, SfuEventKind, SlotKind};

use crate::support::client::{AV1, H264, VP8, VP9};
use crate::support::{Options, World, eventually};

const FRAME: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread")]
async fn payload_types_that_differ_between_peers_are_mapped() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let edit = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let options = Options {
        // The viewer wants VP8 as 102 and its retransmissions as 103.
        answer_edits: vec![
            edit("SAVPF 96 97", "SAVPF 102 103"),
            edit("rtpmap:96 ", "rtpmap:102 "),
            edit("rtcp-fb:96 ", "rtcp-fb:102 "),
            edit("rtpmap:97 ", "rtpmap:103 "),
            edit("fmtp:97 apt=96", "fmtp:103 apt=102"),
        ],
        codecs: vec!["vp8"],
        ..Options::default()
    };
    let viewer = world.join_with(conference, Role::Viewer, options).await;
    world.connected(conference, &viewer).await;
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), FRAME);

    // The viewer's own stack knows nothing of 102, so what came over the wire is what counts.
    viewer
        .client
        .wait("a packet with the viewer's type", |seen| {
            seen.wire_types.contains(&102)
        })
        .await;
    let types = viewer.client.seen().wire_types;
    assert!(types.contains(&102) && !types.contains(&96), "{types:?}");
}

/// A camera that sends one codec alone is seen from a keyframe on, by a viewer who takes all.
async fn is_forwarded(option: &'static str, codec: &'static str, shape: &'static [[u8; 2]; 2]) {
    let world = World::start();
    let conference = world.conference(2).await;
    let options = Options {
        codecs: vec![option],
        ..Options::default()
    };
    let camera = world.join_with(conference, Role::Camera, options).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    world.connected(conference, &camera).await;
    let up = camera.mid(SlotKind::VideoUp);
    camera.client.send_frames(&up, FRAME, 1, codec, shape);
    let mid = viewer.mid(SlotKind::VideoDown);
    viewer
        .client
        .wait("20 frames", |seen| seen.on(&mid).count() >= 20)
        .await;
    let seen = viewer.client.seen();
    let first = seen.on(&mid).next().unwrap();
    assert_eq!(first.payload[..2], shape[0], "a keyframe comes first");
    world
        .event("the first keyframe", |kind| match kind {
            SfuEventKind::FirstKeyframe { participant } => Some(*participant),
            _ => None,
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vp8_is_forwarded() {
    is_forwarded("vp8", "VP8", &VP8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h264_is_forwarded() {
    is_forwarded("h264", "H264", &H264).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vp9_is_forwarded() {
    is_forwarded("vp9", "VP9", &VP9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn av1_is_forwarded() {
    is_forwarded("av1", "AV1", &AV1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_take_a_codec_gets_nothing_of_it_and_everything_else() {
    let world = World::start();
    let conference = world.conference(3).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let only_vp8 = Options {
        codecs: vec!["vp8"],
        ..Options::default()
    };
    let narrow = world.join_with(conference, Role::Viewer, only_vp8).await;
    let wide = world.join_connected(conference, Role::Viewer).await;
    world.connected(conference, &narrow).await;
    let up = camera.mid(SlotKind::VideoUp);
    camera.client.send_frames(&up, FRAME, 1, "H264", &H264);
    camera.client.send_voice(&camera.mid(SlotKind::AudioUp));
    let mid = wide.mid(SlotKind::VideoDown);
    wide.client
        .wait("20 frames", |seen| seen.on(&mid).count() >= 20)
        .await;
    let voice = narrow.mid(SlotKind::AudioDown);
    narrow
        .client
        .wait("a voice", |seen| seen.on(&voice).count() >= 20)
        .await;
    let picture = narrow.mid(SlotKind::VideoDown);
    assert_eq!(narrow.client.seen().on(&picture).count(), 0);
    let dropped = || world.sfu.metrics().dropped("no_common_codec");
    eventually("what it cannot take is counted", || dropped() > 0).await;

    // The camera falls back to VP8 in the same stream: now both see it.
    camera.client.stop_sending();
    camera.client.send_frames(&up, FRAME, 5_000, "VP8", &VP8);
    narrow
        .client
        .wait("20 frames", |seen| seen.on(&picture).count() >= 20)
        .await;
}
