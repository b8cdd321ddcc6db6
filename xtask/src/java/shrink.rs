//! The tests as an app that shrinks and renames what it uses: with the rules that travel with the
//! library, and none that help it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{about, fresh, jar_name, jdk, junit, source, write};
use crate::{command, files, root};

/// Makes one jar of the library and its tests, in which only the tests keep their names.
pub(super) fn shrink(out: &Path, tests: &Path) -> Result<PathBuf, String> {
    let shrunk = out.join("shrunk.jar");
    let packed = out.join("tests.jar");
    jdk::jar(&packed, &[], &[(tests, ".")])?;
    let mut lines = vec![
        format!("-injars '{}'(!META-INF/**)", out.join(jar_name()).display()),
        format!("-injars '{}'", packed.display()),
        format!("-outjars '{}'", shrunk.display()),
        format!("-libraryjars '{}'", platform(out)?.display()),
        format!("-include '{}'", source("consumer-rules.pro").display()),
    ];
    for jar in junit::jars() {
        lines.push(format!(
            "-libraryjars '{}'(!module-info.class)",
            jar.display()
        ));
    }
    lines.push(AS_AN_APP.to_owned());
    let rules = out.join("shrink.pro");
    write(&rules, &lines.join("\n"))?;
    command::run(Command::new("proguard").arg(format!("@{}", rules.display())))?;
    Ok(shrunk)
}

/// What an app's own rules say: JUnit finds the tests by folder and name, as Android finds
/// activities. Classes of the platform that tests use and `platform` lacks are no matter.
const AS_AN_APP: &str = "
-keep class media.lens.*Test { *; }
-keepclasseswithmembers class media.lens.TestHooks { native <methods>; }
-keepclassmembers class media.lens.Participant { media.lens.Bridge bridge; }
-keepdirectories media/lens
-keepattributes *Annotation*,Signature,InnerClasses,EnclosingMethod,Exceptions
-dontwarn **
-dontnote **
-dontoptimize
";

/// The classes of Java 8, as `javac --release 8` has them: signatures in the JDK's `ct.sym`. The
/// JDK's own classes are newer than this ProGuard reads.
fn platform(out: &Path) -> Result<PathBuf, String> {
    let jar = out.join("java-8.jar");
    if jar.exists() {
        return Ok(jar);
    }
    let (packed, classes) = (out.join("ct.sym"), out.join("java-8"));
    fresh(&packed)?;
    fresh(&classes)?;
    let symbols = jdk_home()?.join("lib/ct.sym");
    let mut extract = Command::new("jar");
    extract
        .arg("--extract")
        .arg("--file")
        .arg(symbols)
        .current_dir(&packed);
    command::run(&mut extract)?;
    for path in files::below(&packed, &["sig"]) {
        let inner = path
            .strip_prefix(&packed)
            .map_err(|error| error.to_string())?;
        let mut parts = inner.iter().map(|part| part.to_string_lossy());
        let (releases, module) = (parts.next(), parts.next());
        let wanted = releases.is_some_and(|releases| releases.contains('8'))
            && module.is_some_and(|module| module == "java.base" || module == "java.logging");
        if wanted {
            let name: PathBuf = inner.iter().skip(2).collect();
            downgrade(&path, &classes.join(name).with_extension("class"))?;
        }
    }
    jdk::jar(&jar, &[], &[(&classes, ".")])?;
    Ok(jar)
}

/// Copies a class file with the version number of Java 8. Only signatures stand in it, which have
/// not changed since.
fn downgrade(from: &Path, to: &Path) -> Result<(), String> {
    let mut class = std::fs::read(from).map_err(|error| about(from, &error))?;
    if let Some(version) = class.get_mut(6..8) {
        version.copy_from_slice(&[0, 52]);
    }
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(|error| about(folder, &error))?;
    }
    std::fs::write(to, class).map_err(|error| about(to, &error))
}

fn jdk_home() -> Result<PathBuf, String> {
    let mut which = Command::new("sh");
    let found = command::output(which.args(["-c", "command -v javac"]).current_dir(root()))?;
    let javac = Path::new(found.trim()).canonicalize();
    let javac = javac.map_err(|error| format!("javac: {error}"))?;
    let home = javac.parent().and_then(Path::parent);
    home.map(Path::to_owned)
        .ok_or_else(|| "javac lies in no JDK".to_owned())
}
