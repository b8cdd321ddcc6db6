//! Keyframes: at once for who joins, at most one request in 500 ms whatever the viewers do.

use std::time::{Duration, Instant};

use lens_protocol::media::{Role, SlotKind};

use crate::support::{PATIENCE, World};

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_become_one_in_500_ms() {
    let world = World::start();
    let began = Instant::now();
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
    let until = began + PATIENCE;
    let mut wishes = 0;
    while camera.client.seen().keyframe_requests.len() < 6 {
        assert!(Instant::now() < until, "too few came through");
        for viewer in &viewers {
            viewer
                .client
                .request_keyframe(&viewer.mid(SlotKind::VideoDown));
            wishes += 1;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Each was sent 500 ms after the one before, the first after the beginning, and none is seen
    // before it was sent: true however late a busy machine sees them.
    let requests = camera.client.seen().keyframe_requests;
    for (earlier, seen) in (0..).zip(&requests) {
        let soonest = Duration::from_millis(500) * earlier;
        assert!(
            seen.duration_since(began) >= soonest,
            "request {earlier} of {requests:?} after {wishes} wishes"
        );
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
