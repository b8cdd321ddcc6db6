//! The steps of `cargo xtask test`, cheap ones first.

use std::process::ExitCode;
use std::time::Instant;

use crate::report::{Line, Outcome, close};
use crate::{
    cargo, conformance, docs, files, fuzz, headers, install, interop, java, layers, node, parsers,
};

/// One step.
struct Step {
    name: &'static str,
    checks: &'static str,
    run: fn() -> Outcome,
}

const STEPS: &[Step] = &[
    Step {
        name: "install",
        checks: "what the tests need is there",
        run: install::run,
    },
    Step {
        name: "format",
        checks: "cargo fmt --check",
        run: cargo::format,
    },
    Step {
        name: "files",
        checks: "length of files, opening line of each",
        run: files::run,
    },
    Step {
        name: "layers",
        checks: "order of crates; cores are pure",
        run: layers::run,
    },
    Step {
        name: "headers",
        checks: "lens_media.h is what its sources make",
        run: headers::check,
    },
    Step {
        name: "docs",
        checks: "links and paths in every page resolve",
        run: docs::run,
    },
    Step {
        name: "clippy",
        checks: "cargo clippy, warnings are errors",
        run: cargo::clippy,
    },
    Step {
        name: "types",
        checks: "tsc --checkJs over the browser code",
        run: node::types,
    },
    Step {
        name: "sdk",
        checks: "node --test of html5-sdk",
        run: node::sdk,
    },
    Step {
        name: "rust",
        checks: "cargo test --workspace",
        run: cargo::test,
    },
    Step {
        name: "codecs",
        checks: "the MediaSDK with software codecs: H264, Opus, VP8",
        run: cargo::codecs,
    },
    Step {
        name: "java",
        checks: "JUnit of bindings/java, whole and shrunk, with checked JNI; Javadoc; AAR",
        run: java::test,
    },
    Step {
        name: "parsers",
        checks: "fuzz targets of every parser of foreign bytes, briefly",
        run: parsers::run,
    },
    Step {
        name: "fuzz",
        checks: "schemathesis against /v1 and /api",
        run: fuzz::run,
    },
    Step {
        name: "interop",
        checks: "GStreamer and aiortc by WHIP and WHEP",
        run: interop::run,
    },
    Step {
        name: "conformance",
        checks: "faces of the SDK against each other",
        run: conformance::run,
    },
    Step {
        name: "browser",
        checks: "real browsers on the real pages",
        run: node::browser,
    },
];

/// Runs all steps, or one.
pub(crate) fn run(only: Option<&str>) -> ExitCode {
    let chosen: Vec<&Step> = STEPS
        .iter()
        .filter(|step| only.is_none_or(|name| step.name == name))
        .collect();
    if chosen.is_empty() {
        eprintln!("There is no such step. `cargo xtask steps` lists them.");
        return ExitCode::from(2);
    }
    let mut lines = Vec::new();
    for step in chosen {
        println!("\n== {}: {}", step.name, step.checks);
        let started = Instant::now();
        let outcome = (step.run)();
        for failure in &outcome.failures {
            println!("FAILED {failure}");
        }
        lines.push(Line {
            step: step.name,
            took: started.elapsed(),
            outcome,
        });
    }
    if close(&lines) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Prints the steps.
pub(crate) fn list() {
    for step in STEPS {
        println!("{:10} {}", step.name, step.checks);
    }
}
