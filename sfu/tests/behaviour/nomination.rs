//! A peer speaks on a path before it has nominated one, and is answered there.

use std::time::Duration;

use lens_protocol::media::{Role, SlotKind};

use crate::support::{Options, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_does_not_wait_for_a_nomination() {
    let world = World::start();
    for (dtls_active, tcp) in [(true, false), (true, true)] {
        let conference = world.conference(2).await;
        let options = Options {
            nominates: false,
            dtls_active,
            tcp,
            ..Options::default()
        };
        let camera = world
            .join_with(conference, Role::Camera, options.clone())
            .await;
        let viewer = world.join_with(conference, Role::Viewer, options).await;
        world.connected(conference, &camera).await;
        world.connected(conference, &viewer).await;
        camera
            .client
            .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(10));
        let mid = viewer.mid(SlotKind::VideoDown);
        viewer
            .client
            .wait("a picture", |seen| seen.on(&mid).count() > 10)
            .await;

        for who in [&camera, &viewer] {
            who.client.nominate();
        }
        viewer.client.forget();
        viewer
            .client
            .wait("it goes on after the nomination", |seen| {
                seen.on(&mid).count() > 50
            })
            .await;
    }
}
