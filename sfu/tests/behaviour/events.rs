//! The node's events and report: enough for a restarted Session Manager to rebuild its table.

use std::time::Duration;

use lens_protocol::ErrorCode;
use lens_protocol::id::{ConferenceId, Epoch, Generation};
use lens_protocol::media::{CreateMediaRoom, EndMediaRoom, MediaPolicy, NodeState, Role};
use lens_sfu::SfuControl;

use crate::support::World;

fn room(conference: ConferenceId, epoch: u64) -> CreateMediaRoom {
    CreateMediaRoom {
        conference,
        epoch: Epoch(epoch),
        max_participants: 2,
        media: MediaPolicy::default(),
        memo: serde_json::json!({"epoch": epoch}),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_returns_what_was_given() {
    let world = World::start();
    let conference = world.conference(2).await;
    let party = world.join_connected(conference, Role::Camera).await;
    let report = world.sfu.report().await.unwrap();
    assert_eq!(report.addresses, world.sfu.addresses());
    assert_eq!(report.state, NodeState::Up);
    let room = &report.rooms[0];
    assert_eq!(room.memo, serde_json::json!({"who": "test"}));
    let known = &room.participants[0];
    assert_eq!(known.participant, party.id);
    assert_eq!(known.generation, Generation(1));
    assert_eq!(known.negotiation_id, party.offered.negotiation_id);
    assert_eq!(known.slots, party.offered.slots);
    assert!(known.answered && known.connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_placement_replaces_and_an_older_one_is_refused() {
    let world = World::start();
    let conference = ConferenceId::from_bytes([200; 16]);
    world
        .sfu
        .create_conference(room(conference, 5))
        .await
        .unwrap();
    world
        .sfu
        .create_conference(room(conference, 5))
        .await
        .expect("repeatable");
    let old = world.sfu.create_conference(room(conference, 4)).await;
    assert_eq!(old.unwrap_err().code, ErrorCode::StaleEpoch);
    world
        .sfu
        .create_conference(room(conference, 6))
        .await
        .expect("replaces");
    let report = world.sfu.report().await.unwrap();
    assert_eq!(report.rooms.len(), 1);
    assert_eq!(report.rooms[0].epoch, Epoch(6));
    let end = |epoch| EndMediaRoom {
        conference,
        epoch: Epoch(epoch),
    };
    let old = world.sfu.end_conference(end(5)).await;
    assert_eq!(old.unwrap_err().code, ErrorCode::StaleEpoch);
    world.sfu.end_conference(end(6)).await.unwrap();
    world.sfu.end_conference(end(6)).await.expect("repeatable");
    assert!(world.sfu.report().await.unwrap().rooms.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_go_on_and_a_quiet_node_answers_after_the_wait() {
    let world = World::start();
    let conference = world.conference(2).await;
    let party = world.join(conference, Role::Camera).await;
    world.remove(conference, party.id).await;
    world.remove(conference, party.id).await;
    let first = world.sfu.events(0, Duration::ZERO).await.unwrap();
    let positions: Vec<u64> = first.events.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=positions.len() as u64).collect::<Vec<_>>());
    let quiet = world
        .sfu
        .events(first.next, Duration::from_millis(50))
        .await
        .unwrap();
    assert!(quiet.events.is_empty() && !quiet.gap);
    assert_eq!(quiet.next, first.next);
    assert_eq!(quiet.life, world.sfu.report().await.unwrap().life);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_node_takes_no_new_conferences_and_keeps_the_old() {
    let world = World::start();
    let conference = world.conference(2).await;
    world.sfu.drain().await.unwrap();
    let refused = world
        .sfu
        .create_conference(room(ConferenceId::from_bytes([201; 16]), 1))
        .await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::NodeDraining);
    world.join_connected(conference, Role::Camera).await;
    assert_eq!(world.sfu.report().await.unwrap().state, NodeState::Draining);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_the_node_says_goodbye_to_its_peers() {
    let world = World::start();
    let conference = world.conference(2).await;
    let party = world.join_connected(conference, Role::Camera).await;
    party
        .client
        .wait("an open channel", |seen| seen.channel.is_some())
        .await;
    world.sfu.stop().await;
    party.client.wait("a goodbye", |seen| seen.closed).await;
    let lost = world.sfu.report().await;
    assert_eq!(lost.unwrap_err().code, ErrorCode::MediaNodeLost);
}
