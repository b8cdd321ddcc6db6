//! Steps that cargo does: format, lints, tests, the API description.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::report::Outcome;
use crate::{command, root};

const PEER: &str = "lens-independent-peer";
const PEER_FEATURES: &str = "lens-independent-peer/webrtc";
const CODECS: &str = "lens-media-sdk/openh264,lens-media-sdk/opus,lens-media-sdk/vpx";

/// A cargo to be run in the top folder.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    // Set by `cargo run` for xtask itself; a cargo below would take them for its own.
    command
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_PKG_NAME");
    command
}

/// `cargo fmt --check`.
pub(crate) fn format() -> Outcome {
    outcome(command::run(&mut cargo(&["fmt", "--all", "--check"])))
}

/// `cargo clippy`, every target, warnings are errors.
pub(crate) fn clippy() -> Outcome {
    let arguments = [
        "clippy",
        "--workspace",
        "--features",
        PEER_FEATURES,
        "--all-targets",
        "--locked",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ];
    outcome(command::run(&mut cargo(&arguments)))
}

/// `cargo test --workspace`, each test counted. A test that is ignored counts as failed: nothing
/// is skipped in silence.
pub(crate) fn test() -> Outcome {
    if let Err(sentence) = build_binary().and_then(|()| build_peer()) {
        return Outcome::failed(sentence);
    }
    let arguments = ["test", "--workspace", "--locked", "--no-fail-fast"];
    let mut tests = cargo(&arguments);
    tests.env("LENS_BIN", binary_path());
    tests.env("INDEPENDENT_PEER", target("dev").join(PEER));
    counted(&mut tests)
}

/// The MediaSDK with its software codecs, which no other step compiles, and raw pictures through the
/// product.
pub(crate) fn codecs() -> Outcome {
    let packages = ["--locked", "-p", "lens-media-sdk", "-p", "lens-vpx"];
    let mut lints = cargo(&["clippy", "--quiet", "--all-targets"]);
    lints.args(packages).args(["--features", CODECS]);
    let linted = outcome(command::run(lints.args(["--", "-D", "warnings"])));
    let mut tests = cargo(&["test", "--no-fail-fast", "--lib", "--test", "codecs"]);
    tests.args(["--test", "vpx", "--features", CODECS]);
    linted
        .and(counted(tests.args(packages)))
        .and(raw_pictures())
}

/// The scenario that needs a codec; of the whole workspace, whose dependencies are built by then.
fn raw_pictures() -> Outcome {
    if let Err(sentence) = build_binary() {
        return Outcome::failed(sentence);
    }
    let which = ["--workspace", "--locked", "--features", "lens-tests/vpx"];
    let mut lints = cargo(&["clippy", "--quiet", "--lib", "--test", "scenarios"]);
    let linted = outcome(command::run(
        lints.args(which).args(["--", "-D", "warnings"]),
    ));
    let mut scenario = cargo(&["test", "--test", "scenarios"]);
    scenario.args(which).args(["--", "raw pictures"]);
    linted.and(counted(scenario.env("LENS_BIN", binary_path())))
}

/// Runs tests and counts them.
fn counted(tests: &mut Command) -> Outcome {
    let mut results = TestResults::default();
    let ended = command::read(tests, |line| results.read(line));
    let mut found = results.outcome;
    if let (Err(sentence), true) = (ended, found.failures.is_empty()) {
        found.failures.push(sentence);
    }
    found
}

/// Most lines that the closing report repeats of a failed test's words.
const MOST_WORDS: usize = 30;

/// What a run of tests prints, read on the way.
#[derive(Default)]
struct TestResults {
    outcome: Outcome,
    /// The failure whose words are being read, and how many lines may still come.
    speaks: Option<(usize, usize)>,
}

impl TestResults {
    fn read(&mut self, line: &str) {
        let test = line.strip_prefix("test ");
        if let Some(name) = test.and_then(|rest| rest.strip_suffix(" ... FAILED")) {
            self.outcome.failures.push(name.to_owned());
        } else if let Some((name, _)) = test.and_then(|rest| rest.split_once(" ... ignored")) {
            self.outcome.failures.push(format!("{name} is ignored"));
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            self.outcome.passed += number_before(counts, " passed");
        } else if let Some(name) = line
            .strip_prefix("---- ")
            .and_then(|rest| rest.strip_suffix(" stdout ----"))
        {
            // The newest of that name: programs of tests run one after the other.
            let failures = &self.outcome.failures;
            let index = failures.iter().rposition(|failure| failure == name);
            self.speaks = index.map(|index| (index, MOST_WORDS));
        } else if line == "failures:" {
            self.speaks = None;
        } else {
            self.repeat(line);
        }
    }

    /// Keeps a line of a failed test's words for the end of the report: a long run is read from there.
    fn repeat(&mut self, line: &str) {
        let Some((index, left)) = &mut self.speaks else {
            return;
        };
        let failure = self.outcome.failures.get_mut(*index);
        if let (Some(failure), true) = (failure, *left > 0 && !line.is_empty()) {
            *left -= 1;
            failure.push_str("\n    ");
            failure.extend(line.chars().take(300));
        }
    }
}

/// Builds the binary that black-box tests start.
pub(crate) fn build_binary() -> Result<(), String> {
    command::run(&mut cargo(&[
        "build",
        "--locked",
        "-p",
        "lens-server",
        "--bin",
        "lens",
    ]))
}

/// Builds the peer that tests meet the product with. By itself: built together, cargo would give
/// the product's dependencies the features of the peer's, and compile most of them once more.
fn build_peer() -> Result<(), String> {
    let arguments = ["build", "--locked", "-p", PEER, "--features", PEER_FEATURES];
    command::run(&mut cargo(&arguments))
}

/// Where that binary is.
pub(crate) fn binary_path() -> PathBuf {
    target("dev").join("lens")
}

/// Where binaries of a profile are.
pub(crate) fn target(profile: &str) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    target.join(if profile == "dev" { "debug" } else { profile })
}

/// The workspace as cargo sees it.
pub(crate) fn metadata() -> Result<serde_json::Value, String> {
    let text = command::output(&mut cargo(&[
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]))?;
    serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))
}

/// Writes `docs/openapi.json`.
pub(crate) fn write_openapi() -> ExitCode {
    let arguments = [
        "run",
        "--quiet",
        "-p",
        "lens-server",
        "--bin",
        "lens",
        "--",
        "openapi",
    ];
    let written = command::output(&mut cargo(&arguments)).and_then(|text| {
        let path = root().join("docs/openapi.json");
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn outcome(result: Result<(), String>) -> Outcome {
    Outcome::of(result.err().into_iter().collect())
}

/// The number that stands before `mark` in `text`; 0 when there is none.
pub(crate) fn number_before(text: &str, mark: &str) -> u32 {
    let Some((before, _)) = text.split_once(mark) else {
        return 0;
    };
    let start = before
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |at| at + 1);
    before[start..].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_a_result_line() {
        let line = "ok. 15 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(
            (
                number_before(line, " passed"),
                number_before(line, " failed")
            ),
            (15, 2)
        );
        assert_eq!(number_before(line, " skipped"), 0);
    }

    #[test]
    fn a_failed_tests_words_are_repeated_at_the_end() {
        let mut results = TestResults::default();
        let printed = "test good ... ok\ntest bad ... FAILED\ntest lazy ... ignored\n\nfailures:\n\n\
            ---- bad stdout ----\nleft: 1\nright: 2\n\nfailures:\n    bad\n\n\
            test result: FAILED. 1 passed; 1 failed; 1 ignored";
        printed.lines().for_each(|line| results.read(line));
        let failures = ["bad\n    left: 1\n    right: 2", "lazy is ignored"];
        assert_eq!(results.outcome.failures, failures);
        assert_eq!(results.outcome.passed, 1);
    }
}
