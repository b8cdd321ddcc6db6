//! `cargo xtask headers`: the C header from the sources that export it.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::report::Outcome;
use crate::root;

/// In the order in which a reader of the header needs them.
const SOURCES: [&str; 15] = [
    "version",
    "codes",
    "abi",
    "last_error",
    "callbacks",
    "engine",
    "participant",
    "signal",
    "network",
    "frame",
    "transform",
    "command",
    "annotation",
    "observer",
    "stats",
];
/// Functions that come last.
const LAST: [&str; 2] = ["talk", "log"];

/// Writes the header.
pub(crate) fn write() -> ExitCode {
    let written = text().and_then(|text| {
        std::fs::write(path(), text).map_err(|error| format!("{}: {error}", path().display()))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the committed header is the one that the sources make.
pub(crate) fn check() -> Outcome {
    let committed = std::fs::read_to_string(path()).unwrap_or_default();
    match text() {
        Ok(text) if text == committed => Outcome::of(Vec::new()),
        Ok(_) => Outcome::failed("bindings/c/include/lens_media.h: run `cargo xtask headers`"),
        Err(sentence) => Outcome::failed(sentence),
    }
}

fn folder() -> PathBuf {
    root().join("bindings/c")
}

fn path() -> PathBuf {
    folder().join("include/lens_media.h")
}

fn text() -> Result<String, String> {
    let config = cbindgen::Config::from_file(folder().join("cbindgen.toml"))?;
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES.iter().chain(&LAST) {
        builder = builder.with_src(folder().join("src").join(format!("{source}.rs")));
    }
    let bindings = builder
        .generate()
        .map_err(|error| format!("cbindgen: {error}"))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).map_err(|error| error.to_string())?;
    Ok(for_c(&text))
}

/// Rust's words for its own readers are not for those of C.
fn for_c(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let comment = line.trim_start();
        if matches!(comment, "//" | "///") && lines.peek().is_some_and(|next| is_safety(next)) {
            continue;
        }
        match is_safety(line) {
            true => kept.push_str(&line.replace("# Safety", "The caller promises:")),
            false => kept.push_str(line),
        }
        kept.push('\n');
    }
    kept
}

fn is_safety(line: &str) -> bool {
    line.trim_start().trim_start_matches('/').trim() == "# Safety"
}
