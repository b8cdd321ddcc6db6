//! Packets lost on the way to a viewer are sent again.

use std::time::Duration;

use lens_protocol::media::{Role, SlotKind};

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn lost_packets_are_repaired_from_the_cache() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    let mid = viewer.mid(SlotKind::VideoDown);
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(5));
    viewer
        .client
        .wait("a picture", |seen| seen.on(&mid).count() > 10)
        .await;
    viewer.client.lose_every(20);
    viewer
        .client
        .wait("400 frames", |seen| {
            let numbers = seen.numbers(&mid);
            let (first, last) = (numbers.first(), numbers.last());
            let span = last.zip(first).map_or(0, |(last, first)| last - first + 1) as usize;
            // All but the last few, whose repair is on its way.
            span > 400 && span - numbers.len() <= 4
        })
        .await;
    let stats = world.sfu_timeline(conference, viewer.id).await.stats;
    assert!(stats.packets_out > 400);
}
