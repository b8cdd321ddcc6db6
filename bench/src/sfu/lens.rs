//! Our own server, through its public API.

use std::collections::HashMap;
use std::path::Path;

use lens_tests::http::Http;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::load::{Client, Part};
use super::server::{Deliver, SERVERS_CORE, Server};
use crate::product::{Product, Start};

/// Limits that a crowd behind one address and one key would meet at once.
const SETTINGS: &str = "\
[https.limits]
max_connections = 30000
max_connections_per_address = 30000
[api]
requests_per_minute_per_key = 1000000
requests_per_minute_per_address = 1000000
[media]
max_participants = 10000
";

/// See the module.
pub(crate) struct Lens {
    product: Product,
    api: Http,
    runtime: tokio::runtime::Runtime,
    /// The conference of each room.
    conferences: HashMap<u32, String>,
    _directory: TempDir,
}

impl Lens {
    /// Starts it, with one more line of settings in its section `[media]`.
    pub(crate) fn start(bin: &Path, media: &str) -> Result<Self, String> {
        let directory = TempDir::new().map_err(|error| error.to_string())?;
        let settings = directory.path().join("lens.toml");
        std::fs::write(&settings, format!("{SETTINGS}{media}\n")).map_err(|it| it.to_string())?;
        let arguments = ["--config".to_owned(), settings.display().to_string()];
        let product = Product::start(&Start {
            bin,
            before: &["taskset", "-c", SERVERS_CORE],
            directory: directory.path(),
            arguments: &arguments,
        })?;
        let key = key(bin, &directory.path().join("data"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            api: Http::secure(product.https().ok_or("no HTTPS door")?).with_bearer(&key),
            product,
            runtime,
            conferences: HashMap::new(),
            _directory: directory,
        })
    }

    /// The process itself.
    pub(crate) fn product(&mut self) -> &mut Product {
        &mut self.product
    }

    fn post(&mut self, path: &str, body: Value) -> Result<Value, String> {
        let reply = self.runtime.block_on(self.api.post(path, body));
        match reply.status {
            200..300 => Ok(reply.json()),
            status => Err(format!("{path}: {status} {}", reply.text)),
        }
    }

    /// Opens a conference; returns its id.
    pub(crate) fn conference(&mut self, most: usize) -> Result<String, String> {
        let made = self.post("/v1/conferences", json!({"max_participants": most}))?;
        Ok(made["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Has somebody join; returns their offer, as the API has it.
    pub(crate) fn offer(&mut self, conference: &str, role: &str) -> Result<Value, String> {
        let people = format!("/v1/conferences/{conference}/participants");
        self.post(&people, json!({"role": role, "display_name": "bench"}))
    }

    /// Brings the answer to an offer.
    pub(crate) fn answer(&mut self, offer: &Value, sdp: &str) -> Result<(), String> {
        let text = |name: &str| offer[name].as_str().unwrap_or_default();
        let mut api = self.api.with_bearer(text("media_token"));
        let path = format!(
            "/v1/conferences/{}/participants/{}/answer",
            text("conference"),
            text("participant")
        );
        let body = json!({
            "generation": offer["generation"],
            "negotiation_id": offer["negotiation_id"],
            "sdp": sdp,
        });
        let body = body.to_string();
        let headers = [("content-type", "application/json")];
        let put = api.exchange(hyper::Method::PUT, &path, &headers, body.into_bytes());
        let reply = self
            .runtime
            .block_on(put)
            .ok_or_else(|| format!("{path}: the connection broke"))?;
        match reply.status {
            200..300 => Ok(()),
            status => Err(format!("{path}: {status} {}", reply.text)),
        }
    }

    fn join(
        &mut self,
        room: u32,
        id: &str,
        part: Part,
        deliver: &mut Deliver<'_>,
    ) -> Result<(), String> {
        let role = match part {
            Part::Camera => "camera",
            Part::Viewer => "viewer",
        };
        let joined = self.offer(id, role)?;
        let sdp = joined["sdp"].as_str().unwrap_or_default();
        let ip = [127, 0, 0, 1].into();
        let (client, answer) = Client::answering(ip, room, part, sdp)?;
        deliver(client);
        self.answer(&joined, &answer)
    }
}

impl Server for Lens {
    fn pid(&self) -> u32 {
        self.product.pid()
    }

    fn open(&mut self, room: u32, viewers: usize, deliver: &mut Deliver<'_>) -> Result<(), String> {
        let id = self.conference(viewers + 1)?;
        self.join(room, &id, Part::Camera, deliver)?;
        for _ in 0..viewers {
            self.join(room, &id, Part::Viewer, deliver)?;
        }
        self.conferences.insert(room, id);
        Ok(())
    }

    fn close(&mut self, room: u32) -> Result<(), String> {
        let Some(id) = self.conferences.remove(&room) else {
            return Ok(());
        };
        let path = format!("/v1/conferences/{id}");
        let call = self
            .api
            .exchange(hyper::Method::DELETE, &path, &[], Vec::new());
        match self.runtime.block_on(call) {
            Some(reply) if (200..300).contains(&reply.status) => Ok(()),
            Some(reply) => Err(format!("{path}: {} {}", reply.status, reply.text)),
            None => Err(format!("{path}: the connection broke")),
        }
    }

    fn stop(self: Box<Self>) -> Result<(), String> {
        self.product.stop()
    }
}

fn key(bin: &Path, data: &Path) -> Result<String, String> {
    let mut add = std::process::Command::new(bin);
    // Words to this program would be settings to that one.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LENS_") {
            add.env_remove(name);
        }
    }
    add.args(["admin", "api-key", "add", "bench", "--data-dir"])
        .arg(data);
    for scope in [
        "conferences:write",
        "conferences:read",
        "participants:write",
    ] {
        add.args(["--scope", scope]);
    }
    let output = add.output().map_err(|error| error.to_string())?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let key = printed
        .split_whitespace()
        .find(|word| word.starts_with("lens_"));
    key.map(str::to_owned)
        .ok_or_else(|| format!("no API key: {}", String::from_utf8_lossy(&output.stderr)))
}
