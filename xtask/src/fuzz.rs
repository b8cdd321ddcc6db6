//! schemathesis against a running server: every operation of `/v1` and `/api`, hostile and odd
//! input, and each answer held against the description.

mod pages;
mod programs;

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::report::Outcome;
use crate::server::{Server, answer, curl};
use crate::{cargo, command, install, root};

/// Examples for each operation. More find more, and take longer: this many take about a minute.
const EXAMPLES: &str = "40";

/// A part of the API with who calls it.
struct Door {
    /// What schemathesis is configured with.
    config: String,
    /// Patterns of the paths that are called, one pass after the other.
    passes: &'static [&'static str],
}

/// Starts a server of its own, fuzzes it, stops it.
pub(crate) fn run() -> Outcome {
    if let Err(sentence) = cargo::build_binary() {
        return Outcome::failed(sentence);
    }
    let data = root().join("target/xtask-fuzz-data");
    let _ = std::fs::remove_dir_all(&data);
    let result = fuzz(&data);
    let _ = std::fs::remove_dir_all(&data);
    cargo::outcome(result)
}

fn fuzz(data: &Path) -> Result<(), String> {
    let server = Server::start(data, "127.0.0.1:0")?;
    for door in [pages::door, programs::door] {
        pass(&server, data, &door(&server, data)?)?;
    }
    Ok(())
}

fn pass(server: &Server, data: &Path, door: &Door) -> Result<(), String> {
    let config = data.join("schemathesis.toml");
    // In a file, because a command line is shown and logged.
    std::fs::write(&config, &door.config).map_err(|error| error.to_string())?;
    for paths in door.passes {
        let mut command = Command::new(install::schemathesis_path());
        command.arg("--config-file").arg(&config);
        command
            .arg("run")
            .arg(root().join("docs/openapi.json"))
            .args(["--url", &server.url]);
        command.args(["--tls-verify", "false", "--include-path-regex", paths]);
        // The same examples each time, whatever an earlier run found; one at a time, in order.
        command.args(["--generation-deterministic", "--workers", "1"]);
        command.args(["--max-examples", EXAMPLES, "--continue-on-failure"]);
        // How long an example takes on this machine is no property of the API.
        command.args(["--suppress-health-check", "all", "--no-color"]);
        // What it remembers of a run goes with the data, and does not change the next one.
        command::run(command.current_dir(data))?;
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
