//! WebSockets that behave badly.

use std::net::Ipv4Addr;

use lens_tests::http::Http;
use lens_tests::product::Product;
use lens_tests::socket::Socket;
use serde_json::{Value, json};

/// Bytes of memory for a page that does not read: the least that the kernel gives.
const LITTLE: u32 = 4_096;
/// Pages that talk at once; each may send 300 messages before it has to slow down.
const SPEAKERS: usize = 3;
/// More lines than the kernel's buffers and the hub's queue take.
const LINES: usize = 2_000;

/// Says nothing.
pub(crate) async fn silent(product: &Product) {
    let caller = product.signed_in().await;
    Socket::open(&caller, "console").await.until_closed().await;
}

/// Says one text and nothing more.
pub(crate) async fn says(product: &Product, text: String) {
    let caller = product.signed_in().await;
    let mut socket = Socket::open(&caller, "console").await;
    // The server may close while the text is still on its way.
    socket.write(text).await;
    socket.until_closed().await;
}

/// Greets and sends bytes that are no text.
pub(crate) async fn says_bytes(product: &Product) {
    let caller = product.signed_in().await;
    let mut socket = Socket::greeted(&caller, "console", "bytes-of-a-page-01").await;
    socket.write_bytes(vec![0x5a; 64]).await;
    socket.until_closed().await;
}

/// Greets and leaves a number out.
pub(crate) async fn skips(product: &Product) {
    let caller = product.signed_in().await;
    let mut socket = Socket::greeted(&caller, "console", "skipping-channel-01").await;
    let line = json!({ "v": 1, "seq": 2, "kind": "end_of_candidates" });
    socket.write(line.to_string()).await;
    socket.until_closed().await;
}

/// Greets and then says the same thing as fast as it can.
pub(crate) async fn floods(product: &Product) {
    let caller = product.signed_in().await;
    let mut socket = Socket::greeted(&caller, "console", "flooding-channel-01").await;
    for _ in 0..20_000 {
        let line = json!({ "kind": "candidate", "candidate": "x" });
        if !socket.say(None, line).await {
            break;
        }
    }
    socket.until_closed().await;
}

/// Uses a ticket, and uses it again.
pub(crate) async fn replays_ticket(product: &Product) {
    let mut technician = product.signed_in().await;
    let ticket = technician.post("/api/tickets", json!({})).await.success();
    let ticket = ticket["ticket"].as_str().expect("a ticket");
    let nobody = product.http();
    let mut first = Socket::open(&nobody, "console").await;
    first.greet("first-ticket-channel", Some(ticket)).await;
    first.hear("welcome").await;
    shows_ticket(product, ticket).await;
}

/// Shows a ticket that is worth nothing.
pub(crate) async fn shows_ticket(product: &Product, ticket: &str) {
    let mut socket = Socket::open(&product.http(), "console").await;
    socket.greet("second-ticket-channel", Some(ticket)).await;
    let refused = socket.hear("error").await;
    assert_eq!(refused["code"], "ticket_invalid");
    socket.until_closed().await;
}

/// Comes with the cookie of a customer whose session is closed.
pub(crate) async fn after_the_end(customer: &Http) {
    let mut socket = Socket::open(customer, "customer").await;
    socket.greet("late-customer-page", None).await;
    let refused = socket.hear("error").await;
    assert_eq!(refused["code"], "session_closed");
    socket.until_closed().await;
}

/// A console that never reads while others talk. They go on talking meanwhile.
pub(crate) async fn never_reads(product: &Product, session: &str, done: impl AsyncFn() -> bool) {
    let caller = product.signed_in().await;
    let lazy = caller.clone().with_receive_buffer(LITTLE);
    let mut lazy_socket = Socket::open(&lazy, "console").await;
    lazy_socket.greet("a-page-that-sleeps", None).await;
    let mut speakers = Vec::new();
    for number in 0..SPEAKERS {
        let name = format!("a-page-that-talks-{number}");
        speakers.push(Socket::greeted(&caller, "console", &name).await);
    }
    // As long as a line may be, in characters of four bytes.
    let text = "\u{1f4f7}".repeat(2_000);
    for number in 0..LINES {
        let line = json!({ "kind": "chat", "client_id": number.to_string(), "text": text });
        assert!(
            speakers[number % SPEAKERS].say(Some(session), line).await,
            "a page that reads is cut off"
        );
        for speaker in &mut speakers {
            let heard: Value = speaker.hear("chat").await;
            assert_eq!(heard["session"], session);
        }
        if number % 50 == 0 && done().await {
            return;
        }
    }
}

/// Opens more connections than one address may, from an address that nobody else here has.
pub(crate) async fn crowds(product: &Product) {
    let from = Ipv4Addr::new(127, 0, 66, 1);
    let crowd = (0..520).map(|_| async move {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind((from, 0).into()).expect("a loopback address");
        socket.connect(product.https()).await
    });
    let crowd = futures_util::future::join_all(crowd).await;
    // Others are let in meanwhile.
    let reply = product.http().get("/").await;
    assert_eq!(reply.status, 200);
    drop(crowd);
}
