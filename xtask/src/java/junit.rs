//! The tests of the Java face: JUnit 5 of Debian's, the real native library, checked JNI.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{LIBRARY, TESTS_RELEASE, jdk, source};
use crate::report::Outcome;
use crate::{cargo, command};

/// Where Debian puts jars.
const JARS: &str = "/usr/share/java";
const JUNIT: &[&str] = &[
    "junit-jupiter-api",
    "junit-jupiter-engine",
    "junit-platform-commons",
    "junit-platform-engine",
    "junit-platform-launcher",
    "junit-platform-console",
    "junit-platform-reporting",
    "opentest4j",
    "opentest4j-reporting-events",
    "opentest4j-reporting-schema",
    "apiguardian-api",
    "picocli",
    "univocity-parsers",
];
/// Seconds after which the tests hang: ten times what they take on a busy machine.
const LIMIT: &str = "1200";
/// What the virtual machine says of a native method that breaks its rules; it goes on after some.
const BROKEN_RULES: &[&str] = &[
    "WARNING in native method",
    "WARNING: JNI local refs",
    "FATAL ERROR in native method",
];

/// Jars that tests are compiled and run with.
pub(super) fn jars() -> Vec<PathBuf> {
    let jar = |name: &&str| Path::new(JARS).join(format!("{name}.jar"));
    JUNIT.iter().map(jar).collect()
}

/// Compiles the tests against the core and the Android module's classes, and puts their files beside them.
pub(super) fn compile(out: &Path, tests: &Path) -> Result<(), String> {
    let mut path = vec![out.join("core"), out.join("android")];
    path.extend(jars());
    jdk::compile(&source("tests/src"), &path, TESTS_RELEASE, tests)?;
    let files = source("tests/resources");
    command::run(
        Command::new("cp")
            .arg("-r")
            .arg(files.join("media"))
            .arg(tests),
    )
}

/// Runs all tests on these classes.
pub(super) fn run(classes: &[PathBuf], on: &str) -> Outcome {
    let mut path = classes.to_vec();
    path.extend(jars());
    let path = match jdk::joined(&path) {
        Ok(path) => path,
        Err(sentence) => return Outcome::failed(sentence),
    };
    let library = cargo::target("dev").join(LIBRARY);
    // A test that fails may leave a callback waiting for it, and `close()` waits for that callback.
    let mut java = Command::new("timeout");
    java.args(["--signal=KILL", LIMIT, "java"]);
    java.args(["-Xcheck:jni", "-Xmx256m", "-ea"]);
    java.arg(format!("-Dlens.media.library={}", library.display()));
    java.arg("-cp").arg(path);
    java.arg("org.junit.platform.console.ConsoleLauncher");
    java.args([
        "--disable-banner",
        "--disable-ansi-colors",
        "--details=tree",
    ]);
    java.args(["--details-theme=ascii", "--select-package=media.lens"]);
    java.env("LENS_BIN", cargo::binary_path());
    let mut found = Outcome::default();
    let ended = command::read(&mut java, |line| judge(line, on, &mut found));
    if let (Err(sentence), true) = (ended, found.failures.is_empty()) {
        found.failures.push(sentence);
    }
    if found.passed == 0 && found.failures.is_empty() {
        found.failures.push(format!("no test ran on {on}"));
    }
    found
}

fn judge(line: &str, on: &str, found: &mut Outcome) {
    if BROKEN_RULES.iter().any(|mark| line.contains(mark)) {
        found.failures.push(format!("{on}: {line}"));
    } else if line.contains("() [X]") {
        let name = line.trim_start_matches(['|', '\'', '+', '-', ' ']);
        found.failures.push(format!("{on}: {name}"));
    } else if line.contains("() [S]") {
        found.failures.push(format!("{on}: skipped: {line}"));
    } else if line.contains(" tests successful") {
        found.passed += cargo::number_before(line, " tests successful");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_junit_prints_is_counted() {
        let mut found = Outcome::default();
        for line in [
            "| '-- LifetimeTest [OK]",
            "|   +-- closingTwiceIsClosingOnce() [OK]",
            "|   +-- closingWhileItConnects() [X] expected: <1> but was: <2>",
            "WARNING in native method: JNI call made without checking exceptions",
            "[        14 tests successful      ]",
            "[         1 tests failed          ]",
        ] {
            judge(line, "the jar", &mut found);
        }
        assert_eq!(found.passed, 14);
        assert_eq!(found.failures.len(), 2);
        assert!(found.failures[0].starts_with("the jar: closingWhileItConnects() [X]"));
    }
}
