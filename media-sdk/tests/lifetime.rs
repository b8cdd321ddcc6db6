//! Closing: twice, from anywhere, at any time; and what is left afterwards.

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lens_media_sdk::{
    Callbacks, Code, EncodedFrame, Engine, EngineConfig, MediaError, ParticipantConfig, Role,
    SdkCode, State,
};
use support::{CAMERA, Filming, Notes, VIEWER, World, threads_and_descriptors, until};

/// What holds for every participant that is over.
fn assert_over(notes: &Notes) {
    until("the host is let go", || notes.dropped() == 1);
    assert_eq!(notes.networks_dropped.load(Ordering::Acquire), 1);
    assert!(!notes.called_after_drop.load(Ordering::Acquire));
    assert!(
        !notes.overlapped.load(Ordering::Acquire),
        "callbacks are serial"
    );
}

#[test]
fn closing_twice_from_two_threads_returns_after_the_last_callback() {
    let world = World::start();
    let (viewer, notes) = world.connected(VIEWER, Role::Viewer);
    let others: Vec<_> = (0..4)
        .map(|_| {
            let viewer = viewer.clone();
            std::thread::spawn(move || viewer.close())
        })
        .collect();
    viewer.close();
    assert_eq!(
        notes.dropped(),
        1,
        "the observer is dropped when close returns"
    );
    let calls = notes.calls();
    for other in others {
        other.join().expect("it closes");
    }
    viewer.close();
    assert_eq!(viewer.state(), State::Closed);
    assert_eq!(notes.calls(), calls, "nothing is called after close");
    assert_over(&notes);
}

#[test]
fn closing_from_a_callback_makes_it_the_last_one() {
    let world = World::start();
    let (camera, filmed) = world.connected(CAMERA, Role::Camera);
    let _filming = Filming::start(&camera, &filmed);
    let (viewer, notes) = world.connected(VIEWER, Role::Viewer);
    until("pictures come", || notes.numbers().len() > 5);
    let at = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let seen = Arc::clone(&at);
    let counted = Arc::clone(&notes);
    let hook = Box::new(move |participant: &lens_media_sdk::Participant| {
        participant.close();
        participant.close();
        seen.store(counted.calls(), Ordering::Release);
    });
    *notes.hook.lock().expect("whole") = Some(hook);
    assert_over_soon(&notes);
    assert_eq!(viewer.state(), State::Closed);
    assert_eq!(notes.calls(), at.load(Ordering::Acquire));
    assert_over(&notes);
}

fn assert_over_soon(notes: &Notes) {
    until("it is over", || notes.dropped() == 1);
}

#[test]
fn closing_while_it_connects_leaves_nothing_behind() {
    let world = World::start();
    let (viewer, notes) = world.enter(VIEWER, Role::Viewer);
    viewer
        .receive(world.offer(VIEWER, Role::Viewer))
        .expect("open");
    viewer.close();
    assert_eq!(viewer.state(), State::Closed);
    assert_over(&notes);
    let late = viewer.receive(world.offer(VIEWER, Role::Viewer));
    assert!(
        matches!(late, Err(MediaError::Closed)),
        "a late signal is refused by name"
    );
    viewer.signal_sent(1);
    viewer.signal_failed(1, true);
    assert!(matches!(viewer.send_chat("hello"), Err(MediaError::Closed)));
    until("the engine has let it go", || {
        world.engine.live_participants() == 0
    });
}

#[test]
fn a_goodbye_of_the_server_is_the_last_thing_told() {
    let world = World::start();
    let (viewer, notes) = world.connected(VIEWER, Role::Viewer);
    let bye = r#"{"kind":"bye","reason":"closed"}"#;
    let bye = lens_media_sdk::InboundSignal::from_json(bye).expect("a signal");
    viewer.receive(bye).expect("open");
    assert_over_soon(&notes);
    assert_eq!(notes.states().last(), Some(&State::Closed));
    assert_over(&notes);
}

#[test]
fn dropping_the_last_handle_or_the_engine_closes() {
    let world = World::start();
    let (viewer, notes) = world.connected(VIEWER, Role::Viewer);
    drop(viewer);
    assert_over_soon(&notes);
    let (camera, filmed) = world.connected(CAMERA, Role::Camera);
    world.engine.stop();
    assert_eq!(camera.state(), State::Closed);
    assert_over(&filmed);
    let config = ParticipantConfig::new(Role::Viewer);
    let network = Arc::new(Nowhere);
    let refused = world.engine.create_participant(config, network, ());
    assert!(matches!(refused, Err(MediaError::EngineStopped)));
}

struct Nowhere;

impl lens_media_sdk::INetwork for Nowhere {
    fn send(&self, _: lens_media_sdk::OutboundSignal) {}
}

#[test]
fn a_host_that_panics_harms_only_its_own_participant() {
    let world = World::start();
    let (camera, filmed) = world.connected(CAMERA, Role::Camera);
    let _filming = Filming::start(&camera, &filmed);
    let (broken, noted) = world.connected(VIEWER, Role::Viewer);
    let (other, notes) = world.connected(3, Role::Viewer);
    until("pictures come", || {
        noted.numbers().len() > 2 && notes.numbers().len() > 2
    });
    noted.panics.store(true, Ordering::Release);
    let failed = State::Failed(Code::Sdk(SdkCode::HostPanicked));
    until("it has failed", || broken.state() == failed);
    assert_over(&noted);
    let before = notes.numbers().len();
    until("the other goes on", || notes.numbers().len() > before + 20);
    assert_eq!(other.state(), State::Connected);

    let (unlucky, noted) = world.enter(4, Role::Viewer);
    noted.network_panics.store(true, Ordering::Release);
    unlucky.receive(world.offer(4, Role::Viewer)).expect("open");
    until("it has failed", || unlucky.state() == failed);
    assert_over(&noted);
}

#[test]
fn a_slow_host_loses_its_oldest_pictures_which_are_counted_and_delays_nobody() {
    let world = World::start();
    let (camera, filmed) = world.connected(CAMERA, Role::Camera);
    let _filming = Filming::start(&camera, &filmed);
    let mut config = ParticipantConfig::new(Role::Viewer);
    config.frame_queue = 3;
    let (slow, noted) = world.enter_with(VIEWER, config, Notes::default());
    *noted.slow.lock().expect("whole") = Duration::from_millis(150);
    slow.receive(world.offer(VIEWER, Role::Viewer))
        .expect("open");
    let (_other, notes) = world.connected(3, Role::Viewer);
    until("pictures are dropped", || {
        slow.stats().frames_dropped_queue > 5
    });
    let (slow_ones, all) = (noted.numbers(), notes.numbers());
    assert!(
        slow_ones.windows(2).all(|pair| pair[0] < pair[1]),
        "{slow_ones:?}"
    );
    assert!(all.len() > slow_ones.len() * 2, "the other is not delayed");
    let chats: Vec<String> = (0..50).map(|n| format!("word {n}")).collect();
    for chat in &chats {
        until("it is taken", || camera.send_chat(chat).is_ok());
    }
    until("all words come", || {
        noted.chats.lock().expect("whole").len() == chats.len()
    });
    assert_eq!(*noted.chats.lock().expect("whole"), chats);
}

#[test]
fn a_thousand_create_and_close_cycles_leave_no_thread_and_no_descriptor() {
    let world = World::start();
    drop(world.connected(VIEWER, Role::Viewer));
    until("it is gone", || world.engine.live_participants() == 0);
    let offer = world.offer(VIEWER, Role::Viewer);
    let (threads, descriptors) = threads_and_descriptors();
    for n in 0..1_000 {
        let (participant, notes) = world.enter(VIEWER, Role::Viewer);
        if n % 10 == 0 {
            participant.receive(offer.clone()).expect("open");
        }
        if n % 2 == 0 {
            participant.close();
            assert_eq!(notes.dropped(), 1);
        }
    }
    until("nothing is left", || {
        let (threads_now, descriptors_now) = threads_and_descriptors();
        let live = world.engine.live_participants();
        live == 0 && threads_now <= threads && descriptors_now <= descriptors
    });
}

#[test]
fn callbacks_run_on_threads_that_the_host_lends() {
    let mut config = EngineConfig::default();
    config.callbacks = Callbacks::Host;
    let world = World::with(config);
    let lent: Vec<_> = (0..2)
        .map(|_| {
            let runner = world.engine.callback_runner();
            std::thread::spawn(move || runner.run())
        })
        .collect();
    let (camera, filmed) = world.connected(CAMERA, Role::Camera);
    let _filming = Filming::start(&camera, &filmed);
    let (viewer, notes) = world.connected(VIEWER, Role::Viewer);
    until("pictures come", || notes.numbers().len() > 20);
    viewer.close();
    assert_over(&notes);
    world.engine.stop();
    for thread in lent {
        thread.join().expect("it ends").expect("it was wanted");
    }
    assert_over(&filmed);
}

#[test]
fn closing_where_the_host_lends_no_thread_does_not_wait_for_one() {
    let mut config = EngineConfig::default();
    config.callbacks = Callbacks::Host;
    let world = World::with(config);
    let (viewer, notes) = world.enter(VIEWER, Role::Viewer);
    viewer
        .receive(world.offer(VIEWER, Role::Viewer))
        .expect("open");
    viewer.close();
    assert_over(&notes);
    assert_eq!(notes.calls(), 0);
    let own = World::start();
    assert!(matches!(
        own.engine.run_callbacks(),
        Err(MediaError::OwnCallbacks)
    ));
}

#[test]
fn what_a_participant_cannot_send_is_refused_by_name() {
    let world = World::start();
    let (viewer, _notes) = world.connected(VIEWER, Role::Viewer);
    let data = support::room::picture(1, true, 100);
    let frame = EncodedFrame::video(lens_media_sdk::Codec::Vp8, &data, 0, true);
    assert!(matches!(
        viewer.push_frame(&frame),
        Err(MediaError::NoSlot(_))
    ));
    let (camera, _filmed) = world.connected(CAMERA, Role::Camera);
    let empty = EncodedFrame::audio(&[], 0);
    assert!(matches!(
        camera.push_frame(&empty),
        Err(MediaError::OutOfRange { .. })
    ));
    let long = "x".repeat(2_001);
    assert!(matches!(
        camera.send_chat(&long),
        Err(MediaError::OutOfRange { .. })
    ));
    let silent = world.enter(5, Role::Viewer).0;
    let taken = (0..100)
        .filter(|_| silent.send_chat("hello").is_ok())
        .count();
    assert_eq!(taken, 64, "more would have to be dropped");
    assert!(matches!(
        silent.send_chat("hello"),
        Err(MediaError::WouldBlock { .. })
    ));
}

#[test]
fn messages_count_as_waiting_while_they_change_hands() {
    let world = World::start();
    for peer in 5..25 {
        let silent = world.enter(peer, Role::Viewer).0;
        // Long enough for the engine's thread to come by, in the middle of it, more than once.
        let taken = (0..20_000)
            .filter(|_| silent.send_chat("hello").is_ok())
            .count();
        assert_eq!(taken, 64, "of participant {peer}");
    }
}

#[test]
fn an_engine_without_any_way_is_refused() {
    let mut config = EngineConfig::default();
    (config.udp, config.tcp) = (false, false);
    let refused = Engine::start(config).map(|_| ());
    assert!(
        matches!(refused, Err(MediaError::OutOfRange { .. })),
        "{refused:?}"
    );
}
