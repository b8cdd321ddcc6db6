//! Opaque tokens: 256 random bits as text, kept only as SHA-256.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lens_protocol::entropy::{Entropy, random_bytes};
use lens_protocol::id::ApiKeyId;
use lens_protocol::{SecretDigest, SecretText};

use crate::error::AuthError;

/// Length of a token's text: 32 bytes in base64url without padding.
pub const TOKEN_CHARS: usize = 43;
const API_KEY_PREFIX: &str = "lens_";

/// A new token of 256 random bits, 43 characters of base64url.
pub fn generate(entropy: &mut dyn Entropy) -> SecretText {
    SecretText::new(URL_SAFE_NO_PAD.encode(random_bytes::<32>(entropy)))
}

/// SHA-256 of the token's text: what a store keeps and is searched by. Fast on purpose: tokens
/// have too many bits to be guessed.
pub fn digest(token: &SecretText) -> SecretDigest {
    digest_bytes(token.expose().as_bytes())
}

/// SHA-256 of `bytes`.
pub fn digest_bytes(bytes: &[u8]) -> SecretDigest {
    let hash = digest::digest(&digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(hash.as_ref());
    SecretDigest::from_bytes(out)
}

/// The text of a new API key: `lens_<id without dashes>_<43 characters>`, and the digest to keep.
pub fn generate_api_key(id: ApiKeyId, entropy: &mut dyn Entropy) -> (SecretText, SecretDigest) {
    let secret = generate(entropy);
    let id = id.to_string().replace('-', "");
    (
        SecretText::new(format!("{API_KEY_PREFIX}{id}_{}", secret.expose())),
        digest(&secret),
    )
}

/// Whether a bearer text claims to be an API key (and not, say, a media token).
pub fn looks_like_api_key(bearer: &SecretText) -> bool {
    bearer.expose().starts_with(API_KEY_PREFIX)
}

/// Splits an API key's text into its id and the digest of its secret half.
/// [`AuthError::MalformedCredential`] for anything else.
pub fn parse_api_key(text: &SecretText) -> Result<(ApiKeyId, SecretDigest), AuthError> {
    let rest = text.expose().strip_prefix(API_KEY_PREFIX);
    let (id, secret) = rest
        .and_then(|rest| rest.split_once('_'))
        .ok_or(AuthError::MalformedCredential)?;
    let plain_hex = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    if !plain_hex || secret.len() != TOKEN_CHARS {
        return Err(AuthError::MalformedCredential);
    }
    let id = id.parse().map_err(|_| AuthError::MalformedCredential)?;
    Ok((id, digest(&SecretText::new(secret))))
}

#[cfg(test)]
pub(crate) mod tests {
    use lens_protocol::Timestamp;

    use super::*;

    /// Bytes that count up: different at each call, the same at each run.
    pub(crate) struct Counting(pub(crate) u8);

    impl Entropy for Counting {
        fn fill(&mut self, bytes: &mut [u8]) {
            for byte in bytes {
                self.0 = self.0.wrapping_add(1);
                *byte = self.0;
            }
        }
    }

    #[test]
    fn a_token_has_256_bits_and_only_its_digest_finds_it() {
        let mut entropy = Counting(0);
        let (one, other) = (generate(&mut entropy), generate(&mut entropy));
        assert_eq!(one.expose().len(), TOKEN_CHARS);
        assert_eq!(digest(&one), digest(&one));
        assert_ne!(digest(&one), digest(&other));
    }

    #[test]
    fn an_api_key_is_split_into_its_id_and_digest() {
        let mut entropy = Counting(0);
        let id = ApiKeyId::generate(Timestamp::from_unix_ms(5_000), &mut entropy);
        let (text, kept) = generate_api_key(id, &mut entropy);
        assert!(looks_like_api_key(&text));
        assert_eq!(parse_api_key(&text), Ok((id, kept)));
    }

    #[test]
    fn a_key_of_another_shape_is_refused() {
        let secret = "s".repeat(TOKEN_CHARS);
        let long = format!("lens_{}_{secret}x", "0".repeat(32));
        let odd = format!("lens_{}_{secret}", "g".repeat(32));
        for bad in [
            "",
            "lens_",
            "lens_1_2",
            "Bearer x",
            long.as_str(),
            odd.as_str(),
        ] {
            let refused = parse_api_key(&SecretText::new(bad));
            assert_eq!(refused, Err(AuthError::MalformedCredential), "{bad}");
        }
    }
}
