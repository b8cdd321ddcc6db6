//! What scenarios measured last, in the repository: a change of behaviour is seen in a diff.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::frames::Seen;

/// The figures of one scenario.
pub(super) struct Figures {
    name: &'static str,
    text: String,
}

impl Figures {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            text: String::new(),
        }
    }

    /// What a viewer saw.
    pub(super) fn note(&mut self, what: &str, seen: &Seen) {
        self.line(&format!(
            "{what}: in time {:.4}, {} pictures, p95 {} ms, frozen {:.4}",
            seen.in_time,
            seen.pictures,
            seen.delay_p95.as_millis(),
            seen.frozen
        ));
    }

    pub(super) fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("text");
    }

    /// Holds them against those in the repository; `LENS_FIGURES=write` writes them there.
    pub(super) fn compare(self) {
        let path = format!("src/simulation/figures/{}.txt", self.name);
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
        if std::env::var_os("LENS_FIGURES").is_some_and(|it| it == "write") {
            std::fs::write(&path, &self.text).expect("written");
        }
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            known, self.text,
            "behaviour has changed: run again with LENS_FIGURES=write and judge the diff of {path:?}"
        );
    }
}
