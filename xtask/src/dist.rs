//! `cargo xtask dist`: everything an integrator downloads, laid out.
//!
//! ```text
//! target/dist/lens-media-0.1.0/
//!   include/   lens_media.h  lens_media.hpp  module.modulemap
//!   lib/       liblens_media.so.1  liblens_media.so  liblens_media.a
//!   lib/pkgconfig/lens-media.pc    lib/cmake/LensMedia/
//!   share/lens-media/examples/     C-API.md  licences
//! ```
//!
//! The folder can be moved: nothing in it names where it lies. Libraries are those of the machine
//! that built them; docs/C-API.md says which others were tried.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::{cargo, command, root};

/// How libraries are built that are handed out: see the root manifest.
const PROFILE: &str = "library";

/// Runs it: `[--libs DIR] [--out DIR]`. With `--libs`, libraries that are built already.
pub(crate) fn run(words: &[&str]) -> ExitCode {
    let made = option(words, "--libs")
        .map_or_else(built, Ok)
        .and_then(|libs| lay_out(&libs, &option(words, "--out").unwrap_or_else(usual)));
    match made {
        Ok(folder) => {
            println!("{}", folder.display());
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn option(words: &[&str], name: &str) -> Option<PathBuf> {
    let at = words.iter().position(|word| *word == name)?;
    words.get(at + 1).map(PathBuf::from)
}

fn usual() -> PathBuf {
    cargo::target("dist").join(format!("lens-media-{}", env!("CARGO_PKG_VERSION")))
}

fn built() -> Result<PathBuf, String> {
    library("lens-media-c", "cdylib,staticlib")
}

/// Builds all shared libraries that are handed out; returns their folder.
pub(crate) fn libraries() -> Result<PathBuf, String> {
    library("lens-media-c", "cdylib,staticlib")?;
    library("lens-media-java", "cdylib")
}

/// Builds one of them as it is handed out; returns its folder. As `rlib` beside the others it could
/// not be optimised as a whole.
pub(crate) fn library(package: &str, crate_types: &str) -> Result<PathBuf, String> {
    let arguments = [
        "rustc",
        "--locked",
        "--lib",
        "--profile",
        PROFILE,
        "-p",
        package,
        "--crate-type",
        crate_types,
    ];
    command::run(&mut cargo::cargo(&arguments))?;
    Ok(cargo::target(PROFILE))
}

fn lay_out(libs: &Path, out: &Path) -> Result<PathBuf, String> {
    let package = root().join("bindings/c");
    for name in ["lens_media.h", "lens_media.hpp", "module.modulemap"] {
        copy(
            &package.join("include").join(name),
            &out.join("include").join(name),
        )?;
    }
    let lib = out.join("lib");
    copy(
        &libs.join("liblens_media.so"),
        &lib.join("liblens_media.so.1"),
    )?;
    link("liblens_media.so.1", &lib.join("liblens_media.so"))?;
    copy(&libs.join("liblens_media.a"), &lib.join("liblens_media.a"))?;
    for name in ["LensMediaConfig.cmake", "LensMediaConfigVersion.cmake"] {
        copy(&package.join(name), &lib.join("cmake/LensMedia").join(name))?;
    }
    let template = read(&package.join("lens-media.pc.in"))?;
    let filled = template.replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    write(&lib.join("pkgconfig/lens-media.pc"), &filled)?;
    let share = out.join("share/lens-media");
    for name in ["camera.c", "viewer.c", "viewer.cpp", "ivf.h", "signals.h"] {
        copy(
            &package.join("examples").join(name),
            &share.join("examples").join(name),
        )?;
    }
    for name in ["docs/C-API.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        let to = share.join(Path::new(name).file_name().unwrap_or_default());
        copy(&root().join(name), &to)?;
    }
    Ok(out.to_owned())
}

fn prepare(path: &Path) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    prepare(to)?;
    // A former one may be in use: it keeps its bytes, as another file.
    let _ = std::fs::remove_file(to);
    let copied = std::fs::copy(from, to).map(|_| ());
    copied.map_err(|error| format!("{}: {error}", from.display()))
}

fn link(from: &str, to: &Path) -> Result<(), String> {
    let _ = std::fs::remove_file(to);
    std::os::unix::fs::symlink(from, to).map_err(|error| format!("{}: {error}", to.display()))
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    prepare(path)?;
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
