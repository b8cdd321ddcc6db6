//! The Java face's testee in the conformance suite.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{LIBRARY, TESTS_RELEASE, about, core_jar, jdk, native, out, write};
use crate::{cargo, root};

/// Compiles it, and writes `launcher`, a script that starts it under checked JNI.
pub(crate) fn testee(launcher: &Path) -> Result<(), String> {
    native(&["--features", "lens-media-java/test-hooks"])?;
    let out = out();
    core_jar(&out)?;
    let core = out.join("core");
    let classes = out.join("testee");
    let sources = root().join("tests/conformance/testees/java");
    jdk::compile(
        &sources,
        std::slice::from_ref(&core),
        TESTS_RELEASE,
        &classes,
    )?;
    let library = cargo::target("dev").join(LIBRARY);
    let script = format!(
        "#!/bin/sh\nexec java -Xcheck:jni -Dlens.media.library='{}' -cp '{}:{}' Testee\n",
        library.display(),
        core.display(),
        classes.display(),
    );
    write(launcher, &script)?;
    let runs = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(launcher, runs).map_err(|error| about(launcher, &error))
}
