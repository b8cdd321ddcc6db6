//! Peers made of the MediaSDK, through the real product.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lens_media_sdk::{Codec, CommandOutcome, EngineConfig, Role, State, Transport};
use lens_tests::native::Native;
use lens_tests::peer::Manner;
use lens_tests::product::{ADMINISTRATOR, Mode, PASSWORD, Product, example};
use lens_tests::room::{Room, assert_complete, more_numbers};
use lens_tests::wait;
use serde_json::json;

/// A native camera, a native viewer and the usual one; a command of one to the other.
pub(crate) async fn pair(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let offer = room.join("camera", "Margit").await;
    let mut camera = Native::enter(&room, Role::Camera, &offer, EngineConfig::default()).await;
    camera.film();
    let (_, usual) = room.enter("viewer", "Ben").await;
    assert_complete(&more_numbers(&usual, 100).await);
    let offer = room.join("viewer", "Anna").await;
    let viewer = Native::enter(&room, Role::Viewer, &offer, EngineConfig::default()).await;
    assert_complete(&viewer.more_numbers(100).await);
    assert!(camera.noted(|noted| noted.keyframe_requests > 0 && noted.target_bps > 0));

    viewer.ask_for_light();
    wait::until_true("the camera's host is asked", || {
        camera.noted(|noted| !noted.requests.is_empty())
    })
    .await;
    let request = camera.noted(|noted| noted.requests[0].clone());
    let refused = camera
        .participant
        .reply_command(request.id, CommandOutcome::Refused);
    refused.expect("it is open");
    wait::until_true("the viewer is answered", || {
        viewer.noted(|noted| noted.replies == [CommandOutcome::Refused])
    })
    .await;
}

/// A native viewer of the usual camera gets a new generation, and its node may die.
pub(crate) async fn renewed(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let (camera_offer, _camera) = room.enter("camera", "Margit").await;
    let offer = room.join("viewer", "Anna").await;
    let viewer = Native::enter(&room, Role::Viewer, &offer, EngineConfig::default()).await;
    viewer.more_numbers(50).await;
    let renewed = room.renew(&offer).await;
    viewer.take(&renewed);
    wait::until_true("the new generation plays", || {
        viewer.participant.generation() == renewed.generation.0
    })
    .await;
    viewer.more_numbers(50).await;
    let renewed = room.renew(&camera_offer).await;
    let _again = room.connect(&renewed, Manner::default()).await;
    viewer.more_numbers(50).await;
    let states = viewer.noted(|noted| noted.states.clone());
    assert_eq!(
        states,
        [State::Connecting, State::Connected],
        "it never stood still"
    );
    let numbers = viewer.noted(|noted| noted.numbers.clone());
    let first = numbers
        .iter()
        .position(|number| *number == 1)
        .unwrap_or(numbers.len());
    let former = &numbers[..first];
    assert!(
        former.windows(2).all(|pair| pair[0] < pair[1]),
        "{former:?}"
    );
}

/// Where datagrams do not pass, both go by TCP.
pub(crate) async fn by_tcp(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let mut config = EngineConfig::default();
    config.udp = false;
    let offer = room.join("camera", "Margit").await;
    let mut camera = Native::enter(&room, Role::Camera, &offer, config.clone()).await;
    camera.film();
    let offer = room.join("viewer", "Anna").await;
    let viewer = Native::enter(&room, Role::Viewer, &offer, config).await;
    assert_complete(&viewer.more_numbers(100).await);
    wait::until_true("figures are there", || {
        viewer.participant.stats().transport == Some(Transport::Tcp)
    })
    .await;
    let timeline = room.timeline(&offer).await;
    assert_eq!(timeline["stats"]["transport"], "tcp");
}

/// Where there is IPv6 alone, both go by it.
pub(crate) async fn by_ipv6(mode: Mode) {
    let product = Product::start_at(mode, "debug", "[::1]:0", &[]);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let offer = room.join("camera", "Margit").await;
    let candidates: Vec<&str> = offer
        .sdp
        .lines()
        .filter(|line| line.starts_with("a=candidate"))
        .collect();
    assert!(
        !candidates.is_empty() && candidates.iter().all(|line| line.contains(" ::1 ")),
        "{candidates:?}"
    );
    // All addresses of this machine, as an app has it.
    let mut camera = Native::enter(&room, Role::Camera, &offer, EngineConfig::default()).await;
    camera.film();
    let offer = room.join("viewer", "Anna").await;
    let viewer = Native::enter(&room, Role::Viewer, &offer, EngineConfig::default()).await;
    assert_complete(&viewer.more_numbers(100).await);
    wait::until_true("figures are there", || {
        viewer.participant.stats().transport == Some(Transport::Udp)
    })
    .await;
}

/// What a hardware encoder makes reaches native viewers as it was.
pub(crate) async fn by_h264(mode: Mode) {
    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let offer = room.join("camera", "Margit").await;
    let mut camera = Native::enter(&room, Role::Camera, &offer, EngineConfig::default()).await;
    camera.film_as(Codec::H264);
    let offer = room.join("viewer", "Anna").await;
    let viewer = Native::enter(&room, Role::Viewer, &offer, EngineConfig::default()).await;
    assert_complete(&viewer.more_numbers(100).await);
    viewer.noted(|noted| {
        assert_eq!(noted.codec, Some(Codec::H264));
        assert!(noted.keyframes as usize >= noted.numbers.len());
    });
}

/// Encoded in software, over the product, decoded and read; who comes late gets a keyframe, and
/// begins with it.
#[cfg(feature = "vpx")]
pub(crate) async fn raw(mode: Mode) {
    use lens_tests::raw;

    let product = Product::start(mode);
    let mut room = Room::open(product.integrator("crm"), json!({})).await;
    let engine = EngineConfig::default;
    let offer = room.join("camera", "Margit").await;
    let mut camera = Native::enter(&room, Role::Camera, &offer, engine()).await;
    raw::film(&mut camera);
    let offer = room.join("viewer", "Anna").await;
    let viewer = Native::enter_reading(&room, Role::Viewer, &offer, engine(), raw::reader()).await;
    let in_order = |numbers: &[u32]| numbers.windows(2).all(|pair| pair[0] < pair[1]);
    let numbers = viewer.more_numbers(100).await;
    assert!(in_order(&numbers), "{numbers:?}");
    let asked = camera.noted(|noted| noted.keyframe_requests);

    let offer = room.join("viewer", "Ben").await;
    let late = Native::enter_reading(&room, Role::Viewer, &offer, engine(), raw::reader()).await;
    let numbers = late.more_numbers(100).await;
    assert!(in_order(&numbers), "{numbers:?}");
    assert!(camera.noted(|noted| noted.keyframe_requests > asked && noted.target_bps > 0));
    // Not each frame is one, as in what the other scenarios film.
    let keyframes = late.noted(|noted| noted.keyframes);
    assert!((1..20).contains(&keyframes), "{keyframes} keyframes");
}

/// What the MediaSDK's README shows: a technician who watches and a phone that films, each a program,
/// over the website's own signalling.
pub(crate) async fn examples(mode: Mode) {
    let product = Product::start(mode);
    let watched = tokio::task::spawn_blocking(move || watch(&product)).await;
    let frames = watched.expect("both programs run");
    assert!(frames > 30, "{frames} pictures were written");
}

fn watch(product: &Product) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let (password, clip) = (
        folder.path().join("password"),
        folder.path().join("clip.ivf"),
    );
    std::fs::write(&password, PASSWORD).expect("a password");
    std::fs::write(&clip, clip_of(300)).expect("a clip");
    let certificate = product.data().join("tls/certificate.pem");
    let seen = folder.path().join("seen.ivf");
    let mut viewer = Command::new(example("viewer"));
    viewer.args([
        "--site",
        &product.https().to_string(),
        "--email",
        ADMINISTRATOR,
    ]);
    viewer
        .args(["--seconds", "8", "--password-file"])
        .arg(&password);
    let viewer = start(viewer.arg("--out").arg(&seen), &certificate);
    let (mut viewer, link) = first_line(viewer);
    let link = link
        .strip_prefix("link: ")
        .expect("a link first")
        .to_owned();
    let mut phone = Command::new(example("phone"));
    phone
        .args(["--agree", "--link", &link, "--file"])
        .arg(&clip);
    let mut phone = start(&mut phone, &certificate);
    assert!(viewer.wait().is_ok_and(|it| it.success()), "the viewer");
    assert!(phone.wait().is_ok_and(|it| it.success()), "the phone");
    they_say_what_is_wrong(&link, &clip, &certificate);
    let seen = std::fs::read(&seen).expect("what was seen");
    frames_in(&seen)
}

/// In words, with the name of the file or the server: no program's inner form of an error.
fn they_say_what_is_wrong(link: &str, clip: &Path, certificate: &Path) {
    let folder = clip.parent().expect("a folder");
    let broken = folder.join("broken");
    std::fs::write(&broken, "neither a clip nor a certificate").expect("a file");
    let nothing = folder.join("nothing");
    let secret = link.split('#').nth(1).expect("a secret");
    let nowhere = format!("https://127.0.0.1:1/s#{secret}");
    for (link, file, ca, expected) in [
        (link, clip, certificate, "(invitation_taken, trace "),
        (link, &nothing, certificate, "nothing: No such file"),
        (
            link,
            &broken,
            certificate,
            "broken: this is no IVF file with VP8",
        ),
        (link, clip, &nothing, "nothing: "),
        (link, clip, &broken, "broken: holds no certificate"),
        (
            &nowhere,
            clip,
            certificate,
            "https://127.0.0.1:1 cannot be reached",
        ),
        (
            "https://127.0.0.1:1/s",
            clip,
            certificate,
            "no secret behind a #",
        ),
        (
            "https://127.0.0.1:1/s#short",
            clip,
            certificate,
            "cut off or mistyped",
        ),
    ] {
        let mut phone = Command::new(example("phone"));
        phone.args(["--agree", "--link", link, "--file"]).arg(file);
        let ended = phone.arg("--ca").arg(ca).output().expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && said.contains(expected), "{said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    }
}

fn start(program: &mut Command, certificate: &Path) -> Child {
    program.arg("--ca").arg(certificate).stdout(Stdio::piped());
    program.spawn().expect("an example starts")
}

/// Its first line; what else it says is read and let go.
fn first_line(mut program: Child) -> (Child, String) {
    let mut lines = BufReader::new(program.stdout.take().expect("piped")).lines();
    let first = lines
        .next()
        .and_then(Result::ok)
        .expect("it says something");
    std::thread::spawn(move || lines.for_each(drop));
    (program, first)
}

/// A clip with the head of VP8's frames and nothing to decode (RFC 6386 §9.1); a keyframe each
/// second.
fn clip_of(frames: u32) -> Vec<u8> {
    let mut clip = b"DKIF\0\0\x20\0VP80".to_vec();
    clip.extend([64, 1, 240, 0]);
    clip.extend([30_u32, 1, frames, 0].map(u32::to_le_bytes).concat());
    for number in 0..frames {
        let mut frame = match number % 30 {
            0 => vec![0x10, 0, 0, 0x9d, 1, 0x2a, 64, 1, 240, 0],
            _ => vec![0x11, 0, 0],
        };
        frame.extend(number.to_be_bytes().repeat(100));
        clip.extend((frame.len() as u32).to_le_bytes());
        clip.extend(u64::from(number).to_le_bytes());
        clip.extend(frame);
    }
    clip
}

fn frames_in(ivf: &[u8]) -> usize {
    let mut rest = ivf.get(32..).unwrap_or_default();
    let mut frames = 0;
    while let Some(length) = rest
        .first_chunk()
        .map(|it| u32::from_le_bytes(*it) as usize)
    {
        rest = rest.get(12 + length..).unwrap_or_default();
        frames += 1;
    }
    frames
}
