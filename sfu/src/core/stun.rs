//! The few bytes of STUN (RFC 8489) that decide where a datagram goes.
//!
//! Only the header and the USERNAME and USE-CANDIDATE attributes are read, without allocation;
//! integrity is proved by the ICE agent of the participant that the user name points to.

const HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const USERNAME: u16 = 0x0006;
const USE_CANDIDATE: u16 = 0x0025;

/// A binding request, before its integrity is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    /// Our ICE user name fragment: what stands before the colon.
    pub(crate) ufrag: &'a [u8],
    /// Whether the peer nominates this path.
    pub(crate) nominates: bool,
}

/// Whether the first byte says STUN (RFC 7983).
pub(crate) fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|byte| *byte < 4)
}

/// The binding request in `datagram`, or `None` for anything else.
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
    let mut rest = &datagram[HEADER..];
    while let Some((head, body)) = rest.split_at_checked(4) {
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = body.get(..length)?;
        match kind {
            USERNAME => ufrag = value.split(|byte| *byte == b':').next(),
            USE_CANDIDATE => nominates = true,
            _ => {}
        }
        rest = body.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(Request {
        ufrag: ufrag?,
        nominates,
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
        };
        assert_eq!(request(&datagram), Some(expected));
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
