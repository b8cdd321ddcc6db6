//! The carrier for where WebSockets do not pass: server-sent events one way, `POST` the other.
//!
//! For phones on a LAN with a self-signed certificate (Safari refuses the WebSocket there) and
//! for proxies without upgrade.
//!
//! ```text
//! GET  /sse/customer?channel=…&hub=…&last_seq=7      Cookie, or Lens-Ticket
//!   event: carrier   data: {"key":"…"}
//!   data: {"v":1,"kind":"welcome",…}
//!   data: {"v":1,"seq":8,…}   …
//!   event: close     data: {"code":1013,"reason":"overflow"}
//! POST /sse/customer?channel=…   Lens-Carrier: <key>   {"v":1,"seq":3,…} or an array of them
//!   → {"received":3}   what lies beyond has to be sent again
//! ```

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use lens_protocol::id::Seq;
use lens_protocol::{ErrorCode, Problem, SecretText};
use lens_runtime::http::{AnyJson, Failure, Json, Path, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use super::posts::PostKey;
use super::websocket::admit;
use super::{Connection, origin};
use crate::core::channel::{Link, Transmit};
use crate::core::frame;
use crate::error::Closed;
use crate::host::Door;
use crate::hub::{Carrier, Hello, Shared};
use crate::registry::Entry;

/// Most messages of one `POST`.
const MESSAGES: usize = 256;
/// Frames between the channel and the HTTP connection; more would hide from the channel that the
/// peer does not read.
const IN_FLIGHT: usize = 4;

/// Query of the stream.
#[derive(Debug, Deserialize)]
pub(crate) struct Resume {
    channel: String,
    #[serde(default)]
    hub: Option<String>,
    #[serde(default)]
    last_seq: Seq,
}

/// Query of a `POST`.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    channel: String,
}

/// Answer to a `POST`.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    received: Seq,
}

/// `GET /sse/{door}`.
pub(crate) async fn open(
    State(hub): State<Arc<Shared>>,
    Path(door): Path<String>,
    Query(resume): Query<Resume>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let door: Door = door.parse()?;
    let check = origin::check(&headers, &uri, &hub.config.allowed_origins);
    check.inspect_err(|problem| hub.refused(problem.code))?;
    let connection = Connection::open(&hub, crate::metrics::Carrier::EventStream)?;
    let ticket = headers
        .get("lens-ticket")
        .and_then(|ticket| ticket.to_str().ok());
    let ticket = ticket.map(SecretText::new);
    let hello = Hello {
        channel: resume.channel,
        hub: resume.hub,
        last_seq: resume.last_seq,
    };
    let carrier = admit(&hub, door, &headers, &hello, ticket.as_ref()).await;
    let carrier = carrier.inspect_err(|problem| connection.ended(Closed::Refused(problem.code)))?;
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    hub.shutdown.spawn(drive(carrier, connection, sender));
    let events = stream::unfold(receiver, |mut receiver| async move {
        let event: Bytes = receiver.recv().await?;
        Some((Ok::<_, Infallible>(event), receiver))
    });
    let headers = [
        (CONTENT_TYPE.as_str(), "text/event-stream"),
        (CACHE_CONTROL.as_str(), "no-store"),
        // Asks nginx, and those who follow it, not to hold events back.
        ("x-accel-buffering", "no"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// Feeds the stream from the channel until one side ends it.
async fn drive(carrier: Carrier, connection: Connection, events: mpsc::Sender<Bytes>) {
    let key = PostKey::new(&carrier);
    let first = format!("event: carrier\ndata: {{\"key\":\"{}\"}}\n\n", key.as_str());
    let mut closed = write(&carrier, &events, first).await.err();
    while closed.is_none() {
        closed = step(&carrier, &events).await.err();
    }
    let closed = closed.unwrap_or(Closed::Cut);
    connection.ended(closed);
    drop((key, carrier));
    let (code, reason) = (closed.code(), closed.name());
    let last = format!("event: close\ndata: {{\"code\":{code},\"reason\":\"{reason}\"}}\n\n");
    // One that does not read cannot be told.
    let _ = events.try_send(Bytes::from(last));
}

async fn step(carrier: &Carrier, events: &mpsc::Sender<Bytes>) -> Result<(), Closed> {
    match carrier.poll() {
        Transmit::Frame(text) => write(carrier, events, format!("data: {text}\n\n")).await,
        Transmit::End(closed) => Err(closed),
        Transmit::Wait(at) => {
            tokio::select! {
                () = carrier.woken() => Ok(()),
                () = tokio::time::sleep_until(at.into()) => Ok(()),
                () = events.closed() => Err(Closed::Cut),
            }
        }
    }
}

async fn write(
    carrier: &Carrier,
    events: &mpsc::Sender<Bytes>,
    text: String,
) -> Result<(), Closed> {
    let sent = events
        .send_timeout(Bytes::from(text), carrier.hub.config.write)
        .await;
    sent.map_err(|error| match error {
        mpsc::error::SendTimeoutError::Timeout(_) => carrier.broken().unwrap_or(Closed::Silent),
        mpsc::error::SendTimeoutError::Closed(_) => Closed::Cut,
    })
}

/// `POST /sse/{door}`.
pub(crate) async fn post(
    State(hub): State<Arc<Shared>>,
    Path(door): Path<String>,
    Query(target): Query<Target>,
    uri: Uri,
    headers: HeaderMap,
    AnyJson(body): AnyJson,
) -> Result<Json<Taken>, Failure> {
    let door: Door = door.parse()?;
    let check = origin::check(&headers, &uri, &hub.config.allowed_origins);
    check.inspect_err(|problem| hub.refused(problem.code))?;
    let key = headers
        .get("lens-carrier")
        .and_then(|key| key.to_str().ok())
        .unwrap_or("");
    let (entry, link) = hub.posts.find(key).ok_or(ErrorCode::TokenInvalid)?;
    if entry.channel.door != door || entry.channel.name != target.channel {
        return Err(ErrorCode::TokenInvalid.into());
    }
    let messages = match body {
        Value::Array(messages) if messages.len() <= MESSAGES => messages,
        Value::Array(_) => return Err(ErrorCode::PayloadTooLarge.into()),
        message => vec![message],
    };
    for message in messages {
        if !receive(&hub, &entry, link, message).await? {
            break;
        }
    }
    let received = entry.state().core.accepted();
    Ok(Json(Taken { received }))
}

/// One message of a `POST`. False when one before it is missing: the answer's number says so.
async fn receive(hub: &Shared, entry: &Entry, link: Link, message: Value) -> Result<bool, Problem> {
    wait_for_host(hub, entry).await?;
    let problem = match hub.receive(entry, link, frame::read_value(message)) {
        Ok(()) => return Ok(true),
        Err(Closed::Gap) => return Ok(false),
        Err(Closed::Flood) => {
            hub.closed(Closed::Flood);
            Problem::new(ErrorCode::RateLimited).retry_after_s(1)
        }
        Err(Closed::Unreadable) => {
            hub.closed(Closed::Unreadable);
            ErrorCode::MalformedJson.into()
        }
        // The stream that owns the key has ended, or is just about to.
        Err(_) => ErrorCode::TokenInvalid.into(),
    };
    Err(problem)
}

/// A peer that is faster than the host waits in its own request.
async fn wait_for_host(hub: &Shared, entry: &Entry) -> Result<(), Problem> {
    let deadline = tokio::time::Instant::now() + hub.config.write;
    let most = u64::try_from(hub.config.host_backlog).unwrap_or(u64::MAX);
    while entry.state().core.waiting_for_host() >= most {
        if tokio::time::Instant::now() >= deadline {
            return Err(Problem::new(ErrorCode::Unavailable).retry_after_s(1));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}
