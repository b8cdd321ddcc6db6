//! PIN codes: short numbers that route a customer to a session and authenticate nobody.
//!
//! What bounds guessing: a PIN lives for minutes and is redeemed once; wrong ones are throttled
//! per address and over all addresses (the website's part); and there are at least
//! [`NUMBERS_PER_LIVE_PIN`] numbers for each live one, so that a guess hits any of them with a
//! probability of at most 1 in 100,000 while fewer than 10,000 are live. At 120 wrong PINs a
//! minute over all addresses, a saturating attacker needs about 14 hours for one hit; whoever hits
//! is seen by the technician as a customer, has agreed to nothing and can be put out.

use lens_protocol::SecretText;
use lens_protocol::entropy::{Entropy, random_bytes};

/// Fewest digits.
pub const MIN_DIGITS: u32 = 6;
/// Most digits.
pub const MAX_DIGITS: u32 = 9;
/// How many numbers there are for each live PIN, while 9 digits suffice. Higher values make guesses
/// rarer hits and PINs longer sooner.
pub const NUMBERS_PER_LIVE_PIN: u64 = 100_000;

/// Digits for the next PIN while `live` others are valid: 6 up to 10 live ones, one more for each
/// factor of ten, 9 at most.
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

/// What a person typed, as ASCII digits: blanks, dots and dashes are dropped, and the digits of
/// Arabic, Persian, Devanagari and full-width keyboards count as what they are. None unless 6 to 9
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
        .map(ascii_digit)
        .collect();
    let fits = (MIN_DIGITS as usize..=MAX_DIGITS as usize).contains(&digits.len());
    (fits && digits.bytes().all(|b| b.is_ascii_digit())).then(|| SecretText::new(digits))
}

/// The ASCII form of a decimal digit of another script; other characters stay.
fn ascii_digit(c: char) -> char {
    // Zero of Arabic-Indic, Extended Arabic-Indic (Persian, Urdu), Devanagari and full-width.
    const ZEROS: [u32; 4] = [0x0660, 0x06f0, 0x0966, 0xff10];
    let value = ZEROS.iter().find_map(|zero| {
        let distance = u32::from(c).checked_sub(*zero)?;
        char::from_digit(distance, 10)
    });
    value.unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::Counting;

    #[test]
    fn pins_grow_with_the_number_of_live_ones() {
        let lengths = [0, 9, 10, 99, 100, 999, 1_000, 9_999, u64::MAX].map(digits);
        assert_eq!(lengths, [6, 6, 7, 7, 8, 8, 9, 9, 9]);
    }

    #[test]
    fn a_guess_hits_one_of_ten_thousand_live_pins_once_in_a_hundred_thousand_tries() {
        for live in 0..10_000 {
            let numbers = 10_u64.pow(digits(live));
            assert!(numbers / (live + 1) >= NUMBERS_PER_LIVE_PIN, "{live}");
        }
    }

    #[test]
    fn every_digit_is_equally_likely_in_every_place() {
        let mut entropy = SplitMix(7);
        let mut counts = [[0_u32; 10]; 6];
        for _ in 0..20_000 {
            let pin = generate(6, &mut entropy);
            for (place, digit) in pin.expose().bytes().enumerate() {
                counts[place][usize::from(digit - b'0')] += 1;
            }
        }
        // 2,000 are expected; six standard deviations are 255.
        let even = counts
            .iter()
            .flatten()
            .all(|count| (1_745..2_255).contains(count));
        assert!(even, "{counts:?}");
    }

    struct SplitMix(u64);

    impl Entropy for SplitMix {
        fn fill(&mut self, bytes: &mut [u8]) {
            for byte in bytes {
                self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                *byte = (mixed >> 56) as u8;
            }
        }
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
        for same in ["482-915", "４８２９１５", "٤٨٢٩١٥", "۴۸۲ ۹۱۵", "४८२९१५"]
        {
            let pin = typed(same).map(|pin| pin.expose().to_owned());
            assert_eq!(pin.as_deref(), Some("482915"), "{same}");
        }
        for bad in [
            "",
            "12345",
            "1234567890",
            "12345a",
            "４８２９１",
            "Ⅳ82915",
            &"1".repeat(40),
        ] {
            assert!(typed(bad).is_none(), "{bad}");
        }
    }
}
