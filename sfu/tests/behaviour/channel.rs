//! Data channel messages travel between camera and viewers.

use lens_protocol::media::Role;

use crate::support::{Options, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_all_the_others_and_not_its_sender() {
    let world = World::start();
    let conference = world.conference(3).await;
    let mut parties = Vec::new();
    for role in [Role::Camera, Role::Viewer, Role::Viewer] {
        parties.push(world.join_connected(conference, role).await);
    }
    for party in &parties {
        party
            .client
            .wait("an open channel", |seen| seen.channel.is_some())
            .await;
    }
    let heard = |text: &'static str| {
        move |seen: &crate::support::client::Seen| {
            seen.messages.iter().any(|m| m == text.as_bytes())
        }
    };
    parties[0].client.say("from the camera");
    parties[1].client.say("from a viewer");
    parties[0]
        .client
        .wait("the viewer's message", heard("from a viewer"))
        .await;
    parties[1]
        .client
        .wait("the camera's message", heard("from the camera"))
        .await;
    parties[2]
        .client
        .wait("the camera's message", heard("from the camera"))
        .await;
    parties[2]
        .client
        .wait("the viewer's message", heard("from a viewer"))
        .await;
    assert!(!heard("from the camera")(&parties[0].client.seen()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_its_half_of_sctp_in_the_answer_needs_no_handshake() {
    let world = World::start();
    let conference = world.conference(2).await;
    let unknowing = Options {
        offer_edits: vec![("a=sctp-init:".to_owned(), "a=not-known:".to_owned())],
        ..Options::default()
    };
    let mut parties = Vec::new();
    for (options, records) in [(Options::default(), 0), (unknowing, 2)] {
        let party = world.join_with(conference, Role::Viewer, options).await;
        let client = &party.client;
        client
            .wait("an open channel", |seen| seen.channel.is_some())
            .await;
        assert_eq!(client.seen().records_out, records);
        parties.push(party);
    }
    for (from, to) in [(0, 1), (1, 0)] {
        parties[from].client.say("hello");
        parties[to]
            .client
            .wait("what the other says", |seen| {
                seen.messages == [b"hello".to_vec()]
            })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_conference_relays_no_messages() {
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
    world.hold(conference, true).await;
    viewer.client.say("while held");
    let dropped = || lens_runtime::metrics::text(&registry(&world));
    let until = std::time::Instant::now() + crate::support::PATIENCE;
    while !dropped().contains("sfu_messages_dropped_total 1") {
        assert!(
            std::time::Instant::now() < until,
            "the message was not dropped"
        );
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    world.hold(conference, false).await;
    viewer.client.say("after the hold");
    camera
        .client
        .wait("the later message", |seen| !seen.messages.is_empty())
        .await;
    assert_eq!(camera.client.seen().messages, [b"after the hold"]);
}

fn registry(world: &World) -> lens_runtime::metrics::Registry {
    let mut registry = lens_runtime::metrics::registry();
    world.sfu.metrics().register(&mut registry);
    registry
}
