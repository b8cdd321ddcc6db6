//! The conformance suite of the SDK's faces (`tests/conformance/`): `cargo xtask conformance`, and the
//! part of it that `cargo xtask test` runs.

use std::process::{Command, ExitCode};

use crate::report::Outcome;
use crate::{cargo, command, install, java, root};

/// For each change: every scenario with each face as both, C under AddressSanitizer there.
const WHOLE: [&str; 4] = ["rust:rust", "c-asan:c-asan", "java:java", "browser:browser"];
/// And what two faces do with each other, with the browser as one of them: most scenarios are about
/// one face and its server.
const MIXED: [&str; 4] = ["rust:browser", "c:browser", "java:browser", "browser:rust"];
const BETWEEN_TWO: [&str; 4] = ["video", "new-generation", "talk-ready", "transform"];
/// What cargo builds for them, so that it breaks on request: these testees are handed out to nobody.
const BUILD: [&str; 8] = [
    "build",
    "--locked",
    "-p",
    "lens-testee-rust",
    "-p",
    "lens-testee-c",
    "--features",
    "lens-testee-rust/test-hooks,lens-testee-c/test-hooks",
];

/// The step of `cargo xtask test`.
pub(crate) fn run() -> Outcome {
    if let Err(sentence) = build() {
        return Outcome::failed(sentence);
    }
    let mut found = Outcome::default();
    judge(&WHOLE, &[], &mut found);
    judge(&MIXED, &BETWEEN_TWO, &mut found);
    found
}

/// Runs these scenarios, or all of them, for these pairs.
fn judge(pairs: &[&str], scenarios: &[&str], found: &mut Outcome) {
    let mut runner = runner();
    runner.args(pairs.iter().flat_map(|pair| ["--pair", pair]));
    runner.args(scenarios.iter().flat_map(|name| ["--only", name]));
    let (failures, passed) = (found.failures.len(), found.passed);
    let ended = command::read(&mut runner, |line| {
        if let Some(failure) = line.strip_prefix("FAILED ") {
            found.failures.push(failure.to_owned());
        } else if line.ends_with(" unsupported") && !line.contains('→') {
            found.passed += cargo::number_before(line, " passed");
        }
    });
    if found.failures.len() > failures {
        return;
    }
    if let Err(sentence) = ended {
        found.failures.push(sentence);
    } else if found.passed == passed {
        found.failures.push("no scenario ran".to_owned());
    }
}

/// `cargo xtask conformance …`: all pairs, or what the words say.
pub(crate) fn at_length(words: &[&str]) -> ExitCode {
    let installed = install::run();
    let built = build();
    let missing = installed.failures.into_iter().chain(built.err());
    let missing: Vec<String> = missing.collect();
    if !missing.is_empty() {
        eprintln!("{}", missing.join("\n"));
        return ExitCode::FAILURE;
    }
    match command::run(runner().args(words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn build() -> Result<(), String> {
    cargo::build_binary()?;
    command::run(&mut cargo::cargo(&BUILD))?;
    java::testee(&cargo::target("dev").join("testee-java"))?;
    compile("testee-c", &[])?;
    compile(
        "testee-c-asan",
        &["-fsanitize=address,undefined", "-fno-omit-frame-pointer"],
    )
}

/// The C face's testee, with the library in it.
fn compile(name: &str, more: &[&str]) -> Result<(), String> {
    let target = cargo::target("dev");
    let bindings = root().join("bindings/c");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"])
        .args(["-O1", "-g"])
        .args(more)
        .arg("-I")
        .arg(bindings.join("include"))
        .arg("-I")
        .arg(bindings.join("examples"))
        .arg(root().join("tests/conformance/testees/c/testee.c"))
        .arg(target.join("liblens_testee_c.a"))
        .args(["-lpthread", "-ldl", "-lm", "-o"])
        .arg(target.join(name));
    command::run(&mut cc)
}

fn runner() -> Command {
    let mut command = Command::new("node");
    command
        .arg(root().join("tests/conformance/run.mjs"))
        .env("LENS_BIN", cargo::binary_path())
        .env("LENS_TESTEES", cargo::target("dev"));
    command
}
