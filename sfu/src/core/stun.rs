//! The few bytes of STUN (RFC 8489) that decide where a datagram goes.
//!
//! Only the header, USERNAME, USE-CANDIDATE and MESSAGE-INTEGRITY are read, without allocation.
//! Integrity is proved here and not by the stack: it takes whatever comes from the address that it
//! sends to for its peer's, so that a forged source would keep a consent alive.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

const HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
/// With its own head: the message as it was signed ends there.
const INTEGRITY_BYTES: usize = 4 + 20;
const USE_CANDIDATE: u16 = 0x0025;

/// A binding request, before its integrity is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    /// Our ICE user name fragment: what stands before the colon.
    pub(crate) ufrag: &'a [u8],
    /// Whether the peer nominates this path.
    pub(crate) nominates: bool,
    /// Where the proof stands; none when there is none.
    proof: Option<usize>,
}

/// The password of one offer's ICE credentials, ready to prove checks with.
#[derive(Debug)]
pub(crate) struct Password(hmac::Key);

impl Password {
    pub(crate) fn new(password: &str) -> Self {
        let algorithm = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
        Self(hmac::Key::new(algorithm, password.as_bytes()))
    }

    /// Whether whoever sent `request`, which was read from `datagram`, knows the password:
    /// MESSAGE-INTEGRITY of RFC 8489 §14.5, an HMAC-SHA1 of everything before it, with the length
    /// as if the message ended behind it.
    pub(crate) fn proves(&self, request: &Request<'_>, datagram: &[u8]) -> bool {
        let Some(at) = request.proof else {
            return false;
        };
        let (Some(signed), Some(proof)) = (
            datagram.get(..at),
            datagram.get(at + 4..at + INTEGRITY_BYTES),
        ) else {
            return false;
        };
        let Ok(length) = u16::try_from(at + INTEGRITY_BYTES - HEADER) else {
            return false;
        };
        let mut hash = hmac::Context::with_key(&self.0);
        hash.update(&signed[..2]);
        hash.update(&length.to_be_bytes());
        hash.update(&signed[4..]);
        verify_slices_are_equal(hash.sign().as_ref(), proof).is_ok()
    }
}

/// Whether the first byte says STUN (RFC 7983).
pub(crate) fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|byte| *byte < 4)
}

/// The binding request in `datagram`, or `None` for anything else. What stands behind the proof is
/// not part of it: anybody could have put it there (RFC 8489 §14.5).
pub(crate) fn request(datagram: &[u8]) -> Option<Request<'_>> {
    let header = datagram.get(..HEADER)?;
    if header[..2] != BINDING_REQUEST || header[4..8] != MAGIC_COOKIE {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if HEADER + length != datagram.len() {
        return None;
    }
    let mut ufrag = None;
    let mut nominates = false;
    let mut proof = None;
    let mut rest = &datagram[HEADER..];
    while let Some((head, body)) = rest.split_at_checked(4) {
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = body.get(..length)?;
        match kind {
            USERNAME => ufrag = value.split(|byte| *byte == b':').next(),
            USE_CANDIDATE => nominates = true,
            MESSAGE_INTEGRITY if value.len() + 4 == INTEGRITY_BYTES => {
                proof = Some(datagram.len() - rest.len());
                break;
            }
            _ => {}
        }
        rest = body.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(Request {
        ufrag: ufrag?,
        nominates,
        proof,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend_from_slice(&kind.to_be_bytes());
            body.extend_from_slice(&(value.len() as u16).to_be_bytes());
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut message = vec![0, 1];
        message.extend_from_slice(&(body.len() as u16).to_be_bytes());
        message.extend_from_slice(&MAGIC_COOKIE);
        message.extend_from_slice(&[7; 12]);
        message.extend_from_slice(&body);
        message
    }

    #[test]
    fn the_part_before_the_colon_is_ours() {
        let datagram = message(&[
            (0x8022, b"odd"),
            (USERNAME, b"ours:theirs"),
            (USE_CANDIDATE, b""),
        ]);
        let expected = Request {
            ufrag: b"ours",
            nominates: true,
            proof: None,
        };
        assert_eq!(request(&datagram), Some(expected));
    }

    /// RFC 5769 §2.1: a sample request with its fingerprint.
    const SAMPLE: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\
        \xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
        \x80\x22\x00\x10STUN test client\
        \x00\x24\x00\x04\x6e\x00\x01\xff\
        \x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\
        \x00\x06\x00\x09evtj:h6vY   \
        \x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\
        \xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\
        \x80\x28\x00\x04\xe5\x7a\x3b\xcf";
    const SAMPLE_PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

    #[test]
    fn the_rfcs_request_is_proved_by_its_password_alone() {
        let found = request(SAMPLE).expect("a request");
        assert_eq!(found.ufrag, b"evtj");
        assert!(Password::new(SAMPLE_PASSWORD).proves(&found, SAMPLE));
        assert!(!Password::new("VOkJxbRl1RmTxUk/WvJxBu").proves(&found, SAMPLE));
    }

    #[test]
    fn no_bit_of_what_is_proved_can_be_changed() {
        let password = Password::new(SAMPLE_PASSWORD);
        // The length counts what comes behind the proof, too, which nobody has proved.
        let proved = (0..2).chain(4..SAMPLE.len() - 8);
        for at in proved {
            for bit in 0..8 {
                let mut forged = SAMPLE.to_vec();
                forged[at] ^= 1 << bit;
                let held = request(&forged).is_some_and(|it| password.proves(&it, &forged));
                assert!(!held, "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn what_stands_behind_the_proof_is_not_read() {
        let mut more = SAMPLE.to_vec();
        more.extend_from_slice(b"\x00\x25\x00\x00");
        more[3] += 4;
        let found = request(&more).expect("a request");
        assert!(!found.nominates);
        assert!(Password::new(SAMPLE_PASSWORD).proves(&found, &more));
    }

    #[test]
    fn a_request_without_a_proof_proves_nothing() {
        let datagram = message(&[(USERNAME, b"evtj:h6vY")]);
        let found = request(&datagram).expect("a request");
        assert!(!Password::new(SAMPLE_PASSWORD).proves(&found, &datagram));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = request(&bytes);
            let wrapped = message(&[(USERNAME, &bytes), (0x8022, &bytes)]);
            prop_assert!(request(&wrapped).is_some());
        }
    }

    #[test]
    fn cut_or_lying_messages_are_nothing() {
        let whole = message(&[(USERNAME, b"ours:theirs")]);
        for end in 0..whole.len() {
            assert_eq!(request(&whole[..end]), None, "cut at {end}");
        }
        let mut lying = whole.clone();
        lying[HEADER + 3] = 0xFF;
        assert_eq!(request(&lying), None);
        let mut response = whole;
        response[0] = 1;
        assert_eq!(request(&response), None);
    }
}
