//! With three workers a participant's packets may arrive at any of them.

use std::time::Duration;

use lens_protocol::media::{Role, SlotKind};

use crate::support::{Options, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn conferences_on_three_workers_carry_everything_whoever_receives_it() {
    let world = World::with(|config| config.workers = 3);
    let mut rooms = Vec::new();
    for number in 0..4 {
        let conference = world.conference(3).await;
        let mut parties = Vec::new();
        for (role, tcp) in [
            (Role::Camera, false),
            (Role::Viewer, number % 2 == 0),
            (Role::Viewer, false),
        ] {
            let options = Options {
                tcp,
                ..Options::default()
            };
            parties.push(world.join_with(conference, role, options).await);
        }
        for party in &parties {
            world.connected(conference, party).await;
        }
        rooms.push(parties);
    }
    for parties in &rooms {
        let camera = &parties[0];
        camera
            .client
            .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(10));
        parties[1]
            .client
            .send_voice(&parties[1].mid(SlotKind::AudioUp));
    }
    for parties in &rooms {
        for viewer in &parties[1..] {
            let mid = viewer.mid(SlotKind::VideoDown);
            viewer
                .client
                .wait("a picture", |seen| seen.on(&mid).count() > 50)
                .await;
        }
        let voice = parties[0].mid(SlotKind::AudioDown);
        let heard =
            |seen: &crate::support::client::Seen| seen.packets.iter().any(|p| p.mid != voice);
        parties[0]
            .client
            .wait("a voice", |seen| heard(seen) || seen.on(&voice).count() > 0)
            .await;
    }
    // One party after the other moves to another port, which may lead to another worker.
    for parties in &rooms {
        let viewer = &parties[2];
        let mid = viewer.mid(SlotKind::VideoDown);
        viewer.client.rebind();
        viewer.client.forget();
        viewer
            .client
            .wait("the picture is back", |seen| seen.on(&mid).count() > 10)
            .await;
    }
    let figures = || {
        let mut registry = lens_runtime::metrics::registry();
        world.sfu.metrics().register(&mut registry);
        lens_runtime::metrics::text(&registry)
    };
    eventually("packets were handed over", || {
        !figures().contains("sfu_transit_total 0")
    })
    .await;
}
