//! Callbacks through JNI: `bindings/java/bench/CallbackTime.java` in a virtual machine of its own,
//! release library, JNI not checked.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::report::Report;
use crate::statistics::Spread;

/// What the program prints a line of JSON with, and what is behind it.
const FIGURES: [(&str, &str); 2] = [
    (
        "round_trip_ns",
        "callback through JNI, asked for and waited for",
    ),
    ("in_a_row_ns", "callback through JNI, one behind the other"),
];

/// Runs it `runs` times.
pub(super) fn measure(
    classes: &Path,
    libraries: &Path,
    runs: u32,
    report: &mut Report,
) -> Result<(), String> {
    let library = libraries.join("liblens_media_jni.so");
    let mut all: [[Vec<f64>; 2]; 2] = Default::default();
    for _ in 0..runs {
        let mut java = Command::new("java");
        java.arg(format!("-Dlens.media.library={}", library.display()));
        java.arg("-cp").arg(classes).arg("CallbackTime");
        let output = java.output().map_err(|error| format!("java: {error}"))?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let told: Value = serde_json::from_str(printed.trim())
            .map_err(|_| format!("java: {}", String::from_utf8_lossy(&output.stderr)))?;
        for ((name, _), figures) in FIGURES.iter().zip(&mut all) {
            for (part, figures) in ["p50", "p99"].iter().zip(figures) {
                let ns = told[name][part].as_f64();
                figures.push(ns.ok_or_else(|| format!("java: {printed}"))? / 1_000.0);
            }
        }
    }
    for ((_, what), figures) in FIGURES.iter().zip(all) {
        for (part, figures) in ["p50", "p99"].iter().zip(figures) {
            report.row(&format!("{what}, {part}"), "µs", Spread::of(figures));
        }
    }
    Ok(())
}
