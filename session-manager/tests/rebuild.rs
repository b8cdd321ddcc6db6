//! A restarted Session Manager takes over what runs; nothing that runs is disturbed.

mod support;

use std::time::Duration;

use lens_protocol::Timestamp;
use lens_protocol::conference::{ConferenceEventKind, CreateConference, Hold, ParticipantState};
use lens_protocol::id::{ConferenceId, Epoch, Generation};
use lens_protocol::media::{CreateMediaRoom, MediaPolicy, Pause, Role, VideoCodec};
use lens_session_manager::SessionManager;
use lens_session_manager::core::memo::RoomMemo;
use lens_sfu::SfuControl;
use support::{CHROMIUM_CAMERA, CHROMIUM_VIEWER, Process, Stage, join, until, website};

#[tokio::test]
async fn the_table_is_rebuilt_from_the_nodes_reports() {
    let mut stage = Stage::with(&["sfu-1", "sfu-2"]).await;
    let request = CreateConference {
        external_id: Some("case 7".to_owned()),
        max_duration_s: 900,
        ..CreateConference::default()
    };
    let made = stage.create_with(request).await;
    let mut wish = join(Role::Camera);
    wish.codecs = Some(vec![VideoCodec::H264]);
    let camera = stage
        .manager
        .join(&website(), made.id, None, wish)
        .await
        .expect("room");
    stage
        .answer(&camera, CHROMIUM_CAMERA)
        .await
        .expect("a real answer");
    for node in stage.nodes.iter().filter(|node| node.has(made.id)) {
        node.connect(made.id, camera.participant);
    }
    stage.clock.advance(Duration::from_secs(1));
    let viewer = stage.join(made.id, Role::Viewer).await;
    stage
        .manager
        .hold(&website(), made.id, Hold { held: true })
        .await
        .expect("held");
    let (video, voice) = (true, false);
    let paused = Pause { video, voice };
    let done = stage
        .manager
        .pause(&website(), made.id, camera.participant, paused)
        .await;
    done.expect("paused");
    until("connected", async || {
        stage.read(made.id).await.participants[0].state == ParticipantState::Connected
    })
    .await;
    let before = stage.read(made.id).await;

    stage.clock.advance(Duration::from_secs(60));
    stage.restart_manager().await;
    let after = stage.read(made.id).await;
    let plain = |conference| serde_json::to_value(conference).expect("plain data");
    assert_eq!(plain(&after), plain(&before));
    assert_eq!(stage.metrics.conferences_adopted.get(), 1);

    // The open offer is still answered, names stay taken, codecs stay as wished.
    stage
        .answer(&viewer, CHROMIUM_VIEWER)
        .await
        .expect("the offer is the same");
    let again = CreateConference {
        external_id: Some("case 7".to_owned()),
        ..CreateConference::default()
    };
    let taken = stage
        .manager
        .create(&website(), None, again)
        .await
        .expect_err("taken");
    assert_eq!(
        taken.detail,
        Some(format!("the live conference is {}", made.id))
    );
    let offer = stage
        .offer(made.id, camera.participant)
        .await
        .expect("it is there");
    assert_eq!(offer.generation, Generation(2));
    assert!(offer.sdp.contains("m=video 9 UDP/TLS/RTP/SAVPF 108 "));
    let running: usize = stage.nodes.iter().map(|node| node.participants()).sum();
    assert_eq!(running, 2);
}

#[tokio::test]
async fn events_of_a_former_life_are_not_told_again() {
    let mut stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    stage.nodes[0].connect(id, camera.participant);
    let connected = |kind: &ConferenceEventKind| {
        matches!(kind, ConferenceEventKind::ParticipantConnected { .. })
    };
    stage.event(connected).await;
    let before = stage
        .manager
        .events(&website(), 0, Duration::ZERO)
        .await
        .expect("granted");

    stage.restart_manager().await;
    let after = stage
        .manager
        .events(&website(), 0, Duration::ZERO)
        .await
        .expect("granted");
    assert_ne!(after.life, before.life);
    assert!(after.events.is_empty());
    assert!(after.life < 1 << 53);
    let gap = stage
        .manager
        .events(&website(), before.next, Duration::ZERO)
        .await;
    assert!(gap.expect("granted").gap);
}

#[tokio::test]
async fn a_node_unreachable_at_the_start_is_taken_over_when_it_comes() {
    let mut stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    stage.nodes[0].set_process(Process::Gone);
    stage.restart_manager().await;
    assert!(!stage.manager.is_ready());
    stage.nodes[0].set_process(Process::Runs);
    until("taken over", async || {
        stage.manager.conference(&website(), id).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn of_two_placements_of_one_conference_the_newer_one_counts() {
    for order in [["sfu-1", "sfu-2"], ["sfu-2", "sfu-1"]] {
        let mut stage = Stage::with(&order).await;
        let id = stage.create().await.id;
        let camera = stage.join(id, Role::Camera).await;
        let here = stage
            .nodes
            .iter()
            .find(|node| node.has(id))
            .expect("somewhere")
            .clone();
        here.set_process(Process::Gone);
        stage
            .event(|kind| matches!(kind, ConferenceEventKind::MediaNodeLost { .. }))
            .await;
        stage
            .offer(id, camera.participant)
            .await
            .expect("placed anew");
        // The Session Manager forgets, and the node it had given up is back before it returns.
        here.set_process(Process::Runs);
        stage.restart_manager().await;
        until("one placement is left", async || {
            stage.nodes.iter().filter(|node| node.has(id)).count() == 1
        })
        .await;
        until("it is the newer one", async || {
            stage.read(id).await.epoch == Epoch(2)
        })
        .await;
        assert!(!here.has(id));
    }
}

#[tokio::test]
async fn a_room_nobody_knows_of_is_ended_and_one_of_another_release_is_left_alone() {
    let stage = Stage::with(&["sfu-1"]).await;
    let owner = website().owner;
    let memo = RoomMemo::new(owner, CreateConference::default(), Timestamp::default());
    let stray = CreateMediaRoom {
        conference: ConferenceId::from_bytes([7; 16]),
        epoch: Epoch(3),
        max_participants: 4,
        media: MediaPolicy::default(),
        memo: memo.to_value(),
    };
    let mut foreign = stray.clone();
    foreign.conference = ConferenceId::from_bytes([8; 16]);
    foreign.memo["form"] = 2.into();
    let (id, other) = (stray.conference, foreign.conference);
    stage.nodes[0]
        .create_conference(foreign)
        .await
        .expect("it runs");
    stage.nodes[0]
        .create_conference(stray)
        .await
        .expect("it runs");
    until("the stray is ended", async || !stage.nodes[0].has(id)).await;
    assert_eq!(stage.metrics.strays_ended.get(), 1);
    assert!(stage.nodes[0].has(other));
}

#[tokio::test]
async fn while_the_session_manager_is_down_nothing_on_the_nodes_changes() {
    let mut stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    stage
        .answer(&camera, CHROMIUM_CAMERA)
        .await
        .expect("a real answer");
    stage.restart_manager().await;
    stage.restart_manager().await;
    let room = &stage.nodes[0].state().rooms[&id];
    assert_eq!(room.generation(camera.participant), Some(Generation(1)));
    assert_eq!(room.made.epoch, Epoch(1));
}
