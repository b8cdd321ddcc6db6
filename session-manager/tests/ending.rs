//! The ends of a conference: empty, departed, too long, deleted.

mod support;

use std::time::Duration;

use lens_protocol::ErrorCode;
use lens_protocol::conference::{
    ConferenceEventKind, ConferenceState, CreateConference, EndReason, Hold,
};
use lens_protocol::id::ConferenceId;
use lens_protocol::media::Role;
use lens_session_manager::core::past::MOST_ENDED;
use lens_session_manager::{MediaKeys, SessionManager};
use support::{CHROMIUM_CAMERA, Process, Stage, code, join, until, website};

async fn ends(stage: &Stage, id: ConferenceId, expected: EndReason) {
    let ended = |kind: &ConferenceEventKind| matches!(kind, ConferenceEventKind::Ended { .. });
    let event = stage.event(ended).await;
    assert_eq!(event.conference, id);
    let seen = stage.read(id).await;
    assert_eq!(seen.state, ConferenceState::Ended);
    assert_eq!(seen.end_reason, Some(expected));
    assert!(seen.participants.is_empty() && seen.node.is_none());
    until("the node has ended it", async || !stage.nodes[0].has(id)).await;
}

#[tokio::test]
async fn it_ends_when_nobody_joins_in_time() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    stage.clock.advance(Duration::from_secs(299));
    assert_eq!(stage.read(id).await.state, ConferenceState::Open);
    stage.clock.advance(Duration::from_secs(1));
    ends(&stage, id, EndReason::Empty).await;
}

#[tokio::test]
async fn a_failed_join_does_not_keep_an_empty_conference_alive() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    stage.clock.advance(Duration::from_secs(299));
    let failing = (ErrorCode::NodeFull.into(), false);
    stage.nodes[0].state().failing_additions.push_back(failing);
    assert!(stage.try_join(id, Role::Camera).await.is_err());
    stage.clock.advance(Duration::from_secs(1));
    ends(&stage, id, EndReason::Empty).await;
}

#[tokio::test]
async fn it_ends_some_time_after_the_last_one_left() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    stage.clock.advance(Duration::from_secs(3_000));
    stage
        .manager
        .leave(&website(), id, camera.participant)
        .await
        .expect("leaves");
    stage.clock.advance(Duration::from_secs(19));
    // Coming back in time keeps it.
    let camera = stage.join(id, Role::Camera).await;
    stage.clock.advance(Duration::from_secs(60));
    assert_eq!(stage.read(id).await.state, ConferenceState::Open);
    stage
        .manager
        .leave(&website(), id, camera.participant)
        .await
        .expect("leaves");
    stage.clock.advance(Duration::from_secs(20));
    ends(&stage, id, EndReason::Departed).await;
}

#[tokio::test]
async fn it_ends_after_its_longest_duration_whoever_is_in_it() {
    let stage = Stage::with(&["sfu-1"]).await;
    let request = CreateConference {
        max_duration_s: 60,
        ..CreateConference::default()
    };
    let id = stage.create_with(request).await.id;
    stage.join(id, Role::Camera).await;
    stage.clock.advance(Duration::from_secs(60));
    ends(&stage, id, EndReason::MaxDuration).await;
}

#[tokio::test]
async fn once_ended_it_can_be_read_for_an_hour_and_not_joined() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    for _ in 0..2 {
        stage
            .manager
            .delete(&website(), id)
            .await
            .expect("repeatable");
    }
    ends(&stage, id, EndReason::Deleted).await;
    let over = Some(ErrorCode::ConferenceEnded);
    let manager = &stage.manager;
    assert_eq!(code(stage.try_join(id, Role::Viewer).await), over);
    assert_eq!(code(stage.offer(id, camera.participant).await), over);
    assert_eq!(code(stage.answer(&camera, CHROMIUM_CAMERA).await), over);
    assert_eq!(
        code(manager.hold(&website(), id, Hold { held: true }).await),
        over
    );
    assert_eq!(
        code(manager.leave(&website(), id, camera.participant).await),
        None
    );
    assert_eq!(
        manager
            .conferences(&website())
            .await
            .expect("granted")
            .len(),
        1
    );

    stage.clock.advance(Duration::from_secs(3_600));
    until("forgotten", async || {
        manager.conference(&website(), id).await.is_err()
    })
    .await;
    assert!(
        manager
            .conferences(&website())
            .await
            .expect("granted")
            .is_empty()
    );
}

#[tokio::test]
async fn of_very_many_that_have_ended_the_eldest_are_forgotten_first() {
    let stage = Stage::with(&["sfu-1"]).await;
    stage.nodes[0].state().max_participants = 10_000;
    let manager = &stage.manager;
    let has_room = async || {
        let nodes = manager.nodes(&website()).await.expect("granted").nodes;
        nodes[0].max_participants == 10_000
    };
    until("the node has reported its size", has_room).await;
    let live = stage.create().await.id;
    let mut ended = Vec::new();
    for _ in 0..MOST_ENDED + 2 {
        let id = stage.create().await.id;
        let deleted = stage.manager.delete(&website(), id).await;
        deleted.expect("ended");
        ended.push(id);
    }
    for id in &ended[..2] {
        until("forgotten", async || {
            manager.conference(&website(), *id).await.is_err()
        })
        .await;
    }
    let listed = manager.conferences(&website()).await.expect("granted");
    assert_eq!(listed.len(), MOST_ENDED + 1);
    assert_eq!(stage.read(ended[2]).await.state, ConferenceState::Ended);
    assert_eq!(stage.read(live).await.state, ConferenceState::Open);
}

#[tokio::test]
async fn a_name_is_free_again_once_its_conference_has_ended() {
    let stage = Stage::with(&["sfu-1"]).await;
    let named = || CreateConference {
        external_id: Some("case 7".to_owned()),
        ..CreateConference::default()
    };
    let first = stage.create_with(named()).await;
    let taken = stage
        .manager
        .create(&website(), None, named())
        .await
        .expect_err("taken");
    assert_eq!(taken.code, ErrorCode::ExternalIdTaken);
    assert!(
        taken
            .detail
            .unwrap_or_default()
            .contains(&first.id.to_string())
    );
    // Another owner's names are another matter, and not to be learnt from.
    let other = support::owner("other");
    stage
        .manager
        .create(&other, None, named())
        .await
        .expect("theirs is free");
    stage
        .manager
        .delete(&website(), first.id)
        .await
        .expect("ends");
    stage.create_with(named()).await;
}

#[tokio::test]
async fn one_deleted_while_its_node_hangs_is_ended_there_when_it_comes_back() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    stage.join(id, Role::Camera).await;
    stage.nodes[0].set_process(Process::Hangs);
    stage
        .manager
        .delete(&website(), id)
        .await
        .expect("ended for its owner");
    assert_eq!(stage.read(id).await.state, ConferenceState::Ended);
    assert!(stage.nodes[0].has(id));
    stage.nodes[0].set_process(Process::Runs);
    until("ended there too", async || !stage.nodes[0].has(id)).await;
}

#[tokio::test]
async fn a_media_token_is_worth_nothing_after_its_conference() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await;
    let keys = stage.manager.media_keys();
    let (key_id, _) = keys.public_key();
    assert!(keys.media_key(key_id).await.expect("local").is_some());
    let token = camera.media_token.clone().expect("a join gives one");
    let now = lens_runtime::clock::Clock::now(&stage.clock);
    let holder = lens_session_manager::token::verify(keys.as_ref(), &token, now).await;
    let holder = holder.expect("fresh");
    let offer = stage.manager.offer(&holder, id, camera.participant).await;
    offer.expect("its own");
    let refused = stage
        .manager
        .join(&holder, id, None, join(Role::Viewer))
        .await;
    assert_eq!(code(refused), Some(ErrorCode::Forbidden));
    stage.manager.delete(&website(), id).await.expect("ends");
    let over = stage.manager.offer(&holder, id, camera.participant).await;
    assert_eq!(code(over), Some(ErrorCode::ConferenceEnded));
}

#[tokio::test]
async fn a_clock_set_back_ends_nothing_and_what_is_made_afterwards_counts() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let stage = Stage::with(&["sfu-1"]).await;
    let request = CreateConference {
        max_duration_s: 60,
        ..CreateConference::default()
    };
    let id = stage.create_with(request).await.id;
    let camera = stage.join(id, Role::Camera).await;
    let keys = stage.manager.media_keys();
    let verified = async |offer: &lens_protocol::conference::ParticipantOffer| {
        let token = offer.media_token.clone().expect("a token");
        let now = lens_runtime::clock::Clock::now(&stage.clock);
        code(lens_session_manager::token::verify(keys.as_ref(), &token, now).await)
    };
    stage
        .clock
        .set(lens_runtime::clock::Clock::now(&stage.clock).minus(HOUR));
    assert_eq!(
        verified(&camera).await,
        Some(ErrorCode::TokenInvalid),
        "a token from a time that has not come"
    );
    let again = stage.offer(id, camera.participant).await;
    assert_eq!(verified(&again.expect("made")).await, None);
    let viewer = stage.join(id, Role::Viewer).await;
    assert_eq!(verified(&viewer).await, None);
    assert_eq!(stage.read(id).await.state, ConferenceState::Open);
    // Its end was set before the jump, and does not come earlier for it.
    stage.clock.advance(HOUR);
    assert_eq!(stage.read(id).await.state, ConferenceState::Open);
    stage.clock.advance(Duration::from_secs(60));
    ends(&stage, id, EndReason::MaxDuration).await;
}
