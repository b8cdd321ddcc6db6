//! The licences of what is linked into a library that is handed out: who hands out a binary owes the
//! notices of all that is in it.
//!
//! Texts are those that each package brings, each once, after the packages that it is of. One that
//! brings none is listed with its expression. `deny.toml` says which licences may come in at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{cargo, command};

/// What a file of a licence or notice begins with, in small letters.
const NAMES: [&str; 5] = ["license", "licence", "copying", "notice", "copyright"];

/// The file for a package of ours: `THIRD-PARTY.txt`.
pub(crate) fn third_party(package: &str) -> Result<String, String> {
    let linked = linked(package)?;
    let asked = cargo::cargo(&["metadata", "--locked", "--format-version", "1"]);
    let metadata = command::output(&mut { asked })?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| error.to_string())?;
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut bare = BTreeSet::new();
    for each in metadata["packages"].as_array().into_iter().flatten() {
        let word = |name: &str| each[name].as_str().unwrap_or("?");
        let name = format!("{} {}", word("name"), word("version"));
        if !linked.contains(&name) {
            continue;
        }
        let name = format!("{name} ({})", word("license"));
        let folder = Path::new(word("manifest_path")).with_file_name("");
        let found = files(&folder)?;
        if found.is_empty() {
            bare.insert(name.clone());
        }
        for text in found {
            texts.entry(text).or_default().insert(name.clone());
        }
    }
    Ok(written(&texts, &bare))
}

/// Names and versions of what a package is linked with, ours left out.
fn linked(package: &str) -> Result<BTreeSet<String>, String> {
    let edges = "normal,no-proc-macro";
    let mut tree = cargo::cargo(&["tree", "--locked", "-p", package, "-e", edges]);
    tree.args(["--prefix", "none", "--no-dedupe", "--format", "{p}"]);
    let lines = command::output(&mut tree)?;
    // Ours end with where they lie.
    let foreign = lines.lines().filter(|line| !line.contains('('));
    Ok(foreign.map(|line| line.replacen(" v", " ", 1)).collect())
}

/// The texts in a package's folder, and one below it: sources of C that it compiles lie there.
fn files(folder: &Path) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    folders.extend(entries(folder)?.into_iter().filter(|path| path.is_dir()));
    for folder in folders {
        for path in entries(&folder)?.into_iter().filter(|path| path.is_file()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = name.to_lowercase();
            if NAMES.iter().any(|known| name.starts_with(known)) {
                let text = std::fs::read(&path).map_err(|error| told(&path, &error))?;
                found.push(String::from_utf8_lossy(&text).trim_end().to_owned());
            }
        }
    }
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = std::fs::read_dir(folder).map_err(|error| told(folder, &error))?;
    let mut paths: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn told(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn written(texts: &BTreeMap<String, BTreeSet<String>>, bare: &BTreeSet<String>) -> String {
    let mut out = String::from("Works of others in this library, and their licences.\n");
    let rule = "=".repeat(80);
    let list = |names: &BTreeSet<String>| {
        names
            .iter()
            .map(|name| format!("{name}\n"))
            .collect::<String>()
    };
    for (text, names) in texts {
        out.push_str(&format!("\n{rule}\n{}\n{text}\n", list(names)));
    }
    if !bare.is_empty() {
        out.push_str(&format!(
            "\n{rule}\nWithout a text of their own:\n{}",
            list(bare)
        ));
    }
    out
}
