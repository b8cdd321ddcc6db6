//! A page's signalling over a WebSocket, frame by frame: right, or as wrong as a test wants it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use lens_protocol::conference::ParticipantOffer;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::http::Http;

/// Longest wait for a frame or for the end.
const LIMIT: Duration = Duration::from_secs(30);

/// One connection at a door.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<TlsStream<TcpStream>>,
    seq: u64,
}

impl Socket {
    /// Connects to `console` or `customer` with the caller's cookies, and says nothing yet.
    ///
    /// # Panics
    /// When the socket does not open.
    pub async fn open(caller: &Http, door: &str) -> Self {
        let stream = caller.stream().await.expect("the door is open");
        let url = format!("{}/ws/{door}", caller.origin().replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("a sound URL");
        let headers = request.headers_mut();
        headers.insert("origin", caller.origin().parse().expect("a header"));
        if let Some(line) = caller.cookie_line() {
            headers.insert("cookie", line.parse().expect("a header"));
        }
        let opened = client_async(request, stream).await;
        let (stream, _) = opened.expect("the socket opens");
        Self { stream, seq: 0 }
    }

    /// Connects, greets under this channel name and waits for the welcome.
    ///
    /// # Panics
    /// When the server does not let it in.
    pub async fn greeted(caller: &Http, door: &str, channel: &str) -> Self {
        let mut socket = Self::open(caller, door).await;
        socket.greet(channel, None).await;
        socket.hear("welcome").await;
        socket
    }

    /// The first frame, with a ticket or without.
    pub async fn greet(&mut self, channel: &str, ticket: Option<&str>) {
        let hello = json!({ "v": 1, "kind": "resume", "channel": channel, "ticket": ticket });
        self.write(hello.to_string()).await;
    }

    /// Sends any text; false when the server has closed.
    pub async fn write(&mut self, text: String) -> bool {
        self.stream.send(Message::text(text)).await.is_ok()
    }

    /// Sends bytes that are no text; false when the server has closed.
    pub async fn write_bytes(&mut self, bytes: Vec<u8>) -> bool {
        self.stream.send(Message::binary(bytes)).await.is_ok()
    }

    /// Sends a message under the next number; false when the server has closed.
    pub async fn say(&mut self, session: Option<&str>, mut message: Value) -> bool {
        self.seq += 1;
        message["v"] = 1.into();
        message["seq"] = self.seq.into();
        if let Some(session) = session {
            message["session"] = session.into();
        }
        self.write(message.to_string()).await
    }

    /// Answers an offer.
    pub async fn answer(&mut self, session: Option<&str>, offer: &ParticipantOffer, sdp: &str) {
        let answer = json!({
            "kind": "answer",
            "conference": offer.conference,
            "participant": offer.participant,
            "generation": offer.generation,
            "negotiation_id": offer.negotiation_id,
            "sdp": sdp,
        });
        assert!(self.say(session, answer).await, "the server takes answers");
    }

    /// Waits for the next message of this kind; others are passed over.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn hear(&mut self, kind: &str) -> Value {
        let hearing = async {
            loop {
                let message = self.stream.next().await;
                let text = match &message {
                    Some(Ok(message)) => message.to_text().unwrap_or_default(),
                    _ => panic!("the socket ended before {kind}: {message:?}"),
                };
                let heard: Value = serde_json::from_str(text).unwrap_or_default();
                if heard["kind"] == kind {
                    return heard;
                }
            }
        };
        let heard = tokio::time::timeout(LIMIT, hearing).await;
        heard.unwrap_or_else(|_| panic!("no {kind} within {LIMIT:?}"))
    }

    /// Reads until the server closes.
    ///
    /// # Panics
    /// When it does not.
    pub async fn until_closed(mut self) {
        let closed = tokio::time::timeout(LIMIT, async {
            while let Some(Ok(message)) = self.stream.next().await {
                if message.is_close() {
                    break;
                }
            }
        });
        let closed = closed.await.is_ok();
        assert!(closed, "the server kept the socket for {LIMIT:?}");
    }
}
