//! Janus's VideoRoom (the Debian package), configured, started and stopped here.
//!
//! It offers no loopback candidates, so it runs where the machine has another address: in the
//! network namespace of `namespace.rs`. Publishers offer, subscribers answer; a subscriber may come
//! only when Janus's side of the publisher is up, so that is asked for until it works.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lens_tests::http::Http;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::load::{Client, Part};
use super::server::{Deliver, SERVERS_CORE, Server};

const API: &str = "127.0.0.1:8188";
/// Longest for its API to open, and for a feed to be there.
const PATIENCE: Duration = Duration::from_secs(15);
const NO_SUCH_FEED: i64 = 428;

/// See the module.
pub(crate) struct Janus {
    child: Child,
    api: Http,
    ip: IpAddr,
    runtime: tokio::runtime::Runtime,
    calls: u64,
    _directory: TempDir,
}

impl Janus {
    /// Starts it with candidates on `ip`.
    pub(crate) fn start(ip: IpAddr) -> Result<Self, String> {
        let words = |error: std::io::Error| error.to_string();
        let directory = TempDir::new().map_err(words)?;
        configure(directory.path()).map_err(words)?;
        let log = std::fs::File::create(directory.path().join("log")).map_err(words)?;
        let child = Command::new("taskset")
            .args(["-c", SERVERS_CORE, "janus", "-F"])
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(words)?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("janus cannot be started: {error}"))?;
        let address: SocketAddr = API.parse().expect("an address");
        let mut janus = Self {
            child,
            api: Http::plain(address),
            ip,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(words)?,
            calls: 0,
            _directory: directory,
        };
        janus.until_open(address)?;
        Ok(janus)
    }

    fn until_open(&mut self, address: SocketAddr) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(address).is_err() {
            let ended = self.child.try_wait().ok().flatten();
            if ended.is_some() || Instant::now() > until {
                let log = std::fs::read_to_string(self._directory.path().join("log"));
                return Err(format!("janus is not ready:\n{}", log.unwrap_or_default()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn post(&mut self, path: &str, mut body: Value) -> Result<Value, String> {
        self.calls += 1;
        body["transaction"] = self.calls.to_string().into();
        let reply = self.runtime.block_on(self.api.post(path, body)).json();
        match reply["janus"].as_str() {
            Some("success" | "ack") => Ok(reply),
            _ => Err(format!("{path}: {reply}")),
        }
    }

    /// A message to the plugin, and the event that answers it.
    fn ask(
        &mut self,
        session: &str,
        handle: &str,
        body: Value,
        jsep: Value,
    ) -> Result<Value, String> {
        let mut message = json!({"janus": "message", "body": body});
        if !jsep.is_null() {
            message["jsep"] = jsep;
        }
        let reply = self.post(&format!("{session}/{handle}"), message)?;
        if reply["janus"] == "success" {
            return Ok(reply);
        }
        let transaction = self.calls.to_string();
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let path = format!("{session}?maxev=1");
            let event = self.runtime.block_on(self.api.get(&path)).json();
            if event["transaction"] == transaction.as_str() {
                return Ok(event);
            }
        }
        Err(format!("{session}: no event came for {body}"))
    }

    fn attach(&mut self, session: &str) -> Result<String, String> {
        let body = json!({"janus": "attach", "plugin": "janus.plugin.videoroom"});
        let made = self.post(session, body)?;
        Ok(made["data"]["id"].to_string())
    }

    fn publish(
        &mut self,
        session: &str,
        room: u32,
        deliver: &mut Deliver<'_>,
    ) -> Result<Value, String> {
        let handle = self.attach(session)?;
        let number = room + 1;
        let create = json!({"request": "create", "room": number, "publishers": 2, "bitrate": 0,
            "videocodec": "vp8", "audiocodec": "opus"});
        self.ask(session, &handle, create, Value::Null)?;
        let (mut client, offer, pending) = Client::offering(self.ip, room)?;
        let join = json!({"request": "joinandconfigure", "ptype": "publisher", "room": number});
        let jsep = json!({"type": "offer", "sdp": offer});
        let joined = self.ask(session, &handle, join, jsep)?;
        let answer = joined["jsep"]["sdp"].as_str();
        let answer = answer.ok_or_else(|| format!("no answer: {joined}"))?;
        client.answered(pending, answer)?;
        deliver(client);
        Ok(joined["plugindata"]["data"]["id"].clone())
    }

    fn subscribe(
        &mut self,
        session: &str,
        room: u32,
        feed: &Value,
        deliver: &mut Deliver<'_>,
    ) -> Result<(), String> {
        let until = Instant::now() + PATIENCE;
        loop {
            let handle = self.attach(session)?;
            let join = json!({"request": "join", "ptype": "subscriber", "room": room + 1,
                "streams": [{"feed": feed}]});
            let joined = self.ask(session, &handle, join, Value::Null)?;
            if joined["plugindata"]["data"]["error_code"] == NO_SUCH_FEED && Instant::now() < until
            {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
            let offer = joined["jsep"]["sdp"].as_str();
            let offer = offer.ok_or_else(|| format!("no offer: {joined}"))?;
            let (client, answer) = Client::answering(self.ip, room, Part::Viewer, offer)?;
            deliver(client);
            let jsep = json!({"type": "answer", "sdp": answer});
            self.ask(session, &handle, json!({"request": "start"}), jsep)?;
            return Ok(());
        }
    }
}

impl Server for Janus {
    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn open(&mut self, room: u32, viewers: usize, deliver: &mut Deliver<'_>) -> Result<(), String> {
        let made = self.post("/janus", json!({"janus": "create"}))?;
        let session = format!("/janus/{}", made["data"]["id"]);
        let feed = self.publish(&session, room, deliver)?;
        for _ in 0..viewers {
            self.subscribe(&session, room, &feed, deliver)?;
        }
        Ok(())
    }

    fn stop(mut self: Box<Self>) -> Result<(), String> {
        self.child.kill().map_err(|error| error.to_string())?;
        self.child.wait().map_err(|error| error.to_string())?;
        Ok(())
    }
}

impl Drop for Janus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// VideoRoom over HTTP on loopback, and nothing else.
fn configure(directory: &Path) -> std::io::Result<()> {
    let write = |name: &str, text: &str| std::fs::write(directory.join(name), text);
    write(
        "janus.jcfg",
        "general: {\n  session_timeout = 0\n  debug_level = 2\n  admin_secret = \"unused\"\n}\n\
         plugins: {\n  disable = \"libjanus_audiobridge.so,libjanus_echotest.so,\
         libjanus_recordplay.so,libjanus_sip.so,libjanus_nosip.so,libjanus_streaming.so,\
         libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so,libjanus_lua.so,\
         libjanus_duktape.so\"\n}\n\
         transports: {\n  disable = \"libjanus_websockets.so,libjanus_pfunix.so,\
         libjanus_mqtt.so,libjanus_rabbitmq.so,libjanus_nanomsg.so\"\n}\n",
    )?;
    write(
        "janus.transport.http.jcfg",
        "general: {\n  json = \"compact\"\n  base_path = \"/janus\"\n  http = true\n  port = 8188\n  \
         ip = \"127.0.0.1\"\n  https = false\n}\nadmin: {\n  admin_http = false\n}\n",
    )?;
    write("janus.plugin.videoroom.jcfg", "general: {\n}\n")
}
