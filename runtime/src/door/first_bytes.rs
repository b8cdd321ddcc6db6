//! Tells from the first bytes what a connection is, without taking them.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;

/// Bytes needed to be sure of STUN: length, type, message length, magic cookie (RFC 8489 §5).
const NEEDED: usize = 10;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Pause before looking again when a client has sent only a part. The socket stays readable
/// meanwhile, so there is nothing to wait for but time.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// What a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tls,
    Stun,
    PlainHttp,
    Noise,
}

/// Looks at the first bytes until they tell. The caller sets the time limit.
pub(super) async fn kind_of(stream: &TcpStream) -> io::Result<Kind> {
    let mut bytes = [0; NEEDED];
    loop {
        let seen = stream.peek(&mut bytes).await?;
        if seen == 0 {
            return Ok(Kind::Noise);
        }
        if let Some(kind) = judge(&bytes[..seen]) {
            return Ok(kind);
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// `None` while more bytes are needed.
pub(super) fn judge(bytes: &[u8]) -> Option<Kind> {
    match bytes {
        [] | [0x16] => None,
        [0x16, 0x03, ..] => Some(Kind::Tls),
        [first, ..] if first.is_ascii_uppercase() => Some(Kind::PlainHttp),
        // A frame longer than any ICE check begins with a byte above 7, whatever follows.
        [first, ..] if *first > 7 => Some(Kind::Noise),
        [high, low, 0x00, 0x01, rest @ ..] if rest.len() >= NEEDED - 4 => {
            let frame = u16::from_be_bytes([*high, *low]);
            let body = u16::from_be_bytes([rest[0], rest[1]]);
            let fits = body.checked_add(20) == Some(frame);
            Some(if fits && rest[2..6] == MAGIC_COOKIE {
                Kind::Stun
            } else {
                Kind::Noise
            })
        }
        [_, _, 0x00, 0x01, ..] | [_, _, 0x00] | [_, _] | [_] => None,
        _ => Some(Kind::Noise),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_first_bytes_are_told_apart() {
        let chromium = [0x00, 0x60, 0x00, 0x01, 0x00, 0x4c, 0x21, 0x12, 0xa4, 0x42];
        let firefox = [0x00, 0x64, 0x00, 0x01, 0x00, 0x50, 0x21, 0x12, 0xa4, 0x42];
        for stun in [chromium, firefox] {
            assert_eq!(judge(&stun), Some(Kind::Stun));
            for part in 1..stun.len() {
                assert_eq!(judge(&stun[..part]), None, "undecided after {part} bytes");
            }
        }
        assert_eq!(judge(&[0x16, 0x03, 0x01]), Some(Kind::Tls));
        assert_eq!(judge(b"GET / HTTP/1.1"), Some(Kind::PlainHttp));
    }

    #[test]
    fn noise_is_noise() {
        for noise in [
            &[0x00, 0x60, 0x00, 0x01, 0x00, 0x4c, 0x21, 0x12, 0xa4, 0x43][..],
            &[0x00, 0x61, 0x00, 0x01, 0x00, 0x4c, 0x21, 0x12, 0xa4, 0x42][..],
            &[0x00, 0x60, 0x01, 0x01, 0x00, 0x4c][..],
            &[0x16, 0xff][..],
            &[0xff][..],
            b"hello",
            b"SSH-2.0-"[3..].as_ref(),
        ] {
            assert_ne!(judge(noise), Some(Kind::Stun), "{noise:02x?}");
            assert_ne!(judge(noise), Some(Kind::Tls), "{noise:02x?}");
        }
        assert_eq!(judge(&[0xff]), Some(Kind::Noise));
    }

    #[test]
    fn a_frame_longer_than_any_check_is_noise_however_its_bytes_come_in() {
        let long = [0x08, 0x14, 0x00, 0x01, 0x08, 0x00, 0x21, 0x12, 0xa4, 0x42];
        for seen in 1..=long.len() {
            assert_eq!(judge(&long[..seen]), Some(Kind::Noise), "{seen} bytes");
        }
    }
}
