//! `process`: from the start of the service until it is ready, and its memory at rest.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::machine::Machine;
use crate::product::{Product, Start};
use crate::report::Report;
use crate::statistics::Spread;

/// Rest before memory is read: what start-up leaves behind has been freed by then.
const REST: Duration = Duration::from_secs(2);
const READY_MS: f64 = 1_000.0;
const RESIDENT_MB: f64 = 40.0;

/// Starts the service `runs` times in an empty data directory, and again in the same one.
pub(crate) fn run(bin: &Path, runs: u32, machine: Machine) -> Result<Report, String> {
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let directory = TempDir::new().map_err(|error| error.to_string())?;
        first.push(Sample::take(bin, directory.path())?);
        later.push(Sample::take(bin, directory.path())?);
    }
    let mut report = Report::new("process", machine);
    let mut row = |name: &str, unit, samples: &[Sample], figure: fn(&Sample) -> f64| {
        let spread = Spread::of(samples.iter().map(figure));
        report.row(name, unit, spread.clone());
        spread
    };
    let starts = [
        row("first start until ready", "ms", &first, |it| it.ready_ms),
        row("later start until ready", "ms", &later, |it| it.ready_ms),
    ];
    row("first start, processor time", "ms", &first, |it| it.cpu_ms);
    row("later start, processor time", "ms", &later, |it| it.cpu_ms);
    let resident = [
        row("resident after a first start", "MB", &first, |it| {
            it.resident_mb
        }),
        row("resident after a later start", "MB", &later, |it| {
            it.resident_mb
        }),
    ];
    row("of it anonymous, later start", "MB", &later, |it| {
        it.anonymous_mb
    });
    for (which, spread) in ["first", "later"].iter().zip(starts) {
        let worst = spread.map_or(f64::NAN, |it| it.percentile(95));
        report.target(
            &format!("{which} start until ready, p95"),
            "ms",
            worst,
            READY_MS,
        );
    }
    for (which, spread) in ["first", "later"].iter().zip(resident) {
        let worst = spread.map_or(f64::NAN, |it| it.percentile(95));
        report.target(
            &format!("resident after a {which} start, p95"),
            "MB",
            worst,
            RESIDENT_MB,
        );
    }
    report.fact("runs", runs);
    report.note("1 MB is 1,000,000 bytes; memory is read after 2 s without any request.");
    Ok(report)
}

struct Sample {
    ready_ms: f64,
    cpu_ms: f64,
    resident_mb: f64,
    anonymous_mb: f64,
}

impl Sample {
    fn take(bin: &Path, directory: &Path) -> Result<Self, String> {
        let start = Start {
            bin,
            before: &[],
            directory,
            arguments: &[],
        };
        let product = Product::start(&start)?;
        let cpu_ms = product.cpu_s() * 1_000.0;
        std::thread::sleep(REST);
        let megabytes = |kind| product.memory_kib(kind) as f64 * 1_024.0 / 1e6;
        let sample = Self {
            ready_ms: product.took.as_secs_f64() * 1_000.0,
            cpu_ms,
            resident_mb: megabytes("VmRSS"),
            anonymous_mb: megabytes("RssAnon"),
        };
        product.stop()?;
        Ok(sample)
    }
}
