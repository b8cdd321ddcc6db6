//! Rules for files: none too long, each Rust file says first what it is.

use std::path::{Path, PathBuf};

use crate::report::Outcome;
use crate::root;

/// Longest file. Beyond, nobody reads it from top to bottom.
const LINES: usize = 800;
const SKIPPED: [&str; 6] = [
    "target",
    "node_modules",
    ".git",
    "lens-data",
    "artifacts",
    ".cache",
];

/// Checks every source file.
pub(crate) fn run() -> Outcome {
    let mut found = Outcome::default();
    for path in all(&["rs", "java", "js", "mjs", "css"]) {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let shown = path
            .strip_prefix(root())
            .unwrap_or(&path)
            .display()
            .to_string();
        match judge(&shown, &text) {
            Some(failure) => found.failures.push(failure),
            None => found.passed += 1,
        }
    }
    found
}

fn judge(shown: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    if lines > LINES {
        return Some(format!("{shown} has {lines} lines; split it below {LINES}"));
    }
    let opens = text.starts_with("//!") || text.starts_with("#!");
    (shown.ends_with(".rs") && !opens)
        .then(|| format!("{shown} does not open with `//!`: what it is, what it promises"))
}

/// Every file of the repository with one of these extensions, sorted.
pub(crate) fn all(extensions: &[&str]) -> Vec<PathBuf> {
    below(&root(), extensions)
}

/// Every file below a folder with one of these extensions, sorted.
pub(crate) fn below(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(folder, extensions, &mut files);
    files.sort();
    files
}

fn collect(dir: &Path, extensions: &[&str], files: &mut Vec<PathBuf>) {
    let Ok(entries) = dir.read_dir() else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if !SKIPPED.iter().any(|skipped| name == *skipped) {
                collect(&path, extensions, files);
            }
        } else if path
            .extension()
            .is_some_and(|found| extensions.iter().any(|e| found == *e))
        {
            files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_silent_files_are_named() {
        assert_eq!(judge("a.rs", "//! What it is.\n"), None);
        assert!(judge("a.rs", "use std;\n").is_some_and(|s| s.contains("does not open")));
        assert!(judge("a.js", &"\n".repeat(801)).is_some_and(|s| s.contains("801 lines")));
    }
}
