//! The same control over HTTP, with the deployment's token.

use std::sync::Arc;
use std::time::Duration;

use lens_protocol::id::{ConferenceId, Epoch, Generation, ParticipantId};
use lens_protocol::media::{
    AddParticipant, ApplyAnswer, CreateMediaRoom, EndMediaRoom, HoldMediaRoom, MediaPolicy,
    NodeState, Pause, RemoveParticipant, Role, SfuEventKind, TimelineStep,
};
use lens_protocol::{ErrorCode, SecretText};
use lens_sfu::{RemoteSfu, SfuControl, routes};

use crate::support::{Client, Options, World};

async fn serve(world: &World) -> String {
    let router = routes::router(Arc::new(world.sfu.clone()), SecretText::new("t0ken"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_conference_is_controlled_over_http() {
    let world = World::start();
    let base = serve(&world).await;
    let remote = RemoteSfu::new(base.parse().unwrap(), SecretText::new("t0ken"));
    let conference = ConferenceId::from_bytes([210; 16]);
    let participant = ParticipantId::from_bytes([211; 16]);
    let epoch = Epoch(3);
    let room = CreateMediaRoom {
        conference,
        epoch,
        max_participants: 2,
        media: MediaPolicy::default(),
        memo: serde_json::json!(["kept"]),
    };
    remote.create_conference(room).await.unwrap();
    let add = AddParticipant {
        conference,
        epoch,
        participant,
        role: Role::Camera,
        generation: Generation(1),
        pause: Pause::default(),
        memo: serde_json::Value::Null,
    };
    let offered = remote.add_participant(add).await.unwrap();
    let (client, sdp) = Client::answer(&offered.sdp, Options::default());
    let answer = ApplyAnswer {
        conference,
        epoch,
        participant,
        negotiation_id: offered.negotiation_id,
        sdp,
    };
    remote.apply_answer(answer.clone()).await.unwrap();
    let again = remote.apply_answer(answer).await;
    assert_eq!(again.unwrap_err().code, ErrorCode::AlreadyAnswered);
    client.wait("connected", |seen| seen.connected).await;
    let hold = HoldMediaRoom {
        conference,
        epoch,
        held: true,
    };
    remote.hold_conference(hold).await.unwrap();
    let report = remote.report().await.unwrap();
    assert!(report.rooms[0].held);
    assert_eq!(report.rooms[0].memo, serde_json::json!(["kept"]));
    let timeline = remote.timeline(conference, participant).await.unwrap();
    assert_eq!(timeline.participant, participant);

    // The client may be connected a moment before the server says so; what comes next is asked for.
    world
        .reached(conference, participant, TimelineStep::DtlsConnected)
        .await;
    let waiting = remote.clone();
    let position = remote.events(0, Duration::ZERO).await.unwrap().next;
    let waiting =
        tokio::spawn(async move { waiting.events(position, Duration::from_secs(20)).await });
    let remove = RemoveParticipant {
        conference,
        epoch,
        participant,
    };
    remote.remove_participant(remove).await.unwrap();
    let events = waiting.await.unwrap().unwrap().events;
    assert!(matches!(events[0].kind, SfuEventKind::Removed { .. }));
    remote
        .end_conference(EndMediaRoom { conference, epoch })
        .await
        .unwrap();
    remote.drain().await.unwrap();
    assert_eq!(remote.report().await.unwrap().state, NodeState::Draining);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_token_nothing_and_without_the_node_it_is_lost() {
    let world = World::start();
    let base = serve(&world).await;
    let stranger = RemoteSfu::new(base.parse().unwrap(), SecretText::new("guess"));
    let refused = stranger.report().await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::TokenInvalid);
    let gone = RemoteSfu::new(
        "http://127.0.0.1:1".parse().unwrap(),
        SecretText::new("t0ken"),
    );
    assert_eq!(
        gone.report().await.unwrap_err().code,
        ErrorCode::MediaNodeLost
    );
}
