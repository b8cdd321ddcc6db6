//! Codecs and payload types: mapped per receiver, and forwarded only to who can take them.

use std::time::{Duration, Instant};

use lens_protocol::media::{Role, SlotKind};

use crate::support::client::{H264, VP8};
use crate::support::{Options, PATIENCE, World};

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

    // The viewer's own stack knows nothing of 102, so what left the server is what counts.
    let until = Instant::now() + PATIENCE;
    while world
        .sfu_timeline(conference, viewer.id)
        .await
        .stats
        .packets_out
        < 20
    {
        assert!(Instant::now() < until, "nothing was forwarded");
        tokio::time::sleep(FRAME).await;
    }
    let types = viewer.client.seen().wire_types;
    assert!(types.contains(&102) && !types.contains(&96), "{types:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn h264_reaches_a_viewer_who_takes_it() {
    let world = World::start();
    let conference = world.conference(2).await;
    let options = Options {
        codecs: vec!["h264"],
        ..Options::default()
    };
    let camera = world.join_with(conference, Role::Camera, options).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    world.connected(conference, &camera).await;
    let up = camera.mid(SlotKind::VideoUp);
    camera.client.send_frames(&up, FRAME, 1, "H264", &H264);
    let mid = viewer.mid(SlotKind::VideoDown);
    viewer
        .client
        .wait("20 frames", |seen| seen.on(&mid).count() >= 20)
        .await;
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
    assert!(world.sfu.metrics().dropped("no_common_codec") > 0);

    // The camera falls back to VP8 in the same stream: now both see it.
    camera.client.stop_sending();
    camera.client.send_frames(&up, FRAME, 5_000, "VP8", &VP8);
    narrow
        .client
        .wait("20 frames", |seen| seen.on(&picture).count() >= 20)
        .await;
}
