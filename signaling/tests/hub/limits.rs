//! Peers that flood, send too much at once, or do not read: each ends alone.

use std::time::Duration;

use crate::support::socket::resume;
use crate::support::{NAME, Told, World, generous};
use lens_protocol::id::ConferenceId;
use lens_protocol::signal::ServerSignal;
use lens_signaling::{HubConfig, Identity, Outbound};
use serde_json::{Value, json};

fn chat(seq: u64) -> Value {
    json!({ "v": 1, "seq": seq, "kind": "candidate", "candidate": seq.to_string() })
}

/// 32 KiB that a peer has to read.
fn large() -> Outbound {
    let conference = ConferenceId::from_bytes([7; 16]);
    let signal = ServerSignal::Candidate {
        conference,
        candidate: "x".repeat(32 * 1024),
    };
    Outbound {
        session: None,
        signal,
    }
}

#[tokio::test]
async fn a_flood_ends_the_connection_and_not_the_channel() {
    let config = HubConfig {
        burst: 5,
        messages_per_s: 1,
        ..HubConfig::default()
    };
    let world = World::new(config).await;
    let mut socket = world.greeted("anna").await;
    for seq in 1..=50 {
        socket.say(chat(seq)).await;
    }
    assert_eq!(socket.closed().await, (1008, "flood".into()));
    assert_eq!(world.closed("flood"), 1);
    // Five at once, and one more for each second that this machine took.
    let taken = world.host.numbers();
    assert!((5..50).contains(&taken.len()), "{taken:?}");
    assert!(taken.iter().copied().eq(1..=taken.len() as u64));
    world
        .host
        .until("the channel waits for its peer", |told| {
            told.contains(&Told::Detached)
        })
        .await;
    assert_eq!(world.hub.counts().channels, 1);
}

#[tokio::test]
async fn a_message_much_longer_than_one_read_arrives_and_so_does_the_next() {
    let world = World::new(generous()).await;
    let mut socket = world.greeted("anna").await;
    let long = format!("{}7", "0".repeat(90_000));
    for (seq, text) in [(1, long.as_str()), (2, "8")] {
        socket
            .say(json!({ "v": 1, "seq": seq, "kind": "candidate", "candidate": text }))
            .await;
    }
    world.host.until("both", |told| told.len() >= 3).await;
    assert_eq!(world.host.numbers(), [7, 8]);
}

#[tokio::test]
async fn a_message_beyond_the_limit_ends_the_connection() {
    let world = World::new(HubConfig {
        message_bytes: 1_000,
        ..generous()
    })
    .await;
    let mut socket = world.greeted("anna").await;
    let text = "x".repeat(2_000);
    socket
        .say(json!({ "v": 1, "seq": 1, "kind": "candidate", "candidate": text }))
        .await;
    assert_eq!(socket.closed().await, (1009, "too_large".into()));
    assert!(world.host.numbers().is_empty());
}

#[tokio::test]
async fn a_socket_that_never_reads_is_closed_by_overflow() {
    let config = HubConfig {
        queue_bytes: 1024 * 1024,
        ..generous()
    };
    let world = World::new(config).await;
    let mut socket = world.greeted("anna").await;
    socket.hear_kind("snapshot").await;
    let anna = Identity("anna".into());
    // More than the queue and both kernels' buffers together.
    for _ in 0..1_000 {
        world.hub.send_identity(&anna, large());
        tokio::task::yield_now().await;
    }
    world.until_connections(0).await;
    assert_eq!(world.closed("overflow"), 1);

    let mut again = world.socket("anna").await;
    again
        .say(resume(json!({ "hub": "whatever", "last_seq": 1 })))
        .await;
    let welcome = again.hear().await;
    assert_eq!(
        welcome["resumed"], false,
        "what overflowed cannot be replayed"
    );
}

#[tokio::test]
async fn a_socket_that_never_reads_and_is_told_little_is_closed_by_time() {
    let write = Duration::from_millis(100);
    let config = HubConfig {
        write,
        queue_messages: 100_000,
        queue_bytes: 1 << 30,
        ..generous()
    };
    let world = World::new(config).await;
    let _socket = world.greeted("anna").await;
    for _ in 0..1_000 {
        world.hub.send_identity(&Identity("anna".into()), large());
    }
    world.until_connections(0).await;
    assert_eq!(world.closed("silent"), 1);
}

#[tokio::test]
async fn a_peer_that_is_silent_is_pinged_twice_and_then_dead() {
    let config = HubConfig {
        // Two of these are how long a busy machine may take for the answer.
        ping: Duration::from_millis(300),
        ..generous()
    };
    let world = World::new(config).await;
    let mut socket = world.greeted("anna").await;
    socket.hear_kind("ping").await;
    socket.say(json!({ "v": 1, "kind": "pong" })).await;
    socket.hear_kind("ping").await;
    socket.hear_kind("ping").await;
    assert_eq!(socket.closed().await, (1001, "silent".into()));
}

#[tokio::test]
async fn a_further_channel_of_one_identity_ends_the_oldest() {
    let world = World::new(HubConfig {
        channels_per_identity: 2,
        ..generous()
    })
    .await;
    let mut first = world.greeted("anna").await;
    for name in ["a-second-channel", "a-third-channel-"] {
        let mut socket = world.socket("anna").await;
        socket.say(resume(json!({ "channel": name }))).await;
        assert_eq!(socket.hear().await["kind"], "welcome");
        // It stays: gone channels are ended first, and this one is attached.
        std::mem::forget(socket);
    }
    assert_eq!(first.hear_kind("bye").await["reason"], "replaced");
    assert_eq!(first.closed().await.0, 1000);
    let names = world.hub.channels_of(&Identity("anna".into()));
    assert!(names.iter().all(|channel| channel.name != NAME));
    assert_eq!(names.len(), 2);
}

#[tokio::test]
async fn a_peer_faster_than_the_host_is_not_read() {
    use std::sync::atomic::Ordering;
    let world = World::new(HubConfig {
        host_backlog: 4,
        ..generous()
    })
    .await;
    let mut socket = world.greeted("anna").await;
    socket.hear_kind("snapshot").await;
    world.host.stuck.store(true, Ordering::SeqCst);
    for seq in 1..=20 {
        socket.say(chat(seq)).await;
    }
    assert!(world.host.numbers().is_empty());
    world.host.stuck.store(false, Ordering::SeqCst);
    let all: Vec<u64> = (1..=20).collect();
    let last = Told::Received("20".into());
    world
        .host
        .until("all arrive", |told| told.last() == Some(&last))
        .await;
    assert_eq!(world.host.numbers(), all);
}
