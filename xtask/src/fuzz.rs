//! schemathesis against a running server: every operation of `/v1`, hostile and odd input, and
//! each answer held against the description.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::report::Outcome;
use crate::{cargo, command, install, root};

/// Examples for each operation. More find more, and take longer: this many take about a minute.
const EXAMPLES: &str = "40";
/// The same run each time; a seed that found something is put into the tests of its route.
const SEED: &str = "20261122";

/// Starts a server of its own, fuzzes it, stops it.
pub(crate) fn run() -> Outcome {
    if let Err(sentence) = cargo::build_binary() {
        return Outcome::failed(sentence);
    }
    let data = root().join("target/xtask-fuzz-data");
    let _ = std::fs::remove_dir_all(&data);
    let result = Server::start(&data).and_then(|server| fuzz(&server, &data));
    let _ = std::fs::remove_dir_all(&data);
    cargo::outcome(result)
}

fn fuzz(server: &Server, data: &Path) -> Result<(), String> {
    let mut add = lens();
    add.args(["admin", "api-key", "add", "fuzz", "--data-dir"])
        .arg(data);
    for scope in [
        "conferences:write",
        "conferences:read",
        "participants:write",
        "nodes:read",
    ] {
        add.args(["--scope", scope]);
    }
    let printed = command::output(&mut add)?;
    let key = printed
        .split_whitespace()
        .find(|word| word.starts_with("lens_"));
    let key = key.ok_or("`lens admin api-key add` printed no key")?;
    let config = data.join("schemathesis.toml");
    // In a file, because a command line is shown and logged.
    let text = format!("[headers]\nAuthorization = \"Bearer {key}\"\n");
    std::fs::write(&config, text).map_err(|error| error.to_string())?;
    let mut command = Command::new(install::schemathesis_path());
    command.arg("--config-file").arg(&config);
    command.args([
        "run",
        "docs/openapi.json",
        "--url",
        &server.url,
        "--tls-verify",
        "false",
    ]);
    command.args(["--max-examples", EXAMPLES, "--seed", SEED, "--no-color"]);
    // Rate limits and draining the only node are behaviour, not faults; see docs/API.md.
    command.args(["--exclude-path-regex", "drain|/events"]);
    command.args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"]);
    command::run(command.current_dir(root()))
}

fn lens() -> Command {
    let mut command = Command::new(cargo::binary_path());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LENS_")) {
        command.env_remove(name);
    }
    command
}

struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(data: &Path) -> Result<Self, String> {
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
