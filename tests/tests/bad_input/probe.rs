//! Bad input below HTTP: datagrams, TCP streams, TLS, WebSocket frames.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use lens_protocol::conference::ParticipantOffer;
use lens_tests::product::Product;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::given::Given;
use crate::socket;

/// Runs the probe with this name. What it causes is read from the row's counter.
pub(crate) async fn run(name: &str, product: &Product, given: &Given) {
    let offer = given.offer.as_ref();
    match name {
        "garbage by UDP" => datagram(media(product, "udp"), &[0x5a; 700]),
        "half a STUN request by UDP" => {
            datagram(media(product, "udp"), &binding_request("cut off")[..24]);
        }
        "STUN for nobody" => datagram(
            media(product, "udp"),
            &binding_request("nobody-of-this-house"),
        ),
        "STUN with wrong integrity" => {
            let offer = offer.expect("a row with an offer");
            datagram(media(product, "udp"), &binding_request(&user_name(offer)));
        }
        "STUN from a second address" => given.replay_check(media(product, "udp")),
        "DTLS before ICE" => datagram(media(product, "udp"), &client_hello()),
        "garbage by TCP" => stream(product.https(), &[0xa5; 64]).await,
        "garbage in TLS" => {
            let mut hello = vec![0x16, 0x03, 0x01, 0x00, 0x40];
            hello.resize(69, 0x5a);
            stream(product.https(), &hello).await;
        }
        "garbage at the operator's" => {
            stream(product.operator(product.entrance()), &[0xa5; 64]).await;
        }
        "garbage by ICE-TCP" => {
            // A frame that begins like a STUN request, as the door wants it, and is none.
            let mut frame = vec![0x00, 0x60, 0x00, 0x01, 0x00, 0x4c, 0x21, 0x12, 0xa4, 0x42];
            frame.resize(98, 0x5a);
            stream(media(product, "tcp"), &frame).await;
        }
        "stalled TLS" => stalls(product.https(), &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await,
        "silent TCP" => stalls(product.https(), &[]).await,
        "crowd" => socket::crowds(product).await,
        "silent socket" => socket::silent(product).await,
        "socket with garbage" => socket::says(product, "hello".into()).await,
        "socket with a long frame" => socket::says(product, "x".repeat(200 * 1024)).await,
        "socket with bytes" => socket::says_bytes(product).await,
        "socket that begins with chat" => {
            let chat = r#"{"v":1,"seq":1,"kind":"chat","client_id":"1","text":"x"}"#;
            socket::says(product, chat.into()).await;
        }
        "socket that skips a number" => socket::skips(product).await,
        "invented ticket" => socket::shows_ticket(product, "AAAAAAAAAAAAAAAAAAAAAA").await,
        "socket of a closed session" => socket::after_the_end(given.customer()).await,
        "socket that never reads" => given.put_to_sleep(product).await,
        "flooding socket" => socket::floods(product).await,
        "replayed ticket" => socket::replays_ticket(product).await,
        other => panic!("there is no probe {other:?}"),
    }
}

fn media(product: &Product, kind: &str) -> SocketAddr {
    let address = product.ready()["media"][kind][0]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    address.parse().expect("a media address in the ready line")
}

fn datagram(to: SocketAddr, bytes: &[u8]) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free UDP port");
    for _ in 0..20 {
        socket
            .send_to(bytes, to)
            .expect("a loopback takes datagrams");
    }
}

/// Sends bytes and reads until the door closes.
async fn stream(to: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(to).await.expect("the door is open");
    stream.write_all(bytes).await.expect("the door takes bytes");
    let mut rest = vec![];
    let closed = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the door kept garbage for 15 s");
}

/// A client that sends the beginning of something, or nothing, and no more. Another one is served
/// meanwhile.
async fn stalls(to: SocketAddr, beginning: &[u8]) {
    let mut stalled = TcpStream::connect(to).await.expect("the door is open");
    stalled
        .write_all(beginning)
        .await
        .expect("the door takes bytes");
    lens_tests::http::secure_stream(to)
        .await
        .expect("others are served meanwhile");
    let mut rest = vec![];
    let closed =
        tokio::time::timeout(Duration::from_secs(30), stalled.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the door waited for 30 s");
}

/// The user name of a check: the SFU's fragment, then ours.
fn user_name(offer: &ParticipantOffer) -> String {
    let line = offer
        .sdp
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    format!("{}:mine", line.expect("an offer with a user name fragment"))
}

/// A STUN binding request (RFC 8489) whose message integrity is all zeros.
fn binding_request(user_name: &str) -> Vec<u8> {
    let mut attributes = vec![0x00, 0x06];
    attributes.extend(
        u16::try_from(user_name.len())
            .expect("a short name")
            .to_be_bytes(),
    );
    attributes.extend(user_name.as_bytes());
    attributes.resize(attributes.len().next_multiple_of(4), 0);
    attributes.extend([0x00, 0x08, 0x00, 20]);
    attributes.extend([0; 20]);
    let mut message = vec![0x00, 0x01];
    message.extend(
        u16::try_from(attributes.len())
            .expect("a short message")
            .to_be_bytes(),
    );
    message.extend([0x21, 0x12, 0xa4, 0x42]);
    message.extend(*b"bad-input-01");
    message.extend(attributes);
    message
}

/// The beginning of a DTLS 1.2 ClientHello.
fn client_hello() -> Vec<u8> {
    let mut record = vec![0x16, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 1];
    record.resize(53, 0);
    record
}
