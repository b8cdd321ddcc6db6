//! A secret in the configuration: the text itself, or the file that holds it.

use std::path::PathBuf;

use lens_protocol::SecretText;
use serde::{Deserialize, Serialize, Serializer};

/// `"the secret"`, or `{ file = "/run/secrets/token" }`. Printing it shows `[secret]` or the path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum SecretSetting {
    /// In the configuration itself or in a variable.
    Inline(SecretText),
    /// In a file of its own; one trailing line break is not part of it.
    File {
        /// Where.
        file: PathBuf,
    },
}

impl SecretSetting {
    /// The secret. The error is a sentence that names the file.
    pub fn read(&self) -> Result<SecretText, String> {
        match self {
            Self::Inline(text) => Ok(text.clone()),
            Self::File { file } => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
                let text = SecretText::new(text);
                Ok(SecretText::new(
                    text.expose().trim_end_matches(['\r', '\n']),
                ))
            }
        }
    }
}

impl Serialize for SecretSetting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        match self {
            Self::Inline(_) => serializer.serialize_str("[secret]"),
            Self::File { file } => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("file", file)?;
                map.end()
            }
        }
    }
}
