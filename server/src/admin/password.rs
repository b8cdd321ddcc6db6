//! Passwords that come from a file or are made.

use std::path::Path;

use lens_auth::password::{HashCost, PasswordHashing, check_strength};
use lens_protocol::SecretText;
use lens_protocol::entropy::random_bytes;
use lens_runtime::entropy::SystemEntropy;

use crate::error::ServerError;

/// 32 letters and digits that cannot be mistaken for each other: 5 bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A password and whether it has to be shown, because we made it.
pub(crate) struct Chosen {
    pub(crate) password: SecretText,
    pub(crate) made: bool,
}

/// The password in `file`, or a new one of 100 random bits.
pub(crate) fn choose(file: Option<&Path>, about: &[&str]) -> Result<Chosen, ServerError> {
    let Some(path) = file else {
        return Ok(Chosen {
            password: make(),
            made: true,
        });
    };
    let refused = |reason: String| ServerError::File {
        path: path.to_owned(),
        reason,
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| refused(format!("the password cannot be read: {error}")))?;
    let text = SecretText::new(text);
    let password = SecretText::new(text.expose().trim_end_matches(['\r', '\n']));
    check_strength(&password, about).map_err(|error| refused(error.to_string()))?;
    Ok(Chosen {
        password,
        made: false,
    })
}

/// The hash to keep. Takes a fifth of a second.
pub(crate) fn hash(password: &SecretText) -> Result<SecretText, ServerError> {
    let mut entropy = SystemEntropy::default();
    PasswordHashing::new(HashCost::default(), &mut entropy)
        .and_then(|hashing| hashing.hash(password, &mut entropy))
        .map_err(|error| ServerError::Refused(error.to_string()))
}

fn make() -> SecretText {
    let bytes = random_bytes::<20>(&mut SystemEntropy::default());
    let letters: Vec<char> = bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect();
    let groups: Vec<String> = letters
        .chunks(5)
        .map(|group| group.iter().collect())
        .collect();
    SecretText::new(groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_password_would_be_accepted_and_differs_each_time() {
        let (one, other) = (make(), make());
        assert_ne!(one, other);
        assert!(check_strength(&one, &["ann@example.com"]).is_ok());
    }
}
