//! A camera's picture and voice reach the viewer, and the viewer's voice the camera.

use std::time::Duration;

use lens_protocol::media::{Role, SfuEventKind, SlotKind, TimelineStep};
use lens_sfu::SfuControl;

use crate::support::World;

const FRAME: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread")]
async fn the_cameras_picture_reaches_the_viewer_from_a_keyframe_on() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), FRAME);

    let mid = viewer.mid(SlotKind::VideoDown);
    viewer
        .client
        .wait("100 frames, whole", |seen| {
            seen.on(&mid).count() >= 100 && seen.is_whole(&mid)
        })
        .await;
    let seen = viewer.client.seen();
    let packets: Vec<_> = seen.on(&mid).collect();
    assert_eq!(
        packets[0].payload[1], 0,
        "the first packet starts a keyframe"
    );
    assert!(
        packets.iter().all(|packet| packet.rotated),
        "the orientation travels"
    );
    world
        .event("the first keyframe", |kind| match kind {
            SfuEventKind::FirstKeyframe { participant } => Some(*participant),
            _ => None,
        })
        .await;
    let timeline = world.sfu.timeline(conference, viewer.id).await.unwrap();
    assert!(
        timeline
            .steps
            .iter()
            .any(|entry| entry.step == TimelineStep::FirstKeyframeOut)
    );
    assert_eq!(timeline.stats.transport.as_deref(), Some("udp"));
    assert_eq!(
        timeline.stats.srtp_profile.as_deref(),
        Some("AEAD_AES_256_GCM")
    );
    assert!(timeline.stats.packets_out >= 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_hears_everybody_else_in_a_slot_of_their_own() {
    let world = World::start();
    let conference = world.conference(3).await;
    let mut parties = Vec::new();
    for role in [Role::Camera, Role::Viewer, Role::Viewer] {
        parties.push(world.join_connected(conference, role).await);
    }
    for party in &parties {
        party.client.send_voice(&party.mid(SlotKind::AudioUp));
    }
    for party in &parties {
        let voices: Vec<String> = party
            .offered
            .slots
            .iter()
            .filter(|slot| slot.kind == SlotKind::AudioDown)
            .map(|slot| slot.mid.clone())
            .collect();
        party
            .client
            .wait("two voices", |seen| {
                voices.iter().all(|mid| seen.on(mid).count() >= 20)
            })
            .await;
    }
}
