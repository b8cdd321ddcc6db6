//! What an `Idempotency-Key` stands for: one request of one owner, for 24 hours.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

/// How long a stored answer is replayed.
pub const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// How long a request may run before its key is taken for abandoned, as after a crash. Has to be
/// longer than any call can take; higher values make a client wait longer after a crash.
pub const CLAIM: Duration = Duration::from_secs(30);

/// SHA-256 of a call and its parsed body, so that neither field order nor spelled-out defaults
/// make a difference, and the same key on another path does.
pub fn fingerprint(path: &str, body: &impl Serialize) -> [u8; 32] {
    let body = serde_json::to_vec(body).expect("a request body is plain data");
    let mut text = Vec::with_capacity(path.len() + 1 + body.len());
    text.extend_from_slice(path.as_bytes());
    text.push(b'\n');
    text.extend_from_slice(&body);
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, &text).as_ref());
    fingerprint
}

#[cfg(test)]
mod tests {
    use lens_protocol::conference::CreateConference;

    use super::*;

    #[test]
    fn spelled_out_defaults_are_the_same_request_and_another_path_is_not() {
        let bare: CreateConference = serde_json::from_str("{}").expect("defaults");
        let spelled: CreateConference =
            serde_json::from_str(r#"{"max_duration_s":14400,"max_participants":4}"#)
                .expect("valid");
        let other: CreateConference =
            serde_json::from_str(r#"{"max_participants":5}"#).expect("valid");
        let of = |path: &str, body: &CreateConference| fingerprint(path, body);
        assert_eq!(of("/a", &bare), of("/a", &spelled));
        assert_ne!(of("/a", &bare), of("/a", &other));
        assert_ne!(of("/a", &bare), of("/b", &bare));
    }
}
