//! Compilers, and the library as a program of C finds it.

#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// Where the package is.
pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shared library that cargo built for these tests, beside them.
pub(crate) fn shared_library() -> PathBuf {
    let own = std::env::current_exe().expect("a test has a path");
    let found = own.with_file_name("liblens_media.so");
    assert!(found.is_file(), "{} was not built", found.display());
    found
}

/// A folder laid out as an integrator has it: `lib/` and `include/`, and programs on top.
pub(crate) struct Workshop {
    folder: TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let lib = folder.path().join("lib");
        std::fs::create_dir(&lib).expect("a folder");
        std::os::unix::fs::symlink(shared_library(), lib.join("liblens_media.so.1"))
            .expect("a link");
        std::os::unix::fs::symlink("liblens_media.so.1", lib.join("liblens_media.so"))
            .expect("a link");
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compiles a source of this package and links it.
    pub(crate) fn compile(&self, compiler: &str, source: &str, flags: &[&str]) -> PathBuf {
        let stem = Path::new(source)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        let program = self.path(&format!("{stem}-{}", flags.len()));
        let lib = self.path("lib");
        let mut command = Command::new(compiler);
        command
            .args(["-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"])
            .args(flags)
            .arg("-I")
            .arg(package().join("include"))
            .arg(package().join(source))
            .arg("-L")
            .arg(&lib)
            .args(["-llens_media", "-o"])
            .arg(&program)
            .arg(format!("-Wl,-rpath,{}", lib.display()));
        succeed(&mut command);
        program
    }
}

/// Runs it, and shows what it said when it failed.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let shown = format!("{command:?}");
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    assert!(
        output.status.success(),
        "{shown}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A program that is ended when it takes far too long: a deadlock is a failure, not a wait.
pub(crate) fn timed(program: &Path) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--signal=ABRT", "280"]).arg(program);
    command
}

/// What an integrator downloads, in a folder that was moved.
pub(crate) fn laid_out(folder: &Path) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = folder.join("moved").join("lens-media");
    let mut command = Command::new(cargo);
    command
        .args([
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--",
            "dist",
            "--libs",
        ])
        .arg(shared_library().parent().expect("a folder"))
        .arg("--out")
        .arg(&out)
        .current_dir(package());
    succeed(&mut command);
    out
}
