//! What somebody can send who was given an offer: its answer and its checks.

use aws_lc_rs::hmac;
use lens_protocol::id::NegotiationId;
use lens_protocol::media::Offered;

const FINGERPRINT: &str = "sha-256 89:AE:71:CE:40:4F:F6:39:FB:C2:91:1A:D2:6F:A1:78:DC:6B:CC:55:\
                           1F:EF:DF:3E:5B:EC:29:08:F8:A7:7E:B9";
/// Lines of an offer that are its own end's, and no part of an answer.
const OWN: [&str; 9] = [
    "a=candidate",
    "a=end-of-candidates",
    "a=ice-",
    "a=fingerprint",
    "a=setup",
    "a=ssrc",
    "a=msid",
    "a=rtcp-rsize",
    "o=",
];

/// Somebody with an offer, or without one.
#[derive(Default)]
pub(super) struct Caller {
    offered: Option<Offered>,
}

impl Caller {
    pub(super) fn new(offered: Offered) -> Self {
        Self {
            offered: Some(offered),
        }
    }

    /// A sound answer in whose line number `line` stands `instead`; none is changed beyond the
    /// last.
    pub(super) fn answer(&self, line: usize, instead: &[u8]) -> Option<(NegotiationId, String)> {
        let offered = self.offered.as_ref()?;
        let mut lines = vec!["v=0".to_owned(), "o=- 1 1 IN IP4 0.0.0.0".to_owned()];
        for line in offered.sdp.lines().skip(1) {
            if OWN.iter().any(|start| line.starts_with(start)) {
                continue;
            }
            lines.push(match line {
                "a=sendonly" => "a=recvonly".to_owned(),
                "a=recvonly" => "a=sendonly".to_owned(),
                other => other.to_owned(),
            });
            if line.starts_with("m=") {
                lines.push("c=IN IP4 0.0.0.0".to_owned());
                lines.push("a=ice-ufrag:abcd".to_owned());
                lines.push("a=ice-pwd:abcdefghijklmnopqrstuvwx".to_owned());
                lines.push(format!("a=fingerprint:{FINGERPRINT}"));
                lines.push("a=setup:active".to_owned());
            }
        }
        if let Some(line) = lines.get_mut(line) {
            *line = String::from_utf8_lossy(instead).into_owned();
        }
        Some((offered.negotiation_id, lines.join("\r\n") + "\r\n"))
    }

    /// A connectivity check, proved by the offer's password.
    pub(super) fn check(&self, nominates: bool) -> Option<Vec<u8>> {
        let offered = self.offered.as_ref()?;
        let find = |name: &str| offered.sdp.lines().find_map(|line| line.strip_prefix(name));
        let user = format!("{}:abcd", find("a=ice-ufrag:")?);
        let mut message = b"\x00\x01\x00\x00\x21\x12\xA4\x42ninebytes123".to_vec();
        attribute(&mut message, 0x0006, user.as_bytes());
        attribute(&mut message, 0x0024, &[0x6E, 0, 1, 0xFF]);
        attribute(&mut message, 0x802A, &[7; 8]);
        if nominates {
            attribute(&mut message, 0x0025, &[]);
        }
        let length = message.len() + 24 - 20;
        message[2..4].copy_from_slice(&(length as u16).to_be_bytes());
        let password = find("a=ice-pwd:")?;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let proof = hmac::sign(&key, &message);
        attribute(&mut message, 0x0008, proof.as_ref());
        Some(message)
    }
}

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}
