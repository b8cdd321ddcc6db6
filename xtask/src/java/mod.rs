//! The Java face: its jar, its tests, and what an integrator downloads. Only `javac`, `jar` and the
//! like are needed, no build system.
//!
//! `cargo xtask java` makes `target/java/`; the step `java` tests it; [`dist`] lays it out. Nothing
//! of it is in the default build, which needs no JDK.

mod aar;
mod bench;
mod jdk;
mod junit;
mod page;
mod shrink;
mod testee;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) use bench::classes as bench_classes;
pub(crate) use testee::testee;

use crate::report::Outcome;
use crate::{cargo, command, dist, root};

/// Java that the core's bytecode runs on: Android's tools take it everywhere.
const RELEASE: &str = "8";
/// Java that the tests need; the newest that Debian's ProGuard reads.
const TESTS_RELEASE: &str = "11";
const LIBRARY: &str = "liblens_media_jni.so";

/// `cargo xtask java`: the native library and the jars, in `target/java`.
pub(crate) fn build() -> ExitCode {
    match make(&out()) {
        Ok(()) => {
            println!("made {}", out().display());
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

/// `cargo xtask java dist DIR`.
pub(crate) fn hand_out(to: &str) -> ExitCode {
    // Relative to the folder that the command was typed in, which cargo leaves as it is.
    match dist(Path::new(to)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn make(out: &Path) -> Result<(), String> {
    let built = dist::library("lens-media-java", "cdylib")?;
    core_jar(out)?;
    android_classes(out)?;
    copy(
        &built.join(LIBRARY),
        &out.join(format!("jni/{}/{LIBRARY}", host_folder())),
    )
}

/// Where the native library of this machine lies in what is handed out.
fn host_folder() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// The step `java`.
pub(crate) fn test() -> Outcome {
    let tests = out().join("tests");
    let prepared = native(&["--features", "lens-media-java/test-hooks"])
        .and_then(|()| cargo::build_binary())
        .and_then(|()| core_jar(&out()))
        .and_then(|()| android_classes(&out()))
        .and_then(|()| junit::compile(&out(), &tests));
    if let Err(sentence) = prepared {
        return Outcome::failed(sentence);
    }
    let jar = out().join(jar_name());
    // The app that is shrunk leaves the Android module out: Android's own classes are not here.
    let android = out().join("android");
    let mut found = junit::run(&[jar, tests.clone(), android], "the jar");
    let shrunk = shrink::shrink(&out(), &tests);
    found = found.and(match shrunk {
        Ok(shrunk) => junit::run(&[shrunk], "the shrunk jar"),
        Err(sentence) => Outcome::failed(sentence),
    });
    found = found.and(page::run());
    found = found.and(cargo::outcome(symbols()));
    found = found.and(cargo::outcome(javadoc(&out().join("javadoc"))));
    found = found.and(aar::test(&out()));
    found.and(cargo::outcome(android_javadoc(&out())))
}

/// Lays out what integrators of Java and Android download, below `to`.
pub(crate) fn dist(to: &Path) -> Result<(), String> {
    let out = out();
    make(&out)?;
    let version = version();
    copy(&out.join(jar_name()), &to.join(jar_name()))?;
    let sources = to.join(format!("lens-media-{version}-sources.jar"));
    jdk::jar(&sources, &[], &[(&source("src"), ".")])?;
    javadoc(&out.join("javadoc"))?;
    let documents = to.join(format!("lens-media-{version}-javadoc.jar"));
    jdk::jar(&documents, &[], &[(&out.join("javadoc"), ".")])?;
    let library = format!("jni/{}/{LIBRARY}", host_folder());
    copy(&out.join(&library), &to.join(&library))?;
    // No library in it: none is built here for an ABI of Android's.
    aar::lay_out(&out, &[], &to.join(aar::name()))?;
    write(
        &to.join(format!("lens-media-{version}.pom")),
        &pom(&version),
    )
}

fn pom(version: &str) -> String {
    let template = include_str!("../../../bindings/java/pom.xml");
    template.replace("@version@", version)
}

fn out() -> PathBuf {
    let debug = cargo::target("dev");
    debug.parent().unwrap_or(&debug).join("java")
}

fn source(path: &str) -> PathBuf {
    root().join("bindings/java").join(path)
}

fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

fn jar_name() -> String {
    format!("lens-media-{}.jar", version())
}

fn native(flags: &[&str]) -> Result<(), String> {
    let mut arguments = vec!["build", "--locked", "-p", "lens-media-java"];
    arguments.extend(flags);
    command::run(&mut cargo::cargo(&arguments))
}

/// Compiles and packs the core: no class of Android's is on its path.
fn core_jar(out: &Path) -> Result<(), String> {
    let classes = out.join("core");
    jdk::compile(&source("src"), &[], RELEASE, &classes)?;
    let rules = classes.join("META-INF/proguard/lens-media.pro");
    copy(&source("consumer-rules.pro"), &rules)?;
    let entries = [
        "Automatic-Module-Name: media.lens".to_owned(),
        "Implementation-Title: lens-media".to_owned(),
        format!("Implementation-Version: {}", version()),
    ];
    jdk::jar(&out.join(jar_name()), &entries, &[(&classes, ".")])
}

/// Compiles the Android module against signatures of our own, which are never packed.
fn android_classes(out: &Path) -> Result<(), String> {
    let stubs = out.join("android-stubs");
    jdk::compile(&source("android/stubs"), &[], RELEASE, &stubs)?;
    let path = [out.join("core"), stubs];
    let classes = out.join("android");
    jdk::compile(&source("android/src"), &path, RELEASE, &classes)
}

/// The core's Javadoc. Whatever is public is described, or this fails.
fn javadoc(to: &Path) -> Result<(), String> {
    document("media.lens", &source("src"), &[], to)
}

/// The Android module's, for its being whole alone.
fn android_javadoc(out: &Path) -> Result<(), String> {
    let path = [out.join("core"), out.join("android-stubs")];
    let to = out.join("javadoc-android");
    document("media.lens.android", &source("android/src"), &path, &to)
}

fn document(
    package: &str,
    sources: &Path,
    class_path: &[PathBuf],
    to: &Path,
) -> Result<(), String> {
    fresh(to)?;
    let mut javadoc = std::process::Command::new("javadoc");
    javadoc.args([
        "-quiet",
        "-Xdoclint:all",
        "-Werror",
        "-notimestamp",
        "-public",
    ]);
    javadoc
        .args(["--release", RELEASE, "-sourcepath"])
        .arg(sources);
    if !class_path.is_empty() {
        javadoc.arg("-cp").arg(jdk::joined(class_path)?);
    }
    javadoc.arg("-d").arg(to).arg(package);
    command::run(&mut javadoc)
}

/// Only what the virtual machine looks for can be seen from outside.
fn symbols() -> Result<(), String> {
    let library = cargo::target("dev").join(LIBRARY);
    let mut nm = std::process::Command::new("nm");
    let listed = command::output(nm.args(["-D", "--defined-only"]).arg(&library))?;
    let names = listed
        .lines()
        .filter_map(|line| line.split_whitespace().last());
    let foreign: Vec<&str> = names
        .filter(|name| *name != "JNI_OnLoad" && !name.starts_with("Java_media_lens_"))
        .collect();
    match foreign.as_slice() {
        [] => Ok(()),
        foreign => Err(format!("{LIBRARY} shows {}", foreign.join(", "))),
    }
}

/// An empty folder.
fn fresh(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|error| about(folder, &error))?;
    }
    std::fs::create_dir_all(folder).map_err(|error| about(folder, &error))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(|error| about(folder, &error))?;
    }
    let copied = std::fs::copy(from, to).map(|_| ());
    copied.map_err(|error| about(from, &error))
}

fn write(to: &Path, text: &str) -> Result<(), String> {
    std::fs::write(to, text).map_err(|error| about(to, &error))
}

fn about(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
