//! While a conference is held nothing passes in either direction; resuming starts with a keyframe.

use std::time::Duration;

use lens_protocol::media::{Role, SlotKind};
use lens_sfu::SfuControl;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_held_conference_carries_nothing_and_resumes_without_a_gap() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(5));
    viewer.client.send_voice(&viewer.mid(SlotKind::AudioUp));
    let picture = viewer.mid(SlotKind::VideoDown);
    let voice = camera.mid(SlotKind::AudioDown);
    viewer
        .client
        .wait("a picture", |seen| seen.on(&picture).count() > 20)
        .await;
    camera
        .client
        .wait("a voice", |seen| seen.on(&voice).count() > 20)
        .await;

    world.hold(conference, true).await;
    assert!(world.sfu.report().await.unwrap().rooms[0].held);
    let packets_in = |timeline: lens_protocol::media::Timeline| timeline.stats.packets_in;
    let held_at = packets_in(world.sfu_timeline(conference, camera.id).await);
    // What was on its way when the hold began arrives; after that, nothing.
    tokio::time::sleep(Duration::from_millis(100)).await;
    viewer.client.forget();
    camera.client.forget();
    while packets_in(world.sfu_timeline(conference, camera.id).await) < held_at + 100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(viewer.client.seen().packets.len(), 0);
    assert_eq!(camera.client.seen().packets.len(), 0);
    let before = viewer.client.seen().keyframe_requests.len();

    world.hold(conference, false).await;
    viewer
        .client
        .wait("a picture", |seen| seen.on(&picture).count() > 20)
        .await;
    camera
        .client
        .wait("a voice", |seen| seen.on(&voice).count() > 20)
        .await;
    let seen = viewer.client.seen();
    let resumed: Vec<_> = seen.on(&picture).collect();
    assert_eq!(resumed[0].payload[1], 0, "it resumes with a keyframe");
    let gaps = resumed
        .windows(2)
        .filter(|pair| pair[1].sequence != pair[0].sequence + 1);
    assert_eq!(gaps.count(), 0);
    assert_eq!(seen.keyframe_requests.len(), before);
}
