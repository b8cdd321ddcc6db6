//! Configuration in layers: built-in defaults, then `lens.toml`, then `LENS_*` variables, then
//! flags; the later one wins.
//!
//! Each concern has a struct of its own in the crate that owns it; the program gathers them in one
//! [`Settings`] type and loads it here. Every complaint names its place: file, line and column,
//! the variable, or the flag. All is judged before any port opens.
//!
//! A variable's name is `LENS_` and the key in capitals, with two underscores between section and
//! key: `LENS_HTTPS__LISTEN=0.0.0.0:443`. Its value is read as TOML (`8`, `true`, `["a"]`) and,
//! where that fails, as text.

mod secret;

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

pub use secret::SecretSetting;

/// A whole configuration. Its `Serialize` is what `config print` shows, so secrets in it are
/// [`SecretSetting`]s, which redact themselves.
pub trait Settings: Serialize + DeserializeOwned + Default {
    /// Everything that is wrong beyond its type: ranges, pairs that do not fit, missing files.
    fn check(&self) -> Vec<Complaint>;
}

/// One setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The dotted key, such as `https.listen`.
    pub key: String,
    /// What is wrong and what to do, as a sentence without the key.
    pub sentence: String,
}

impl Complaint {
    /// A complaint about `key`.
    pub fn new(key: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            sentence: sentence.into(),
        }
    }
}

/// A configuration that cannot be used: one line for each complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    fn one(line: String) -> Self {
        Self(vec![line])
    }
}

/// The layers above the defaults, lowest first.
#[derive(Debug, Default)]
pub struct Layers {
    file: Option<(PathBuf, String)>,
    overrides: Vec<Override>,
}

#[derive(Debug)]
struct Override {
    source: String,
    path: Vec<String>,
    value: Value,
}

impl Layers {
    /// Reads the configuration file at `path`.
    pub fn file(mut self, path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let shown = path.display();
            ConfigError::one(format!(
                "{shown}: the configuration cannot be read: {error}"
            ))
        })?;
        self.file = Some((path.to_owned(), text));
        Ok(self)
    }

    /// Takes every `LENS_*` variable but the `reserved` ones, which are no settings.
    pub fn environment(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
        reserved: &[&str],
    ) -> Self {
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix("LENS_") else {
                continue;
            };
            if reserved.contains(&name.as_str()) {
                continue;
            }
            let path = rest.split("__").map(str::to_ascii_lowercase).collect();
            let value = value_of(&text);
            self.overrides.push(Override {
                source: name,
                path,
                value,
            });
        }
        self
    }

    /// Sets `key` (dotted) because the flag `source` said so.
    pub fn flag(&mut self, source: &str, key: &str, value: impl Into<Value>) {
        self.overrides.push(Override {
            source: source.to_owned(),
            path: key.split('.').map(str::to_owned).collect(),
            value: value.into(),
        });
    }

    /// Merges, types and judges everything.
    pub fn load<C: Settings>(&self) -> Result<C, ConfigError> {
        let mut table = Table::new();
        let mut settings = C::default();
        if let Some((path, text)) = &self.file {
            let place = |span: Option<Range<usize>>| position(path, text, span);
            settings = toml::from_str(text).map_err(|error| {
                ConfigError::one(format!("{}: {}", place(error.span()), plain(&error)))
            })?;
            table = toml::from_str(text).map_err(|error| {
                ConfigError::one(format!("{}: {}", place(error.span()), plain(&error)))
            })?;
        }
        for layer in &self.overrides {
            let refused = |why: &str| {
                let key = layer.path.join(".");
                ConfigError::one(format!("{} (sets {key}): {why}", layer.source))
            };
            insert(&mut table, &layer.path, layer.value.clone()).map_err(refused)?;
            settings = C::deserialize(table.clone()).map_err(|error| refused(&plain(&error)))?;
        }
        let complaints = settings.check();
        if complaints.is_empty() {
            return Ok(settings);
        }
        Err(ConfigError(
            complaints
                .iter()
                .map(|complaint| self.locate(complaint))
                .collect(),
        ))
    }

    /// The complaint with the place its setting came from.
    fn locate(&self, complaint: &Complaint) -> String {
        let Complaint { key, sentence } = complaint;
        let path: Vec<&str> = key.split('.').collect();
        let last = self.overrides.iter().rev().find(|layer| layer.path == path);
        if let Some(layer) = last {
            return format!("{} (sets {key}): {sentence}", layer.source);
        }
        let in_file = self.file.as_ref().and_then(|(file, text)| {
            span_of(text, &path).map(|span| position(file, text, Some(span)))
        });
        match in_file {
            Some(place) => format!("{place}: {key}: {sentence}"),
            None => format!("{key}: {sentence}"),
        }
    }
}

/// One line of what the TOML reader says.
fn plain(error: &toml::de::Error) -> String {
    match error.message().trim() {
        "invalid socket address syntax" => {
            "expected an address and a port, as \"0.0.0.0:8443\" or \"[::]:8443\"".to_owned()
        }
        other => other.replace('\n', "; "),
    }
}

fn value_of(text: &str) -> Value {
    let line = format!("value = {text}");
    let parsed = toml::from_str::<Table>(&line)
        .ok()
        .filter(|table| table.len() == 1);
    let value = parsed.and_then(|mut table| table.remove("value"));
    match value {
        // A date typed into a variable is text that happens to look like one.
        Some(Value::Datetime(_)) | None => Value::String(text.to_owned()),
        Some(value) => value,
    }
}

fn insert(table: &mut Table, path: &[String], value: Value) -> Result<(), &'static str> {
    let (last, sections) = path.split_last().ok_or("the key is empty")?;
    let mut table = table;
    for section in sections {
        let entry = table
            .entry(section.clone())
            .or_insert_with(|| Value::Table(Table::new()));
        table = entry
            .as_table_mut()
            .ok_or("the file sets this section to a plain value")?;
    }
    table.insert(last.clone(), value);
    Ok(())
}

fn span_of(text: &str, path: &[&str]) -> Option<Range<usize>> {
    let root = DeTable::parse(text).ok()?;
    let (first, rest) = path.split_first()?;
    let mut found = root
        .get_ref()
        .iter()
        .find(|(key, _)| key.get_ref() == first)?
        .1;
    for name in rest {
        let DeValue::Table(table) = found.get_ref() else {
            break;
        };
        match table.iter().find(|(key, _)| key.get_ref() == name) {
            Some((_, value)) => found = value,
            None => break,
        }
    }
    Some(found.span())
}

fn position(path: &Path, text: &str, span: Option<Range<usize>>) -> String {
    let Some(before) = span.and_then(|span| text.get(..span.start)) else {
        return path.display().to_string();
    };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("{}:{line}:{column}", path.display())
}

/// The configuration as TOML, secrets redacted.
pub fn print<C: Settings>(settings: &C) -> String {
    toml::to_string_pretty(settings).expect("settings are plain tables")
}

#[cfg(test)]
mod tests {
    use lens_protocol::SecretText;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Program {
        organisation: String,
        https: Https,
        internal_token: Option<SecretSetting>,
    }

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Https {
        listen: String,
        workers: u8,
    }

    impl Default for Https {
        fn default() -> Self {
            Self {
                listen: "[::]:8443".to_owned(),
                workers: 1,
            }
        }
    }

    impl Settings for Program {
        fn check(&self) -> Vec<Complaint> {
            let zero = self.https.workers == 0;
            zero.then(|| Complaint::new("https.workers", "use 1 or more"))
                .into_iter()
                .collect()
        }
    }

    fn layers(text: &str) -> Layers {
        Layers {
            file: Some(("lens.toml".into(), text.to_owned())),
            overrides: Vec::new(),
        }
    }

    fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_later_layer_wins() {
        let mut layers = layers("organisation = \"File\"\n[https]\nworkers = 2\nlisten = \"a\"\n")
            .environment(
                variables(&[
                    ("LENS_HTTPS__WORKERS", "3"),
                    ("LENS_HTTPS__LISTEN", "b"),
                    ("HOME", "/"),
                ]),
                &[],
            );
        layers.flag("--https", "https.listen", "c");
        let program: Program = layers.load().expect("valid");
        assert_eq!(program.organisation, "File");
        assert_eq!(
            (program.https.workers, program.https.listen.as_str()),
            (3, "c")
        );
    }

    #[test]
    fn a_complaint_about_the_file_says_line_and_column() {
        for (text, expected) in [
            (
                "[https]\nworkers = \"many\"\n",
                "lens.toml:2:11: invalid type",
            ),
            (
                "[https]\n\nwrokers = 1\n",
                "lens.toml:3:1: unknown field `wrokers`",
            ),
            ("[https\n", "lens.toml:1:7: "),
            (
                "[https]\nlisten = \"a\"\nworkers = 0\n",
                "lens.toml:3:11: https.workers: use 1",
            ),
        ] {
            let error = layers(text).load::<Program>().expect_err("bad").to_string();
            assert!(error.starts_with(expected), "{text:?} gave {error:?}");
        }
    }

    #[test]
    fn a_complaint_about_a_variable_or_flag_names_it() {
        let typed = Layers::default()
            .environment(variables(&[("LENS_HTTPS__WORKERS", "many")]), &[])
            .load::<Program>()
            .expect_err("bad")
            .to_string();
        assert!(
            typed.starts_with("LENS_HTTPS__WORKERS (sets https.workers): "),
            "{typed}"
        );
        let mut flags = Layers::default();
        flags.flag("--workers", "https.workers", 0);
        let judged = flags.load::<Program>().expect_err("bad").to_string();
        assert_eq!(judged, "--workers (sets https.workers): use 1 or more");
        let unknown = Layers::default()
            .environment(
                variables(&[("LENS_TYPO", "1"), ("LENS_LOG", "debug")]),
                &["LENS_LOG"],
            )
            .load::<Program>()
            .expect_err("bad")
            .to_string();
        assert!(
            unknown.starts_with("LENS_TYPO (sets typo): unknown field"),
            "{unknown}"
        );
    }

    #[test]
    fn what_is_printed_holds_no_secret() {
        let program: Program = layers("internal_token = \"canary-canary\"\n")
            .load()
            .expect("valid");
        let token = program
            .internal_token
            .as_ref()
            .expect("set")
            .read()
            .expect("inline");
        assert_eq!(token, SecretText::new("canary-canary"));
        let shown = print(&program);
        assert!(
            shown.contains("[secret]") && !shown.contains("canary"),
            "{shown}"
        );
        assert!(!format!("{program:?}").contains("canary"));
    }
}
