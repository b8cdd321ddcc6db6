//! A server for a step of its own: fuzzed, or met with other programs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::{cargo, command};

/// Its administrator.
pub(crate) const EMAIL: &str = "fuzz@example.com";
/// Their password.
pub(crate) const PASSWORD: &str = "four unrelated words walk";

const LIMITS: [&str; 5] = [
    "API__REQUESTS_PER_MINUTE_PER_KEY",
    "API__REQUESTS_PER_MINUTE_PER_ADDRESS",
    "ACCOUNTS__TRIES_PER_MINUTE",
    "SESSIONS__REDEEMS_PER_MINUTE",
    "SESSIONS__WRONG_PINS_PER_MINUTE",
];

/// The binary, without what this shell's environment would configure.
pub(crate) fn lens() -> Command {
    let mut command = Command::new(cargo::binary_path());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LENS_")) {
        command.env_remove(name);
    }
    command
}

/// A running server, ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    /// With an administrator, and without limits of rate: a limit is behaviour, not a fault, and
    /// would only hide what lies behind it.
    /// Media is taken at `media`.
    pub(crate) fn start(data: &Path, media: &str) -> Result<Self, String> {
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
            media,
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

/// A new API key with these scopes.
pub(crate) fn key(data: &Path, scopes: &[&str]) -> Result<String, String> {
    let mut add: Command = lens();
    add.args(["admin", "api-key", "add", "xtask", "--data-dir"])
        .arg(data);
    for scope in scopes {
        add.args(["--scope", scope]);
    }
    let printed = command::output(&mut add)?;
    let mut words = printed.split_whitespace();
    let key = words.find(|word| word.starts_with("lens_"));
    key.map(str::to_owned)
        .ok_or_else(|| "`lens admin api-key add` printed no key".to_owned())
}

/// A call that sends JSON.
pub(crate) fn curl(url: &str, path: &str, body: &str) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["-sfk", "-H", "Content-Type: application/json", "-d", body]);
    curl.arg(format!("{url}{path}"));
    curl
}

/// The JSON that a call is answered with.
pub(crate) fn answer(call: &mut Command) -> Result<Value, String> {
    let printed = command::output(call)?;
    serde_json::from_str(&printed).map_err(|error| format!("no JSON came back: {error}"))
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
