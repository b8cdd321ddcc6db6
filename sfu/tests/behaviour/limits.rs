//! Who goes over a cap is cut short, alone.

use lens_protocol::id::{Generation, ParticipantId};
use lens_protocol::media::{CauseCode, Role};

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
