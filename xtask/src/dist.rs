//! `cargo xtask dist`: everything an integrator downloads, laid out.
//!
//! ```text
//! target/dist/lens-media-0.1.0/
//!   include/   lens_media.h  lens_media.hpp  module.modulemap
//!   lib/       liblens_media.so.1  liblens_media.so  liblens_media.a
//!   lib/pkgconfig/lens-media.pc    lib/cmake/LensMedia/
//!   share/lens-media/              C-API.md  examples/  licences, also of what is linked in
//! ```
//!
//! The folder can be moved: nothing in it names where it lies. Libraries are those of the machine
//! that built them; docs/C-API.md says which others were tried.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::{cargo, command, licences, root};

/// How libraries are built that are handed out: see the root manifest.
const PROFILE: &str = "library";

/// Runs it: `[--libs DIR] [--out DIR]`. With `--libs`, libraries that are built already.
pub(crate) fn run(words: &[&str]) -> ExitCode {
    let made = options(words).and_then(|(libs, out)| {
        let libs = libs.map_or_else(built, Ok)?;
        lay_out(&libs, &out.unwrap_or_else(usual))
    });
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

/// `--libs` and `--out`. Whatever else is said is a slip: the build that follows takes minutes.
fn options(words: &[&str]) -> Result<(Option<PathBuf>, Option<PathBuf>), String> {
    let (mut libs, mut out) = (None, None);
    for pair in words.chunks(2) {
        match pair {
            ["--libs", folder] => libs = Some(PathBuf::from(folder)),
            ["--out", folder] => out = Some(PathBuf::from(folder)),
            _ => {
                return Err(format!(
                    "cargo xtask dist [--libs DIR] [--out DIR], not {pair:?}"
                ));
            }
        }
    }
    Ok((libs, out))
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
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        copy(&root().join(name), &share.join(name))?;
    }
    let others = licences::third_party("lens-media-c")?;
    write(&share.join("THIRD-PARTY.txt"), &others)?;
    let page = read(&root().join("docs/C-API.md"))?;
    let page = page.replace("](../bindings/c/include/", "](../../include/");
    write(&share.join("C-API.md"), &page)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_before_anything_is_built() {
        let folder = || Some(PathBuf::from("x"));
        assert_eq!(options(&[]), Ok((None, None)));
        assert_eq!(
            options(&["--out", "x", "--libs", "x"]),
            Ok((folder(), folder()))
        );
        for slip in [
            &["--out"][..],
            &["--lib", "x"],
            &["x"],
            &["--out", "x", "y"],
        ] {
            assert!(options(slip).is_err(), "{slip:?}");
        }
    }
}
