//! Passwords: argon2id hashes (RFC 9106) as PHC strings, and a strength rule by zxcvbn.
//!
//! A password is hashed in Unicode NFKC, as NIST SP 800-63B advises: keyboards that compose an
//! accented letter differently type the same password.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use icu_normalizer::ComposingNormalizerBorrowed;
use lens_protocol::account::PasswordStrength;
use lens_protocol::entropy::{Entropy, random_bytes};
use lens_protocol::{SecretText, limits};

use crate::error::AuthError;

/// Shortest password, in characters. NIST SP 800-63B asks for length, not for composition.
pub const MIN_CHARS: usize = 10;
/// Lowest zxcvbn score taken, of 0 to 4.
pub const MIN_SCORE: u8 = 3;

/// How hard a password is to try. Higher costs an attacker and each login alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for HashCost {
    /// 19 MiB, two passes, one lane: about 0.2 s of a core.
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            passes: 2,
            lanes: 1,
        }
    }
}

/// Hashes and checks passwords at one cost.
#[derive(Clone, Debug)]
pub struct PasswordHashing {
    argon2: Argon2<'static>,
    cost: HashCost,
    decoy: SecretText,
}

impl PasswordHashing {
    /// A hasher at `cost`. Runs one hash to prepare the decoy that unknown accounts are checked
    /// against. [`AuthError::HashParameters`] when argon2id does not take the cost.
    pub fn new(cost: HashCost, entropy: &mut dyn Entropy) -> Result<Self, AuthError> {
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None)
            .map_err(|error| AuthError::HashParameters(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let unguessable = random_bytes::<32>(entropy);
        let decoy = hash_bytes(&argon2, &unguessable, entropy)?;
        Ok(Self {
            argon2,
            cost,
            decoy,
        })
    }

    /// The PHC string of `password` with a fresh 16-byte salt. Slow on purpose.
    /// [`AuthError::WeakPassword`] for one longer than the cap.
    pub fn hash(
        &self,
        password: &SecretText,
        entropy: &mut dyn Entropy,
    ) -> Result<SecretText, AuthError> {
        if password.expose().len() > limits::PASSWORD_BYTES {
            let advice = TOO_LONG.to_owned();
            return Err(AuthError::WeakPassword { advice });
        }
        hash_bytes(
            &self.argon2,
            normalised(password).expose().as_bytes(),
            entropy,
        )
    }

    /// Whether `password` belongs to `stored`. With none stored (unknown account, no password
    /// yet) the decoy is checked instead, so that the answer takes as long, and is `false`. One
    /// longer than the cap is nobody's, told without hashing.
    ///
    /// [`AuthError::UnreadableHash`] when `stored` is no PHC string.
    pub fn verify(
        &self,
        password: &SecretText,
        stored: Option<&SecretText>,
    ) -> Result<bool, AuthError> {
        if password.expose().len() > limits::PASSWORD_BYTES {
            return Ok(false);
        }
        let phc = stored.unwrap_or(&self.decoy);
        let hash = PasswordHash::new(phc.expose()).map_err(|_| AuthError::UnreadableHash)?;
        let matches = self
            .argon2
            .verify_password(normalised(password).expose().as_bytes(), &hash)
            .is_ok();
        Ok(matches && stored.is_some())
    }

    /// Whether `stored` was made at another cost and should be made anew at the next login.
    pub fn is_outdated(&self, stored: &SecretText) -> bool {
        let wanted = format!(
            "m={},t={},p={}",
            self.cost.memory_kib, self.cost.passes, self.cost.lanes
        );
        !stored
            .expose()
            .starts_with(&format!("$argon2id$v=19${wanted}$"))
    }
}

const TOO_LONG: &str = "This password is longer than 256 bytes. Use a shorter one.";

fn normalised(password: &SecretText) -> SecretText {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    SecretText::new(nfkc.normalize(password.expose()))
}

fn hash_bytes(
    argon2: &Argon2<'_>,
    password: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<SecretText, AuthError> {
    let salt = random_bytes::<16>(entropy);
    let hash: PasswordHash = argon2
        .hash_password_with_salt(password, &salt)
        .map_err(|error| AuthError::HashParameters(error.to_string()))?;
    Ok(SecretText::new(hash.to_string()))
}

/// Judges a new password; `about` are words an attacker would try first (e-mail, name,
/// organisation). Costs up to some milliseconds; longer than the cap is refused unjudged.
pub fn strength(password: &SecretText, about: &[&str]) -> PasswordStrength {
    if password.expose().len() > limits::PASSWORD_BYTES {
        return refused(0, TOO_LONG);
    }
    let password = normalised(password);
    let text = password.expose();
    let words: Vec<&str> = about
        .iter()
        .flat_map(|text| text.split(['@', ' ', '.', '-', '_']))
        .chain(["lens"])
        .collect();
    let estimate = zxcvbn::zxcvbn(text, &words);
    let score = u8::from(estimate.score());
    if text.chars().count() < MIN_CHARS {
        return refused(
            score.min(1),
            "Use at least 10 characters, such as four unrelated words.",
        );
    }
    if score < MIN_SCORE {
        let advice = estimate
            .feedback()
            .and_then(|f| f.warning())
            .map(|w| w.to_string());
        let advice = advice.unwrap_or_else(|| "Add another word or two.".to_owned());
        return refused(score, &advice);
    }
    PasswordStrength {
        score,
        accepted: true,
        advice: None,
    }
}

/// [`AuthError::WeakPassword`] with advice unless [`strength`] accepts the password.
pub fn check_strength(password: &SecretText, about: &[&str]) -> Result<(), AuthError> {
    let judged = strength(password, about);
    match judged.advice {
        Some(advice) if !judged.accepted => Err(AuthError::WeakPassword { advice }),
        _ => Ok(()),
    }
}

fn refused(score: u8, advice: &str) -> PasswordStrength {
    PasswordStrength {
        score,
        accepted: false,
        advice: Some(advice.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::Counting;

    fn cheap() -> PasswordHashing {
        let cost = HashCost {
            memory_kib: 64,
            passes: 1,
            lanes: 1,
        };
        PasswordHashing::new(cost, &mut Counting(0)).expect("valid cost")
    }

    #[test]
    fn the_right_password_is_accepted_and_another_is_not() {
        let hashing = cheap();
        let stored = hashing
            .hash(&SecretText::new("right horse"), &mut Counting(9))
            .expect("hash");
        assert_eq!(
            hashing.verify(&SecretText::new("right horse"), Some(&stored)),
            Ok(true)
        );
        assert_eq!(
            hashing.verify(&SecretText::new("wrong horse"), Some(&stored)),
            Ok(false)
        );
    }

    #[test]
    fn an_unknown_account_is_checked_against_the_decoy_and_refused() {
        assert_eq!(
            cheap().verify(&SecretText::new("anything"), None),
            Ok(false)
        );
    }

    #[test]
    fn a_password_typed_on_another_keyboard_is_the_same() {
        let hashing = cheap();
        let composed = SecretText::new("müde Käfer schlafen");
        let stored = hashing.hash(&composed, &mut Counting(9)).expect("hash");
        let decomposed = SecretText::new("mu\u{308}de Ka\u{308}fer schlafen");
        assert_eq!(hashing.verify(&decomposed, Some(&stored)), Ok(true));
    }

    #[test]
    fn a_password_beyond_the_cap_is_neither_set_nor_tried() {
        let hashing = cheap();
        let long = SecretText::new("x".repeat(limits::PASSWORD_BYTES + 1));
        let refused = hashing.hash(&long, &mut Counting(9));
        assert!(matches!(refused, Err(AuthError::WeakPassword { .. })));
        // Not even a hash that would match makes it right.
        let bytes = long.expose().as_bytes();
        let stored = hash_bytes(&hashing.argon2, bytes, &mut Counting(9)).expect("hash");
        assert_eq!(hashing.verify(&long, Some(&stored)), Ok(false));
    }

    #[test]
    fn two_hashes_of_one_password_differ_by_their_salt() {
        let hashing = cheap();
        let mut entropy = Counting(9);
        let password = SecretText::new("right horse");
        let first = hashing.hash(&password, &mut entropy).expect("hash");
        let second = hashing.hash(&password, &mut entropy).expect("hash");
        assert_ne!(first.expose(), second.expose());
    }

    #[test]
    fn a_hash_that_was_edited_by_hand_is_named() {
        let outcome = cheap().verify(&SecretText::new("x"), Some(&SecretText::new("plain text")));
        assert_eq!(outcome, Err(AuthError::UnreadableHash));
    }

    #[test]
    fn the_decoy_costs_as_much_as_a_real_hash() {
        let hashing = cheap();
        let stored = hashing
            .hash(&SecretText::new("x"), &mut Counting(3))
            .expect("hash");
        let cost = |phc: &SecretText| phc.expose().split('$').nth(3).map(str::to_owned);
        assert_eq!(cost(&hashing.decoy), cost(&stored));
        assert!(!hashing.is_outdated(&hashing.decoy));
    }

    #[test]
    fn the_default_cost_is_what_owasp_asks_for() {
        let cost = HashCost::default();
        assert_eq!((cost.memory_kib, cost.passes, cost.lanes), (19_456, 2, 1));
    }

    #[test]
    fn a_hash_of_another_cost_is_outdated() {
        let hashing = cheap();
        let stored = hashing
            .hash(&SecretText::new("x"), &mut Counting(3))
            .expect("hash");
        assert!(!hashing.is_outdated(&stored));
        let cost = HashCost {
            memory_kib: 128,
            passes: 1,
            lanes: 1,
        };
        let dearer = PasswordHashing::new(cost, &mut Counting(0)).expect("valid cost");
        assert!(dearer.is_outdated(&stored));
    }

    #[test]
    fn weak_passwords_get_advice_and_long_phrases_pass() {
        for weak in ["short", "password1234", "berghalden"] {
            let judged = strength(&SecretText::new(weak), &["anna.berg@halden.example"]);
            assert!(!judged.accepted && judged.advice.is_some(), "{weak}");
        }
        assert!(strength(&SecretText::new("copper lantern drifts sideways"), &[]).accepted);
        assert!(!strength(&SecretText::new("x".repeat(257)), &[]).accepted);
    }
}
