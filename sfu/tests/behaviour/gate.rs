//! Who has not proved itself by ICE gets nothing, moves nothing and harms nobody.

use std::time::Duration;

use lens_protocol::entropy::Entropy;
use lens_protocol::id::{Generation, ParticipantId};
use lens_protocol::media::{Role, SlotKind};
use lens_runtime::entropy::SeededEntropy;

use crate::support::client::VP8;
use crate::support::stun::{check, check_with, replies, send_all, stranger};
use crate::support::{Client, Options, World, eventually};

const FRAME: Duration = Duration::from_millis(5);

fn client_hello() -> Vec<u8> {
    let mut hello = vec![22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200];
    hello.resize(213, 1);
    hello
}

#[tokio::test(flavor = "multi_thread")]
async fn dtls_before_ice_is_dropped_and_answers_no_byte() {
    let world = World::start();
    let conference = world.conference(2).await;
    let mute = Options {
        mute_network: true,
        ..Options::default()
    };
    let _camera = world.join_with(conference, Role::Camera, mute).await;
    let server = world.sfu.addresses()[0].udp;
    let socket = stranger();
    send_all(&socket, server, &vec![client_hello(); 50]);
    assert_eq!(replies(&socket), 0);
    let dropped = || world.sfu.metrics().dropped("unknown_path");
    eventually("50 hellos are counted", || dropped() == 50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dtls_between_check_and_answer_is_dropped() {
    let world = World::start();
    let conference = world.conference(2).await;
    let id = ParticipantId::from_bytes([60; 16]);
    let offered = world
        .offer(conference, id, Role::Camera, Generation(1))
        .await
        .unwrap();
    let (client, answer) = Client::answer(&offered.sdp, Options::default());
    let socket = stranger();
    let server = world.sfu.addresses()[0].udp;
    send_all(&socket, server, &[check(&offered.sdp, &answer)]);
    // At a worker that does not own the conference, what follows closely on a check is dropped
    // like a stranger's until the owner has claimed the path.
    let early = || world.sfu.metrics().dropped("too_early");
    eventually("a hello came too early", || {
        send_all(&socket, server, &[client_hello()]);
        early() >= 1
    })
    .await;
    // The early check does no harm: the peer connects once its answer is in.
    world
        .answer(conference, id, offered.negotiation_id, &answer)
        .await
        .unwrap();
    client.wait("connected", |seen| seen.connected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_or_replayed_check_moves_nothing() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let id = ParticipantId::from_bytes([61; 16]);
    let offered = world
        .offer(conference, id, Role::Viewer, Generation(1))
        .await
        .unwrap();
    let (viewer, answer) = Client::answer(&offered.sdp, Options::default());
    world
        .answer(conference, id, offered.negotiation_id, &answer)
        .await
        .unwrap();
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), FRAME);
    let down = offered
        .slots
        .iter()
        .find(|slot| slot.kind == SlotKind::VideoDown)
        .unwrap();
    viewer
        .wait("a picture", |seen| seen.on(&down.mid).count() > 20)
        .await;

    let server = world.sfu.addresses()[0].udp;
    let forger = stranger();
    let forged = check_with(&offered.sdp, &answer, "not-the-password-at-all-xx");
    send_all(&forger, server, &vec![forged; 20]);
    let dropped = || world.sfu.metrics().dropped("bad_integrity");
    eventually("20 forged checks are counted", || dropped() == 20).await;
    assert_eq!(replies(&forger), 0, "a forged check is not answered");

    // A recorded check has the right integrity, but comes from another address while the
    // viewer's own is alive.
    let replayer = stranger();
    let recorded = check(&offered.sdp, &answer);
    for _ in 0..20 {
        replayer.send_to(&recorded, server).unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut buffer = [0; 2_048];
    while let Ok(length) = replayer.recv(&mut buffer) {
        assert!(
            length < 128 && buffer[0] == 1,
            "more than answers to the checks arrived"
        );
    }
    assert!(
        world.sfu.metrics().nominations_refused() > 0,
        "replayed nominations are counted"
    );
    viewer.forget();
    viewer
        .wait("the picture stays", |seen| seen.on(&down.mid).count() > 20)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_garbage_costs_no_frame_and_gets_no_answer() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), FRAME);
    let mid = viewer.mid(SlotKind::VideoDown);
    viewer
        .client
        .wait("a picture", |seen| seen.on(&mid).count() > 5)
        .await;

    let server = world.sfu.addresses()[0].udp;
    let mut random = SeededEntropy::new(11);
    let flooder = stranger();
    for round in 0..40 {
        let batch: Vec<Vec<u8>> = (0..100)
            .map(|index| garbage(&mut random, round * 100 + index))
            .collect();
        send_all(&flooder, server, &batch);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(replies(&flooder), 0);
    let so_far = viewer.client.seen().on(&mid).count();
    viewer
        .client
        .wait("the picture goes on, whole", |seen| {
            seen.on(&mid).count() > so_far + 20 && seen.is_whole(&mid)
        })
        .await;
}

/// Something that looks a little like STUN, DTLS, RTP, RTCP, or nothing.
fn garbage(random: &mut SeededEntropy, index: usize) -> Vec<u8> {
    let mut bytes = vec![0; 1 + index * 7 % 1_500];
    random.fill(&mut bytes);
    let first = [0, 1, 22, 128, 143, 255, 64, 3];
    bytes[0] = first[index % first.len()];
    if index.is_multiple_of(8) && bytes.len() > 28 {
        let length = (bytes.len() - 20) as u16;
        bytes[1] = 1;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xA4, 0x42]);
        bytes[20..24].copy_from_slice(&[0, 6, 0, 4]);
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn conferences_served_at_once_never_mix() {
    let world = World::start();
    let mut pairs = Vec::new();
    for number in 0..3_u64 {
        let conference = world.conference(2).await;
        let camera = world.join_connected(conference, Role::Camera).await;
        let viewer = world.join_connected(conference, Role::Viewer).await;
        let up = camera.mid(SlotKind::VideoUp);
        let first = number * 20_000 + 1;
        camera
            .client
            .send_frames(&up, Duration::from_millis(2), first, "VP8", &VP8);
        pairs.push((camera, viewer, first));
    }
    let server = world.sfu.addresses()[0].udp;
    let noise = stranger();
    for (_, viewer, first) in &pairs {
        let mid = viewer.mid(SlotKind::VideoDown);
        viewer
            .client
            .wait("300 frames", |seen| {
                let _ = noise.send_to(&[0, 1, 0, 0], server);
                seen.on(&mid).count() >= 300
            })
            .await;
        for packet in &viewer.client.seen().packets {
            let number = u64::from_be_bytes(packet.payload[2..10].try_into().unwrap());
            let own = *first..*first + 20_000;
            assert!(
                own.contains(&number),
                "a frame of another conference: {number}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_participant_leaves_no_trace_in_the_tables() {
    let world = World::start();
    let conference = world.conference(2).await;
    let id = ParticipantId::from_bytes([62; 16]);
    let offered = world
        .offer(conference, id, Role::Camera, Generation(1))
        .await
        .unwrap();
    let (client, answer) = Client::answer(&offered.sdp, Options::default());
    world
        .answer(conference, id, offered.negotiation_id, &answer)
        .await
        .unwrap();
    client
        .wait("an open channel", |seen| seen.channel.is_some())
        .await;
    world.remove(conference, id).await;
    client.wait("a goodbye", |seen| seen.closed).await;

    let metrics = world.sfu.metrics();
    let (ufrags, paths) = (
        metrics.dropped("unknown_ufrag"),
        metrics.dropped("unknown_path"),
    );
    let server = world.sfu.addresses()[0].udp;
    let check = check(&offered.sdp, &answer);
    client.command(move |engine| {
        if let crate::support::client::Carrier::Udp(socket) = &engine.carrier {
            send_all(socket, server, &[check, client_hello()]);
        }
    });
    eventually("its user name is unknown", || {
        metrics.dropped("unknown_ufrag") > ufrags
    })
    .await;
    eventually("its address is unknown", || {
        metrics.dropped("unknown_path") > paths
    })
    .await;
}
