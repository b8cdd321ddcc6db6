//! Many open consoles: each a WebSocket over TLS of its own, with the rules of the signalling
//! client, answering pings and acknowledging as a page does.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt, stream};
use lens_protocol::signal::{PeerSignal, ServerSignal};
use lens_signaling::client::{Heard, PeerCore};
use lens_tests::http::trusting_client;
use rustls::client::Resumption;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Connections being made at once: more only queue in the product.
const AT_ONCE: usize = 64;
/// Messages of one console that wait for their acknowledgement while it talks.
const WINDOW: usize = 4;
/// Messages one console sends in all: a channel may send this many at once without being slowed.
const MOST: u64 = 280;
/// Longest one console may take to connect.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a console says while it talks: taken, counted, acknowledged and not looked at.
const CANDIDATE: &str = "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx \
                         raddr 10.0.0.5 rport 46154 generation 0 ufrag EEtu network-cost 999";

type Socket = WebSocketStream<TlsStream<TcpStream>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the crowd has seen so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) open: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) pings: AtomicU64,
    /// Own messages that were acknowledged.
    pub(crate) acknowledged: AtomicU64,
    /// Session changes heard.
    pub(crate) sessions: AtomicU64,
    delays_ms: Mutex<Vec<f64>>,
}

impl Counts {
    /// From sending to acknowledgement, of every hundredth message; taken.
    pub(crate) fn take_delays_ms(&self) -> Vec<f64> {
        let mut delays = self
            .delays_ms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut delays)
    }

    fn note_delay(&self, took: Duration) {
        let mut delays = self
            .delays_ms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        delays.push(took.as_secs_f64() * 1_000.0);
    }
}

/// The crowd. Dropping it hangs up.
pub(crate) struct Crowd {
    pub(crate) counts: Arc<Counts>,
    talking: watch::Sender<bool>,
    address: SocketAddr,
    tls: TlsConnector,
}

impl Crowd {
    /// Nobody yet, before the door at `address`. Each connection makes a whole TLS handshake, as
    /// consoles on different machines do.
    pub(crate) fn new(address: SocketAddr) -> Self {
        let mut tls = trusting_client();
        tls.resumption = Resumption::disabled();
        Self {
            counts: Arc::default(),
            talking: watch::channel(false).0,
            address,
            tls: TlsConnector::from(Arc::new(tls)),
        }
    }

    /// Connects one console for each of `cookies`; the error says why one could not.
    pub(crate) async fn grow(&self, cookies: &[&str]) -> Result<(), String> {
        let mut connecting = stream::iter(cookies.iter().map(|cookie| self.connect(cookie)))
            .buffer_unordered(AT_ONCE);
        while let Some(outcome) = connecting.next().await {
            outcome?;
        }
        Ok(())
    }

    /// Everybody talks as fast as the product takes it, or rests.
    pub(crate) fn talk(&self, talking: bool) {
        self.talking.send_replace(talking);
    }

    async fn connect(&self, cookie: &str) -> Result<(), String> {
        let opening = tokio::time::timeout(PATIENCE, self.open(cookie));
        let console = match opening.await {
            Ok(opened) => opened.map_err(|error| format!("a console cannot connect: {error}"))?,
            Err(_) => return Err(format!("a console was not let in within {PATIENCE:?}")),
        };
        self.counts.open.fetch_add(1, Ordering::Relaxed);
        let talking = self.talking.subscribe();
        tokio::spawn(console.live(talking));
        Ok(())
    }

    async fn open(&self, cookie: &str) -> Result<Console, Failure> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let name = rustls::pki_types::ServerName::from(self.address.ip());
        let tls = self.tls.connect(name, tcp).await?;
        let mut request = format!("ws://{}/ws/console", self.address).into_client_request()?;
        let origin = format!("https://{}", self.address);
        let headers = request.headers_mut();
        headers.insert(header::COOKIE, HeaderValue::from_str(cookie)?);
        headers.insert(header::ORIGIN, HeaderValue::from_str(&origin)?);
        let lean = WebSocketConfig::default()
            .read_buffer_size(4_096)
            .write_buffer_size(0);
        let (mut socket, _) = client_async_with_config(request, tls, Some(lean)).await?;
        let number = self.counts.open.load(Ordering::Relaxed);
        let mut core = PeerCore::new(channel_name(number));
        socket.send(Message::text(core.hello(None))).await?;
        loop {
            let message = socket.next().await.ok_or("the connection ended")??;
            let Message::Text(text) = message else {
                continue;
            };
            match core.receive(&text) {
                Heard::Open { .. } => break,
                Heard::Refused(code) => return Err(format!("refused: {code}").into()),
                _ => {}
            }
        }
        Ok(Console {
            socket,
            core,
            counts: self.counts.clone(),
            sent: 0,
            waiting: VecDeque::new(),
        })
    }
}

/// Unlike any other: 32 characters of time and number.
fn channel_name(number: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("{:022}-{number:09}", now.unwrap_or_default().as_nanos())
}

struct Console {
    socket: Socket,
    core: PeerCore,
    counts: Arc<Counts>,
    sent: u64,
    /// Name and time of each message that is not acknowledged.
    waiting: VecDeque<(u64, Instant)>,
}

impl Console {
    async fn live(mut self, mut talking: watch::Receiver<bool>) {
        if self.carry(&mut talking).await.is_err() {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.counts.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// Until the crowd is dropped, or the connection is lost.
    async fn carry(&mut self, talking: &mut watch::Receiver<bool>) -> Result<(), Failure> {
        loop {
            if *talking.borrow() {
                self.say();
            }
            let mut written = false;
            while let Some(text) = self.core.poll_transmit() {
                self.socket.feed(Message::text(text)).await?;
                written = true;
            }
            if written {
                self.socket.flush().await?;
            }
            tokio::select! {
                changed = talking.changed() => if changed.is_err() {
                    return Ok(());
                },
                message = self.socket.next() => {
                    let message = message.ok_or("the connection ended")??;
                    if let Message::Text(text) = message {
                        self.hear(&text)?;
                    }
                }
            }
        }
    }

    fn say(&mut self) {
        while self.waiting.len() < WINDOW && self.sent < MOST {
            let candidate = CANDIDATE.to_owned();
            let token = self.core.push(None, PeerSignal::Candidate { candidate });
            self.waiting.push_back((token, Instant::now()));
            self.sent += 1;
        }
    }

    fn hear(&mut self, text: &str) -> Result<(), Failure> {
        match self.core.receive(text) {
            Heard::Signal { signal, .. } => match *signal {
                ServerSignal::Session { .. } => {
                    self.counts.sessions.fetch_add(1, Ordering::Relaxed);
                }
                ServerSignal::Bye { .. } | ServerSignal::Error { .. } => {
                    return Err(format!("the hub said {text}").into());
                }
                _ => {}
            },
            Heard::Nothing if text.contains("\"ping\"") => {
                self.counts.pings.fetch_add(1, Ordering::Relaxed);
            }
            Heard::Broken | Heard::Refused(_) => return Err("a broken envelope".into()),
            _ => {}
        }
        let oldest = self.core.oldest_waiting().unwrap_or(u64::MAX);
        while let Some((token, since)) = self.waiting.front().copied() {
            if token >= oldest {
                break;
            }
            self.waiting.pop_front();
            let count = self.counts.acknowledged.fetch_add(1, Ordering::Relaxed);
            if count.is_multiple_of(100) {
                self.counts.note_delay(since.elapsed());
            }
        }
        Ok(())
    }
}
