//! A peer on whose input the media stack breaks ends alone: nobody else misses a frame.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lens_protocol::id::{Generation, ParticipantId};
use lens_protocol::media::{CauseCode, Role, SlotKind};
use lens_sfu::config::FaultHook;

use crate::support::{Options, Party, World, eventually};

/// The longest gap between two frames that a panic next door may cost.
const GAP: Duration = Duration::from_millis(200);
const FRAME: Duration = Duration::from_millis(5);
/// Panics of which one has to cost no more.
const TRIES: usize = 5;

/// A thread that does nothing but wake up at the pace of the frames: what it misses, the machine
/// missed, not the server.
struct Metronome {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Duration>,
}

impl Metronome {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut longest = Duration::ZERO;
            while !stopped.load(Ordering::SeqCst) {
                let before = Instant::now();
                std::thread::sleep(FRAME);
                longest = longest.max(before.elapsed());
            }
            longest
        });
        Self { stop, thread }
    }

    /// The longest it was kept from waking up.
    fn longest(self) -> Duration {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_one_peer_makes_no_gap_of_200_ms_in_another_conference() {
    let victim: Arc<Mutex<Option<ParticipantId>>> = Arc::default();
    let hook = Arc::clone(&victim);
    let world = World::with(|config| {
        config.fault = Some(FaultHook(Arc::new(move |who| {
            let mut victim = hook.lock().unwrap();
            if victim.take_if(|wanted| *wanted == who).is_some() {
                drop(victim);
                panic!("the stack breaks, because the test wants it");
            }
        })));
    });
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let viewer = world.join_connected(conference, Role::Viewer).await;
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), FRAME);
    let mid = viewer.mid(SlotKind::VideoDown);
    let mut tries = Vec::new();
    // What a panic costs, it costs each time; what a busy machine costs, only now and then.
    for _ in 0..TRIES {
        let next_door = world.conference(2).await;
        let broken = world.join_connected(next_door, Role::Camera).await;
        broken
            .client
            .send_video(&broken.mid(SlotKind::VideoUp), FRAME);
        let (gap, machine) = gap_around(&viewer, &mid, async {
            *victim.lock().unwrap() = Some(broken.id);
            assert_eq!(world.failed(broken.id).await, CauseCode::StackFault);
        })
        .await;
        if gap < GAP + machine {
            return;
        }
        tries.push((gap, machine));
    }
    panic!("gaps, and how long the machine itself was away: {tries:?}");
}

/// The longest gap between the viewer's frames from before `event` until well after it, and the
/// longest that the machine kept a thread from waking up meanwhile.
async fn gap_around(
    viewer: &Party,
    mid: &str,
    event: impl Future<Output = ()>,
) -> (Duration, Duration) {
    let frames = || viewer.client.seen().on(mid).count();
    let before = frames();
    viewer
        .client
        .wait("a picture", |seen| seen.on(mid).count() > before + 20)
        .await;
    let before = frames();
    let metronome = Metronome::start();
    event.await;
    let so_far = frames();
    viewer
        .client
        .wait("the picture goes on", |seen| {
            seen.on(mid).count() > so_far + 100
        })
        .await;
    let machine = metronome.longest();
    let seen = viewer.client.seen();
    let times: Vec<Instant> = seen.on(mid).skip(before - 1).map(|it| it.at).collect();
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    (gaps.max().unwrap(), machine)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_one_peer_leaves_the_others_without_a_gap() {
    let victim: Arc<Mutex<Option<ParticipantId>>> = Arc::default();
    let hook = Arc::clone(&victim);
    let world = World::with(|config| {
        config.fault = Some(FaultHook(Arc::new(move |who| {
            let mut victim = hook.lock().unwrap();
            if victim.take_if(|wanted| *wanted == who).is_some() {
                drop(victim);
                panic!("the stack breaks, because the test wants it");
            }
        })));
    });
    let conference = world.conference(3).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    let steady = world.join_connected(conference, Role::Viewer).await;
    let broken = world.join_connected(conference, Role::Viewer).await;
    camera
        .client
        .send_video(&camera.mid(SlotKind::VideoUp), Duration::from_millis(5));
    for viewer in [&steady, &broken] {
        let mid = viewer.mid(SlotKind::VideoDown);
        viewer
            .client
            .wait("a picture", |seen| seen.on(&mid).count() > 20)
            .await;
    }

    *victim.lock().unwrap() = Some(broken.id);
    assert_eq!(world.failed(broken.id).await, CauseCode::StackFault);
    // Counted at the end of the turn that told of it.
    eventually("it is counted, once", || {
        world.sfu.metrics().peer_faults() == 1
    })
    .await;
    let mid = steady.mid(SlotKind::VideoDown);
    let so_far = steady.client.seen().on(&mid).count();
    // What a full socket buffer cost while the panic was being printed comes again on request:
    // late is not lost.
    steady
        .client
        .wait("the picture goes on, whole", |seen| {
            seen.on(&mid).count() > so_far + 50 && seen.is_whole(&mid)
        })
        .await;

    // The broken one keeps its place and comes back with a new generation.
    let back = world
        .enter(
            conference,
            broken.id,
            Role::Viewer,
            Generation(2),
            Options::default(),
        )
        .await;
    let mid = back.mid(SlotKind::VideoDown);
    back.client
        .wait("a picture", |seen| seen.on(&mid).count() > 20)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_closes_is_failed_and_keeps_its_place() {
    let world = World::start();
    let conference = world.conference(2).await;
    let camera = world.join_connected(conference, Role::Camera).await;
    camera
        .client
        .wait("an open channel", |seen| seen.channel.is_some())
        .await;
    camera.client.close();
    assert_eq!(world.failed(camera.id).await, CauseCode::PeerClosed);
    let timeline = world.sfu_timeline(conference, camera.id).await;
    assert_eq!(timeline.cause, Some(CauseCode::PeerClosed));
    let again = world
        .enter(
            conference,
            camera.id,
            Role::Camera,
            Generation(2),
            Options::default(),
        )
        .await;
    world.connected(conference, &again).await;
}
