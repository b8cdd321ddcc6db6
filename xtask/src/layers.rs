//! The order of crates (left may never name right), and that cores are pure.
//!
//! The linter's lists (`clippy.toml`) catch calls by path; the words below catch what they cannot,
//! such as an `async` runtime's types.

use std::path::Path;

use serde_json::Value;

use crate::report::Outcome;
use crate::{cargo, files, root};

/// From the bottom up. Crates of one level do not name each other.
const LEVELS: &[&[&str]] = &[
    &["lens-protocol", "lens-vpx"],
    &[
        "lens-auth",
        "lens-runtime",
        "lens-storage",
        "lens-media-sdk",
    ],
    &[
        "lens-sfu",
        "lens-chat-log",
        "lens-signaling",
        "lens-media-c",
        "lens-media-java",
    ],
    &["lens-session-manager"],
    &["lens-website", "lens-fuzz"],
    &["lens-server"],
    &["lens-independent-peer", "lens-testee-rust", "lens-testee-c"],
    &["lens-tests"],
    &["lens-bench", "xtask"],
];
/// Edges the levels would allow and the design forbids.
const FORBIDDEN: &[(&str, &str)] = &[
    ("lens-sfu", "lens-storage"),
    ("lens-sfu", "lens-auth"),
    ("lens-signaling", "lens-storage"),
    ("lens-sfu", "lens-media-sdk"),
];
/// Words that mean a clock, a socket, a file, a task or a generator.
const IMPURE: &[&str] = &[
    "tokio::",
    "tokio_util",
    "Instant::now",
    "SystemTime::now",
    "SystemClock",
    "SystemEntropy",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "std::fs",
    "std::thread",
    "std::process",
    "fastrand::",
    "thread_rng",
    "async fn",
];
/// Words that mean a lock, which no packet of the streaming server may meet on its way.
const LOCKS: &[&str] = &["Mutex", "RwLock", "Condvar", "Semaphore"];
/// Where packets are: but for the keys, which pass once when a connection is made.
const LOCKFREE: &str = "sfu/src/core";
const KEYS: &str = "sfu/src/core/peer/tap.rs";

/// Checks both.
pub(crate) fn run() -> Outcome {
    let edges = match cargo::metadata() {
        Ok(metadata) => judge_crates(&metadata),
        Err(sentence) => vec![sentence],
    };
    Outcome::of(edges).and(cores())
}

fn level(name: &str) -> Option<usize> {
    LEVELS.iter().position(|crates| crates.contains(&name))
}

fn judge_crates(metadata: &Value) -> Vec<String> {
    let mut failures = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(own) = level(name) else {
            failures.push(format!(
                "{name} has no place in the order of crates (xtask/src/layers.rs)"
            ));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let Some(below) = level(to) else { continue };
            if to != name && below >= own || FORBIDDEN.contains(&(name, to)) {
                failures.push(format!("{name} may not depend on {to}"));
            }
        }
    }
    failures
}

fn cores() -> Outcome {
    let mut found = Outcome::default();
    for path in files::all(&["rs"]) {
        let shown = path.strip_prefix(root()).unwrap_or(&path).to_owned();
        if !shown.components().any(|part| part.as_os_str() == "core") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        match judge_core(&shown, &text) {
            failures if failures.is_empty() => found.passed += 1,
            failures => found.failures.extend(failures),
        }
    }
    found
}

fn judge_core(shown: &Path, text: &str) -> Vec<String> {
    let mut failures = Vec::new();
    let is_core_root = shown.ends_with("src/core/mod.rs");
    if is_core_root && !text.contains("clippy::disallowed_methods") {
        let line = "#![warn(clippy::disallowed_methods, clippy::disallowed_types)]";
        failures.push(format!(
            "{} does not switch the lists on: {line}",
            shown.display()
        ));
    }
    // A file of tests beside a core may use what it likes.
    if shown.file_stem().is_some_and(|stem| {
        let stem = stem.to_string_lossy();
        stem.contains("test") || stem.contains("simulation")
    }) {
        return failures;
    }
    let lockfree = shown.starts_with(LOCKFREE) && shown != Path::new(KEYS);
    let locks = if lockfree { LOCKS } else { &[] };
    for (n, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        let code = line.split("//").next().unwrap_or("");
        if let Some(word) = IMPURE
            .iter()
            .chain(locks)
            .find(|word| code.contains(**word))
        {
            failures.push(format!(
                "{}:{}: a core may not use `{word}`",
                shown.display(),
                n + 1
            ));
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(from: &str, to: &str) -> usize {
        let package =
            json!({ "name": from, "dependencies": [{ "name": to }, { "name": "serde" }] });
        judge_crates(&json!({ "packages": [package] })).len()
    }

    #[test]
    fn an_edge_upwards_sideways_or_forbidden_is_found() {
        assert_eq!(judged("lens-website", "lens-signaling"), 0);
        assert_eq!(judged("lens-signaling", "lens-website"), 1);
        assert_eq!(judged("lens-signaling", "lens-sfu"), 1);
        assert_eq!(judged("lens-sfu", "lens-storage"), 1);
        assert_eq!(judged("lens-unknown", "lens-protocol"), 1);
    }

    #[test]
    fn an_impure_core_is_found_and_its_tests_are_left_alone() {
        let path = Path::new("sfu/src/core/demux.rs");
        assert_eq!(judge_core(path, "let t = Instant::now();").len(), 1);
        assert_eq!(judge_core(path, "// not Instant::now()").len(), 0);
        assert_eq!(judge_core(path, "keys: Mutex<Keys>,").len(), 1);
        assert_eq!(judge_core(Path::new(KEYS), "keys: Mutex<Keys>,").len(), 0);
        assert_eq!(
            judge_core(path, "#[cfg(test)]\nlet t = Instant::now();").len(),
            0
        );
        assert_eq!(
            judge_core(Path::new("sfu/src/core/mod.rs"), "//! Core.").len(),
            1
        );
    }
}
