//! Steps that Node does: types and tests of the browser code, and the browsers themselves.

use std::path::Path;
use std::process::Command;

use crate::report::Outcome;
use crate::{cargo, command, root};

/// Folders whose scripts are typed by JSDoc; each holds a `tsconfig.json`.
const TYPED: [&str; 5] = [
    "html5-sdk",
    "website/pages",
    "tests/browser",
    "tests/conformance",
    "bench/browser",
];

/// `tsc` over every typed folder.
pub(crate) fn types() -> Outcome {
    let tsc = root().join("tests/browser/node_modules/.bin/tsc");
    let mut found = Outcome::default();
    for folder in TYPED {
        let project = root().join(folder).join("tsconfig.json");
        if !project.exists() {
            found
                .failures
                .push(format!("{folder} has no tsconfig.json"));
            continue;
        }
        let mut command = Command::new(&tsc);
        command.args(["--noEmit", "--project"]).arg(project);
        found = found.and(cargo::outcome(command::run(&mut command)));
    }
    found
}

/// `node --test` of the browser library.
pub(crate) fn sdk() -> Outcome {
    let mut command = Command::new("node");
    command
        .args(["--test", "--test-reporter=tap"])
        .current_dir(root().join("html5-sdk"));
    counted(&mut command, |line, found| {
        // Lines that stand alone are the sums; nested ones are indented.
        if let Some(number) = line.strip_prefix("# pass ") {
            found.passed += number.parse().unwrap_or(0);
        } else if let Some(name) = line.trim_start().strip_prefix("not ok ") {
            found.failures.push(name.to_owned());
        } else if line
            .strip_prefix("# skipped ")
            .is_some_and(|number| number != "0")
        {
            found
                .failures
                .push(format!("{line}: nothing is skipped in silence"));
        }
    })
}

/// The scenarios in real browsers; their runner ends with `N passed, N failed`.
pub(crate) fn browser() -> Outcome {
    if let Err(sentence) = cargo::build_binary() {
        return Outcome::failed(sentence);
    }
    let runner = Path::new("run.mjs");
    let mut command = Command::new("node");
    command
        .arg(runner)
        .current_dir(root().join("tests/browser"));
    command.env("LENS_BIN", cargo::binary_path());
    counted(&mut command, read_scenario)
}

/// A line of the browser scenarios' runner: a scenario that failed with what it says below, indented,
/// and the sum.
fn read_scenario(line: &str, found: &mut Outcome) {
    let sums = line.strip_suffix(" failed").is_some_and(|rest| {
        rest.split(" passed, ")
            .all(|number| number.parse::<u32>().is_ok())
    });
    if let Some(failure) = line.strip_prefix("FAILED ") {
        found.failures.push(failure.to_owned());
    } else if sums {
        found.passed = cargo::number_before(line, " passed");
    } else if let (Some(failure), true) = (found.failures.last_mut(), line.starts_with("   ")) {
        failure.push_str("\n    ");
        failure.push_str(line.trim());
    }
}

fn counted(command: &mut Command, mut count: impl FnMut(&str, &mut Outcome)) -> Outcome {
    let mut found = Outcome::default();
    let ended = command::read(command, |line| count(line, &mut found));
    if let (Err(sentence), true) = (ended, found.failures.is_empty()) {
        found.failures.push(sentence);
    }
    if found.passed == 0 && found.failures.is_empty() {
        found.failures.push("no test ran".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_scenario_is_named_with_its_words() {
        let mut found = Outcome::default();
        let printed = "ok     one (1.0 s)\nFAILED two (7.0 s) · frames/s 27\n         Error: damaged\n\
            ok     three (2.0 s)\n2 passed, 1 failed";
        printed
            .lines()
            .for_each(|line| read_scenario(line, &mut found));
        assert_eq!(
            found.failures,
            ["two (7.0 s) · frames/s 27\n    Error: damaged"]
        );
        assert_eq!(found.passed, 2);
    }
}
