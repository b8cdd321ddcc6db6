//! Somebody who joins after more than 65,536 packets sees the picture: the SRTP rollover counter
//! starts at 0 for every receiver.

use std::time::Duration;

use lens_protocol::media::{Role, SlotKind};

use crate::support::World;
use crate::support::client::VP8;

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_who_joins_after_the_rollover_sees_the_picture() {
    let world = World::start();
    let conference = world.conference(3).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let early = world.join_connected(conference, Role::Viewer).await;
    let (up, every) = (camera.mid(SlotKind::VideoUp), Duration::from_millis(2));
    camera.client.send_frames(&up, every, 65_400, "VP8", &VP8);
    let mid = early.mid(SlotKind::VideoDown);
    early
        .client
        .wait("the source has rolled over", |seen| {
            seen.on(&mid).count() > 300
        })
        .await;

    let late = world.join_connected(conference, Role::Viewer).await;
    let mid = late.mid(SlotKind::VideoDown);
    late.client
        .wait("50 frames", |seen| seen.on(&mid).count() >= 50)
        .await;
    let first = late.client.seen().on(&mid).next().unwrap().clone();
    assert!(first.sequence < 65_536, "it began at {}", first.sequence);
}
