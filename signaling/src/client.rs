//! A ready-made signalling client over WebSocket: connects, resumes, re-sends.
//!
//! For native programs that carry the MediaSDK's signals, and for tests. Browsers have their own
//! in `html5-sdk/src/signaling.js`; both keep the rules of [`PeerCore`], which is here for programs
//! that bring their own connection.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{SinkExt, StreamExt};
use lens_protocol::id::SessionId;
use lens_protocol::signal::{PeerSignal, ServerSignal};
use lens_protocol::{ErrorCode, SecretText};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::{WebSocketStream, client_async};

pub use crate::core::peer::{Heard, PeerCore};
use crate::error::ClientError;
use crate::host::Door;
use crate::hub::random_name;

/// Waiting times before each further try; the last one repeats.
const BACK_OFF: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_millis(1_500),
    Duration::from_secs(3),
    Duration::from_secs(5),
];
/// Silence after which a connection is given up: two of the hub's pings.
const SILENCE: Duration = Duration::from_secs(30);

/// A byte stream to the server, plain or TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens byte streams to the server.
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    /// A new stream; its errors lead to another try.
    async fn dial(&self) -> io::Result<Box<dyn Stream>>;
}

/// Plain TCP, for tests and for behind a proxy that adds TLS.
#[derive(Clone, Debug)]
pub struct TcpDial(pub std::net::SocketAddr);

#[async_trait]
impl Dial for TcpDial {
    async fn dial(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(tokio::net::TcpStream::connect(self.0).await?))
    }
}

/// Gets a fresh one-use ticket for each connection.
#[async_trait]
pub trait Tickets: Send + Sync + 'static {
    /// A ticket, or none where a cookie does it.
    async fn ticket(&self) -> Option<SecretText>;
}

/// How to connect.
#[derive(Clone)]
pub struct ClientConfig {
    /// Opens byte streams.
    pub dial: Arc<dyn Dial>,
    /// `Host` of the requests, such as `lens.example:8443`.
    pub host: String,
    /// Which door.
    pub door: Door,
    /// `Cookie` of the requests.
    pub cookie: Option<SecretText>,
    /// `Origin` of the requests; programs that are no browser leave it out.
    pub origin: Option<String>,
    /// Where tickets come from.
    pub tickets: Option<Arc<dyn Tickets>>,
}

impl std::fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, door, .. } = self;
        f.debug_struct("ClientConfig")
            .field("host", host)
            .field("door", door)
            .finish()
    }
}

/// What a client reports.
#[derive(Debug)]
pub enum Event {
    /// Connected. When not `resumed`, a snapshot follows.
    Open {
        /// Whether nothing was missed.
        resumed: bool,
    },
    /// A message, exactly once and in order.
    Signal {
        /// The session it belongs to.
        session: Option<SessionId>,
        /// The message.
        signal: Box<ServerSignal>,
    },
    /// The connection is lost; the client tries again.
    Lost,
    /// The end: nothing comes after it.
    Ended(ClientError),
}

/// A channel to the hub. Dropping it ends the connection; the hub keeps the channel for its
/// window.
#[derive(Debug)]
pub struct Client {
    commands: mpsc::UnboundedSender<Command>,
}

type Reply = oneshot::Sender<Result<(), ClientError>>;

#[derive(Debug)]
enum Command {
    Send(Option<SessionId>, PeerSignal, Reply),
    Cut,
}

impl Client {
    /// Starts connecting; needs a tokio runtime. Events must be taken, or memory fills.
    pub fn open(config: ClientConfig) -> (Self, mpsc::UnboundedReceiver<Event>) {
        Self::open_named(config, random_name())
    }

    /// The same under a name of the caller's, 16 to 64 of `A-Z a-z 0-9 - _`, new for each start of
    /// the program.
    pub fn open_named(
        config: ClientConfig,
        channel: String,
    ) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (commands, received) = mpsc::unbounded_channel();
        let (events, reported) = mpsc::unbounded_channel();
        let core = PeerCore::new(channel);
        let driver = Driver {
            config,
            core,
            commands: received,
            events,
            waiting: BTreeMap::new(),
        };
        tokio::spawn(driver.run());
        (Self { commands }, reported)
    }

    /// Sends a message; returns when the hub has acknowledged or refused it. Waits through lost
    /// connections.
    pub async fn send(
        &self,
        session: Option<SessionId>,
        signal: PeerSignal,
    ) -> Result<(), ClientError> {
        self.queue(session, signal).await
    }

    /// As [`send`](Self::send), queued before it returns, so that calls keep their order.
    pub fn queue(
        &self,
        session: Option<SessionId>,
        signal: PeerSignal,
    ) -> impl Future<Output = Result<(), ClientError>> + Send + 'static {
        let (reply, outcome) = oneshot::channel();
        // Where nobody listens any more the reply is dropped, which says so.
        let _ = self.commands.send(Command::Send(session, signal, reply));
        async move { outcome.await.unwrap_or(Err(ClientError::Closed)) }
    }

    /// Drops the present connection and connects again: what a network change does.
    pub fn cut(&self) {
        let _ = self.commands.send(Command::Cut);
    }
}

struct Driver {
    config: ClientConfig,
    core: PeerCore,
    commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::UnboundedSender<Event>,
    waiting: BTreeMap<u64, Reply>,
}

/// How a connection ended.
enum End {
    /// Try again; whether it had been open.
    Again { was_open: bool },
    /// The channel has ended.
    Final(ClientError),
}

type Socket = WebSocketStream<Box<dyn Stream>>;

impl Driver {
    async fn run(mut self) {
        let mut attempt = 0;
        let end = loop {
            tokio::time::sleep(BACK_OFF[attempt.min(BACK_OFF.len() - 1)]).await;
            match self.connect_once().await {
                End::Final(error) => break error,
                End::Again { was_open } => {
                    attempt = if was_open { 0 } else { attempt + 1 };
                    self.core.cut();
                    if self.events.send(Event::Lost).is_err() {
                        break ClientError::Closed;
                    }
                }
            }
        };
        let _ = self.events.send(Event::Ended(end));
    }

    async fn connect_once(&mut self) -> End {
        let Ok(mut socket) = self.connect().await else {
            return End::Again { was_open: false };
        };
        let ticket = match &self.config.tickets {
            Some(tickets) => tickets.ticket().await,
            None => None,
        };
        let hello = Message::text(self.core.hello(ticket));
        if socket.send(hello).await.is_err() {
            return End::Again { was_open: false };
        }
        self.carry(socket).await
    }

    async fn connect(&self) -> Result<Socket, Box<dyn std::error::Error + Send + Sync>> {
        let config = &self.config;
        let mut request =
            format!("ws://{}/ws/{}", config.host, config.door).into_client_request()?;
        let headers = request.headers_mut();
        if let Some(cookie) = &config.cookie {
            headers.insert(header::COOKIE, HeaderValue::from_str(cookie.expose())?);
        }
        if let Some(origin) = &config.origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin)?);
        }
        let (socket, _) = client_async(request, config.dial.dial().await?).await?;
        Ok(socket)
    }

    async fn carry(&mut self, mut socket: Socket) -> End {
        let mut was_open = false;
        let mut silent_at = tokio::time::Instant::now() + SILENCE;
        loop {
            while let Some(text) = self.core.poll_transmit() {
                if socket.send(Message::text(text)).await.is_err() {
                    return End::Again { was_open };
                }
            }
            tokio::select! {
                command = self.commands.recv() => match command {
                    None => return End::Final(ClientError::Closed),
                    Some(Command::Cut) => return End::Again { was_open },
                    Some(Command::Send(session, signal, reply)) => {
                        let token = self.core.push(session, signal);
                        self.waiting.insert(token, reply);
                    }
                },
                message = socket.next() => {
                    silent_at = tokio::time::Instant::now() + SILENCE;
                    match message {
                        Some(Ok(Message::Text(text))) => match self.hear(&text) {
                            Ok(open) => was_open |= open,
                            Err(end) => return end.unwrap_or(End::Again { was_open }),
                        },
                        Some(Ok(Message::Close(_)) | Err(_)) | None => {
                            return End::Again { was_open };
                        }
                        Some(Ok(_)) => {}
                    }
                }
                () = tokio::time::sleep_until(silent_at) => return End::Again { was_open },
            }
        }
    }

    /// True when the channel is open by this frame; an error ends the connection.
    fn hear(&mut self, text: &str) -> Result<bool, Option<End>> {
        let heard = self.core.receive(text);
        // A message the hub could not take is settled with its error, before acknowledgements.
        if let Heard::Signal {
            signal,
            refused: Some(token),
            ..
        } = &heard
            && let ServerSignal::Error { code, .. } = **signal
            && let Some(reply) = self.waiting.remove(token)
        {
            let _ = reply.send(Err(ClientError::NotTaken(code)));
        }
        let oldest = self.core.oldest_waiting().unwrap_or(u64::MAX);
        while let Some(reply) = self
            .waiting
            .first_entry()
            .filter(|first| *first.key() < oldest)
        {
            let _ = reply.remove().send(Ok(()));
        }
        match heard {
            Heard::Nothing => Ok(false),
            Heard::Broken => Err(None),
            Heard::Refused(ErrorCode::Unavailable | ErrorCode::RateLimited) => Err(None),
            Heard::Refused(code) => Err(Some(End::Final(ClientError::Refused(code)))),
            Heard::Open { resumed } => {
                let _ = self.events.send(Event::Open { resumed });
                Ok(true)
            }
            Heard::Signal {
                session, signal, ..
            } => {
                let bye = match *signal {
                    ServerSignal::Bye { reason } => Some(reason),
                    _ => None,
                };
                let _ = self.events.send(Event::Signal { session, signal });
                match bye {
                    None => Ok(false),
                    Some(lens_protocol::signal::ByeReason::ShuttingDown) => Err(None),
                    Some(reason) => Err(Some(End::Final(ClientError::Ended(Some(reason))))),
                }
            }
        }
    }
}
