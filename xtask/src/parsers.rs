//! Coverage-guided fuzzing of every parser of foreign bytes that is ours (tests/fuzz).
//!
//! A target is a folder of `tests/fuzz/corpus/`, named like it. The build takes all dependencies
//! as `cargo test --workspace` made them; only our crates are compiled anew, by this program as
//! cargo's wrapper around the compiler ([`compile`]), which has them count what is reached. Stable
//! Rust does: the counting is a pass of LLVM's, as `cargo fuzz` has it.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::report::Outcome;
use crate::{cargo, command, root};

const PACKAGE: &str = "lens-fuzz";
const FEATURE: &str = "lens-fuzz/libfuzzer";
/// Tells this program that cargo calls it in the compiler's place.
const WRAPPING: &str = "LENS_FUZZ_COMPILE";
/// Seconds for each target when nothing else is asked for.
const LONG: u32 = 600;
/// Seconds for each target in CI, behind its whole corpus.
const BRIEF: u32 = 3;
/// Longest input, in bytes. Longer ones find the same and are slower.
const LONGEST: &str = "4096";

/// What is counted: each edge, by a byte of its own; comparisons guide the choice of bytes. Speed
/// of the optimiser, checks of a debug build.
const FLAGS: [&str; 9] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Copt-level=1",
    "-Cdebug-assertions=on",
    "-Coverflow-checks=on",
];

/// What is asked for on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    target: Option<String>,
    seconds: Option<u32>,
    minimise: bool,
    input: Option<PathBuf>,
}

/// The step of `cargo xtask test`: every kept input, then a few seconds of new ones.
pub(crate) fn run() -> Outcome {
    let program = match build() {
        Ok(program) => program,
        Err(sentence) => return Outcome::failed(sentence),
    };
    let targets = targets();
    let each =
        |found: Outcome, name: &String| found.and(cargo::outcome(fuzz(&program, name, BRIEF)));
    targets.iter().fold(Outcome::default(), each)
}

/// `cargo xtask fuzz`: at length, or one input.
pub(crate) fn at_length(words: &[&str]) -> ExitCode {
    let done = wish(words).and_then(|wish| {
        let program = build()?;
        let known = targets();
        let chosen = known
            .iter()
            .filter(|name| wish.target.as_ref().is_none_or(|target| target == *name));
        let chosen: Vec<&String> = chosen.collect();
        if chosen.is_empty() {
            return Err(format!(
                "There is no such target. There are: {}",
                known.join(", ")
            ));
        }
        for name in chosen {
            match &wish {
                Wish {
                    input: Some(input), ..
                } => command::run(fuzzer(&program, name).arg(input))?,
                Wish { minimise: true, .. } => minimise(&program, name)?,
                _ => fuzz(&program, name, wish.seconds.unwrap_or(LONG))?,
            }
        }
        Ok(())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Stands in the compiler's place when cargo builds the fuzzer; `None` when it does not. Never
/// returns when it can be run.
pub(crate) fn compile() -> Option<ExitCode> {
    std::env::var_os(WRAPPING)?;
    let mut words = std::env::args_os().skip(1);
    let mut compiler = Command::new(words.next()?);
    let words: Vec<OsString> = words.collect();
    let named = |name: &str| words.iter().any(|word| word.to_string_lossy() == name);
    if named("--crate-name") && !named("build_script_build") {
        compiler.args(FLAGS);
    }
    let error = compiler.args(&words).exec();
    eprintln!("the compiler cannot be run: {error}");
    Some(ExitCode::FAILURE)
}

fn wish(words: &[&str]) -> Result<Wish, String> {
    let mut wish = Wish::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match *word {
            "--target" => wish.target = Some((*value()?).to_owned()),
            "--seconds" => {
                let seconds = value()?.parse();
                wish.seconds = Some(seconds.map_err(|_| "--seconds wants a number")?);
            }
            "--minimise" => wish.minimise = true,
            path if !path.starts_with('-') && wish.target.is_some() => {
                let path = std::path::absolute(path);
                wish.input = Some(path.map_err(|error| error.to_string())?);
            }
            other => {
                return Err(format!(
                    "`{other}` is not understood; see cargo xtask --help"
                ));
            }
        }
    }
    Ok(wish)
}

/// Every target, sorted.
fn targets() -> Vec<String> {
    let entries = corpus().read_dir().into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn corpus() -> PathBuf {
    root().join("tests/fuzz/corpus")
}

/// Where new inputs and crashes are kept.
fn kept(name: &str) -> Result<PathBuf, String> {
    let folder = cargo::target("fuzz").join(name);
    let made = std::fs::create_dir_all(&folder);
    made.map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// Builds the fuzzer and says where it is.
fn build() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut build = cargo::cargo(&[
        "test",
        "--workspace",
        "--locked",
        "--no-run",
        "--bin",
        PACKAGE,
        "--features",
        FEATURE,
        "--message-format=json-render-diagnostics",
    ]);
    build.env("RUSTC_WORKSPACE_WRAPPER", own).env(WRAPPING, "1");
    let printed = command::output(&mut build)?;
    let messages = printed
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut programs = messages.filter_map(|message| {
        let ours = message["target"]["name"] == PACKAGE;
        let path = message["executable"].as_str().map(PathBuf::from);
        path.filter(|_| ours)
    });
    programs
        .next()
        .ok_or_else(|| "cargo named no fuzzer".to_owned())
}

fn fuzzer(program: &Path, name: &str) -> Command {
    let mut fuzzer = Command::new(program);
    fuzzer.env("LENS_FUZZ_TARGET", name);
    fuzzer.current_dir(root());
    fuzzer.args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
    fuzzer.arg(format!("-max_len={LONGEST}"));
    fuzzer
}

/// Runs one target over its corpus and what was found before, then on new inputs for `seconds`.
fn fuzz(program: &Path, name: &str, seconds: u32) -> Result<(), String> {
    let kept = kept(name)?;
    let mut fuzzer = fuzzer(program, name);
    fuzzer.arg(format!("-max_total_time={seconds}"));
    fuzzer.arg(format!("-artifact_prefix={}-", kept.display()));
    let words = root().join("tests/fuzz/words").join(name);
    if words.exists() {
        fuzzer.arg(format!("-dict={}", words.display()));
    }
    fuzzer.args([&kept, &corpus().join(name)]);
    println!("\n-- {name}");
    let mut crash = None;
    let ended = command::read(fuzzer.stderr(std::process::Stdio::inherit()), |_| {});
    if ended.is_err() {
        crash = newest(kept.parent().unwrap_or(&kept), &format!("{name}-"));
    }
    ended.map_err(|sentence| match crash {
        Some(crash) => format!(
            "{name} breaks a promise on {0}; once more: cargo xtask fuzz --target {name} {0}",
            crash.display()
        ),
        None => sentence,
    })
}

/// The newest file of a folder whose name starts so.
fn newest(folder: &Path, start: &str) -> Option<PathBuf> {
    let entries = folder.read_dir().ok()?.flatten();
    let files = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(start));
    files
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .max()
        .map(|(_, path)| path)
}

/// Takes into the committed corpus what was found and reaches something that it does not.
fn minimise(program: &Path, name: &str) -> Result<(), String> {
    let mut fuzzer = fuzzer(program, name);
    // By edges alone: told by how often each is taken as well, corpora would be ten times as large.
    fuzzer.args(["-merge=1", "-use_counters=0"]);
    fuzzer.args([corpus().join(name), kept(name)?]);
    command::run(&mut fuzzer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_understood_or_named() {
        let long = wish(&["--target", "stun", "--seconds", "30"]).expect("sound");
        assert_eq!(
            (long.target.as_deref(), long.seconds),
            (Some("stun"), Some(30))
        );
        let once = wish(&["--target", "stun", "/tmp/crash"]).expect("sound");
        assert_eq!(once.input, Some(PathBuf::from("/tmp/crash")));
        assert!(wish(&["--seconds", "soon"]).is_err());
        assert!(wish(&["--loud"]).is_err());
    }
}
