//! A peer on whose input the media stack breaks ends alone: nobody else misses a frame.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use lens_protocol::id::{Generation, ParticipantId};
use lens_protocol::media::{CauseCode, Role, SlotKind};
use lens_sfu::config::FaultHook;

use crate::support::{Options, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_one_peer_leaves_the_others_without_a_gap() {
    let victim: Arc<Mutex<Option<ParticipantId>>> = Arc::default();
    let hook = Arc::clone(&victim);
    let world = World::with(|config| {
        config.fault = Some(FaultHook(Arc::new(move |who| {
            let mut victim = hook.lock().unwrap();
            if victim.take_if(|wanted| *wanted == who).is_some() {
                drop(victim);
                panic!("the stack breaks, because the test wants it");
            }
        })));
    });
    let conference = world.conference(3).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let steady = world.join_connected(conference, Role::Viewer).await;
    let broken = world.join_connected(conference, Role::Viewer).await;
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(5));
    for viewer in [&steady, &broken] {
        let mid = viewer.mid(SlotKind::VideoDown);
        viewer
            .client
            .wait("a picture", |seen| seen.on(&mid).count() > 20)
            .await;
    }

    *victim.lock().unwrap() = Some(broken.id);
    assert_eq!(world.failed(broken.id).await, CauseCode::StackFault);
    // Counted at the end of the turn that told of it.
    eventually("it is counted, once", || {
        world.sfu.metrics().peer_faults() == 1
    })
    .await;
    let mid = steady.mid(SlotKind::VideoDown);
    let so_far = steady.client.seen().on(&mid).count();
    // What a full socket buffer cost while the panic was being printed comes again on request:
    // late is not lost.
    steady
        .client
        .wait("the picture goes on, whole", |seen| {
            seen.on(&mid).count() > so_far + 50 && seen.is_whole(&mid)
        })
        .await;

    // The broken one keeps its place and comes back with a new generation.
    let back = world
        .enter(
            conference,
            broken.id,
            Role::Viewer,
            Generation(2),
            Options::default(),
        )
        .await;
    let mid = back.mid(SlotKind::VideoDown);
    back.client
        .wait("a picture", |seen| seen.on(&mid).count() > 20)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_closes_is_failed_and_keeps_its_place() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    camera
        .client
        .wait("an open channel", |seen| seen.channel.is_some())
        .await;
    camera.client.close();
    assert_eq!(world.failed(camera.id).await, CauseCode::PeerClosed);
    let timeline = world.sfu_timeline(conference, camera.id).await;
    assert_eq!(timeline.cause, Some(CauseCode::PeerClosed));
    let again = world
        .enter(
            conference,
            camera.id,
            Role::Camera,
            Generation(2),
            Options::default(),
        )
        .await;
    world.connected(conference, &again).await;
}
