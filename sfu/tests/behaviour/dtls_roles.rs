//! Both DTLS roles work: browsers call, other stacks let themselves be called.

use lens_protocol::media::{Role, SlotKind};

use crate::support::{Options, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_may_be_dtls_client_or_server() {
    let world = World::start();
    for dtls_active in [true, false] {
        let conference = world.conference(2).await;
        let options = Options {
            dtls_active,
            ..Options::default()
        };
        let camera = world
            .join_with(conference, Role::Camera, options.clone())
            .await;
        let viewer = world.join_with(conference, Role::Viewer, options).await;
        world.connected(conference, &camera).await;
        world.connected(conference, &viewer).await;
        camera.client.send_voice(&camera.mid(SlotKind::AudioUp));
        let mid = viewer.mid(SlotKind::AudioDown);
        viewer
            .client
            .wait("a voice", |seen| seen.on(&mid).count() > 10)
            .await;
    }
}
