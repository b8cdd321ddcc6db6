//! A bare WebSocket, for peers that do not behave.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{LIMIT, NAME, World};

pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl World {
    /// Connects to `/ws/{door}` with these headers.
    pub(crate) async fn connect(
        &self,
        door: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Socket, StatusCode> {
        let stream = TcpStream::connect(self.address)
            .await
            .expect("the hub listens");
        let mut request = format!("ws://{}/ws/{door}", self.address)
            .into_client_request()
            .expect("a valid request");
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a valid header");
            request
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Connects with a cookie and does not say anything yet.
    pub(crate) async fn socket(&self, who: &str) -> Socket {
        let headers = [("cookie", format!("who={who}"))];
        self.connect("customer", &headers).await.expect("let in")
    }

    /// Connects and says who it is.
    pub(crate) async fn greeted(&self, who: &str) -> Socket {
        let mut socket = self.socket(who).await;
        socket.say(resume(json!({}))).await;
        assert_eq!(socket.hear().await["kind"], "welcome");
        socket
    }
}

/// A `resume` for the usual channel, with more or other fields.
pub(crate) fn resume(fields: Value) -> Value {
    let mut frame = json!({ "v": 1, "kind": "resume", "channel": NAME });
    for (name, value) in fields.as_object().expect("an object") {
        frame[name] = value.clone();
    }
    frame
}

impl Socket {
    pub(crate) async fn say(&mut self, frame: Value) {
        self.say_message(Message::text(frame.to_string())).await;
    }

    pub(crate) async fn say_message(&mut self, message: Message) {
        // A hub that has closed already is a finding of what follows.
        let _ = self.0.send(message).await;
    }

    /// The next frame of the hub.
    pub(crate) async fn hear(&mut self) -> Value {
        match self.next().await {
            Some(Message::Text(text)) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("not a frame: {other:?}"),
        }
    }

    /// The next frame of this kind.
    pub(crate) async fn hear_kind(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.hear().await;
            if frame["kind"] == kind {
                return frame;
            }
        }
    }

    /// The close code and reason; what comes before is skipped.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Some(Message::Close(Some(frame))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(_) => {}
                None => panic!("no close frame"),
            }
        }
    }

    async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(LIMIT, self.0.next())
            .await
            .expect("something in time");
        next.and_then(Result::ok)
    }
}
