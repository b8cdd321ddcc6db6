//! WebSockets that behave badly.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use lens_tests::http::{Http, secure_stream};
use lens_tests::product::Product;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

type Socket = WebSocketStream<TlsStream<TcpStream>>;

const LIMIT: Duration = Duration::from_secs(30);

async fn open(product: &Product, cookies: &Http) -> Socket {
    let stream = secure_stream(product.https())
        .await
        .expect("the door is open");
    let url = format!("wss://{}/ws/console", product.https());
    let mut request = url.into_client_request().expect("a sound URL");
    let headers = request.headers_mut();
    headers.insert("origin", cookies.origin().parse().expect("a header"));
    if let Some(line) = cookies.cookie_line() {
        headers.insert("cookie", line.parse().expect("a header"));
    }
    client_async(request, stream)
        .await
        .expect("the socket opens")
        .0
}

/// Reads until the server closes.
async fn until_closed(mut socket: Socket) {
    let closed = tokio::time::timeout(LIMIT, async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                break;
            }
        }
    });
    assert!(
        closed.await.is_ok(),
        "the server kept the socket for {LIMIT:?}"
    );
}

/// Says nothing.
pub(crate) async fn silent(product: &Product) {
    until_closed(open(product, &product.signed_in().await).await).await;
}

/// Says one text and nothing more.
pub(crate) async fn says(product: &Product, text: String) {
    let mut socket = open(product, &product.signed_in().await).await;
    // The server may close while the text is still on its way.
    let _ = socket.send(Message::text(text)).await;
    until_closed(socket).await;
}

/// Says hello and then the same thing as fast as it can.
pub(crate) async fn floods(product: &Product) {
    let mut socket = open(product, &product.signed_in().await).await;
    let hello = json!({ "v": 1, "kind": "resume", "channel": "flooding-channel-01" });
    socket
        .send(Message::text(hello.to_string()))
        .await
        .expect("a first frame");
    for seq in 1..20_000 {
        let line = json!({ "v": 1, "seq": seq, "kind": "candidate", "candidate": "x" });
        if socket.send(Message::text(line.to_string())).await.is_err() {
            break;
        }
    }
    until_closed(socket).await;
}

/// Uses a ticket, and uses it again.
pub(crate) async fn replays_ticket(product: &Product) {
    let mut technician = product.signed_in().await;
    let ticket = technician.post("/api/tickets", json!({})).await.success()["ticket"].clone();
    let nobody = product.http();
    for name in ["first-ticket-channel", "second-ticket-channel"] {
        let mut socket = open(product, &nobody).await;
        let hello = json!({ "v": 1, "kind": "resume", "channel": name, "ticket": ticket });
        socket
            .send(Message::text(hello.to_string()))
            .await
            .expect("a first frame");
        if name.starts_with("first") {
            let welcome = socket.next().await.expect("an answer").expect("a message");
            assert!(
                welcome.to_text().is_ok_and(|text| text.contains("welcome")),
                "{welcome:?}"
            );
        } else {
            until_closed(socket).await;
        }
    }
}
