//! While a conference is held nothing passes in either direction; resuming starts with a keyframe.

use std::time::{Duration, Instant};

use lens_protocol::media::{Role, SlotKind};
use lens_sfu::SfuControl;

use crate::support::{PATIENCE, Party, World};

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
    let stats = async |who: &Party| world.sfu_timeline(conference, who.id).await.stats;
    let (picture_at, voice_at) = (stats(&camera).await, stats(&viewer).await);
    let until = Instant::now() + PATIENCE;
    while stats(&camera).await.packets_in < picture_at.packets_in + 100
        || stats(&viewer).await.packets_in < voice_at.packets_in + 50
    {
        assert!(Instant::now() < until, "the clients stopped sending");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // From the moment on that the hold was acknowledged, not one packet went out.
    assert_eq!(stats(&viewer).await.packets_out, voice_at.packets_out);
    assert_eq!(stats(&camera).await.packets_out, picture_at.packets_out);
    let before = viewer.client.seen().keyframe_requests.len();
    viewer.client.forget();
    camera.client.forget();

    world.hold(conference, false).await;
    viewer
        .client
        .wait("a picture, whole", |seen| {
            seen.on(&picture).count() > 20 && seen.is_whole(&picture)
        })
        .await;
    camera
        .client
        .wait("a voice", |seen| seen.on(&voice).count() > 20)
        .await;
    let seen = viewer.client.seen();
    let resumed: Vec<_> = seen.on(&picture).collect();
    assert_eq!(resumed[0].payload[1], 0, "it resumes with a keyframe");
    assert_eq!(seen.keyframe_requests.len(), before);
}
