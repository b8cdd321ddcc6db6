//! The program that times callbacks through JNI, for `cargo xtask bench sdk`.

use std::path::PathBuf;
use std::process::Command;

use super::{TESTS_RELEASE, core_jar, jdk, out, source};
use crate::command;

/// Compiles it together with the core; returns the folder of the classes. Nothing without a JDK,
/// which no other measurement needs.
pub(crate) fn classes() -> Result<Option<PathBuf>, String> {
    if !command::exists("javac") {
        return Ok(None);
    }
    let out = out();
    core_jar(&out)?;
    let core = out.join("core");
    let classes = out.join("bench");
    let sources = source("bench");
    jdk::compile(
        &sources,
        std::slice::from_ref(&core),
        TESTS_RELEASE,
        &classes,
    )?;
    command::run(
        Command::new("cp")
            .arg("-r")
            .arg(core.join("media"))
            .arg(&classes),
    )?;
    Ok(Some(classes))
}
