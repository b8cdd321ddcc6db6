//! STUN requests: what was signed is proved, and nothing else is.
//!
//! Input: the place of a bit (2 bytes), then a message.

use aws_lc_rs::hmac;

use super::input::Input;
use crate::core::stun::{self, Password};

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
const HEADER: usize = 20;
/// Type and length of MESSAGE-INTEGRITY.
const INTEGRITY: [u8; 4] = [0, 8, 0, 20];

pub(super) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let place = usize::from(input.word());
    let datagram = input.0;
    let password = Password::new(PASSWORD);
    if let Some(request) = stun::request(datagram) {
        assert!(stun::is_stun(datagram), "a request is STUN");
        assert!(datagram.len() >= HEADER && datagram.len() < HEADER + 0x1_0000);
        if password.proves(&request, datagram) {
            nothing_behind_the_proof_is_read(datagram);
        }
    }
    // An attribute that reaches beyond the input would swallow the proof.
    let whole = complete(datagram, 0).is_some_and(|it| stun::request(&it).is_some());
    let Some(signed) = sign(datagram).filter(|_| whole) else {
        return;
    };
    let request = stun::request(&signed).expect("a request with one more attribute");
    // An attribute of the input may look like a proof; then the signed one is not read.
    let first = (HEADER..signed.len()).find(|at| signed[*at..].starts_with(&INTEGRITY));
    if first == Some(signed.len() - 24) {
        assert!(password.proves(&request, &signed), "what was signed");
        let mut forged = signed.clone();
        let at = place / 8 % forged.len();
        forged[at] ^= 1 << (place % 8);
        let proved = stun::request(&forged).is_some_and(|it| password.proves(&it, &forged));
        assert!(!proved, "bit {} of byte {at} is not protected", place % 8);
    }
}

/// The message with the length of one that is `more` bytes longer.
fn complete(datagram: &[u8], more: usize) -> Option<Vec<u8>> {
    let mut message = datagram.to_vec();
    message.resize(message.len().max(HEADER).next_multiple_of(4), 0);
    let length = u16::try_from(message.len() + more - HEADER).ok()?;
    message[2..4].copy_from_slice(&length.to_be_bytes());
    Some(message)
}

/// The message with a proof behind its attributes.
fn sign(datagram: &[u8]) -> Option<Vec<u8>> {
    let mut message = complete(datagram, 24)?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, PASSWORD.as_bytes());
    let proof = hmac::sign(&key, &message);
    message.extend(INTEGRITY);
    message.extend(proof.as_ref());
    Some(message)
}

fn nothing_behind_the_proof_is_read(datagram: &[u8]) {
    let read = |datagram: &[u8]| {
        let request = stun::request(datagram)?;
        Some((request.ufrag.to_vec(), request.nominates))
    };
    let mut more = datagram.to_vec();
    more.extend([0, 0x25, 0, 0, 0, 6, 0, 4, b'e', b'v', b'i', b'l']);
    let Ok(length) = u16::try_from(more.len() - HEADER) else {
        return;
    };
    more[2..4].copy_from_slice(&length.to_be_bytes());
    assert_eq!(read(datagram), read(&more), "bytes behind the proof count");
}
