//! The Android archive: a zip of a fixed layout, made without Gradle. It holds both the core and the
//! Android module. What is for Android in it has been compiled against signatures of our own and
//! never run.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{LIBRARY, android_classes, copy, fresh, jdk, source, version, write};
use crate::report::Outcome;
use crate::{cargo, command};

/// A native library and Android's name for what it runs on.
pub(super) type Abi<'a> = (&'a str, &'a Path);

pub(super) fn name() -> String {
    format!("lens-media-android-{}.aar", version())
}

/// Lays it out. `libraries` may be empty: then the archive says what is missing by lacking it.
pub(super) fn lay_out(out: &Path, libraries: &[Abi<'_>], to: &Path) -> Result<(), String> {
    let content = out.join("aar");
    fresh(&content)?;
    copy(
        &source("android/AndroidManifest.xml"),
        &content.join("AndroidManifest.xml"),
    )?;
    let classes: [(&Path, &str); 2] = [
        (&out.join("core"), "media"),
        (&out.join("android"), "media"),
    ];
    jdk::jar(&content.join("classes.jar"), &[], &classes)?;
    copy(&source("consumer-rules.pro"), &content.join("proguard.txt"))?;
    // No resources; the plug-in wants the file all the same.
    write(&content.join("R.txt"), "")?;
    for (abi, library) in libraries {
        copy(library, &content.join(format!("jni/{abi}/{LIBRARY}")))?;
    }
    jdk::jar(to, &[], &[(&content, ".")])
}

/// Compiles the Android module and lays an archive out, with this machine's library in the place of
/// an ABI's: for the layout alone.
pub(super) fn test(out: &Path) -> Outcome {
    let laid_out = android_classes(out).and_then(|()| {
        let archive = out.join("layout-test.aar");
        let library: PathBuf = cargo::target("dev").join(LIBRARY);
        lay_out(out, &[("x86_64", &library)], &archive)?;
        let listed = command::output(
            Command::new("jar")
                .arg("--list")
                .arg("--file")
                .arg(&archive),
        )?;
        let classes = out.join("aar/classes.jar");
        let packed = command::output(Command::new("jar").arg("--list").arg("--file").arg(classes))?;
        Ok((listed, packed))
    });
    match laid_out {
        Ok((listed, packed)) => Outcome::of(judge(&listed, &packed)),
        Err(sentence) => Outcome::failed(sentence),
    }
}

fn judge(listed: &str, packed: &str) -> Vec<String> {
    let library = format!("jni/x86_64/{LIBRARY}");
    let wanted = [
        "AndroidManifest.xml",
        "classes.jar",
        "proguard.txt",
        "R.txt",
        &library,
    ];
    let has = |list: &str, name: &str| list.lines().any(|line| line == name);
    let mut failures: Vec<String> = wanted
        .iter()
        .filter(|name| !has(listed, name))
        .map(|name| format!("the AAR lacks {name}"))
        .collect();
    for class in [
        "media/lens/LensEngine.class",
        "media/lens/android/CameraSource.class",
    ] {
        if !has(packed, class) {
            failures.push(format!("classes.jar lacks {class}"));
        }
    }
    // A class of ours in the place of Android's own would be found first in an app.
    failures.extend(
        packed
            .lines()
            .filter(|name| name.starts_with("android/"))
            .map(|name| format!("classes.jar brings {name}, which is Android's")),
    );
    failures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        let listed =
            format!("AndroidManifest.xml\nclasses.jar\nproguard.txt\njni/x86_64/{LIBRARY}");
        let packed = "media/lens/LensEngine.class\nandroid/os/Bundle.class";
        let failures = judge(&listed, packed);
        assert_eq!(failures.len(), 3, "{failures:?}");
        assert_eq!(failures[0], "the AAR lacks R.txt");
    }
}
