//! Java's enums and codes, held against the library's: names, numbers, order. Needs no JDK.

use std::path::Path;

use lens_media_sdk::{
    AnnotationShape, Codec, CommandOutcome, Facing, MediaKind, OfferReason, Role, SdkCode,
    Transport,
};
use lens_protocol::ErrorCode;

use crate::convert::Ordinal;

fn java(class: &str) -> String {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/media/lens");
    let path = sources.join(format!("{class}.java"));
    std::fs::read_to_string(path).expect("a class of this face")
}

/// Constants of an enum, in order, with what stands in their brackets.
fn constants(class: &str, name: &str) -> Vec<(String, String)> {
    let text = java(class);
    let (_, body) = text
        .split_once(&format!("enum {name} {{"))
        .expect("the enum is there");
    let mut found = Vec::new();
    // What else is in capitals stands after the constants; comments start with a star.
    for line in body.lines().map(str::trim) {
        if !line.starts_with(|c: char| c.is_ascii_uppercase()) {
            continue;
        }
        let constant = line.trim_end_matches([',', ';']);
        let (name, rest) = constant.split_once('(').unwrap_or((constant, ""));
        found.push((name.to_owned(), rest.trim_end_matches(')').to_owned()));
        if line.ends_with(';') {
            break;
        }
    }
    found
}

fn names(class: &str, name: &str) -> Vec<String> {
    let constants = constants(class, name).into_iter();
    constants.map(|(name, _)| name.to_lowercase()).collect()
}

/// A variant's name as Java spells it, by Rust's own.
fn spelled<T: std::fmt::Debug>(variant: T) -> String {
    format!("{variant:?}").to_lowercase()
}

fn assert_same<T: Ordinal + std::fmt::Debug>(class: &str, name: &str) {
    let ours: Vec<String> = T::ALL.iter().map(spelled).collect();
    assert_eq!(names(class, name), ours, "{class}.{name}");
}

#[test]
fn enums_have_the_same_names_in_the_same_order() {
    assert_same::<Role>("Role", "Role");
    assert_same::<MediaKind>("MediaKind", "MediaKind");
    assert_same::<Codec>("Codec", "Codec");
    assert_same::<Facing>("Facing", "Facing");
    assert_same::<OfferReason>("OfferReason", "OfferReason");
    assert_same::<CommandOutcome>("CommandOutcome", "CommandOutcome");
    assert_same::<AnnotationShape>("Annotation", "Shape");
    assert_same::<Transport>("Transport", "Transport");
    let states = [
        "new",
        "connecting",
        "connected",
        "reconnecting",
        "closed",
        "failed",
    ];
    assert_eq!(names("State", "State"), states);
    let kinds = [
        "answer",
        "offer_request",
        "command_reply",
        "key_message",
        "bye",
    ];
    assert_eq!(names("SignalKind", "SignalKind"), kinds);
    let commands = ["torch", "zoom", "freeze", "snapshot", "switch_camera"];
    assert_eq!(names("Command", "Kind"), commands);
}

#[test]
fn codes_have_the_same_names_and_numbers() {
    let entry = |name: &str, number: i32| format!("{number}, \"{name}\"");
    let own = SdkCode::ALL
        .iter()
        .map(|code| entry(code.as_str(), code.c_status()));
    let servers = ErrorCode::ALL
        .iter()
        .map(|code| entry(code.as_str(), code.c_status()));
    let expected: Vec<String> = own.chain(servers).collect();
    let constants = constants("Code", "Code");
    let written: Vec<String> = constants
        .iter()
        .map(|(_, brackets)| brackets.clone())
        .collect();
    assert_eq!(written, expected);
    for (name, brackets) in constants {
        let word = brackets
            .split('"')
            .nth(1)
            .unwrap_or_default()
            .to_uppercase();
        assert!(
            name == word || name == format!("SERVER_{word}"),
            "{name} is {word}"
        );
    }
}
