//! What travels between a camera and a viewer, over loopback.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lens_media_sdk::{
    Command, CommandOutcome, FrameInfo, FrameTransform, ParticipantConfig, Role, State, Transport,
};
use support::{CAMERA, Filming, Notes, VIEWER, World, until};

#[test]
fn a_camera_is_seen_in_order_and_its_encoder_is_guided() {
    let world = World::start();
    let (camera, filmed) = world.connected(CAMERA, Role::Camera);
    let _filming = Filming::start(&camera, &filmed);
    let (viewer, notes) = world.connected(VIEWER, Role::Viewer);
    until("a hundred pictures come", || notes.numbers().len() > 100);
    let numbers = notes.numbers();
    assert!(
        numbers.windows(2).all(|pair| pair[0] < pair[1]),
        "{numbers:?}"
    );
    assert!(filmed.bitrate.load(Ordering::Acquire) > 50_000);
    assert!(filmed.keyframe_requests.load(Ordering::Acquire) > 0);
    until("figures are there", || viewer.stats().width == Some(640));
    assert_eq!(viewer.stats().transport, Some(Transport::Udp));
    until("the camera has counted them", || {
        camera.stats().frames_sent > 100
    });
}

#[test]
fn a_cut_connection_is_replaced_by_itself() {
    let world = World::start();
    let (camera, filmed) = world.connected(CAMERA, Role::Camera);
    let _filming = Filming::start(&camera, &filmed);
    let (viewer, notes) = world.connected(VIEWER, Role::Viewer);
    until("pictures come", || notes.numbers().len() > 10);
    world.cut(VIEWER);
    until("it is noticed", || {
        notes.states().contains(&State::Reconnecting)
    });
    until("it is connected again", || {
        viewer.state() == State::Connected
    });
    let before = notes.numbers().len();
    until("pictures come again", || {
        notes.numbers().len() > before + 10
    });
    assert_eq!(viewer.generation(), 2);
    let numbers = notes.numbers();
    assert!(
        numbers.windows(2).all(|pair| pair[0] < pair[1]),
        "none is shown twice"
    );
}

#[test]
fn a_command_may_be_refused_by_the_camera_s_host() {
    let world = World::start();
    let (camera, filmed) = world.connected(CAMERA, Role::Camera);
    let (viewer, notes) = world.connected(VIEWER, Role::Viewer);
    let id = viewer
        .send_command(&Command::Torch { on: true })
        .expect("room for it");
    let asked = || filmed.requests.lock().expect("whole").first().cloned();
    until("the camera is asked", || asked().is_some());
    let request = asked().expect("a request");
    assert_eq!(request.command, Command::Torch { on: true });
    camera
        .reply_command(request.id, CommandOutcome::Refused)
        .expect("open");
    until("the viewer is answered", || {
        *notes.replies.lock().expect("whole") == [(id, CommandOutcome::Refused)]
    });
}

struct Sealing {
    seen: Arc<AtomicU64>,
    key: u8,
}

impl FrameTransform for Sealing {
    fn transform(&mut self, _: FrameInfo, mut data: Vec<u8>) -> Option<Vec<u8>> {
        self.seen.fetch_add(1, Ordering::AcqRel);
        // The first byte stays: packets of VP8 are told by it.
        data.iter_mut().skip(1).for_each(|byte| *byte ^= self.key);
        Some(data)
    }
}

#[test]
fn each_frame_passes_the_transform_on_both_sides() {
    let world = World::start();
    let [sealed, opened] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
    let mut config = ParticipantConfig::new(Role::Camera);
    let seen = Arc::clone(&sealed);
    config.sender_transform = Some(Box::new(Sealing { seen, key: 0x5A }));
    let (camera, filmed) = world.enter_with(CAMERA, config, Notes::default());
    let mut config = ParticipantConfig::new(Role::Viewer);
    let seen = Arc::clone(&opened);
    config.receiver_transform = Some(Box::new(Sealing { seen, key: 0x5A }));
    let (viewer, notes) = world.enter_with(VIEWER, config, Notes::default());
    camera
        .receive(world.offer(CAMERA, Role::Camera))
        .expect("open");
    viewer
        .receive(world.offer(VIEWER, Role::Viewer))
        .expect("open");
    let filming = Filming::start(&camera, &filmed);
    until("pictures come", || notes.numbers().len() > 30);
    drop(filming);
    let numbers = notes.numbers();
    assert!(
        numbers.iter().all(|number| *number < 100_000),
        "they were opened"
    );
    viewer.close();
    assert_eq!(opened.load(Ordering::Acquire), notes.numbers().len() as u64);
    let stats = camera.stats();
    let pushed = sealed.load(Ordering::Acquire);
    assert!(pushed >= stats.frames_sent, "{pushed} {stats:?}");
}
