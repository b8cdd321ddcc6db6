//! How large the libraries are that an integrator ships, without symbols that nobody links by.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::report::Report;
use crate::statistics::Spread;

const TARGET_MB: f64 = 8.0;
const C: &str = "liblens_media.so";
const JAVA: &str = "liblens_media_jni.so";

/// Weighs what lies in `folder`.
pub(super) fn weigh(folder: &Path, report: &mut Report) -> Result<(), String> {
    for name in [C, JAVA] {
        let whole = size_of(&folder.join(name))?;
        let stripped = stripped(&folder.join(name))?;
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        report.row(
            &format!("{name}, as built"),
            "MB",
            Spread::of([megabytes(whole)]),
        );
        report.row(
            &format!("{name}, stripped"),
            "MB",
            Spread::of([megabytes(stripped)]),
        );
        report.fact(&format!("{name}_bytes"), stripped);
        if name == C {
            let figure = format!("{name}, stripped");
            report.target(&figure, "MB", megabytes(stripped), TARGET_MB);
        }
    }
    Ok(())
}

fn stripped(library: &Path) -> Result<u64, String> {
    let folder = TempDir::new().map_err(|error| error.to_string())?;
    let copy = folder.path().join("stripped.so");
    let mut strip = Command::new("strip");
    let ended = strip.arg("-o").arg(&copy).arg(library).status();
    match ended {
        Ok(status) if status.success() => size_of(&copy),
        Ok(status) => Err(format!("strip: {status}")),
        Err(error) => Err(format!("strip: {error}")),
    }
}

fn size_of(file: &Path) -> Result<u64, String> {
    let found = std::fs::metadata(file);
    let found = found.map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(found.len())
}
