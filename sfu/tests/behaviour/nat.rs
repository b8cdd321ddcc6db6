//! A peer whose NAT gives it another port stays connected, in both directions.

use std::time::Duration;

use lens_protocol::media::{Role, SlotKind};

use crate::support::{World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_follows_who_moves_to_another_port() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(10));
    let mid = viewer.mid(SlotKind::VideoDown);
    viewer
        .client
        .wait("a picture", |seen| seen.on(&mid).count() > 10)
        .await;

    for who in [&viewer, &camera] {
        who.client.rebind();
        viewer.client.forget();
        viewer
            .client
            .wait("the picture is back", |seen| seen.on(&mid).count() > 30)
            .await;
    }
    let requested = camera.client.seen().keyframe_requests.len();
    // Asked again and again: the server sends to the old port until that has been silent for a while.
    eventually("feedback reaches the new port", || {
        viewer.client.request_keyframe(&mid);
        camera.client.seen().keyframe_requests.len() > requested
    })
    .await;
}
