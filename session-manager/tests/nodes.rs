//! Placement over two media nodes, and what happens when one goes away.

mod support;

use lens_protocol::conference::{ConferenceEventKind, CreateConference, Hold, ParticipantState};
use lens_protocol::id::{Epoch, Generation};
use lens_protocol::media::{CauseCode, NodeState, Pause, Role};
use lens_protocol::{ErrorCode, Problem};
use lens_session_manager::{Config, SessionManager};
use support::{CHROMIUM_CAMERA, FakeSfu, PATIENCE, Process, Stage, code, until, website};

fn lost(kind: &ConferenceEventKind) -> bool {
    matches!(kind, ConferenceEventKind::MediaNodeLost { .. })
}

/// The node a conference runs on and the other one.
async fn here_and_there(stage: &Stage, id: lens_protocol::id::ConferenceId) -> (FakeSfu, FakeSfu) {
    let name = stage.read(id).await.node.expect("it runs somewhere");
    let (here, there): (Vec<_>, Vec<_>) = stage
        .nodes
        .iter()
        .cloned()
        .partition(|node| node.state().node == name);
    (here[0].clone(), there[0].clone())
}

#[tokio::test]
async fn conferences_spread_over_the_nodes_by_their_load() {
    let stage = Stage::with(&["sfu-1", "sfu-2"]).await;
    for _ in 0..6 {
        stage.create().await;
    }
    let counts = stage.nodes.iter().map(|node| node.state().rooms.len());
    assert_eq!(counts.collect::<Vec<_>>(), [3, 3]);
}

#[tokio::test]
async fn a_node_has_room_for_as_many_as_are_over_before_its_next_report() {
    let node = FakeSfu::new("sfu-1");
    // Two conferences are reckoned to fill it.
    node.state().max_participants = 4;
    let stage = Stage::over(vec![node]).await;
    for _ in 0..100 {
        let made = stage.create().await;
        let over = stage.manager.delete(&website(), made.id).await;
        over.expect("it ends");
    }
}

#[tokio::test]
async fn a_draining_node_takes_no_more_and_keeps_what_it_has() {
    let stage = Stage::with(&["sfu-1", "sfu-2"]).await;
    let kept = stage.create().await;
    let (here, there) = here_and_there(&stage, kept.id).await;
    let name = here.state().node.clone();
    for _ in 0..2 {
        let drained = stage.manager.drain(&website(), name.clone()).await;
        drained.expect("repeatable");
    }
    for _ in 0..4 {
        stage.create().await;
    }
    assert_eq!(here.state().rooms.len(), 1);
    assert_eq!(there.state().rooms.len(), 4);
    stage.join(kept.id, Role::Camera).await;
    let nodes = stage
        .manager
        .nodes(&website())
        .await
        .expect("granted")
        .nodes;
    let drained = nodes.iter().find(|node| node.id == name).expect("listed");
    assert_eq!(drained.state, NodeState::Draining);

    let other = there.state().node.clone();
    stage
        .manager
        .drain(&website(), other)
        .await
        .expect("drains");
    let none = stage
        .manager
        .create(&website(), None, CreateConference::default())
        .await;
    assert_eq!(code(none), Some(ErrorCode::NoMediaNode));
}

#[tokio::test]
async fn a_region_is_kept_to_and_an_unknown_one_has_no_node() {
    let nodes = vec![FakeSfu::new("sfu-1"), FakeSfu::new("sfu-2")];
    nodes[1].state().region = Some("fra".to_owned());
    let stage = Stage::over(nodes).await;
    let in_region = |region: &str| CreateConference {
        region: Some(region.to_owned()),
        ..CreateConference::default()
    };
    for _ in 0..3 {
        stage.create_with(in_region("fra")).await;
    }
    assert_eq!(stage.nodes[1].state().rooms.len(), 3);
    let none = stage
        .manager
        .create(&website(), None, in_region("ams"))
        .await;
    assert_eq!(code(none), Some(ErrorCode::InvalidValue));
    stage.nodes[1].set_process(Process::Gone);
    until("the node is lost", async || {
        let none = stage
            .manager
            .create(&website(), None, in_region("fra"))
            .await;
        code(none) == Some(ErrorCode::NoMediaNode)
    })
    .await;
}

#[tokio::test]
async fn a_node_that_refuses_is_passed_over_and_never_told_twice() {
    let stage = Stage::with(&["sfu-1", "sfu-2"]).await;
    // Drains without the Session Manager knowing yet.
    let node = &stage.nodes[0];
    node.state().draining = true;
    for _ in 0..3 {
        stage.create().await;
    }
    assert_eq!(stage.nodes[1].state().rooms.len(), 3);
    assert!(node.state().rooms.is_empty());
}

#[tokio::test]
async fn owners_are_told_of_a_dead_node_and_the_next_offer_is_made_elsewhere() {
    let stage = Stage::with(&["sfu-1", "sfu-2"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    let viewer = stage.join(id, Role::Viewer).await;
    stage
        .manager
        .hold(&website(), id, Hold { held: true })
        .await
        .expect("held");
    let (video, voice) = (true, false);
    let paused = Pause { video, voice };
    let done = stage
        .manager
        .pause(&website(), id, camera.participant, paused)
        .await;
    done.expect("paused");
    let (here, there) = here_and_there(&stage, id).await;

    here.set_process(Process::Gone);
    stage.event(lost).await;
    let seen = stage.read(id).await;
    assert_eq!(seen.node, None);
    for one in &seen.participants {
        assert_eq!(
            (one.state, one.cause),
            (ParticipantState::Failed, Some(CauseCode::NodeLost))
        );
    }

    let offer = stage
        .offer(id, camera.participant)
        .await
        .expect("placed anew");
    assert_eq!(offer.generation, Generation(2));
    let seen = stage.read(id).await;
    assert_eq!(seen.epoch, Epoch(2));
    assert_eq!(seen.node, Some(there.state().node.clone()));
    assert!(there.state().rooms[&id].held, "it is held there too");
    let still = there.state().rooms[&id].paused(camera.participant);
    assert_eq!(still, Some(paused), "and paused there too");
    stage
        .answer(&offer, CHROMIUM_CAMERA)
        .await
        .expect("a real answer");
    // The other one gets theirs on the same placement when they ask.
    let offer = stage
        .offer(id, viewer.participant)
        .await
        .expect("there is a place");
    assert_eq!(offer.generation, Generation(2));
    assert_eq!(stage.read(id).await.epoch, Epoch(2));
    assert_eq!(there.participants(), 2);
}

#[tokio::test]
async fn a_hanging_node_is_found_lost_and_calls_to_it_end_at_once() {
    let stage = Stage::with(&["sfu-1", "sfu-2"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    let (here, there) = here_and_there(&stage, id).await;
    here.set_process(Process::Hangs);
    // A call would wait for a minute: it has to end when the node is found lost.
    let asking = stage.offer(id, camera.participant);
    let offer = tokio::time::timeout(PATIENCE, asking).await;
    let offer = offer.expect("the call ends").expect("placed anew");
    assert_eq!(
        offer.generation,
        Generation(3),
        "one generation went to the hanging node"
    );
    assert_eq!(there.participants(), 1);
    stage.event(lost).await;
}

#[test]
fn a_dead_node_is_noticed_within_a_second_and_a_half() {
    let times = Config::default().nodes;
    let worst = times.poll_timeout + times.confirm_timeout;
    assert!(worst.as_millis() <= 1_500, "{worst:?}");
    assert!(times.poll_wait < times.poll_timeout);
}

#[tokio::test]
async fn a_node_that_comes_back_unharmed_takes_its_conferences_up_again() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    stage
        .answer(&camera, CHROMIUM_CAMERA)
        .await
        .expect("a real answer");
    stage.nodes[0].connect(id, camera.participant);
    until("connected", async || {
        stage.read(id).await.participants[0].state == ParticipantState::Connected
    })
    .await;
    stage.nodes[0].set_process(Process::Gone);
    stage.event(lost).await;
    stage.nodes[0].set_process(Process::Runs);
    until("connected again", async || {
        stage.read(id).await.participants[0].state == ParticipantState::Connected
    })
    .await;
    let seen = stage.read(id).await;
    assert_eq!(
        (seen.epoch, seen.participants[0].generation),
        (Epoch(1), Generation(1))
    );
}

#[tokio::test]
async fn a_former_placement_that_comes_back_is_ended_there() {
    let stage = Stage::with(&["sfu-1", "sfu-2"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    let (here, there) = here_and_there(&stage, id).await;
    here.set_process(Process::Gone);
    stage.event(lost).await;
    stage
        .offer(id, camera.participant)
        .await
        .expect("placed anew");
    here.set_process(Process::Runs);
    until("the old room is ended", async || !here.has(id)).await;
    assert!(there.has(id));
    assert_eq!(stage.read(id).await.epoch, Epoch(2));
}

#[tokio::test]
async fn a_restarted_node_has_lost_its_conferences() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    stage.nodes[0].restart();
    stage.event(lost).await;
    let offer = stage
        .offer(id, camera.participant)
        .await
        .expect("placed anew");
    assert_eq!(offer.generation, Generation(2));
    assert_eq!(stage.read(id).await.epoch, Epoch(2));
    let events = stage.events().await;
    assert_eq!(events.iter().filter(|event| lost(&event.kind)).count(), 1);
}

#[tokio::test]
async fn an_offer_that_finds_the_node_restarted_is_made_anew_at_once() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    // Restarted a moment ago: nobody has noticed yet.
    stage.nodes[0].restart();
    let offer = stage
        .offer(id, camera.participant)
        .await
        .expect("placed anew");
    assert!(offer.generation > Generation(1));
    assert!(stage.nodes[0].has(id));
}

#[tokio::test]
async fn with_every_node_gone_offers_wait_for_one_to_come_back() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    stage.nodes[0].set_process(Process::Gone);
    stage.event(lost).await;
    let none = stage.offer(id, camera.participant).await;
    assert_eq!(code(none), Some(ErrorCode::NoMediaNode));
    assert!(!stage.manager.is_ready());
    stage.nodes[0].restart();
    until("the node is back", async || stage.manager.is_ready()).await;
    stage
        .offer(id, camera.participant)
        .await
        .expect("placed anew");
}

#[tokio::test]
async fn what_a_lost_call_left_on_a_node_is_cleaned_up_by_its_report() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    stage.join(id, Role::Viewer).await;
    // The node adds the participant, its answer is lost, and it refuses the removal too.
    let node = stage.nodes[0].clone();
    let lost = (Problem::new(ErrorCode::Internal), true);
    node.state().failing_additions.push_back(lost);
    assert!(stage.try_join(id, Role::Camera).await.is_err());
    until("the stray is removed", async || node.participants() == 1).await;
    assert_eq!(stage.read(id).await.participants.len(), 1);
}

#[tokio::test]
async fn of_two_nodes_with_one_name_only_the_first_counts() {
    let stage = Stage::with(&["sfu-1", "sfu-1"]).await;
    for _ in 0..4 {
        stage.create().await;
    }
    let counts: Vec<usize> = stage
        .nodes
        .iter()
        .map(|node| node.state().rooms.len())
        .collect();
    assert!(counts == [4, 0] || counts == [0, 4], "{counts:?}");
    let nodes = stage
        .manager
        .nodes(&website())
        .await
        .expect("granted")
        .nodes;
    assert_eq!(nodes.len(), 1);
}
