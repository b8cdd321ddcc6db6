//! The second carrier: server-sent events one way, `POST` the other.

use std::time::Duration;

use crate::support::events::{EventReader, Http, get, http, post};
use crate::support::{NAME, Told, World, generous, numbered};
use hyper::StatusCode;
use lens_protocol::id::ConferenceId;
use lens_protocol::signal::{ByeReason, ServerSignal};
use lens_signaling::{HubConfig, Identity, Outbound};
use serde_json::{Value, json};

/// An open stream and the key of its posts.
struct Stream {
    http: Http,
    events: EventReader,
    key: String,
}

impl World {
    async fn stream(&self, query: &str) -> Stream {
        let http = http();
        let path = format!("/sse/customer?channel={NAME}{query}");
        let response = get(&http, self.address, &path, &[("cookie", "who=anna")]).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut events = EventReader::new(response);
        let (name, data) = events.next().await.expect("an event");
        assert_eq!(name, "carrier");
        let data: Value = serde_json::from_str(&data).expect("JSON");
        let key = data["key"].as_str().expect("text").to_owned();
        Stream { http, events, key }
    }

    async fn post(&self, stream: &Stream, body: Value) -> (StatusCode, Value) {
        let path = format!("/sse/customer?channel={NAME}");
        let headers = [("lens-carrier", stream.key.as_str())];
        let answer = post(
            &stream.http,
            self.address,
            &path,
            &headers,
            body.to_string(),
        )
        .await;
        let (status, text) = answer.expect("an answer");
        (status, serde_json::from_str(&text).expect("JSON"))
    }
}

impl Stream {
    async fn hear(&mut self) -> Value {
        let (name, data) = self.events.next().await.expect("an event");
        assert_eq!(name, "message", "{data}");
        serde_json::from_str(&data).expect("JSON")
    }
}

fn message(seq: u64) -> Value {
    json!({ "v": 1, "seq": seq, "kind": "candidate", "candidate": seq.to_string() })
}

#[tokio::test]
async fn messages_go_both_ways_and_posts_may_carry_one_or_many() {
    let world = World::new(generous()).await;
    let mut stream = world.stream("").await;
    assert_eq!(stream.hear().await["kind"], "welcome");
    assert_eq!(stream.hear().await["kind"], "snapshot");
    let one = world.post(&stream, message(1)).await;
    assert_eq!(one, (StatusCode::OK, json!({ "received": 1 })));
    let many = world
        .post(&stream, json!([message(2), message(3), message(3)]))
        .await;
    assert_eq!(many, (StatusCode::OK, json!({ "received": 3 })));
    world
        .hub
        .send_identity(&Identity("anna".into()), numbered(9));
    while stream.hear().await["candidate"] != "9" {}
    world.host.until("three", |told| told.len() == 4).await;
    assert_eq!(world.host.numbers(), [1, 2, 3]);
}

#[tokio::test]
async fn a_stream_resumes_where_it_was_cut() {
    let world = World::new(generous()).await;
    let mut first = world.stream("").await;
    let life = first.hear().await["hub"].as_str().expect("text").to_owned();
    assert_eq!(first.hear().await["seq"], 1);
    drop(first);
    world
        .host
        .until("cut", |told| told.contains(&Told::Detached))
        .await;
    world
        .hub
        .send_identity(&Identity("anna".into()), numbered(9));
    let mut second = world.stream(&format!("&hub={life}&last_seq=1")).await;
    assert_eq!(second.hear().await["resumed"], true);
    assert_eq!(second.hear().await["candidate"], "9");
}

#[tokio::test]
async fn a_post_needs_the_key_of_a_stream_that_is_open() {
    let world = World::new(generous()).await;
    let first = world.stream("").await;
    let second = world.stream("").await;
    for key in [first.key.as_str(), "", "guessed"] {
        let path = format!("/sse/customer?channel={NAME}");
        let headers = [("lens-carrier", key), ("cookie", "who=anna")];
        let body = message(1).to_string();
        let answer = post(&second.http, world.address, &path, &headers, body).await;
        let (status, text) = answer.expect("an answer");
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{key}");
        assert!(text.contains("token_invalid"));
    }
    assert!(world.host.numbers().is_empty());
    assert_eq!(world.post(&second, message(1)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_gap_is_answered_with_what_is_here() {
    let world = World::new(generous()).await;
    let stream = world.stream("").await;
    let answer = world.post(&stream, json!([message(2), message(3)])).await;
    assert_eq!(answer, (StatusCode::OK, json!({ "received": 0 })));
    let answer = world.post(&stream, json!([message(1), message(2)])).await;
    assert_eq!(answer, (StatusCode::OK, json!({ "received": 2 })));
}

#[tokio::test]
async fn bad_posts_are_refused_and_the_stream_goes_on() {
    let config = HubConfig {
        burst: 3,
        messages_per_s: 1,
        ..HubConfig::default()
    };
    let world = World::new(config).await;
    let stream = world.stream("").await;
    let (status, problem) = world.post(&stream, json!({ "kind": "pong" })).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &json!("malformed_json"))
    );
    let too_many = Value::Array((1..=300).map(message).collect());
    let (status, problem) = world.post(&stream, too_many).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem["code"], "payload_too_large");
    let flood = Value::Array((1..=10).map(message).collect());
    let (status, problem) = world.post(&stream, flood).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        (&problem["code"], &problem["retry_after_s"]),
        (&json!("rate_limited"), &json!(1))
    );
    world
        .host
        .until("three were taken", |told| told.len() == 4)
        .await;
    assert_eq!(world.hub.counts().connections, 1);
}

#[tokio::test]
async fn strangers_are_refused_with_a_problem() {
    let world = World::new(generous()).await;
    let http = http();
    let path = format!("/sse/customer?channel={NAME}");
    let cases: [(&str, &[(&str, &str)], u16); 5] = [
        (&path, &[], 401),
        (
            &path,
            &[("cookie", "who=anna"), ("origin", "https://evil.example")],
            403,
        ),
        (
            &path,
            &[("cookie", "who=anna"), ("sec-fetch-site", "cross-site")],
            403,
        ),
        (
            "/sse/kitchen?channel=0123456789abcdef",
            &[("cookie", "who=anna")],
            404,
        ),
        ("/sse/customer", &[("cookie", "who=anna")], 422),
    ];
    for (path, headers, status) in cases {
        let response = get(&http, world.address, path, headers).await;
        assert_eq!(response.status().as_u16(), status, "{path} {headers:?}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
    }
    assert_eq!(world.hub.counts().connections, 0);
}

#[tokio::test]
async fn a_ticket_goes_in_a_header() {
    let world = World::new(generous()).await;
    world.host.issue("one-use");
    let http = http();
    let path = format!("/sse/console?channel={NAME}");
    for status in [StatusCode::OK, StatusCode::UNAUTHORIZED] {
        let response = get(&http, world.address, &path, &[("lens-ticket", "one-use")]).await;
        assert_eq!(response.status(), status);
    }
}

#[tokio::test]
async fn a_closed_channel_says_so_in_its_last_events() {
    let world = World::new(generous()).await;
    let mut stream = world.stream("").await;
    world
        .hub
        .close(&world.channel_of("anna"), ByeReason::Closed);
    let mut last = stream.events.next().await.expect("an event");
    let mut bye = false;
    while last.0 != "close" {
        bye |= last.1.contains(r#""kind":"bye","reason":"closed""#);
        last = stream.events.next().await.expect("an event");
    }
    assert!(bye);
    assert_eq!(last.1, r#"{"code":1000,"reason":"bye"}"#);
    assert!(stream.events.next().await.is_none());
}

#[tokio::test]
async fn a_stream_that_is_never_read_is_given_up() {
    let write = Duration::from_millis(100);
    let world = World::new(HubConfig {
        write,
        ..generous()
    })
    .await;
    let stream = world.stream("").await;
    let conference = ConferenceId::from_bytes([7; 16]);
    let signal = ServerSignal::Candidate {
        conference,
        candidate: "x".repeat(64 * 1024),
    };
    for _ in 0..1_000 {
        let large = Outbound {
            session: None,
            signal: signal.clone(),
        };
        world.hub.send_identity(&Identity("anna".into()), large);
        tokio::task::yield_now().await;
    }
    world
        .host
        .until("given up", |told| told.contains(&Told::Detached))
        .await;
    world.until_connections(0).await;
    drop(stream);
}

#[tokio::test]
async fn a_silent_peer_is_dead_here_too() {
    let world = World::new(HubConfig {
        // Two of these are how long a busy machine may take for the answer.
        ping: Duration::from_millis(300),
        ..generous()
    })
    .await;
    let mut stream = world.stream("").await;
    while stream.hear().await["kind"] != "ping" {}
    let pong = json!({ "v": 1, "kind": "pong" });
    assert_eq!(world.post(&stream, pong).await.0, StatusCode::OK);
    let mut last = stream.events.next().await.expect("an event");
    while last.0 != "close" {
        last = stream.events.next().await.expect("an event");
    }
    assert_eq!(last.1, r#"{"code":1001,"reason":"silent"}"#);
}
