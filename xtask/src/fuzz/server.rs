//! The server that is fuzzed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::cargo;

/// Its administrator.
pub(super) const EMAIL: &str = "fuzz@example.com";
/// Their password.
pub(super) const PASSWORD: &str = "four unrelated words walk";

const LIMITS: [&str; 5] = [
    "API__REQUESTS_PER_MINUTE_PER_KEY",
    "API__REQUESTS_PER_MINUTE_PER_ADDRESS",
    "ACCOUNTS__TRIES_PER_MINUTE",
    "SESSIONS__REDEEMS_PER_MINUTE",
    "SESSIONS__WRONG_PINS_PER_MINUTE",
];

/// The binary, without what this shell's environment would configure.
pub(super) fn lens() -> Command {
    let mut command = Command::new(cargo::binary_path());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LENS_")) {
        command.env_remove(name);
    }
    command
}

/// A running server, ended when dropped.
pub(super) struct Server {
    child: Child,
    pub(super) url: String,
}

impl Server {
    /// With an administrator, and without limits of rate: a limit is behaviour, not a fault, and
    /// would only hide what lies behind it.
    pub(super) fn start(data: &Path) -> Result<Self, String> {
        let password = data.with_extension("password");
        let beside = password.parent().unwrap_or(data);
        std::fs::create_dir_all(beside).map_err(|error| error.to_string())?;
        std::fs::write(&password, PASSWORD).map_err(|error| error.to_string())?;
        let mut command = lens();
        command.args([
            "serve",
            "--ready-json",
            "--https",
            "127.0.0.1:0",
            "--media",
            "127.0.0.1:0",
        ]);
        command
            .args(["--operator", "127.0.0.1:0", "--data-dir"])
            .arg(data);
        let administrator = format!("{EMAIL}:{}", password.display());
        command.args(["--bootstrap-admin", &administrator]);
        for limit in LIMITS {
            command.env(format!("LENS_{limit}"), "1000000");
        }
        command.env("LENS_LOG", "warn").stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("lens cannot be run: {error}"))?;
        let out = child.stdout.take().ok_or("lens has no output")?;
        let mut line = String::new();
        BufReader::new(out)
            .read_line(&mut line)
            .map_err(|error| error.to_string())?;
        let ready: Value = serde_json::from_str(&line).unwrap_or_default();
        let _ = std::fs::remove_file(&password);
        let url = ready["customer_url"]
            .as_str()
            .map(|url| url.trim_end_matches('/').to_owned());
        let server = Self {
            child,
            url: url.unwrap_or_default(),
        };
        if server.url.is_empty() {
            Err("lens did not start".to_owned())
        } else {
            Ok(server)
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
