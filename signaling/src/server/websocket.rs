//! The WebSocket carrier (RFC 6455, without compression: offers would not get much smaller, and
//! each connection would cost some hundred kilobytes).

use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use futures_util::SinkExt;
use lens_protocol::signal::PeerSignal;
use lens_protocol::{ErrorCode, Problem, SecretText};
use lens_runtime::http::{Failure, Path};
use tokio_tungstenite::tungstenite;

use super::{Connection, origin, refusal};
use crate::core::channel::Transmit;
use crate::core::frame;
use crate::error::Closed;
use crate::host::Door;
use crate::hub::{Carrier, Hello, Shared};

/// Time for the closing handshake; a longer one keeps dead sockets, a shorter one can lose the
/// last message to a slow network.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes read at once. The WebSocket layer holds and clears that much for each connection at each
/// read: its own 128 KiB would be most of what a connection costs. Longer messages take more reads.
const READ_BYTES: usize = 8 * 1024;

/// `GET /ws/{door}`.
pub(crate) async fn open(
    State(hub): State<Arc<Shared>>,
    Path(door): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let door: Door = door.parse()?;
    origin::check(&headers, &uri, &hub.config.allowed_origins).inspect_err(|problem| {
        hub.refused(problem.code);
    })?;
    hub.host()?;
    let upgrade = upgrade.map_err(|_| {
        Problem::new(ErrorCode::InvalidValue).with_detail("connect with a WebSocket upgrade")
    })?;
    let connection = Connection::open(&hub, crate::metrics::Carrier::WebSocket)?;
    let most = hub.config.message_bytes;
    Ok(upgrade
        .max_message_size(most)
        .max_frame_size(most)
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .on_upgrade(move |socket| serve(hub, door, headers, socket, connection)))
}

async fn serve(
    hub: Arc<Shared>,
    door: Door,
    headers: HeaderMap,
    mut socket: WebSocket,
    connection: Connection,
) {
    let closed = match greet(&hub, door, &headers, &mut socket).await {
        Ok(carrier) => carry(&hub, carrier, &mut socket).await,
        Err(closed) => closed,
    };
    connection.ended(closed);
    tracing::debug!(%door, reason = closed.name(), "signalling socket closed: {closed}");
    if closed != Closed::Cut {
        // One that does not read cannot be told; the time limit lets it go.
        let _ = tokio::time::timeout(FAREWELL, say_goodbye(&mut socket, closed)).await;
    }
}

/// The first frame: who connects, and to which channel.
async fn greet(
    hub: &Arc<Shared>,
    door: Door,
    headers: &HeaderMap,
    socket: &mut WebSocket,
) -> Result<Carrier, Closed> {
    let text = match tokio::time::timeout(hub.config.hello, first_text(socket)).await {
        Ok(text) => text?,
        Err(_) => return Err(Closed::NoHello),
    };
    let frame = frame::read(&text).map_err(|frame::NoEnvelope| Closed::Unreadable)?;
    let (hello, ticket) = match frame.body {
        Ok(PeerSignal::Resume {
            channel,
            hub,
            last_seq,
            ticket,
        }) => (
            Hello {
                channel,
                hub,
                last_seq,
            },
            ticket,
        ),
        Err(problem) => return refuse(socket, problem).await,
        Ok(_) => return Err(Closed::NoHello),
    };
    match admit(hub, door, headers, &hello, ticket.as_ref()).await {
        Ok(carrier) => Ok(carrier),
        Err(problem) => refuse(socket, problem).await,
    }
}

async fn first_text(socket: &mut WebSocket) -> Result<String, Closed> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_))) => return Err(Closed::Unreadable),
            Some(Err(error)) => return Err(broken(error)),
            None | Some(Ok(Message::Close(_))) => return Err(Closed::Cut),
        }
    }
}

/// Asks the host who it is and attaches to the channel.
pub(super) async fn admit(
    hub: &Arc<Shared>,
    door: Door,
    headers: &HeaderMap,
    hello: &Hello,
    ticket: Option<&SecretText>,
) -> Result<Carrier, Problem> {
    let host = hub.host()?;
    let asked = host.identify(door, headers, ticket);
    let identity = match tokio::time::timeout(hub.config.write, asked).await {
        Ok(identity) => identity?,
        Err(_) => return Err(ErrorCode::Unavailable.into()),
    };
    hub.attach(door, identity, hello)
}

async fn refuse(socket: &mut WebSocket, problem: Problem) -> Result<Carrier, Closed> {
    let frame = Message::text(refusal(&problem));
    let _ = tokio::time::timeout(FAREWELL, socket.send(frame)).await;
    Err(Closed::Refused(problem.code))
}

/// Reads and writes until one side ends it.
async fn carry(hub: &Shared, carrier: Carrier, socket: &mut WebSocket) -> Closed {
    loop {
        let wait = match pump(hub, &carrier, socket).await {
            Ok(wait) => tokio::time::Instant::from_std(wait),
            Err(closed) => return closed,
        };
        tokio::select! {
            () = carrier.woken() => {}
            () = tokio::time::sleep_until(wait) => {}
            message = socket.recv(), if carrier.may_read() => {
                if let ControlFlow::Break(closed) = take(&carrier, message) {
                    return closed;
                }
            }
        }
    }
}

/// Writes all that is due; says when to look again.
async fn pump(hub: &Shared, carrier: &Carrier, socket: &mut WebSocket) -> Result<Instant, Closed> {
    let mut written = false;
    loop {
        match carrier.poll() {
            Transmit::Frame(text) => {
                within(hub, carrier, socket.feed(Message::text(text))).await?;
                written = true;
            }
            Transmit::Wait(at) => {
                if written {
                    within(hub, carrier, socket.flush()).await?;
                }
                return Ok(at);
            }
            Transmit::End(closed) => return Err(closed),
        }
    }
}

/// A write, given up when it takes too long or the channel overflows meanwhile.
async fn within(
    hub: &Shared,
    carrier: &Carrier,
    write: impl Future<Output = Result<(), axum::Error>>,
) -> Result<(), Closed> {
    let mut write = pin!(write);
    let limit = tokio::time::sleep(hub.config.write);
    let mut limit = pin!(limit);
    loop {
        tokio::select! {
            biased;
            result = &mut write => return result.map_err(broken),
            () = &mut limit => return Err(Closed::Silent),
            () = carrier.woken() => {
                if let Some(closed) = carrier.broken() {
                    return Err(closed);
                }
            }
        }
    }
}

fn take(carrier: &Carrier, message: Option<Result<Message, axum::Error>>) -> ControlFlow<Closed> {
    let outcome = match message {
        Some(Ok(Message::Text(text))) => carrier.receive(&text),
        // Answered by the WebSocket layer; our own heartbeat decides about life.
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
        Some(Ok(Message::Binary(_))) => Err(Closed::Unreadable),
        Some(Err(error)) => Err(broken(error)),
        None | Some(Ok(Message::Close(_))) => Err(Closed::Cut),
    };
    match outcome {
        Ok(()) => ControlFlow::Continue(()),
        Err(closed) => ControlFlow::Break(closed),
    }
}

fn broken(error: axum::Error) -> Closed {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => Closed::TooLarge,
        Some(tungstenite::Error::Utf8(_) | tungstenite::Error::Protocol(_)) => Closed::Unreadable,
        _ => Closed::Cut,
    }
}

/// Sends the close frame and waits for the peer's, so that what was written before arrives.
async fn say_goodbye(socket: &mut WebSocket, closed: Closed) {
    let frame = CloseFrame {
        code: closed.code(),
        reason: closed.name().into(),
    };
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}
