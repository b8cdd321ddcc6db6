//! `interface.json`: the one table of names and numbers that all faces of the SDK share. Codes and
//! states in it come from the library; each face is held against it by a test of its own.
//!
//! `LENS_INTERFACE=write cargo test -p lens-media-sdk --test interface` writes it anew.

use std::path::{Path, PathBuf};

use lens_media_sdk::{AnnotationShape, Code, CommandOutcome, ErrorCode, SdkCode, State};
use serde_json::{Value, json};

/// What the library tells: its name in signalling words, and in HTML5 where that has an event.
const EVENTS: [(&str, Option<&str>); 16] = [
    ("state", Some("statechange")),
    ("generation", Some("generation")),
    ("roster", Some("roster")),
    ("track", Some("track")),
    ("track_end", Some("trackend")),
    // Browsers decode and show by themselves, and steer their own encoder.
    ("frame", None),
    ("bitrate", None),
    ("keyframe_request", None),
    ("capture_stopped", Some("capturestopped")),
    ("talk_ready", Some("talkready")),
    ("chat", Some("chat")),
    ("command", Some("command")),
    // A promise there.
    ("command_reply", None),
    ("annotation", Some("annotation")),
    ("annotation_clear", Some("annotationclear")),
    ("key_message", None),
];

const COMMANDS: [&str; 5] = ["torch", "zoom", "freeze", "snapshot", "switch_camera"];

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// `key_frame` → `KeyFrame`.
fn capitals(name: &str) -> String {
    name.split('_')
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

fn interface() -> Value {
    let internal = Code::Sdk(SdkCode::Internal);
    let states = [
        State::New,
        State::Connecting,
        State::Connected,
        State::Reconnecting,
        State::Closed,
        State::Failed(internal),
    ];
    use AnnotationShape::{Arrow, Ellipse, Point, Rectangle, Stroke, Text};
    use CommandOutcome::{Done, Failed, Refused, Unsupported};
    let outcomes = [Done, Refused, Unsupported, Failed].map(CommandOutcome::as_str);
    json!({
        "states": states.iter().map(|it| json!({
            "name": it.as_str(), "integer": it.c_state(),
        })).collect::<Value>(),
        "sdk_codes": SdkCode::ALL.iter().map(|it| json!({
            "name": it.as_str(), "integer": it.c_status(), "sentence": it.sentence(),
        })).collect::<Value>(),
        "server_codes": ErrorCode::ALL.iter().map(|it| json!({
            "name": it.as_str(), "integer": it.c_status(), "retryable": it.retryable(),
        })).collect::<Value>(),
        "commands": COMMANDS,
        "outcomes": outcomes,
        "shapes": [Stroke, Arrow, Ellipse, Rectangle, Point, Text],
        "events": EVENTS.iter().map(|(name, html5)| json!({
            "name": name,
            "rust": format!("on_{name}"),
            "c": format!("on_{name}"),
            "java": format!("on{}", capitals(name)),
            "html5": html5,
        })).collect::<Value>(),
    })
}

#[test]
fn the_table_of_names_and_numbers_is_the_librarys() {
    let text = serde_json::to_string_pretty(&interface()).expect("plain data") + "\n";
    let file = here("interface.json");
    if std::env::var("LENS_INTERFACE").is_ok_and(|it| it == "write") {
        std::fs::write(&file, &text).expect("the table is written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "interface.json is another; LENS_INTERFACE=write writes it anew"
    );
}

#[test]
fn the_observer_has_each_event_and_no_other() {
    let observer = std::fs::read_to_string(here("src/observer.rs")).expect("the observer");
    let mut found: Vec<&str> = observer
        .lines()
        .filter_map(|line| line.trim().strip_prefix("fn on_")?.split('(').next())
        .collect();
    let mut wanted = EVENTS.map(|(name, _)| name);
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}

#[test]
fn each_command_is_read_by_its_name() {
    for name in COMMANDS {
        let arguments = json!({"on": true, "factor": 1, "facing": "front"});
        let arguments = arguments.as_object().expect("an object");
        let command = lens_media_sdk::Command::parse(name, arguments);
        assert_eq!(command.map(|it| it.as_str()), Some(name));
    }
}
