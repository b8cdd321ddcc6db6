//! `javac` and `jar`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{about, fresh, write};
use crate::{command, files};

/// Compiles all sources below a folder into a fresh one. A warning is an error.
pub(super) fn compile(
    sources: &Path,
    class_path: &[PathBuf],
    release: &str,
    classes: &Path,
) -> Result<(), String> {
    fresh(classes)?;
    let listed = classes.with_extension("sources");
    let own: Vec<String> = files::below(sources, &["java"])
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    write(&listed, &own.join("\n"))?;
    let mut javac = Command::new("javac");
    // `options`: that release 8 will be gone one day. `path`: Debian's jars name jars that it lacks.
    // `try`: of tests that hold something open while they wait.
    javac.args([
        "-Xlint:all,-options,-path,-try",
        "-Werror",
        "-encoding",
        "UTF-8",
    ]);
    javac.args(["--release", release, "-d"]).arg(classes);
    if !class_path.is_empty() {
        javac.arg("-cp").arg(joined(class_path)?);
    }
    command::run(javac.arg(format!("@{}", listed.display())))
}

/// Packs contents of folders, the same bytes each time.
pub(super) fn jar(
    file: &Path,
    manifest: &[String],
    contents: &[(&Path, &str)],
) -> Result<(), String> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| about(folder, &error))?;
    }
    let mut jar = Command::new("jar");
    jar.args(["--create", "--date=1980-01-01T00:00:02Z", "--file"])
        .arg(file);
    if manifest.is_empty() {
        jar.arg("--no-manifest");
    } else {
        let written = file.with_extension("manifest");
        write(&written, &format!("{}\n", manifest.join("\n")))?;
        jar.arg("--manifest").arg(written);
    }
    for (folder, name) in contents {
        jar.arg("-C").arg(folder).arg(name);
    }
    command::run(&mut jar)
}

/// A class path.
pub(super) fn joined(paths: &[PathBuf]) -> Result<std::ffi::OsString, String> {
    std::env::join_paths(paths).map_err(|error| error.to_string())
}
