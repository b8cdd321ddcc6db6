//! A channel's life: taken over, cut, ended by either side, over the hub's own restart.

use std::sync::Arc;
use std::time::Duration;

use crate::support::relay::Relay;
use crate::support::socket::resume;
use crate::support::{Events, NAME, Told, World, candidate, generous, numbered};
use lens_protocol::ErrorCode;
use lens_protocol::signal::{ByeReason, PeerSignal, ServerSignal};
use lens_signaling::client::{Client, ClientConfig, Event, TcpDial};
use lens_signaling::error::ClientError;
use lens_signaling::{Channel, Door, HubConfig, Identity};
use serde_json::json;

#[tokio::test]
async fn a_newer_connection_of_the_same_channel_takes_over() {
    let world = World::new(generous()).await;
    let mut first = world.socket("anna").await;
    first.say(resume(json!({}))).await;
    let life = first.hear().await["hub"].clone();
    assert_eq!(first.hear().await["seq"], 1);
    let mut second = world.socket("anna").await;
    second
        .say(resume(json!({ "hub": life, "last_seq": 1 })))
        .await;
    assert_eq!(second.hear().await["resumed"], true);
    assert_eq!(first.closed().await, (1000, "taken_over".into()));
    world
        .hub
        .send_identity(&Identity("anna".into()), numbered(7));
    assert_eq!(second.hear_kind("candidate").await["candidate"], "7");
    let told = [Told::Attached(true), Told::Detached, Told::Attached(false)];
    world
        .host
        .until("three calls", |seen| seen.len() >= 3)
        .await;
    assert_eq!(world.host.seen(), told);
}

#[tokio::test]
async fn a_name_is_worth_nothing_to_another_identity() {
    let world = World::new(generous()).await;
    let mut anna = world.socket("anna").await;
    anna.say(resume(json!({}))).await;
    let life = anna.hear().await["hub"].clone();
    let mut eve = world.socket("eve").await;
    eve.say(resume(json!({ "hub": life, "last_seq": 1 }))).await;
    assert_eq!(eve.hear().await["resumed"], false);
    world
        .hub
        .send_identity(&Identity("anna".into()), numbered(7));
    assert_eq!(anna.hear_kind("candidate").await["candidate"], "7");
    assert_eq!(eve.hear().await["state"]["for"], "eve");
}

#[tokio::test]
async fn a_peer_that_does_not_come_back_is_gone_after_the_window() {
    let window = Duration::from_millis(50);
    let world = World::new(HubConfig {
        window,
        ..generous()
    })
    .await;
    drop(world.greeted("anna").await);
    world
        .host
        .until("gone", |told| told.contains(&Told::Gone))
        .await;
    assert_eq!(
        world.host.seen(),
        [Told::Attached(true), Told::Detached, Told::Gone]
    );
    while world.hub.counts().channels > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.hub.counts().identities, 0);
}

#[tokio::test]
async fn a_channel_the_host_closes_says_why_and_is_gone() {
    let world = World::new(generous()).await;
    let (_client, mut events) = world.client("anna");
    assert!(matches!(
        events.next().await,
        Event::Open { resumed: false }
    ));
    let channel = world.channel_of("anna");
    assert!(world.hub.send(&channel, numbered(1)));
    world.hub.close(&channel, ByeReason::PutOut);
    assert!(
        !world.hub.send(&channel, numbered(2)),
        "nothing follows a goodbye"
    );
    assert!(matches!(
        events.signal().await,
        ServerSignal::Snapshot { .. }
    ));
    assert!(matches!(
        events.signal().await,
        ServerSignal::Candidate { .. }
    ));
    assert!(matches!(
        events.signal().await,
        ServerSignal::Bye {
            reason: ByeReason::PutOut
        }
    ));
    let end = events.next().await;
    assert!(
        matches!(
            end,
            Event::Ended(ClientError::Ended(Some(ByeReason::PutOut)))
        ),
        "{end:?}"
    );
    world
        .host
        .until("gone", |told| told.last() == Some(&Told::Gone))
        .await;
    assert_eq!(world.host.seen(), [Told::Attached(true), Told::Gone]);
}

#[tokio::test]
async fn closing_an_identity_ends_all_its_channels_and_no_other() {
    let world = World::new(generous()).await;
    let mut anna = [world.client("anna"), world.client("anna")];
    let (_bert, mut bert) = world.client("bert");
    for (_, events) in &mut anna {
        assert!(matches!(events.next().await, Event::Open { .. }));
    }
    assert!(matches!(bert.next().await, Event::Open { .. }));
    world
        .hub
        .close_identity(&Identity("anna".into()), ByeReason::SignedOut);
    for (_, events) in &mut anna {
        while !matches!(events.signal().await, ServerSignal::Bye { .. }) {}
    }
    assert_eq!(
        world
            .hub
            .send_identity(&Identity("anna".into()), numbered(1)),
        0
    );
    assert_eq!(
        world
            .hub
            .send_identity(&Identity("bert".into()), numbered(1)),
        1
    );
}

#[tokio::test]
async fn a_peer_that_says_goodbye_is_heard_to_the_end() {
    let world = World::new(generous()).await;
    let mut socket = world.greeted("anna").await;
    socket
        .say(json!({ "v": 1, "seq": 1, "kind": "candidate", "candidate": "7" }))
        .await;
    socket
        .say(json!({ "v": 1, "seq": 2, "kind": "bye", "reason": "done" }))
        .await;
    assert_eq!(socket.closed().await, (1000, "bye".into()));
    world
        .host
        .until("gone", |told| told.last() == Some(&Told::Gone))
        .await;
    let told = world.host.seen();
    assert_eq!(
        told[..2],
        [Told::Attached(true), Told::Received("7".into())]
    );
    assert_eq!(
        told[3..],
        [Told::Gone],
        "no detached between goodbye and gone"
    );
}

#[tokio::test]
async fn a_message_the_host_refuses_comes_back_with_its_number() {
    let world = World::new(generous()).await;
    let mut socket = world.greeted("anna").await;
    socket
        .say(json!({ "v": 1, "seq": 1, "kind": "candidate", "candidate": "refuse" }))
        .await;
    let error = socket.hear_kind("error").await;
    assert_eq!(
        (&error["in_reply_to"], &error["code"]),
        (&json!(1), &json!("wrong_state"))
    );
    assert_eq!(error["detail"], "not now");

    let (client, _events) = world.client("bert");
    let refused = client.send(None, candidate("refuse")).await;
    assert!(
        matches!(refused, Err(ClientError::NotTaken(ErrorCode::WrongState))),
        "{refused:?}"
    );
    assert!(client.send(None, candidate("7")).await.is_ok());
}

#[tokio::test]
async fn a_host_that_panics_over_one_message_goes_on_with_the_next() {
    let world = World::new(generous()).await;
    let (client, _events) = world.client("anna");
    let refused = client.send(None, candidate("panic")).await;
    assert!(
        matches!(refused, Err(ClientError::NotTaken(ErrorCode::Internal))),
        "{refused:?}"
    );
    assert!(client.send(None, candidate("7")).await.is_ok());
    assert_eq!(world.host.numbers(), [7]);
}

#[tokio::test]
async fn unknown_kinds_and_bad_fields_are_counted_and_the_channel_goes_on() {
    let world = World::new(generous()).await;
    let mut socket = world.greeted("anna").await;
    socket
        .say(json!({ "v": 1, "seq": 1, "kind": "telepathy", "strength": 9 }))
        .await;
    socket
        .say(json!({ "v": 1, "seq": 2, "kind": "answer", "sdp": ["no"] }))
        .await;
    assert_eq!(socket.hear_kind("error").await["code"], "invalid_value");
    socket
        .say(json!({ "v": 1, "seq": 3, "kind": "candidate", "candidate": "7" }))
        .await;
    world.host.until("the third", |told| told.len() == 2).await;
    let metrics = world.hub.metrics();
    assert_eq!((metrics.unknown_kinds.get(), metrics.invalid.get()), (1, 1));
    assert_eq!(world.host.numbers(), [7]);
}

#[tokio::test]
async fn a_skipped_number_ends_the_connection_so_that_it_is_sent_again() {
    let world = World::new(generous()).await;
    let mut socket = world.greeted("anna").await;
    socket
        .say(json!({ "v": 1, "seq": 2, "kind": "candidate", "candidate": "2" }))
        .await;
    assert_eq!(socket.closed().await, (1002, "gap".into()));
    assert!(world.host.numbers().is_empty());
}

#[tokio::test]
async fn over_a_restart_of_the_hub_the_client_starts_over_with_what_was_not_acknowledged() {
    let former = World::new(generous()).await;
    let relay = Relay::to(former.address).await;
    let dial = Arc::new(TcpDial(relay.address));
    let (client, events) = Client::open(ClientConfig {
        dial,
        ..former.config("anna")
    });
    let mut events = Events(events);
    assert!(matches!(
        events.next().await,
        Event::Open { resumed: false }
    ));
    client.send(None, candidate(1)).await.expect("acknowledged");

    let next = World::new(generous()).await;
    relay.turn_to(next.address);
    former.shutdown.request();
    while !matches!(events.signal().await, ServerSignal::Bye { .. }) {}
    // The pages' origin stays; the relay stands for the address that the process has again.
    next.hub.attach(next.host.clone());
    let sent = client.send(None, candidate(2));
    let open = async {
        assert!(matches!(events.next().await, Event::Lost));
        assert!(matches!(
            events.next().await,
            Event::Open { resumed: false }
        ));
        assert!(matches!(
            events.signal().await,
            ServerSignal::Snapshot { .. }
        ));
    };
    let (sent, ()) = tokio::join!(sent, open);
    sent.expect("acknowledged by the new hub");
    assert_eq!(former.host.numbers(), [1]);
    assert_eq!(next.host.numbers(), [2]);
    assert!(
        !former.host.seen().contains(&Told::Gone),
        "a restart is nobody's leaving"
    );
}

#[tokio::test]
async fn messages_for_nobody_are_said_to_be_for_nobody() {
    let world = World::new(generous()).await;
    let identity = Identity("nobody".into());
    let channel = Channel {
        door: Door::Console,
        identity,
        name: NAME.into(),
    };
    assert!(!world.hub.send(&channel, numbered(1)));
    assert_eq!(world.hub.send_identity(&channel.identity, numbered(1)), 0);
    world.hub.close(&channel, ByeReason::Closed);
    assert!(!world.hub.is_attached(&channel));
}

#[tokio::test]
async fn the_client_passes_on_a_refusal_as_its_end() {
    let world = World::new(generous()).await;
    let config = ClientConfig {
        cookie: None,
        ..world.config("anna")
    };
    let (client, events) = Client::open(config);
    let end = Events(events).next().await;
    assert!(
        matches!(
            end,
            Event::Ended(ClientError::Refused(ErrorCode::NotSignedIn))
        ),
        "{end:?}"
    );
    let sent = client.send(None, PeerSignal::EndOfCandidates {}).await;
    assert!(matches!(sent, Err(ClientError::Closed)));
}
