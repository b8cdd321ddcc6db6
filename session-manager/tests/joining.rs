//! Joining, answering and leaving, also when calls race or fail half-way.

mod support;

use lens_protocol::conference::{
    Answer, ConferenceEventKind, CreateConference, Hold, IceCandidates, ParticipantState,
};
use lens_protocol::id::{Generation, NegotiationId, NodeId, ParticipantId};
use lens_protocol::media::{CauseCode, Pause, Role, SfuEventKind, VideoCodec};
use lens_protocol::{ErrorCode, Problem};
use lens_session_manager::SessionManager;
use support::{
    CHROMIUM_CAMERA, CHROMIUM_VIEWER, FIREFOX_CAMERA, Stage, code, join, owner, until, website,
};

#[tokio::test]
async fn a_camera_joins_answers_and_connects() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let offer = stage.join(id, Role::Camera).await;
    assert_eq!(offer.generation, Generation(1));
    assert!(offer.sdp.contains("typ host tcptype passive"));
    assert!(!offer.sdp.contains("str0m"));
    stage
        .answer(&offer, CHROMIUM_CAMERA)
        .await
        .expect("a real answer");
    assert_eq!(stage.nodes[0].state().answers[0].sdp, CHROMIUM_CAMERA);

    stage.nodes[0].connect(id, offer.participant);
    stage
        .event(|kind| matches!(kind, ConferenceEventKind::ParticipantConnected { .. }))
        .await;
    let seen = stage.read(id).await.participants;
    assert_eq!(seen[0].state, ParticipantState::Connected);
}

#[tokio::test]
async fn a_conference_has_one_camera_and_as_many_as_it_was_made_for() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    stage.join(id, Role::Camera).await;
    let second = stage.try_join(id, Role::Camera).await;
    assert_eq!(code(second), Some(ErrorCode::RoleTaken));
    for _ in 0..3 {
        stage.join(id, Role::Viewer).await;
    }
    let fifth = stage.try_join(id, Role::Viewer).await;
    assert_eq!(code(fifth), Some(ErrorCode::ConferenceFull));
}

#[tokio::test]
async fn racing_joins_never_exceed_the_limit_or_make_two_cameras() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let tasks: Vec<_> = (0..24)
        .map(|number| {
            let manager = stage.manager.clone();
            let role = if number % 2 == 0 {
                Role::Camera
            } else {
                Role::Viewer
            };
            tokio::spawn(async move { manager.join(&website(), id, None, join(role)).await })
        })
        .collect();
    let mut joined = Vec::new();
    for task in tasks {
        if let Ok(offer) = task.await.expect("no panic") {
            joined.push(offer.participant);
        }
    }
    let seen = stage.read(id).await.participants;
    let cameras = seen.iter().filter(|one| one.role == Role::Camera).count();
    assert_eq!((joined.len(), seen.len(), cameras), (4, 4, 1));
    assert_eq!(stage.nodes[0].participants(), 4);
}

#[tokio::test]
async fn a_join_that_fails_leaves_nothing_behind() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let refused = Problem::new(ErrorCode::NodeFull);
    let too_late = Problem::new(ErrorCode::MediaFailed);
    stage.nodes[0]
        .state()
        .failing_additions
        .extend([(refused, false), (too_late, true)]);

    let first = stage.try_join(id, Role::Camera).await;
    assert_eq!(code(first), Some(ErrorCode::NodeFull));
    let second = stage.try_join(id, Role::Camera).await;
    assert_eq!(code(second), Some(ErrorCode::MediaFailed));
    assert_eq!(stage.nodes[0].participants(), 0);
    assert!(stage.read(id).await.participants.is_empty());
    stage.join(id, Role::Camera).await;
}

#[tokio::test]
async fn a_caller_who_goes_away_in_the_middle_of_a_join_leaves_a_whole_one() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let mut joining = Box::pin(stage.try_join(id, Role::Camera));
    let dropped = futures_util::poll!(&mut joining);
    assert!(dropped.is_pending());
    drop(joining);
    until("the join is whole", async || {
        stage.read(id).await.participants.len() == 1
    })
    .await;
    assert_eq!(stage.nodes[0].participants(), 1);
}

#[tokio::test]
async fn an_offer_that_cannot_be_used_makes_no_participant() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    stage.nodes[0].state().addresses[0].udp.set_port(0);
    stage.nodes[0].state().addresses[0].tcp = None;
    until("the node's addresses are known", async || {
        let nodes = stage
            .manager
            .nodes(&website())
            .await
            .expect("granted")
            .nodes;
        nodes[0].addresses[0].tcp.is_none()
    })
    .await;
    let refused = stage.try_join(id, Role::Camera).await;
    assert_eq!(code(refused), Some(ErrorCode::NoMediaNode));
    assert_eq!(stage.nodes[0].participants(), 0);
}

#[tokio::test]
async fn a_new_generation_replaces_the_former_one() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let first = stage.join(id, Role::Camera).await;
    let second = stage
        .offer(id, first.participant)
        .await
        .expect("it is there");
    assert_eq!(second.generation, Generation(2));
    let stale = stage.answer(&first, CHROMIUM_CAMERA).await;
    assert_eq!(code(stale), Some(ErrorCode::StaleGeneration));
    stage
        .answer(&second, FIREFOX_CAMERA)
        .await
        .expect("a real answer");
    let again = stage.answer(&second, FIREFOX_CAMERA).await;
    assert_eq!(code(again), Some(ErrorCode::AlreadyAnswered));
    assert_eq!(stage.read(id).await.participants.len(), 1);
}

#[tokio::test]
async fn a_generation_is_never_given_twice_even_when_its_offer_got_lost() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let first = stage.join(id, Role::Camera).await;
    let lost = (Problem::new(ErrorCode::Internal), true);
    stage.nodes[0].state().failing_additions.push_back(lost);
    assert!(stage.offer(id, first.participant).await.is_err());
    let third = stage
        .offer(id, first.participant)
        .await
        .expect("works again");
    assert_eq!(third.generation, Generation(3));
    let room = &stage.nodes[0].state().rooms[&id];
    assert_eq!(room.generation(first.participant), Some(Generation(3)));
}

#[tokio::test]
async fn hostile_answers_are_refused_by_name_and_the_offer_stays_open() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let offer = stage.join(id, Role::Camera).await;
    let candidates = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
    let cases = [
        (String::new(), ErrorCode::InvalidSdp),
        ("garbage".to_owned(), ErrorCode::InvalidSdp),
        (CHROMIUM_VIEWER.to_owned(), ErrorCode::InvalidSdp),
        (
            CHROMIUM_CAMERA.replace("a=ice-ufrag", "a=no-ufrag"),
            ErrorCode::InvalidSdp,
        ),
        (
            CHROMIUM_CAMERA.replace("a=setup:active", "a=setup:actpass"),
            ErrorCode::InvalidSdp,
        ),
        (
            CHROMIUM_CAMERA.to_owned() + &candidates.repeat(21),
            ErrorCode::TooManyCandidates,
        ),
        (
            CHROMIUM_CAMERA.to_owned() + &candidates.repeat(10_000),
            ErrorCode::InvalidSdp,
        ),
        ("m=audio 9 X 0\r\n".repeat(65), ErrorCode::InvalidSdp),
    ];
    for (sdp, expected) in cases {
        let refused = stage.answer(&offer, &sdp).await;
        assert_eq!(
            code(refused),
            Some(expected),
            "{}",
            sdp.get(..200).unwrap_or(&sdp)
        );
    }
    assert!(stage.nodes[0].state().answers.is_empty());
    assert_eq!(stage.metrics.answers_refused.get(), 8);
    stage
        .answer(&offer, CHROMIUM_CAMERA)
        .await
        .expect("still open");
}

#[tokio::test]
async fn an_answer_quotes_generation_and_negotiation_of_its_offer() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let offer = stage.join(id, Role::Camera).await;
    let wrong = [
        (Generation(2), offer.negotiation_id),
        (Generation(0), offer.negotiation_id),
        (offer.generation, NegotiationId(99)),
    ];
    for (generation, negotiation_id) in wrong {
        let answer = Answer {
            generation,
            negotiation_id,
            sdp: CHROMIUM_CAMERA.to_owned(),
        };
        let refused = stage
            .manager
            .answer(&website(), id, offer.participant, answer)
            .await;
        assert_eq!(code(refused), Some(ErrorCode::StaleGeneration));
    }
}

#[tokio::test]
async fn candidates_are_counted_and_otherwise_ignored() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let offer = stage.join(id, Role::Camera).await;
    let send = async |generation, count| {
        let candidates = IceCandidates {
            generation,
            candidates: vec!["candidate:1 1 udp 1 192.0.2.1 9 typ host".to_owned(); count],
        };
        let caller = website();
        let sent = stage
            .manager
            .candidates(&caller, id, offer.participant, candidates);
        code(sent.await)
    };
    assert_eq!(send(offer.generation, 20).await, None);
    assert_eq!(
        send(offer.generation, 10_000).await,
        Some(ErrorCode::TooManyCandidates)
    );
    assert_eq!(
        send(Generation(9), 1).await,
        Some(ErrorCode::StaleGeneration)
    );
}

#[tokio::test]
async fn leaving_is_repeatable_and_makes_room() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let offer = stage.join(id, Role::Camera).await;
    for _ in 0..2 {
        let left = stage.manager.leave(&website(), id, offer.participant).await;
        left.expect("repeatable");
    }
    assert_eq!(stage.nodes[0].participants(), 0);
    let gone = stage.offer(id, offer.participant).await;
    assert_eq!(code(gone), Some(ErrorCode::ParticipantNotFound));
    let events = stage.events().await;
    let left =
        |kind: &ConferenceEventKind| matches!(kind, ConferenceEventKind::ParticipantLeft { .. });
    assert_eq!(events.iter().filter(|event| left(&event.kind)).count(), 1);
    stage.join(id, Role::Camera).await;
}

#[tokio::test]
async fn a_failed_connection_keeps_its_place_and_comes_back_with_a_new_generation() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let offer = stage.join(id, Role::Camera).await;
    stage
        .answer(&offer, CHROMIUM_CAMERA)
        .await
        .expect("a real answer");
    let failed = SfuEventKind::Failed {
        participant: offer.participant,
        generation: offer.generation,
        cause: CauseCode::DtlsFailed,
    };
    stage.nodes[0].happen(id, failed.clone());
    stage
        .event(|kind| matches!(kind, ConferenceEventKind::ParticipantFailed { .. }))
        .await;
    let seen = stage.read(id).await.participants;
    assert_eq!(seen[0].cause, Some(CauseCode::DtlsFailed));
    assert_eq!(
        code(stage.try_join(id, Role::Camera).await),
        Some(ErrorCode::RoleTaken)
    );

    stage
        .offer(id, offer.participant)
        .await
        .expect("it comes back");
    // Late news of the former generation change nothing.
    stage.nodes[0].happen(id, failed);
    stage.nodes[0].connect(id, offer.participant);
    stage
        .event(|kind| matches!(kind, ConferenceEventKind::ParticipantConnected { .. }))
        .await;
    assert_eq!(
        stage.read(id).await.participants[0].state,
        ParticipantState::Connected
    );
}

#[tokio::test]
async fn a_participants_codecs_order_its_offer_within_the_policy() {
    let stage = Stage::with(&["sfu-1"]).await;
    let mut request = CreateConference::default();
    request.media.video_codecs = vec![VideoCodec::Vp8, VideoCodec::H264];
    let id = stage.create_with(request).await.id;
    let mut wish = join(Role::Camera);
    wish.codecs = Some(vec![VideoCodec::Av1, VideoCodec::H264]);
    let offer = stage
        .manager
        .join(&website(), id, None, wish)
        .await
        .expect("there is room");
    let media = offer.sdp.lines().find(|line| line.starts_with("m=video"));
    assert_eq!(
        media,
        Some("m=video 9 UDP/TLS/RTP/SAVPF 108 109 127 121 123 119 114 115 96 97")
    );
    let again = stage
        .offer(id, offer.participant)
        .await
        .expect("it is there");
    assert!(!again.sdp.contains("AV1"));
}

#[tokio::test]
async fn a_hold_reaches_the_node_and_is_seen() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    for held in [true, true, false] {
        let hold = Hold { held };
        stage
            .manager
            .hold(&website(), id, hold)
            .await
            .expect("repeatable");
        assert_eq!(stage.nodes[0].state().rooms[&id].held, held);
        assert_eq!(stage.read(id).await.held, held);
    }
}

#[tokio::test]
async fn a_pause_reaches_the_node_and_is_seen() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let camera = stage.join(id, Role::Camera).await.participant;
    for video in [true, true, false] {
        let (manager, voice) = (&stage.manager, true);
        let wanted = Pause { video, voice };
        let done = manager.pause(&website(), id, camera, wanted).await;
        done.expect("repeatable");
        let on_node = stage.nodes[0].state().rooms[&id].paused(camera);
        assert_eq!(on_node, Some(wanted));
        assert_eq!(stage.read(id).await.participants[0].pause, wanted);
    }
    let nobody = ParticipantId::from_bytes([9; 16]);
    let (manager, pause) = (&stage.manager, Pause::default());
    let refused = manager.pause(&website(), id, nobody, pause).await;
    assert_eq!(code(refused), Some(ErrorCode::ParticipantNotFound));
}

#[tokio::test]
async fn another_owner_sees_and_touches_nothing() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let offer = stage.join(id, Role::Camera).await;
    let stranger = owner("stranger");
    let manager = &stage.manager;
    let participant = offer.participant;
    let nothing = Some(ErrorCode::ConferenceNotFound);
    assert_eq!(code(manager.conference(&stranger, id).await), nothing);
    assert_eq!(code(manager.delete(&stranger, id).await), nothing);
    assert_eq!(
        code(manager.join(&stranger, id, None, join(Role::Viewer)).await),
        nothing
    );
    assert_eq!(
        code(manager.offer(&stranger, id, participant).await),
        nothing
    );
    assert_eq!(
        code(manager.leave(&stranger, id, participant).await),
        nothing
    );
    assert_eq!(
        code(manager.timeline(&stranger, id, participant).await),
        nothing
    );
    assert!(
        manager
            .conferences(&stranger)
            .await
            .expect("granted")
            .is_empty()
    );
    let events = manager
        .events(&stranger, 0, std::time::Duration::ZERO)
        .await;
    assert!(events.expect("granted").events.is_empty());
    assert_eq!(stage.read(id).await.participants.len(), 1);
}

#[tokio::test]
async fn a_timeline_is_there_for_participants_only() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = stage.create().await.id;
    let offer = stage.join(id, Role::Camera).await;
    let timeline = stage
        .manager
        .timeline(&website(), id, offer.participant)
        .await;
    let timeline = timeline.expect("it is there");
    assert_eq!(timeline.generation, offer.generation);
    assert_eq!(timeline.node.as_ref().map(NodeId::as_str), Some("sfu-1"));
    let unknown = ParticipantId::from_bytes([9; 16]);
    let nobody = stage.manager.timeline(&website(), id, unknown).await;
    assert_eq!(code(nobody), Some(ErrorCode::ParticipantNotFound));
}
