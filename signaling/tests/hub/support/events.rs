//! A client over server-sent events and `POST`, on the crate's own `PeerCore`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lens_protocol::signal::{PeerSignal, ServerSignal};
use lens_signaling::client::{Heard, PeerCore};
use tokio::sync::mpsc;

pub(crate) type Http = HttpClient<HttpConnector, Full<Bytes>>;

pub(crate) fn http() -> Http {
    HttpClient::builder(TokioExecutor::new()).build_http()
}

pub(crate) async fn get(
    http: &Http,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> Response<Incoming> {
    let mut request = Request::get(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    http.request(request.body(Full::default()).expect("valid"))
        .await
        .expect("an answer")
}

pub(crate) async fn post(
    http: &Http,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Result<(StatusCode, String), hyper_util::client::legacy::Error> {
    let mut request = Request::post(format!("http://{address}{path}"));
    request = request.header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = http
        .request(request.body(Full::from(body)).expect("valid"))
        .await?;
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes());
    Ok((
        status,
        String::from_utf8_lossy(&body.unwrap_or_default()).into_owned(),
    ))
}

/// Reads events off a stream.
pub(crate) struct EventReader {
    body: Incoming,
    text: String,
}

impl EventReader {
    pub(crate) fn new(response: Response<Incoming>) -> Self {
        Self {
            body: response.into_body(),
            text: String::new(),
        }
    }

    /// The next event's name and data; none at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
                let name = field("event: ").unwrap_or("message").to_owned();
                let data = field("data: ").unwrap_or("").to_owned();
                self.text = rest.to_owned();
                return Some((name, data));
            }
            let frame = self.body.frame().await?.ok()?;
            if let Some(data) = frame.data_ref() {
                self.text
                    .push_str(std::str::from_utf8(data).expect("whole characters"));
            }
        }
    }
}

/// A peer over the second carrier: sends what it is given, hands out the numbers it gets.
pub(crate) struct EventsPeer {
    pub(crate) send: mpsc::UnboundedSender<PeerSignal>,
    pub(crate) numbers: mpsc::UnboundedReceiver<u64>,
}

impl EventsPeer {
    pub(crate) fn open(address: SocketAddr, host: String) -> Self {
        let (send, outgoing) = mpsc::unbounded_channel();
        let (got, numbers) = mpsc::unbounded_channel();
        let core = PeerCore::new("an-event-stream-peer".into());
        let driver = Driver {
            address,
            host,
            core,
            outgoing,
            got,
        };
        tokio::spawn(driver.run());
        Self { send, numbers }
    }
}

struct Driver {
    address: SocketAddr,
    host: String,
    core: PeerCore,
    outgoing: mpsc::UnboundedReceiver<PeerSignal>,
    got: mpsc::UnboundedSender<u64>,
}

impl Driver {
    async fn run(mut self) -> Infallible {
        loop {
            // A new HTTP client for each connection, as after a network change.
            let http = http();
            self.connection(&http).await;
            self.core.cut();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn connection(&mut self, http: &Http) -> Option<()> {
        let hello: serde_json::Value = serde_json::from_str(&self.core.hello(None)).ok()?;
        let hub = hello["hub"]
            .as_str()
            .map(|hub| format!("&hub={hub}"))
            .unwrap_or_default();
        let name = hello["channel"].as_str()?;
        let uri = format!(
            "http://{}/sse/customer?channel={name}{hub}&last_seq={}",
            self.address, hello["last_seq"]
        );
        let request = Request::get(uri)
            .header("cookie", "who=events")
            .header("host", &self.host);
        let response = http
            .request(request.body(Full::default()).ok()?)
            .await
            .ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        let mut events = EventReader::new(response);
        let (_, data) = events.next().await?;
        let key = serde_json::from_str::<serde_json::Value>(&data).ok()?;
        let key = key["key"].as_str()?.to_owned();
        let mut posting = tokio::task::JoinSet::new();
        loop {
            if posting.is_empty() {
                let batch: Vec<_> = std::iter::from_fn(|| self.core.poll_transmit())
                    .take(50)
                    .collect();
                if !batch.is_empty() {
                    posting.spawn(self.post(http, &key, batch));
                }
            }
            tokio::select! {
                Some(signal) = self.outgoing.recv() => { self.core.push(None, signal); }
                Some(done) = posting.join_next() => done.ok()??,
                event = events.next() => self.hear(&event?.1)?,
            }
        }
    }

    fn post(
        &self,
        http: &Http,
        key: &str,
        batch: Vec<String>,
    ) -> impl Future<Output = Option<()>> + Send + 'static {
        let (http, address, key) = (http.clone(), self.address, key.to_owned());
        let host = self.host.clone();
        async move {
            let headers = [("host", host.as_str()), ("lens-carrier", key.as_str())];
            let path = "/sse/customer?channel=an-event-stream-peer";
            let body = format!("[{}]", batch.join(","));
            let (status, text) = post(&http, address, path, &headers, body).await.ok()?;
            assert!(
                status == StatusCode::OK || status == StatusCode::UNAUTHORIZED,
                "{text}"
            );
            status.is_success().then_some(())
        }
    }

    fn hear(&mut self, text: &str) -> Option<()> {
        match self.core.receive(text) {
            Heard::Signal { signal, .. } => match *signal {
                ServerSignal::Candidate { candidate, .. } => {
                    self.got.send(candidate.parse().expect("a number")).ok()?;
                }
                ServerSignal::Snapshot { .. } => {}
                other => panic!("{other:?}"),
            },
            Heard::Open { .. } | Heard::Nothing => {}
            Heard::Broken => return None,
            Heard::Refused(code) => panic!("{code}"),
        }
        Some(())
    }
}
