//! A new generation replaces a participant's connection without anybody losing their place.

use std::time::Duration;

use lens_protocol::ErrorCode;
use lens_protocol::id::Generation;
use lens_protocol::media::{CauseCode, Role, SfuEventKind, SlotKind};
use lens_sfu::SfuControl;

use crate::support::{Options, World};

const FRAME: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread")]
async fn the_old_connection_carries_media_until_the_new_one_is_up() {
    let world = World::start();
    let conference = world.conference(2).await;
    let old = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    old.client.send_video(&old.mid(SlotKind::VideoUp), FRAME);
    let picture = viewer.mid(SlotKind::VideoDown);
    viewer
        .client
        .wait("a picture", |seen| seen.on(&picture).count() > 20)
        .await;

    let offered = world
        .offer(conference, old.id, Role::Camera, Generation(2))
        .await
        .unwrap();
    viewer.client.forget();
    viewer
        .client
        .wait("the old picture goes on", |seen| {
            seen.on(&picture).count() > 20
        })
        .await;
    let (new, answer) = crate::support::Client::answer(&offered.sdp, Options::default());
    world
        .answer(conference, old.id, offered.negotiation_id, &answer)
        .await
        .unwrap();
    new.wait("the new one is connected", |seen| seen.connected)
        .await;
    old.client
        .wait("the old one is closed", |seen| seen.closed)
        .await;

    let up = offered
        .slots
        .iter()
        .find(|slot| slot.kind == SlotKind::VideoUp);
    new.send_frames(
        &up.unwrap().mid,
        FRAME,
        9,
        "VP8",
        &crate::support::client::VP8,
    );
    viewer.client.forget();
    viewer
        .client
        .wait("the new picture, whole", |seen| {
            seen.on(&picture).count() > 50 && seen.is_whole(&picture)
        })
        .await;
    let seen = viewer.client.seen();
    let mut packets: Vec<_> = seen.on(&picture).collect();
    packets.sort_by_key(|packet| packet.sequence);
    let ssrcs: std::collections::BTreeSet<u32> = packets.iter().map(|p| p.ssrc).collect();
    assert_eq!(ssrcs.len(), 1, "one continuous stream for the viewer");
    for pair in packets.windows(2) {
        assert!(pair[1].timestamp.wrapping_sub(pair[0].timestamp) < 90_000 * 20);
    }
    let report = world.sfu.report().await.unwrap();
    assert_eq!(report.rooms[0].participants.len(), 2);
    assert_eq!(report.participants, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_who_reconnects_sees_the_picture_from_a_keyframe_on() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), FRAME);
    let again = world
        .enter(
            conference,
            viewer.id,
            Role::Viewer,
            Generation(2),
            Options::default(),
        )
        .await;
    let picture = again.mid(SlotKind::VideoDown);
    again
        .client
        .wait("a picture", |seen| seen.on(&picture).count() > 20)
        .await;
    assert_eq!(
        again.client.seen().on(&picture).next().unwrap().payload[1],
        0
    );
    viewer
        .client
        .wait("the old one is closed", |seen| seen.closed)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_told_again_until_it_is_connected() {
    let world = World::start();
    let conference = world.conference(2).await;
    let party = world.join_connected(conference, Role::Viewer).await;
    let again = world.offer(conference, party.id, Role::Viewer, Generation(1));
    assert_eq!(
        again.await.expect_err("used up").code,
        ErrorCode::AlreadyAnswered
    );
    let next = world.offer(conference, party.id, Role::Viewer, Generation(2));
    next.await.expect("another offer");
}

#[tokio::test(flavor = "multi_thread")]
async fn repeating_a_generation_repeats_the_offer_and_an_older_one_is_stale() {
    let world = World::start();
    let conference = world.conference(2).await;
    let first = world.join(conference, Role::Camera).await;
    let again = world
        .offer(conference, first.id, Role::Camera, Generation(1))
        .await
        .unwrap();
    assert_eq!(again.sdp, first.offered.sdp);
    assert_eq!(again.negotiation_id, first.offered.negotiation_id);
    world
        .offer(conference, first.id, Role::Camera, Generation(5))
        .await
        .unwrap();
    let stale = world
        .offer(conference, first.id, Role::Camera, Generation(4))
        .await;
    assert_eq!(stale.unwrap_err().code, ErrorCode::StaleGeneration);
    let other = world
        .offer(conference, first.id, Role::Viewer, Generation(6))
        .await;
    assert_eq!(other.unwrap_err().code, ErrorCode::InvalidValue);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_that_fails_leaves_the_connected_one_alone() {
    let world = World::with(|config| config.timeouts.connect = Duration::from_secs(4));
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), FRAME);
    let mute = Options {
        mute_network: true,
        ..Options::default()
    };
    let second = world
        .enter(conference, camera.id, Role::Camera, Generation(2), mute)
        .await;
    let cause = world
        .event("the second generation fails", |kind| match kind {
            SfuEventKind::Failed {
                generation: Generation(2),
                cause,
                ..
            } => Some(*cause),
            _ => None,
        })
        .await;
    assert_eq!(cause, CauseCode::NoConnectivityCheck);
    let picture = viewer.mid(SlotKind::VideoDown);
    viewer.client.forget();
    viewer
        .client
        .wait("the picture goes on", |seen| seen.on(&picture).count() > 20)
        .await;
    drop(second);
}
