//! ICE-TCP: the same conference over frames, and connections that do not deserve one.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use lens_protocol::media::{Role, SlotKind};
use lens_sfu::config::TcpDoor;

use crate::support::{Options, World, eventually};

fn over_tcp() -> Options {
    Options {
        tcp: true,
        ..Options::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_over_tcp_is_seen_over_udp_and_the_other_way_round() {
    let world = World::start();
    for (camera, viewer) in [(true, false), (false, true)] {
        let conference = world.conference(2).await;
        let options = |tcp| if tcp { over_tcp() } else { Options::default() };
        let camera = world
            .join_with(conference, Role::Camera, options(camera))
            .await;
        let seer = world
            .join_with(conference, Role::Viewer, options(viewer))
            .await;
        world.connected(conference, &camera).await;
        world.connected(conference, &seer).await;
        camera
            .client
            .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(5));
        let mid = seer.mid(SlotKind::VideoDown);
        seer.client
            .wait("100 frames", |seen| seen.on(&mid).count() > 100)
            .await;
        let stats = world.sfu_timeline(conference, seer.id).await.stats;
        let expected = if viewer { "tcp" } else { "udp" };
        assert_eq!(stats.transport.as_deref(), Some(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_door_may_hand_its_sockets_over() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = World::with(|config| config.tcp = TcpDoor::Shared(port));
    assert_eq!(world.sfu.addresses()[0].tcp.unwrap().port(), port);
    let sfu = world.sfu.clone();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            sfu.accept_tcp(stream);
        }
    });
    let conference = world.conference(2).await;
    let camera = world.join_with(conference, Role::Camera, over_tcp()).await;
    world.connected(conference, &camera).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_begin_with_a_valid_check_is_disconnected() {
    let world = World::with(|config| config.timeouts.tcp_first_check = Duration::from_millis(200));
    let address = world.sfu.addresses()[0].tcp.unwrap();
    let tls: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
    let nobody = {
        let mut check = vec![0, 1, 0, 12, 0x21, 0x12, 0xA4, 0x42];
        check.extend_from_slice(&[7; 12]);
        check.extend_from_slice(&[0, 6, 0, 8]);
        check.extend_from_slice(b"abcd:efg");
        let mut frame = (check.len() as u16).to_be_bytes().to_vec();
        frame.extend_from_slice(&check);
        frame
    };
    for first in [tls, b"GET / HTTP/1.1\r\n", &[0, 0], &nobody, &[]] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(first).unwrap();
        stream
            .set_read_timeout(Some(crate::support::PATIENCE))
            .unwrap();
        let read = stream.read(&mut [0; 64]);
        // Closed, orderly or with a reset; never an answer.
        assert!(
            matches!(read, Ok(0))
                || read.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_does_not_read_is_dropped_and_nobody_waits_for_it() {
    let world = World::start();
    let conference = world.conference(3).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let steady = world.join_connected(conference, Role::Viewer).await;
    let lazy = Options {
        small_buffers: true,
        ..over_tcp()
    };
    let lazy = world.join_with(conference, Role::Viewer, lazy).await;
    world.connected(conference, &lazy).await;
    camera.client.pad_packets(1_000);
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(2));
    let mid = steady.mid(SlotKind::VideoDown);
    steady
        .client
        .wait("a picture", |seen| seen.on(&mid).count() > 20)
        .await;
    lazy.client.mute(true);
    let figures = || {
        let mut registry = lens_runtime::metrics::registry();
        world.sfu.metrics().register(&mut registry);
        lens_runtime::metrics::text(&registry)
    };
    eventually("it is too slow", || {
        figures().contains("sfu_tcp_slow_readers_total 1")
    })
    .await;
    let so_far = steady.client.seen().on(&mid).count();
    steady
        .client
        .wait("the picture goes on", |seen| {
            seen.on(&mid).count() > so_far + 20
        })
        .await;
}
