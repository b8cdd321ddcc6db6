//! `join` and `start`: real Chromium pages, driven by the scripts in `bench/browser`. The scripts
//! hand over samples; what is said about them is made here, as for every other measurement.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::machine::Machine;
use crate::report::Report;
use crate::statistics::{Spread, rounded};

/// What stands before the samples in a script's output.
const SAMPLES: &str = "SAMPLES ";

/// Join call to first decoded frame: p50 400 ms, p95 800 ms.
pub(crate) fn join(bin: &Path, runs: u32, machine: Machine) -> Result<Report, String> {
    let mut report = measure("join", bin, runs, machine)?;
    limit(&mut report, 50, 400.0);
    limit(&mut report, 95, 800.0);
    Ok(report.report)
}

/// Click on Start to first frame on the console: p95 1000 ms.
pub(crate) fn start(bin: &Path, runs: u32, machine: Machine) -> Result<Report, String> {
    let mut report = measure("start", bin, runs, machine)?;
    limit(&mut report, 95, 1_000.0);
    Ok(report.report)
}

struct Measured {
    report: Report,
    total: Spread,
}

fn limit(measured: &mut Measured, percent: usize, most_ms: f64) {
    let found = measured.total.percentile(percent);
    measured
        .report
        .target(&format!("total, p{percent}"), "ms", found, most_ms);
}

fn measure(
    name: &'static str,
    bin: &Path,
    runs: u32,
    machine: Machine,
) -> Result<Measured, String> {
    let samples = samples_of(name, bin, runs)?;
    let mut report = Report::new(name, machine);
    let mut columns: BTreeMap<usize, (String, Vec<f64>)> = BTreeMap::new();
    let mut totals = Vec::new();
    for run in list(&samples["runs"]) {
        totals.extend(run["total_ms"].as_f64());
        for (place, phase) in list(&run["phases"]).iter().enumerate() {
            let name = phase["name"].as_str().unwrap_or_default().to_owned();
            let column = columns.entry(place).or_insert_with(|| (name, Vec::new()));
            column.1.extend(phase["ms"].as_f64());
        }
    }
    for (name, column) in columns.into_values() {
        report.row(&name, "ms", Spread::of(column));
    }
    let total = Spread::of(totals.iter().copied()).ok_or("no run came to its end")?;
    report.row("total", "ms", Some(total.clone()));
    report.fact("runs", total.count());
    report.fact("failed", list(&samples["failures"]).len());
    report.fact("p50_ms", rounded(total.median()));
    report.fact("p95_ms", rounded(total.percentile(95)));
    report.fact("samples_ms", totals);
    report.fact("browser", samples["browser"].clone());
    for failure in list(&samples["failures"]) {
        report.note(format!("FAILED {}", failure.as_str().unwrap_or_default()));
    }
    for note in list(&samples["notes"]) {
        report.note(note.as_str().unwrap_or_default());
    }
    Ok(Measured { report, total })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Runs a script; its last word are the samples, everything before is passed through.
fn samples_of(name: &str, bin: &Path, runs: u32) -> Result<Value, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    if !folder.join("../../tests/browser/node_modules").is_dir() {
        return Err("puppeteer-core is missing: cargo xtask install".to_owned());
    }
    let mut child = Command::new("node")
        .arg(folder.join(format!("{name}.mjs")))
        .args(["--runs", &runs.to_string()])
        .env("LENS_BIN", bin)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("node cannot be run: {error}"))?;
    let out = child.stdout.take().expect("standard output was piped");
    let mut samples = None;
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        match line.strip_prefix(SAMPLES) {
            Some(text) => samples = serde_json::from_str(text).ok(),
            None => println!("{line}"),
        }
    }
    let _ = child.wait();
    samples.ok_or_else(|| format!("bench/browser/{name}.mjs gave no samples"))
}
