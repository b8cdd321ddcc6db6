//! The session link: 128 random bits S in a URL fragment, split by HKDF-SHA-256 (RFC 5869).
//!
//! The page derives the same halves (`html5-sdk/src/link.js`); S itself never leaves it. No
//! salt, since S is uniform; the info string keeps the halves apart. See
//! `docs/adr/0004-link-secret-halves.md`.

use aws_lc_rs::hkdf;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lens_protocol::entropy::{Entropy, random_bytes};
use lens_protocol::{SecretDigest, SecretText};

use crate::error::AuthError;
use crate::token::digest_bytes;

/// Length of S in a link: 16 bytes in base64url without padding.
pub const SECRET_CHARS: usize = 22;

const LOOKUP: &[u8] = b"lens/lookup/v1";
const AUTH: &[u8] = b"lens/auth/v1";
/// Reserved for the key that pages and applets will show to each other at the gateway. The
/// website must never learn it, so nothing here derives it outside the tests.
#[cfg(test)]
const GATEWAY: &[u8] = b"lens/gateway/v1";
/// Reserved for end-to-end encryption between peers; likewise.
#[cfg(test)]
const PEER: &[u8] = b"lens/peer/v1";

/// What a link's secret S is worth, derived from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkHalves {
    /// Names the invitation; 16 bytes, base64url.
    pub lookup: SecretText,
    /// Proves holding the link; 32 bytes, base64url.
    pub auth: SecretText,
}

impl LinkHalves {
    /// What the store is searched by.
    pub fn lookup_digest(&self) -> Result<SecretDigest, AuthError> {
        half_digest(&self.lookup, 16)
    }

    /// What the proof is checked against, in constant time.
    pub fn auth_digest(&self) -> Result<SecretDigest, AuthError> {
        half_digest(&self.auth, 32)
    }
}

/// A new S, 22 characters of base64url.
pub fn generate(entropy: &mut dyn Entropy) -> SecretText {
    SecretText::new(URL_SAFE_NO_PAD.encode(random_bytes::<16>(entropy)))
}

/// Derives the halves that the website learns. [`AuthError::MalformedCredential`] unless `secret`
/// is 16 bytes in base64url.
pub fn derive(secret: &SecretText) -> Result<LinkHalves, AuthError> {
    let bytes = decode(secret)?;
    Ok(LinkHalves {
        lookup: expand::<16>(&bytes, LOOKUP),
        auth: expand::<32>(&bytes, AUTH),
    })
}

fn decode(secret: &SecretText) -> Result<[u8; 16], AuthError> {
    let mut bytes = [0; 16];
    match URL_SAFE_NO_PAD.decode_slice(secret.expose(), &mut bytes) {
        Ok(written) if written == bytes.len() => Ok(bytes),
        _ => Err(AuthError::MalformedCredential),
    }
}

fn expand<const N: usize>(secret: &[u8; 16], info: &[u8]) -> SecretText {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut out = [0; N];
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret);
    key.expand(&[info], Length(N))
        .and_then(|okm| okm.fill(&mut out))
        .expect("16 and 32 bytes are within HKDF's limit of 255 hashes");
    SecretText::new(URL_SAFE_NO_PAD.encode(out))
}

fn half_digest(half: &SecretText, bytes: usize) -> Result<SecretDigest, AuthError> {
    let mut decoded = [0; 32];
    match URL_SAFE_NO_PAD.decode_slice(half.expose(), &mut decoded) {
        Ok(written) if written == bytes => Ok(digest_bytes(&decoded[..written])),
        _ => Err(AuthError::MalformedCredential),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::Counting;

    /// Shared with the browser's implementation, which must derive the same.
    const VECTORS: &str = include_str!("../vectors/link.json");

    #[test]
    fn the_halves_are_those_of_the_shared_vectors() {
        let vectors: Vec<serde_json::Value> = serde_json::from_str(VECTORS).expect("valid JSON");
        assert!(!vectors.is_empty());
        for vector in vectors {
            let text = |name: &str| vector[name].as_str().expect("a string").to_owned();
            let halves = derive(&SecretText::new(text("secret"))).expect("valid secret");
            assert_eq!(halves.lookup.expose(), text("lookup"));
            assert_eq!(halves.auth.expose(), text("auth"));
            let secret = decode(&SecretText::new(text("secret"))).expect("valid secret");
            assert_eq!(expand::<32>(&secret, GATEWAY).expose(), text("gateway"));
            assert_eq!(expand::<32>(&secret, PEER).expose(), text("peer"));
        }
    }

    #[test]
    fn a_secret_of_another_length_is_refused() {
        for bad in [
            "",
            "AAAA",
            "AAECAwQFBgcICQoLDA0ODxA",
            "!!ECAwQFBgcICQoLDA0ODw",
        ] {
            assert!(derive(&SecretText::new(bad)).is_err(), "{bad}");
        }
        assert_eq!(generate(&mut Counting(0)).expose().len(), SECRET_CHARS);
    }

    #[test]
    fn digests_tell_the_halves_apart() {
        let halves = derive(&generate(&mut Counting(0))).expect("own secret");
        assert_ne!(halves.lookup_digest(), halves.auth_digest());
    }
}
