//! Programs that are not ours against a running server: GStreamer's webrtcbin and aiortc, each as a
//! WHIP camera and as a WHEP viewer of the other and of itself.
//!
//! The clients (`tests/interop/`) judge what they get: pictures decode, have the right size and
//! differ, voice decodes, the connection is named by its tag, and gone after it was deleted.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::report::Outcome;
use crate::server::{Server, answer, curl, key};
use crate::{cargo, install, root};

const SCOPES: [&str; 3] = [
    "conferences:write",
    "conferences:read",
    "participants:write",
];

/// A program that is WHIP camera or WHEP viewer.
#[derive(Clone, Copy)]
enum Client {
    GStreamer,
    Aiortc,
}

impl Client {
    const ALL: [Self; 2] = [Self::GStreamer, Self::Aiortc];

    fn name(self) -> &'static str {
        match self {
            Self::GStreamer => "GStreamer",
            Self::Aiortc => "aiortc",
        }
    }

    /// Starts it for an endpoint. The token goes in as its first line, since a command line is
    /// shown; the rest of its input stays open.
    fn start(self, does: &str, url: &str, token: &str) -> Result<Child, String> {
        let (python, script) = match self {
            // Debian's, which has GStreamer's types.
            Self::GStreamer => (PathBuf::from("/usr/bin/python3"), "gstreamer_client.py"),
            Self::Aiortc => (install::aiortc_python(), "aiortc_client.py"),
        };
        let mut command = Command::new(python);
        command.arg(root().join("tests/interop").join(script));
        command
            .args([does, url])
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let failed = |error| format!("{} cannot be run: {error}", self.name());
        let mut child = command.spawn().map_err(failed)?;
        let input = child.stdin.as_mut();
        let written = input.map(|input| writeln!(input, "{token}"));
        written.unwrap_or(Ok(())).map_err(failed)?;
        Ok(child)
    }
}

/// Starts a server of its own and lets every client meet every other.
pub(crate) fn run() -> Outcome {
    if let Err(sentence) = cargo::build_binary() {
        return Outcome::failed(sentence);
    }
    let data = root().join("target/xtask-interop-data");
    let _ = std::fs::remove_dir_all(&data);
    let outcome = meet(&data).unwrap_or_else(Outcome::failed);
    let _ = std::fs::remove_dir_all(&data);
    outcome
}

fn meet(data: &Path) -> Result<Outcome, String> {
    // On every interface: these clients leave the loopback out.
    let server = Server::start(data, "0.0.0.0:0")?;
    let house = House {
        url: &server.url,
        key: key(data, &SCOPES)?,
    };
    let mut found = Outcome::default();
    for camera in Client::ALL {
        for viewer in Client::ALL {
            let pass = format!("{} publishes, {} plays", camera.name(), viewer.name());
            println!("{pass}");
            let failures = house.pass(camera, viewer).err();
            let failures = failures.map(|sentence| format!("{pass}: {sentence}"));
            found = found.and(Outcome::of(failures.into_iter().collect()));
        }
    }
    Ok(found)
}

/// The server as a program with a key sees it.
struct House<'a> {
    url: &'a str,
    key: String,
}

impl House<'_> {
    fn pass(&self, camera: Client, viewer: Client) -> Result<(), String> {
        let room = self.call(
            "/v1/conferences",
            r#"{"media": {"whip": true, "whep": true}}"#,
        )?;
        let path = format!(
            "/v1/conferences/{}",
            room["id"].as_str().unwrap_or_default()
        );
        let asked = r#"{"protocol": "whip", "display_name": "Helmet"}"#;
        let given = self.call(&format!("{path}/client-tokens"), asked)?;
        let text = |name: &str| given[name].as_str().unwrap_or_default();

        let endpoint = format!("{}{}", self.url, text("endpoint"));
        let mut publishing = camera.start("publish", &endpoint, text("token"))?;
        let watched = wait_for(&mut publishing, "publishing").and_then(|()| {
            let endpoint = format!("{}{path}/whep?display_name=Wall", self.url);
            let playing = viewer.start("play", &endpoint, &self.key)?;
            finish(playing, "the viewer")
        });
        let published = finish(publishing, "the camera");
        watched.and(published)?;
        let people = self.get(&path)?["participants"].clone();
        match people.as_array().map(Vec::len) {
            Some(0) => Ok(()),
            _ => Err(format!("somebody stayed behind: {people}")),
        }
    }

    fn call(&self, path: &str, body: &str) -> Result<Value, String> {
        let mut call = curl(self.url, path, body);
        answer(call.args(["-H", &format!("Authorization: Bearer {}", self.key)]))
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        let mut call = Command::new("curl");
        call.args(["-sfk", "-H", &format!("Authorization: Bearer {}", self.key)]);
        answer(call.arg(format!("{}{path}", self.url)))
    }
}

/// Waits until a client says a word; it gives up by itself when that takes too long.
fn wait_for(client: &mut Child, word: &str) -> Result<(), String> {
    let said = client.stdout.take().ok_or("a client has no output")?;
    let mut line = String::new();
    let read = BufReader::new(said).read_line(&mut line);
    match read {
        Ok(_) if line.trim() == word => Ok(()),
        _ => Err(format!("the camera did not come to {word}")),
    }
}

/// Closes a client's input and waits for its end.
fn finish(client: Child, who: &str) -> Result<(), String> {
    let ended = client
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    print!("{}", String::from_utf8_lossy(&ended.stdout));
    if ended.status.success() {
        Ok(())
    } else {
        Err(format!("{who} ended with {}", ended.status))
    }
}
