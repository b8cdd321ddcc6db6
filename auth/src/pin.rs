//! PIN codes: short numbers that route a customer to a session and authenticate nobody.

use lens_protocol::SecretText;
use lens_protocol::entropy::{Entropy, random_bytes};

/// Fewest digits.
pub const MIN_DIGITS: u32 = 6;
/// Most digits.
pub const MAX_DIGITS: u32 = 9;

/// How many numbers there must be for each live PIN. With a million numbers (6 digits) and at
/// most 1,000 live ones, a guess finds one with a probability of at most 1 in 1,000, and guesses
/// are throttled. Higher values lengthen PINs sooner.
const NUMBERS_PER_LIVE_PIN: u64 = 1_000;

/// Digits for the next PIN while `live` others are valid: 6 up to 1,000 live ones, one more for
/// each factor of ten, 9 at most.
pub fn digits(live: u64) -> u32 {
    let needed = live.saturating_add(1).saturating_mul(NUMBERS_PER_LIVE_PIN);
    (MIN_DIGITS..MAX_DIGITS)
        .find(|digits| 10_u64.pow(*digits) >= needed)
        .unwrap_or(MAX_DIGITS)
}

/// A PIN of `digits` digits (clamped to 6 to 9), each number equally likely. The store refuses
/// one that is live already; then ask again.
pub fn generate(digits: u32, entropy: &mut dyn Entropy) -> SecretText {
    let digits = digits.clamp(MIN_DIGITS, MAX_DIGITS);
    let range = 10_u32.pow(digits);
    // Rejection sampling: values beyond the last whole multiple would favour small numbers.
    let limit = u32::MAX - u32::MAX % range;
    loop {
        let number = u32::from_le_bytes(random_bytes(entropy));
        if number < limit {
            let width = digits as usize;
            return SecretText::new(format!("{:0width$}", number % range));
        }
    }
}

/// What a person typed, as digits: blanks, dots and dashes are dropped. None unless 6 to 9 ASCII
/// digits remain.
pub fn normalise(typed: &SecretText) -> Option<SecretText> {
    // Bounded first: a page sends at most a few characters, a stranger may send more.
    if typed.expose().len() > 32 {
        return None;
    }
    let digits: String = typed
        .expose()
        .chars()
        .filter(|c| !c.is_whitespace() && !"-.".contains(*c))
        .collect();
    let fits = (MIN_DIGITS as usize..=MAX_DIGITS as usize).contains(&digits.len());
    (fits && digits.bytes().all(|b| b.is_ascii_digit())).then(|| SecretText::new(digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::Counting;

    #[test]
    fn pins_grow_with_the_number_of_live_ones() {
        let lengths = [0, 999, 1_000, 9_999, 10_000, 99_999, 100_000, u64::MAX].map(digits);
        assert_eq!(lengths, [6, 6, 7, 7, 8, 8, 9, 9]);
    }

    #[test]
    fn every_pin_has_its_length_zeros_in_front_included() {
        let mut entropy = Counting(0);
        for _ in 0..2_000 {
            let pin = generate(6, &mut entropy);
            assert_eq!(pin.expose().len(), 6);
        }
    }

    #[test]
    fn numbers_that_would_favour_small_pins_are_drawn_again() {
        struct Script(Vec<u32>);
        impl Entropy for Script {
            fn fill(&mut self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.0.remove(0).to_le_bytes());
            }
        }
        let mut entropy = Script(vec![u32::MAX, 42]);
        assert_eq!(generate(6, &mut entropy).expose(), "000042");
    }

    #[test]
    fn blanks_and_dashes_do_not_matter_and_other_things_are_no_pin() {
        let typed = |text: &str| normalise(&SecretText::new(text));
        assert_eq!(
            typed(" 482 915 ").map(|p| p.expose().to_owned()),
            Some("482915".into())
        );
        assert!(typed("482-915").is_some());
        for bad in [
            "",
            "12345",
            "1234567890",
            "12345a",
            "４８２９１５",
            &"1".repeat(40),
        ] {
            assert!(typed(bad).is_none(), "{bad}");
        }
    }
}
