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
/// Scopes of the key that fuzzes: all a program can have.
const SCOPES: [&str; 4] = [
    "conferences:write",
    "conferences:read",
    "participants:write",
    "nodes:read",
];

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
    let api = Api {
        url: server.url.clone(),
        key: key(data)?,
    };
    let room = api.post("/v1/conferences", r#"{"max_participants": 16}"#)?;
    let people = format!("/v1/conferences/{}/participants", text(&room["id"]));
    let joined = api.post(&people, r#"{"role": "camera", "display_name": "Margit"}"#)?;
    let config = data.join("schemathesis.toml");
    // In a file, because a command line is shown and logged.
    std::fs::write(&config, api.config(&room, &joined)).map_err(|error| error.to_string())?;
    // The only node is drained last: nothing can be made afterwards.
    for paths in ["^/v1/(?!nodes/.*/drain)", "^/v1/nodes/.*/drain"] {
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

fn key(data: &Path) -> Result<String, String> {
    let mut add = lens();
    add.args(["admin", "api-key", "add", "fuzz", "--data-dir"])
        .arg(data);
    for scope in SCOPES {
        add.args(["--scope", scope]);
    }
    let printed = command::output(&mut add)?;
    let mut words = printed.split_whitespace();
    let key = words.find(|word| word.starts_with("lens_"));
    key.map(str::to_owned)
        .ok_or_else(|| "`lens admin api-key add` printed no key".to_owned())
}

/// The server's API, called by curl.
struct Api {
    url: String,
    key: String,
}

impl Api {
    fn post(&self, path: &str, body: &str) -> Result<Value, String> {
        let mut curl = Command::new("curl");
        curl.args(["-sfk", "-H", "Content-Type: application/json", "-d", body]);
        curl.arg("-H")
            .arg(format!("Authorization: Bearer {}", self.key));
        let printed = command::output(curl.arg(format!("{}{path}", self.url)))?;
        serde_json::from_str(&printed).map_err(|error| format!("{path}: {error}"))
    }

    /// Every check of schemathesis is on but one: an ended conference is still there for an hour, so
    /// it can be read after its deletion. What valid requests may get besides success: 409, 410 and
    /// 422, because the description cannot say what depends on the state (a conference that has
    /// ended, a region without a node, an Idempotency-Key used before), what an SDP is, and that
    /// 1.0 is not taken for the integer 1. Invalid ones may be too large (413).
    ///
    /// Calls about one participant are about one who is there, since no invented id is; a question
    /// for events does not wait for any.
    fn config(&self, room: &Value, joined: &Value) -> String {
        let (key, id, pid) = (&self.key, text(&room["id"]), text(&joined["participant"]));
        format!(
            r#"
[headers]
Authorization = "Bearer {key}"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "410", "422"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "410", "413", "415", "422"]

[checks.use_after_free]
enabled = false

[[operations]]
include-path-regex = "/participants/.*/(answer|ice|offer|timeline)$"
parameters = {{ "path.id" = "{id}", "path.pid" = "{pid}" }}

[[operations]]
include-path = "/v1/events"
parameters = {{ wait_s = 0 }}
"#
        )
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
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
        // A rate limit is behaviour, not a fault, and would only hide what lies behind it.
        for limit in ["KEY", "ADDRESS"] {
            command.env(
                format!("LENS_API__REQUESTS_PER_MINUTE_PER_{limit}"),
                "1000000",
            );
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
