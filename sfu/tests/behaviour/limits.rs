//! Who goes over a cap is cut short, alone.

use lens_protocol::ErrorCode;
use lens_protocol::id::{ConferenceId, Epoch, Generation, ParticipantId};
use lens_protocol::media::{CauseCode, CreateMediaRoom, EndMediaRoom, MediaPolicy, Role};
use lens_sfu::{Cap, SfuControl};

use crate::support::stun::{check, send_all, stranger};
use crate::support::{Client, Options, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_handshake_is_over_the_limit() {
    let world = World::start();
    let conference = world.conference(2).await;
    let id = ParticipantId::from_bytes([64; 16]);
    let offered = world
        .offer(conference, id, Role::Camera, Generation(1))
        .await
        .unwrap();
    let mute = Options {
        mute_network: true,
        ..Options::default()
    };
    let (_client, answer) = Client::answer(&offered.sdp, mute);
    world
        .answer(conference, id, offered.negotiation_id, &answer)
        .await
        .unwrap();
    let socket = stranger();
    let server = world.sfu.addresses()[0].udp;
    send_all(&socket, server, &[check(&offered.sdp, &answer)]);
    let mut record = vec![22, 0xFE, 0xFD];
    record.resize(1_200, 0);
    for _ in 0..12 {
        send_all(&socket, server, &vec![record.clone(); 5]);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(world.failed(id).await, CauseCode::OverLimit);
    let counted = || world.sfu.metrics().reached(Cap::HandshakeBytes) == 1;
    eventually("the cap is counted", counted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_without_end_are_dropped_after_100_a_second() {
    let world = World::start();
    let conference = world.conference(2).await;
    let id = ParticipantId::from_bytes([65; 16]);
    let offered = world
        .offer(conference, id, Role::Camera, Generation(1))
        .await
        .unwrap();
    let (_client, answer) = Client::answer(&offered.sdp, Options::default());
    let socket = stranger();
    let server = world.sfu.addresses()[0].udp;
    let checks: Vec<_> = (0..150).map(|_| check(&offered.sdp, &answer)).collect();
    let dropped = || world.sfu.metrics().dropped("too_many_checks");
    let until = std::time::Instant::now() + crate::support::PATIENCE;
    while dropped() == 0 {
        assert!(std::time::Instant::now() < until, "no check was dropped");
        send_all(&socket, server, &checks);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_without_end_are_dropped_and_their_sender_stays() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    for party in [&camera, &viewer] {
        party
            .client
            .wait("an open channel", |seen| seen.channel.is_some())
            .await;
    }
    let count = || camera.client.seen().messages.len();
    let mut said = 0;
    while said < 600 {
        for _ in 0..50 {
            viewer.client.say("again");
        }
        said += 50;
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    eventually("some arrive", || count() > 0).await;
    let figures = || {
        let mut registry = lens_runtime::metrics::registry();
        world.sfu.metrics().register(&mut registry);
        lens_runtime::metrics::text(&registry)
    };
    eventually("others are dropped", || {
        !figures().contains("messages_dropped_total 0")
    })
    .await;
    assert!(viewer.client.seen().connected && !viewer.client.seen().closed);
}

fn room(number: u8) -> CreateMediaRoom {
    CreateMediaRoom {
        conference: ConferenceId::from_bytes([number; 16]),
        epoch: Epoch(1),
        max_participants: 2,
        media: MediaPolicy::default(),
        memo: serde_json::Value::Null,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conference_more_than_the_node_may_have_is_refused_by_name() {
    let world = World::with(|config| config.max_conferences = 1);
    world.sfu.create_conference(room(1)).await.unwrap();
    let refused = world.sfu.create_conference(room(2)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NodeFull);
    assert!(refused.detail.unwrap().contains("max_conferences"));
    assert_eq!(world.sfu.metrics().reached(Cap::Conferences), 1);
    world
        .sfu
        .create_conference(room(1))
        .await
        .expect("the same");
    let end = EndMediaRoom {
        conference: room(1).conference,
        epoch: Epoch(1),
    };
    world.sfu.end_conference(end).await.unwrap();
    world.sfu.create_conference(room(2)).await.expect("a place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bitrate_nobody_may_ask_for_opens_no_conference() {
    let world = World::start();
    for kbps in [0, 99, 20_001, u32::MAX] {
        let mut asked = room(1);
        asked.media.max_video_kbps = kbps;
        let refused = world.sfu.create_conference(asked).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidValue, "{kbps}");
        assert!(refused.detail.unwrap().contains("100 to 20000"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_wait_while_too_many_are_connecting() {
    let world = World::with(|config| config.max_connecting = 1);
    let conference = world.conference(3).await;
    let [first, second] = [66, 67].map(|number| ParticipantId::from_bytes([number; 16]));
    let offer = |who, role, generation| world.offer(conference, who, role, Generation(generation));
    offer(first, Role::Camera, 1).await.unwrap();
    let refused = offer(second, Role::Viewer, 1).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::NodeFull);
    assert!(refused.retryable && refused.detail.unwrap().contains("max_connecting"));
    offer(first, Role::Camera, 2)
        .await
        .expect("in place of its first");
    let options = Options::default();
    let camera = world
        .enter(conference, first, Role::Camera, Generation(3), options)
        .await;
    world.connected(conference, &camera).await;
    offer(second, Role::Viewer, 1).await.expect("a place");
    assert_eq!(world.sfu.metrics().reached(Cap::Connecting), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_without_end_are_refused_after_30_a_minute_and_the_last_stays() {
    let world = World::start();
    let conference = world.conference(2).await;
    let id = ParticipantId::from_bytes([68; 16]);
    let offer = |generation| world.offer(conference, id, Role::Camera, Generation(generation));
    let mut last = offer(1).await.unwrap();
    for generation in 2..=31 {
        last = offer(generation).await.unwrap();
    }
    let refused = offer(32).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::RateLimited);
    assert!(refused.retry_after_s.is_some());
    assert_eq!(world.sfu.metrics().reached(Cap::Offers), 1);
    let (client, answer) = Client::answer(&last.sdp, Options::default());
    world
        .answer(conference, id, last.negotiation_id, &answer)
        .await
        .expect("the newest offer is still good");
    client.wait("connected", |seen| seen.connected).await;
}
