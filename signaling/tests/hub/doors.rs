//! Who gets in, and what those are told who do not.

use std::time::Duration;

use crate::support::socket::resume;
use crate::support::{Told, World, generous};
use lens_signaling::HubConfig;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::http::StatusCode;

#[tokio::test]
async fn a_cookie_lets_in_and_the_snapshot_comes_first() {
    let world = World::new(generous()).await;
    let mut socket = world.socket("anna").await;
    socket.say(resume(json!({}))).await;
    let welcome = socket.hear().await;
    assert_eq!(
        (&welcome["kind"], &welcome["resumed"]),
        (&json!("welcome"), &json!(false))
    );
    let snapshot = socket.hear().await;
    let expected =
        json!({ "v": 1, "seq": 1, "ack": 0, "kind": "snapshot", "state": { "for": "anna" } });
    assert_eq!(snapshot, expected);
    assert_eq!(world.host.seen(), [Told::Attached(true)]);
}

#[tokio::test]
async fn a_ticket_lets_in_once() {
    let world = World::new(generous()).await;
    world.host.issue("one-use");
    for (first, kind) in [(true, "welcome"), (false, "error")] {
        let mut socket = world.connect("console", &[]).await.expect("upgraded");
        socket.say(resume(json!({ "ticket": "one-use" }))).await;
        let frame = socket.hear().await;
        assert_eq!(frame["kind"], kind);
        if !first {
            assert_eq!(
                (&frame["code"], &frame["seq"]),
                (&json!("ticket_invalid"), &json!(0))
            );
            assert_eq!(socket.closed().await, (1008, "ticket_invalid".into()));
        }
    }
}

#[tokio::test]
async fn nobody_gets_in_without_cookie_or_ticket() {
    let world = World::new(generous()).await;
    let mut socket = world.connect("customer", &[]).await.expect("upgraded");
    socket.say(resume(json!({}))).await;
    assert_eq!(socket.hear().await["code"], "not_signed_in");
    assert_eq!(socket.closed().await, (1008, "not_signed_in".into()));
    assert_eq!(world.hub.counts().channels, 0);
}

#[tokio::test]
async fn pages_of_other_origins_are_turned_away_before_the_upgrade() {
    let allowed_origins = vec!["https://crm.example".to_owned()];
    let world = World::new(HubConfig {
        allowed_origins,
        ..generous()
    })
    .await;
    let from = |origin: String| [("cookie", "who=anna".to_owned()), ("origin", origin)];
    let evil = world
        .connect("customer", &from("https://evil.example".into()))
        .await;
    assert_eq!(evil.err(), Some(StatusCode::FORBIDDEN));
    assert_eq!(world.closed("bad_origin"), 1);
    for good in [
        format!("https://{}", world.address),
        "https://crm.example".into(),
    ] {
        assert!(world.connect("customer", &from(good)).await.is_ok());
    }
}

#[tokio::test]
async fn there_are_two_doors() {
    let world = World::new(generous()).await;
    assert!(world.connect("console", &[]).await.is_ok());
    assert_eq!(
        world.connect("kitchen", &[]).await.err(),
        Some(StatusCode::NOT_FOUND)
    );
}

#[tokio::test]
async fn a_hub_without_host_or_beyond_its_connections_is_unavailable() {
    let early = World::without_host(generous()).await;
    let refused = early.connect("customer", &[]).await.err();
    assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE));

    let world = World::new(HubConfig {
        max_connections: 1,
        ..generous()
    })
    .await;
    let first = world.greeted("anna").await;
    let refused = world.connect("customer", &[]).await.err();
    assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE));
    drop(first);
    world.until_connections(0).await;
    world.greeted("bert").await;
}

#[tokio::test]
async fn a_first_frame_that_does_not_come_ends_the_connection() {
    let hello = Duration::from_millis(50);
    let world = World::new(HubConfig {
        hello,
        ..generous()
    })
    .await;
    let mut socket = world.socket("anna").await;
    assert_eq!(socket.closed().await, (1008, "no_hello".into()));
    world.until_connections(0).await;
    assert_eq!(world.closed("no_hello"), 1);
}

#[tokio::test]
async fn a_first_frame_that_is_no_resume_ends_the_connection() {
    let world = World::new(generous()).await;
    let cases = [
        (
            Message::text(r#"{"v":1,"seq":1,"kind":"chat","client_id":"x","text":"x"}"#),
            1008,
        ),
        (Message::text(r#"{"v":1,"kind":"telepathy"}"#), 1008),
        (Message::text("resume me"), 1007),
        (Message::binary(vec![1, 2, 3]), 1007),
    ];
    for (message, code) in cases {
        let mut socket = world.socket("anna").await;
        let text = message.to_string();
        socket.say_message(message).await;
        assert_eq!(socket.closed().await.0, code, "{text}");
    }
}

#[tokio::test]
async fn a_channel_needs_a_name_that_can_be_told_from_others() {
    let world = World::new(generous()).await;
    for bad in [
        "",
        "short",
        "with spaces and such",
        &"x".repeat(65),
        "ümläuts-are-no-good",
    ] {
        let mut socket = world.socket("anna").await;
        socket.say(resume(json!({ "channel": bad }))).await;
        assert_eq!(socket.hear().await["code"], "invalid_value", "{bad:?}");
        assert_eq!(socket.closed().await.0, 1008, "{bad:?}");
    }
}
