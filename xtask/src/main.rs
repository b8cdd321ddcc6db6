//! `cargo xtask`: everything done to this repository besides building it.
//!
//! `cargo xtask test` is what CI runs: it installs what the tests need, runs every check and test,
//! and ends with one line `N passed, N failed`. Start with `steps.rs` for the list.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

mod bench;
mod cargo;
mod command;
mod conformance;
mod dist;
mod docs;
mod files;
mod fuzz;
mod headers;
mod install;
mod interop;
mod java;
mod layers;
mod licences;
mod node;
mod parsers;
mod report;
mod server;
mod steps;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test                 install what is needed, then run every check and test
cargo xtask test --only NAME     one step; `cargo xtask steps` lists them
cargo xtask steps                the steps and what they check
cargo xtask install              install what the tests need (Debian, npm, PyPI)
cargo xtask check-layers         the order of crates, and that cores are pure
cargo xtask headers              write bindings/c/include/lens_media.h from the C ABI's sources
cargo xtask dist                 lay out what an integrator downloads, below target/dist
cargo xtask openapi              write docs/openapi.json from the routes
cargo xtask conformance [--json FILE | --pair A:B | --only NAME]
                                 the faces of the SDK as camera and viewer of each other
cargo xtask java                 make the jar, the native library and the Android classes
cargo xtask java dist DIR        lay out what integrators of Java and Android download
cargo xtask fuzz                 fuzz every parser of foreign bytes for ten minutes
cargo xtask fuzz --target NAME [--seconds N | FILE | --minimise]
cargo xtask bench NAME           measure join, start, sfu, allocations… (bench/README.md)";

fn main() -> ExitCode {
    if let Some(ended) = parsers::compile() {
        return ended;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => steps::run(None),
        ["test", "--only", name] => steps::run(Some(name)),
        ["check-layers"] => steps::run(Some("layers")),
        ["install"] => steps::run(Some("install")),
        ["steps"] => {
            steps::list();
            ExitCode::SUCCESS
        }
        ["headers"] => headers::write(),
        ["openapi"] => cargo::write_openapi(),
        ["conformance", words @ ..] => conformance::at_length(words),
        ["dist", words @ ..] => dist::run(words),
        ["java"] => java::build(),
        ["java", "dist", to] => java::hand_out(to),
        ["fuzz", words @ ..] => parsers::at_length(words),
        ["bench", words @ ..] if !words.is_empty() => bench::run(words),
        _ => {
            eprintln!("{HELP}");
            ExitCode::from(if words.is_empty() || words == ["--help"] {
                0
            } else {
                2
            })
        }
    }
}

/// The repository's top folder: of the clone that was asked, also where clones share a build folder
/// and this binary was built for another one.
fn root() -> PathBuf {
    let asked = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let asked = asked.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    asked
        .parent()
        .expect("xtask lies in the top folder")
        .to_owned()
}
