//! Keyframes: at once for who joins, at most one request in 500 ms whatever the viewers do.

use std::time::{Duration, Instant};

use lens_protocol::media::{Role, SlotKind};

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_become_one_in_500_ms() {
    let world = World::start();
    let conference = world.conference(4).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let mut viewers = Vec::new();
    for _ in 0..3 {
        viewers.push(world.join_connected(conference, Role::Viewer).await);
    }
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(5));
    for viewer in &viewers {
        let mid = viewer.mid(SlotKind::VideoDown);
        viewer
            .client
            .wait("a picture", |seen| seen.on(&mid).count() > 5)
            .await;
    }
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until {
        for viewer in &viewers {
            viewer
                .client
                .request_keyframe(&viewer.mid(SlotKind::VideoDown));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let requests = camera.client.seen().keyframe_requests;
    assert!(requests.len() >= 3, "only {} came through", requests.len());
    for pair in requests.windows(2) {
        let apart = pair[1].duration_since(pair[0]);
        // The moments are the camera's, which may be delayed by a busy machine.
        assert!(apart > Duration::from_millis(400), "{apart:?} apart");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_who_joins_gets_a_keyframe_without_asking() {
    let world = World::start();
    let conference = world.conference(3).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let first = world.join_connected(conference, Role::Viewer).await;
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(5));
    let mid = first.mid(SlotKind::VideoDown);
    first
        .client
        .wait("a picture", |seen| seen.on(&mid).count() > 20)
        .await;
    let second = world.join_connected(conference, Role::Viewer).await;
    let mid = second.mid(SlotKind::VideoDown);
    second
        .client
        .wait("a picture", |seen| seen.on(&mid).count() > 20)
        .await;
    assert_eq!(second.client.seen().on(&mid).next().unwrap().payload[1], 0);
}
