//! ICE checks (RFC 8489, RFC 8445) that are right, sent by somebody else.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use aws_lc_rs::hmac;
use str0m::ice::{StunMessage, TransId};

/// A nominating check of the peer that gave `answer` to `offer`.
pub(crate) fn check(offer: &str, answer: &str) -> Vec<u8> {
    let user = format!(
        "{}:{}",
        attribute(offer, "a=ice-ufrag:"),
        attribute(answer, "a=ice-ufrag:")
    );
    let check = StunMessage::binding_request(&user, TransId::new(), true, 7, 1_862_270_975, true);
    let password = attribute(offer, "a=ice-pwd:").as_bytes();
    let mut bytes = vec![0; 512];
    let length = check.to_bytes(Some(password), &mut bytes, sha1_hmac);
    bytes.truncate(length.expect("it fits"));
    bytes
}

/// Sends it several times; nothing longer than an answer to a check comes back.
pub(crate) fn replay(check: &[u8], to: SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free UDP port");
    socket
        .set_read_timeout(Some(Duration::from_millis(20)))
        .expect("a limit");
    let mut buffer = [0; 2_048];
    for _ in 0..20 {
        socket
            .send_to(check, to)
            .expect("a loopback takes datagrams");
        while let Ok(length) = socket.recv(&mut buffer) {
            let is_answer = length < 128 && buffer[0] == 1;
            assert!(is_answer, "{length} bytes that are no answer to a check");
        }
    }
}

fn attribute<'a>(sdp: &'a str, start: &str) -> &'a str {
    let found = sdp.lines().find_map(|line| line.strip_prefix(start));
    found.expect("an SDP with ICE")
}

fn sha1_hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let mut context = hmac::Context::with_key(&key);
    parts.iter().for_each(|part| context.update(part));
    let tag = context.sign();
    tag.as_ref().try_into().expect("SHA-1 has 20 bytes")
}
