//! `sdk`: what the MediaSDK costs the program that links it.
//!
//! Host programs are processes of their own (`lens-bench sdk-part`), on the cores beside the
//! server's: what they use is the library's and the few lines' that drive it.

mod child;
mod idle;
mod java;
mod libraries;
mod part;
mod receive;
mod relay;
mod sender;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use part::run as part;

use crate::hub::surroundings::leave_the_products_core;
use crate::machine::Machine;
use crate::report::Report;

/// How much of it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Starts of each measurement.
    pub(crate) runs: u32,
    pub(crate) window: Duration,
    /// Where the shared libraries are; without it they are not weighed.
    pub(crate) libraries: Option<PathBuf>,
    /// Where the Java classes are; without it there are no figures of JNI.
    pub(crate) classes: Option<PathBuf>,
    /// What is measured, of `sender`, `idle`, `receive`, `libraries`, `java`; nothing means all.
    pub(crate) only: Vec<String>,
}

/// Runs everything.
pub(crate) fn run(bin: &Path, plan: &Plan, machine: Machine) -> Result<Report, String> {
    let apart = leave_the_products_core(machine.cores());
    let mut report = Report::new("sdk", machine);
    if !apart {
        report.note("server and host programs share a core: figures are too high");
    }
    let wants = |name: &str| plan.only.is_empty() || plan.only.iter().any(|it| it == name);
    if wants("sender") {
        sender::measure(bin, plan.runs, plan.window, &mut report)?;
    }
    if wants("idle") {
        idle::measure(bin, plan.runs, &mut report)?;
    }
    if wants("receive") {
        receive::measure(bin, plan.runs, plan.window, &mut report)?;
    }
    match &plan.libraries {
        Some(libraries) if wants("libraries") => libraries::weigh(libraries, &mut report)?,
        _ => report.note("the libraries were not weighed"),
    }
    match (&plan.classes, &plan.libraries) {
        (Some(classes), Some(libraries)) if wants("java") => {
            java::measure(classes, libraries, plan.runs, &mut report)?;
        }
        _ => report.note("callbacks through JNI were not measured"),
    }
    report.fact("runs", plan.runs);
    report.fact("window_s", plan.window.as_secs());
    Ok(report)
}
