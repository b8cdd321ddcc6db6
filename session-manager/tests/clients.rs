//! Participants that make their own offers (WHIP, WHEP): let in by policy, seen by everybody, gone with
//! their one connection.

mod support;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use lens_protocol::conference::{
    ClientAnswer, ClientOffer, ConferenceEventKind, CreateClientToken, CreateConference, Join,
    ParticipantState,
};
use lens_protocol::id::ConferenceId;
use lens_protocol::media::{CauseCode, ClientProtocol, MediaPolicy, Role, SfuEventKind};
use lens_protocol::{ErrorCode, Problem, SecretText};
use lens_session_manager::{Caller, Grant, SessionManager, Trickle, token};
use serde_json::json;
use support::house::{CLIENT_OFFER as OFFER, House};
use support::{Process, Stage, code, owner, until, website};

/// A conference that clients may come to.
async fn open(stage: &Stage) -> ConferenceId {
    let media = MediaPolicy {
        whip: true,
        whep: true,
        ..MediaPolicy::default()
    };
    let request = CreateConference {
        media,
        ..CreateConference::default()
    };
    stage.create_with(request).await.id
}

async fn come(
    stage: &Stage,
    id: ConferenceId,
    protocol: ClientProtocol,
    name: Option<&str>,
) -> Result<ClientAnswer, Problem> {
    let offer = ClientOffer {
        protocol,
        display_name: name.map(str::to_owned),
        sdp: OFFER.to_owned(),
    };
    stage.manager.accept(&website(), id, offer).await
}

async fn trickle(
    stage: &Stage,
    id: ConferenceId,
    answer: &ClientAnswer,
    if_match: Option<&str>,
) -> Option<ErrorCode> {
    let said = Trickle {
        protocol: ClientProtocol::Whip,
        if_match: if_match.map(str::to_owned),
    };
    let manager = &stage.manager;
    code(
        manager
            .trickle(&website(), id, answer.participant, said)
            .await,
    )
}

#[tokio::test]
async fn a_client_comes_where_the_policy_lets_it_and_everybody_sees_who() {
    let stage = Stage::with(&["sfu-1"]).await;
    let closed = stage.create().await.id;
    let refused = come(&stage, closed, ClientProtocol::Whip, None).await;
    assert_eq!(code(refused), Some(ErrorCode::ProtocolNotAllowed));
    assert!(stage.read(closed).await.participants.is_empty());

    let id = open(&stage).await;
    let answer = come(&stage, id, ClientProtocol::Whip, None).await;
    let answer = answer.expect("let in");
    assert!(answer.sdp.contains("192.0.2.10 8443 typ host"));
    assert!(!answer.sdp.contains("str0m") && !answer.sdp.contains("10.0.0.7"));
    assert_eq!(answer.sdp.matches("b=TIAS:2500000").count(), 1);
    let passed_on = stage.nodes[0].state().offers[0].sdp.clone();
    assert!(!passed_on.contains("candidate"), "{passed_on}");

    come(&stage, id, ClientProtocol::Whep, Some(" Wall "))
        .await
        .expect("let in");
    let seen = stage.read(id).await.participants;
    let who: Vec<_> = seen
        .iter()
        .map(|one| (one.display_name.as_str(), one.protocol, one.state))
        .collect();
    let connecting = ParticipantState::Connecting;
    assert_eq!(
        who,
        [
            ("WHIP", Some(ClientProtocol::Whip), connecting),
            ("Wall", Some(ClientProtocol::Whep), connecting),
        ]
    );
    let told = stage.events().await;
    let joined = told.iter().filter(|event| {
        matches!(
            event.kind,
            ConferenceEventKind::ParticipantJoined {
                protocol: Some(_),
                ..
            }
        )
    });
    assert_eq!(joined.count(), 2);
    assert_eq!(stage.metrics.client_offers.get(), 2);
}

#[tokio::test]
async fn a_client_takes_a_place_like_anybody_else() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = open(&stage).await;
    stage.join(id, Role::Camera).await;
    let second = come(&stage, id, ClientProtocol::Whip, None).await;
    assert_eq!(code(second), Some(ErrorCode::RoleTaken));
    for _ in 0..3 {
        come(&stage, id, ClientProtocol::Whep, None)
            .await
            .expect("there is room");
    }
    let fifth = come(&stage, id, ClientProtocol::Whep, None).await;
    assert_eq!(code(fifth), Some(ErrorCode::ConferenceFull));
    let unknown = ConferenceId::from_bytes([9; 16]);
    let nowhere = come(&stage, unknown, ClientProtocol::Whep, None).await;
    let elsewhere = {
        let offer = ClientOffer {
            protocol: ClientProtocol::Whep,
            display_name: None,
            sdp: OFFER.to_owned(),
        };
        stage.manager.accept(&owner("other"), id, offer).await
    };
    assert_eq!(code(nowhere), Some(ErrorCode::ConferenceNotFound));
    assert_eq!(code(elsewhere), Some(ErrorCode::ConferenceNotFound));
}

#[tokio::test]
async fn an_offer_that_the_node_refuses_leaves_nothing_behind() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = open(&stage).await;
    let refused = Problem::new(ErrorCode::NoCommonCodec);
    stage.nodes[0]
        .state()
        .failing_additions
        .extend([(refused, true)]);
    let first = come(&stage, id, ClientProtocol::Whip, None).await;
    assert_eq!(code(first), Some(ErrorCode::NoCommonCodec));
    assert_eq!(stage.nodes[0].participants(), 0);
    assert!(stage.read(id).await.participants.is_empty());
    assert!(stage.events().await.is_empty(), "nobody was let in");
    come(&stage, id, ClientProtocol::Whip, None)
        .await
        .expect("the place is free");
}

#[tokio::test]
async fn a_connection_is_named_by_its_tag_and_ends_by_hanging_up() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = open(&stage).await;
    let answer = come(&stage, id, ClientProtocol::Whip, None).await;
    let answer = answer.expect("let in");
    let tag = answer.etag.clone();
    assert_eq!(trickle(&stage, id, &answer, Some(&tag)).await, None);
    for (if_match, refused) in [
        (None, ErrorCode::PreconditionRequired),
        (Some("\"9-9\""), ErrorCode::PreconditionFailed),
        (Some("*"), ErrorCode::IceRestartRefused),
    ] {
        assert_eq!(trickle(&stage, id, &answer, if_match).await, Some(refused));
    }
    let anew = stage.offer(id, answer.participant).await;
    assert_eq!(code(anew), Some(ErrorCode::ClientMakesOffers));

    let hang_up = async |protocol| {
        let who = answer.participant;
        code(stage.manager.hang_up(&website(), id, who, protocol).await)
    };
    let other = hang_up(ClientProtocol::Whep).await;
    assert_eq!(other, Some(ErrorCode::ParticipantNotFound));
    assert_eq!(hang_up(ClientProtocol::Whip).await, None);
    assert_eq!(hang_up(ClientProtocol::Whip).await, None, "repeatable");
    let gone = trickle(&stage, id, &answer, Some(&tag)).await;
    assert_eq!(gone, Some(ErrorCode::ParticipantNotFound));
    assert_eq!(stage.nodes[0].participants(), 0);
}

#[tokio::test]
async fn a_client_whose_connection_breaks_has_left() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = open(&stage).await;
    let answer = come(&stage, id, ClientProtocol::Whip, None).await;
    let participant = answer.expect("let in").participant;
    let generation = stage.read(id).await.participants[0].generation;
    let failed = SfuEventKind::Failed {
        participant,
        generation,
        cause: CauseCode::Silent,
    };
    stage.nodes[0].happen(id, failed);
    stage
        .event(|kind| matches!(kind, ConferenceEventKind::ParticipantLeft { .. }))
        .await;
    assert!(stage.read(id).await.participants.is_empty());
    until("the node has let it go", async || {
        stage.nodes[0].participants() == 0
    })
    .await;
    come(&stage, id, ClientProtocol::Whip, None)
        .await
        .expect("the camera's place is free");
}

#[tokio::test]
async fn with_the_node_go_the_clients_and_those_with_signalling_stay() {
    let stage = Stage::with(&["sfu-1", "sfu-2"]).await;
    let id = open(&stage).await;
    come(&stage, id, ClientProtocol::Whip, None)
        .await
        .expect("let in");
    let viewer = stage.join(id, Role::Viewer).await.participant;
    let node = stage.read(id).await.node.expect("it runs");
    let lost = stage.nodes.iter().find(|it| it.state().node == node);
    lost.expect("one of ours").set_process(Process::Gone);
    stage
        .event(|kind| matches!(kind, ConferenceEventKind::ParticipantLeft { .. }))
        .await;
    let left = stage.read(id).await.participants;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id, viewer);

    // A new offer brings the conference up elsewhere, by itself.
    come(&stage, id, ClientProtocol::Whip, None)
        .await
        .expect("placed anew");
    let seen = stage.read(id).await;
    assert_eq!(seen.participants.len(), 2);
    assert_ne!(seen.node, Some(node));
}

#[tokio::test]
async fn a_restarted_manager_knows_who_came_how() {
    let mut stage = Stage::with(&["sfu-1"]).await;
    let id = open(&stage).await;
    let answer = come(&stage, id, ClientProtocol::Whip, None).await;
    let answer = answer.expect("let in");
    stage.nodes[0].connect(id, answer.participant);
    // One that is not connected, and perhaps has failed while nobody listened, is let go.
    come(&stage, id, ClientProtocol::Whep, None)
        .await
        .expect("let in");
    stage.restart_manager().await;
    let seen = stage.read(id).await.participants;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].protocol, Some(ClientProtocol::Whip));
    until("the node has let the other go", async || {
        stage.nodes[0].participants() == 1
    })
    .await;
    let tag = answer.etag.clone();
    assert_eq!(trickle(&stage, id, &answer, Some(&tag)).await, None);
}

#[tokio::test]
async fn a_client_token_opens_one_way_for_one_client() {
    let stage = Stage::with(&["sfu-1"]).await;
    let id = open(&stage).await;
    let request = CreateClientToken {
        protocol: ClientProtocol::Whep,
        display_name: "Wall".to_owned(),
    };
    let manager = &stage.manager;
    let made = manager.client_token(&website(), id, request.clone()).await;
    let made = made.expect("allowed");
    assert_eq!(made.endpoint, format!("/v1/conferences/{id}/whep"));
    let keys = manager.media_keys();
    let now = lens_runtime::clock::Clock::now(&stage.clock);
    let caller = token::verify(keys.as_ref(), &made.token, now).await;
    let caller = caller.expect("in force");

    let come = async |protocol, caller: &Caller, id| {
        let offer = ClientOffer {
            protocol,
            display_name: Some("Somebody else".to_owned()),
            sdp: OFFER.to_owned(),
        };
        manager.accept(caller, id, offer).await
    };
    let other_way = come(ClientProtocol::Whip, &caller, id).await;
    assert_eq!(code(other_way), Some(ErrorCode::Forbidden));
    let elsewhere = come(ClientProtocol::Whep, &caller, open(&stage).await).await;
    assert_eq!(code(elsewhere), Some(ErrorCode::TokenWrongConference));
    let answer = come(ClientProtocol::Whep, &caller, id).await;
    assert_eq!(answer.expect("let in").participant, made.participant);
    assert_eq!(stage.read(id).await.participants[0].display_name, "Wall");
    let twice = come(ClientProtocol::Whep, &caller, id).await;
    assert_eq!(code(twice), Some(ErrorCode::AlreadyAnswered));
    let gone = manager
        .hang_up(&caller, id, made.participant, ClientProtocol::Whep)
        .await;
    assert_eq!(code(gone), None);
    come(ClientProtocol::Whep, &caller, id)
        .await
        .expect("again, while the token lives");

    let join = Join {
        role: Role::Viewer,
        display_name: "Ana".to_owned(),
        codecs: None,
    };
    assert_eq!(
        code(manager.join(&caller, id, None, join).await),
        Some(ErrorCode::Forbidden)
    );
    let closed = stage.create().await.id;
    let refused = manager.client_token(&website(), closed, request).await;
    assert_eq!(code(refused), Some(ErrorCode::ProtocolNotAllowed));
    assert!(matches!(caller.grant, Grant::Client { .. }));
}

#[tokio::test]
async fn a_client_comes_by_whip_and_goes_over_http() {
    let mut house = House::new().await;
    let key = house.full_key().await;
    let media = json!({"media": {"whip": true}, "external_id": "case 8"});
    let made = house
        .call(&key, Method::POST, "/v1/conferences", Some(media))
        .await;
    let path = made.header("location").expect("named").to_owned();
    let body = json!({"protocol": "whip", "display_name": "Helmet"});
    let tokens = format!("{path}/client-tokens");
    let given = house.call(&key, Method::POST, &tokens, Some(body)).await;
    assert_eq!(given.status, StatusCode::CREATED);
    assert_eq!(given.body["endpoint"], format!("{path}/whip"));
    let token = SecretText::new(given.body["token"].as_str().expect("a token"));

    let offer = Some(json!(OFFER));
    let endpoint = format!("{path}/whip?display_name=ignored");
    let came = house.call(&token, Method::POST, &endpoint, offer).await;
    assert_eq!(came.status, StatusCode::CREATED);
    assert_eq!(came.header("content-type"), Some("application/sdp"));
    let patches = Some("application/trickle-ice-sdpfrag");
    assert_eq!(came.header("accept-patch"), patches);
    assert_eq!(came.header("etag"), Some("\"1-1\""));
    let own = came.header("location").expect("named").to_owned();
    assert!(own.starts_with(&format!("{path}/whip/")));
    let read = house.call(&key, Method::GET, &path, None).await;
    assert_eq!(read.body["participants"][0]["display_name"], "Helmet");
    assert_eq!(read.body["participants"][0]["protocol"], "whip");

    let patch = async |if_match: Option<&str>| {
        let request = Request::patch(&own)
            .header("authorization", format!("Bearer {}", token.expose()))
            .header("content-type", "application/trickle-ice-sdpfrag");
        let request = match if_match {
            Some(tag) => request.header("if-match", tag),
            None => request,
        };
        let body = Body::from("a=end-of-candidates\r\n");
        let reply = house.send(request.body(body).expect("well-formed")).await;
        reply.status.as_u16()
    };
    assert_eq!(patch(Some("\"1-1\"")).await, 204);
    assert_eq!(patch(Some("\"1-2\"")).await, 412);
    assert_eq!(patch(None).await, 428);
    assert_eq!(patch(Some("*")).await, 422);
    for reserved in [Method::GET, Method::PUT, Method::POST] {
        let reply = house.call(&token, reserved, &own, None).await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    for _ in 0..2 {
        let gone = house.call(&token, Method::DELETE, &own, None).await;
        assert_eq!(gone.status, StatusCode::OK);
    }
    assert_eq!(patch(Some("\"1-1\"")).await, 404);
}
