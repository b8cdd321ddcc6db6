//! A page's signalling in the test's own process: server-sent events one way, posts the other.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Method;
use futures_util::StreamExt;
use lens_signaling::Door;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::Browser;

/// One page load.
pub struct Page {
    browser: Browser,
    door: Door,
    pub channel: String,
    hub: Option<String>,
    key: String,
    stream: Option<BodyDataStream>,
    text: String,
    seq: u64,
    received: u64,
    /// Everything heard so far, oldest first.
    pub heard: Vec<Value>,
    /// The close frame, once there was one.
    pub closed: Option<Value>,
}

impl Page {
    /// Opens a new page and waits for its snapshot.
    pub async fn open(browser: &Browser, door: Door) -> Self {
        let mut page = Self::named(browser, door, &new_name());
        page.connect().await.expect("the page connects");
        page.wait_for("snapshot").await;
        page
    }

    pub fn named(browser: &Browser, door: Door, channel: &str) -> Self {
        Self {
            browser: browser.clone(),
            door,
            channel: channel.into(),
            hub: None,
            key: String::new(),
            stream: None,
            text: String::new(),
            seq: 0,
            received: 0,
            heard: Vec::new(),
            closed: None,
        }
    }

    /// Connects, or connects again after a cut. The error's code when it is refused.
    pub async fn connect(&mut self) -> Result<(), String> {
        self.connect_with(None).await
    }

    pub async fn connect_with(&mut self, ticket: Option<&str>) -> Result<(), String> {
        let mut path = format!("/sse/{}?channel={}", self.door, self.channel);
        if let Some(hub) = &self.hub {
            path.push_str(&format!("&hub={hub}&last_seq={}", self.received));
        }
        let mut request = self.browser.request(Method::GET, &path);
        if let Some(ticket) = ticket {
            request = request.header("lens-ticket", ticket);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.browser.router.clone().oneshot(request).await.unwrap();
        let refused = !response.status().is_success();
        let body = response.into_body();
        if refused {
            let bytes = axum::body::to_bytes(body, 65_536).await.unwrap();
            let problem: Value = serde_json::from_slice(&bytes).unwrap();
            return Err(problem["code"].as_str().unwrap().to_owned());
        }
        self.stream = Some(body.into_data_stream());
        self.text.clear();
        Ok(())
    }

    /// Drops the connection; the page stays.
    pub fn cut(&mut self) {
        self.stream = None;
    }

    /// The same browser loads the page anew.
    pub async fn reload(&mut self) {
        self.cut();
        *self = Self::open(&self.browser, self.door).await;
    }

    /// Waits for the next message of this kind, keeping all others in `heard`.
    pub async fn wait_for(&mut self, kind: &str) -> Value {
        self.wait_until(kind, |signal| signal["kind"] == kind).await
    }

    /// Waits for the next message that fits.
    pub async fn wait_until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let limit = Duration::from_secs(20);
        let waiting = async {
            loop {
                let signal = self.next().await.unwrap_or_else(|| {
                    panic!("the stream ended before {what}; heard {:?}", self.heard)
                });
                if fits(&signal) {
                    return signal;
                }
            }
        };
        match tokio::time::timeout(limit, waiting).await {
            Ok(signal) => signal,
            Err(_) => panic!("never heard {what}; heard {:?}", self.heard),
        }
    }

    /// Waits until the server ends the channel; returns the reason it gave.
    pub async fn wait_for_bye(&mut self) -> String {
        let bye = self.wait_for("bye").await;
        bye["reason"].as_str().unwrap().to_owned()
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(signal) = self.take(&event) {
                    return Some(signal);
                }
                continue;
            }
            let chunk = self.stream.as_mut()?.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    fn take(&mut self, event: &str) -> Option<Value> {
        let kind = event.lines().find_map(|line| line.strip_prefix("event: "));
        let data = event.lines().find_map(|line| line.strip_prefix("data: "))?;
        let data: Value = serde_json::from_str(data).unwrap();
        match kind {
            Some("carrier") => {
                self.key = data["key"].as_str().unwrap().to_owned();
                return None;
            }
            Some("close") => {
                self.closed = Some(data);
                return None;
            }
            _ => {}
        }
        if let Some(hub) = data["hub"].as_str() {
            self.hub = Some(hub.to_owned());
        }
        let seq = data["seq"].as_u64().unwrap_or(0);
        if seq > self.received {
            self.received = seq;
        }
        self.heard.push(data.clone());
        Some(data)
    }

    /// Says something; an error comes as a message of kind `error`.
    pub async fn say(&mut self, session: Option<&str>, mut signal: Value) {
        while self.key.is_empty() {
            self.next().await.expect("the carrier's key");
        }
        self.seq += 1;
        signal["v"] = json!(1);
        signal["seq"] = json!(self.seq);
        if let Some(session) = session {
            signal["session"] = json!(session);
        }
        let path = format!("/sse/{}?channel={}", self.door, self.channel);
        let request = self
            .browser
            .request(Method::POST, &path)
            .header("lens-carrier", &self.key)
            .header("origin", format!("https://{}", super::HOST))
            .header("content-type", "application/json")
            .body(Body::from(signal.to_string()))
            .unwrap();
        self.browser.send(request).await.ok();
    }

    /// Answers an offer.
    pub async fn answer(&mut self, session: Option<&str>, offer: &Value) {
        let answer = json!({
            "kind": "answer",
            "conference": offer["conference"],
            "participant": offer["participant"],
            "generation": offer["generation"],
            "negotiation_id": offer["negotiation_id"],
            "sdp": "v=0 canary-answer-sdp",
        });
        self.say(session, answer).await;
    }
}

fn new_name() -> String {
    use lens_protocol::entropy::Entropy;
    let mut bytes = [0; 12];
    lens_runtime::entropy::SystemEntropy::default().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
