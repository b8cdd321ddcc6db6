//! Pages: every link inside the repository leads somewhere, every path they name exists.

use std::collections::HashSet;
use std::path::Path;

use crate::report::Outcome;
use crate::{files, root};

/// Paths in backticks that end so are taken for files of the repository.
const KNOWN: [&str; 9] = [
    ".rs", ".js", ".mjs", ".md", ".toml", ".json", ".css", ".svg", ".png",
];

/// Checks every page.
pub(crate) fn run() -> Outcome {
    let mut found = Outcome::default();
    for path in files::all(&["md"]) {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let failures = judge(&path, &text);
        if failures.is_empty() {
            found.passed += 1;
        }
        found.failures.extend(failures);
    }
    found
}

fn judge(page: &Path, text: &str) -> Vec<String> {
    let here = page.parent().unwrap_or(page);
    let shown = page
        .strip_prefix(root())
        .unwrap_or(page)
        .display()
        .to_string();
    let mut failures = Vec::new();
    for target in links(text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = if file.is_empty() {
            page.to_owned()
        } else {
            here.join(file)
        };
        if !path.exists() {
            failures.push(format!("{shown}: the link to {target} leads nowhere"));
        } else if !anchor.is_empty() && file_lacks(&path, anchor) {
            failures.push(format!("{shown}: {target} has no such heading"));
        }
    }
    for named in paths(text) {
        if !root().join(named).exists() && !here.join(named).exists() {
            failures.push(format!("{shown}: there is no `{named}`"));
        }
    }
    for (file, name) in functions(text) {
        let code = std::fs::read_to_string(root().join(&file)).unwrap_or_default();
        if !code.contains(&name) {
            failures.push(format!("{shown}: `{file}` has no `{name}`"));
        }
    }
    failures
}

/// Names in brackets behind a file: each pair of "`a/b.rs` (`one`, `two` …)".
fn functions(text: &str) -> Vec<(String, String)> {
    let prose = outside_fences(text).join(" ");
    // Wrapped lines are indented in lists.
    let prose = prose.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    let parts: Vec<&str> = prose.split('`').collect();
    for (index, file) in parts.iter().enumerate().skip(1).step_by(2) {
        let bracket = parts.get(index + 1).is_some_and(|between| *between == " (");
        if !bracket || !file.contains('/') || !KNOWN.iter().any(|end| file.ends_with(end)) {
            continue;
        }
        let words = parts[index + 2..].chunks(2);
        for word in words {
            found.push(((*file).to_owned(), word[0].to_owned()));
            if word.get(1).is_none_or(|after| after.contains(')')) {
                break;
            }
        }
    }
    found
}

/// Targets of `[text](target)` outside code.
fn links(text: &str) -> Vec<&str> {
    let prose = outside_fences(text);
    let mut found = Vec::new();
    for line in prose {
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let Some(end) = rest.find(')') else { break };
            found.push(rest[..end].split(' ').next().unwrap_or(""));
            rest = &rest[end..];
        }
    }
    found
}

/// Paths of files in single backticks, such as `server/src/wire.rs`.
fn paths(text: &str) -> Vec<&str> {
    let prose = outside_fences(text);
    let quoted = prose
        .iter()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted
        .filter(|word| word.contains('/') && !word.starts_with(['/', '.', '~', '$']))
        .filter(|word| {
            word.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
        })
        .filter(|word| KNOWN.iter().any(|end| word.ends_with(end)))
        .collect()
}

fn outside_fences(text: &str) -> Vec<&str> {
    let mut inside = false;
    let prose = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !fence && !inside
    });
    prose.collect()
}

fn file_lacks(path: &Path, anchor: &str) -> bool {
    if path.extension().is_none_or(|end| end != "md") {
        return false;
    }
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let headings = outside_fences(&text)
        .into_iter()
        .filter_map(|line| line.strip_prefix('#'));
    let anchors: HashSet<String> = headings.map(anchor_of).collect();
    !anchors.contains(anchor)
}

/// The anchor that Git hosts give a heading.
fn anchor_of(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_paths_are_found_outside_code() {
        let text = "See [a](b.md#c) and `server/src/wire.rs`.\n```\n[x](y)\n```\n`/api/x.json`";
        assert_eq!(links(text), ["b.md#c"]);
        assert_eq!(paths(text), ["server/src/wire.rs"]);
    }

    #[test]
    fn a_dead_link_and_a_dead_path_are_named() {
        let page = root().join("README.md");
        let failures = judge(
            &page,
            "[a](no-such-file.md) `xtask/src/none.rs` `xtask/src/docs.rs`",
        );
        assert_eq!(failures.len(), 2, "{failures:?}");
    }

    #[test]
    fn functions_named_behind_a_file_are_looked_up_in_it() {
        let text =
            "`xtask/src/docs.rs` (`judge`,\n   `links`), `x` (`y`), `xtask/src/main.rs` alone";
        let named = |name: &str| ("xtask/src/docs.rs".to_owned(), name.to_owned());
        assert_eq!(functions(text), [named("judge"), named("links")]);
        let page = root().join("README.md");
        let gone = ["`xtask/src/docs.rs` (`judge`, `", "no_such", "_function`)"].concat();
        let failures = judge(&page, &gone);
        assert_eq!(failures.len(), 1, "{failures:?}");
    }

    #[test]
    fn anchors_are_as_git_hosts_make_them() {
        assert_eq!(anchor_of("## Who counts what"), "who-counts-what");
        assert_eq!(anchor_of(" `lens.toml`, annotated"), "lenstoml-annotated");
    }
}
