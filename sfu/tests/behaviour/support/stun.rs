//! ICE checks made by hand, right or forged.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use aws_lc_rs::hmac;
use str0m::ice::{StunMessage, TransId};

/// The value of an attribute in an SDP.
pub fn attribute<'a>(sdp: &'a str, name: &str) -> &'a str {
    let prefix = format!("a={name}:");
    let found = sdp.lines().find_map(|line| line.strip_prefix(&prefix));
    found.expect("the attribute is there")
}

/// A nominating check of the peer that made `answer` to the server that made `offer`.
pub fn check(offer: &str, answer: &str) -> Vec<u8> {
    let password = attribute(offer, "ice-pwd");
    check_with(offer, answer, password)
}

/// The same with another password.
pub fn check_with(offer: &str, answer: &str, password: &str) -> Vec<u8> {
    let (ours, theirs) = (
        attribute(offer, "ice-ufrag"),
        attribute(answer, "ice-ufrag"),
    );
    let username = format!("{ours}:{theirs}");
    let message =
        StunMessage::binding_request(&username, TransId::new(), true, 7, 1_862_270_975, true);
    let mut bytes = vec![0; 512];
    let length = message
        .to_bytes(Some(password.as_bytes()), &mut bytes, sha1_hmac)
        .expect("it fits");
    bytes.truncate(length);
    bytes
}

fn sha1_hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let mut context = hmac::Context::with_key(&key);
    parts.iter().for_each(|part| context.update(part));
    context
        .sign()
        .as_ref()
        .try_into()
        .expect("SHA-1 has 20 bytes")
}

/// Whether a datagram is a check with USE-CANDIDATE.
pub fn nominates(datagram: &[u8]) -> bool {
    let check = datagram.starts_with(&[0, 1]);
    let parsed = StunMessage::parse(datagram);
    check && parsed.is_ok_and(|message| message.use_candidate())
}

/// A socket of somebody the server does not know.
pub fn stranger() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    socket
}

/// Bytes that come back within a moment.
pub fn replies(socket: &UdpSocket) -> usize {
    let mut buffer = [0; 2_048];
    let mut bytes = 0;
    while let Ok(length) = socket.recv(&mut buffer) {
        bytes += length;
    }
    bytes
}

/// Sends all of `datagrams`.
pub fn send_all(socket: &UdpSocket, to: SocketAddr, datagrams: &[Vec<u8>]) {
    for datagram in datagrams {
        socket.send_to(datagram, to).unwrap();
    }
}
