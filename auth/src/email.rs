//! E-mail addresses as login names.

use crate::error::AuthError;

/// Longest address taken, in bytes (RFC 5321 §4.5.3.1: path of 256 with its brackets).
const MAX_BYTES: usize = 254;

/// The form under which an account is kept and found: blanks around it cut off, lower case.
///
/// Only the shape is judged (something, one `@`, a domain); whether mail arrives there is not.
pub fn normalise(text: &str) -> Result<String, AuthError> {
    let email = text.trim().to_lowercase();
    let (local, domain) = email.split_once('@').ok_or(AuthError::InvalidEmail)?;
    let domain_ok = !domain.is_empty() && !domain.starts_with('.') && !domain.ends_with('.');
    let plain = !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if local.is_empty() || domain.contains('@') || !domain_ok || !plain || email.len() > MAX_BYTES {
        return Err(AuthError::InvalidEmail);
    }
    Ok(email)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_blanks_around_do_not_make_another_account() {
        assert_eq!(
            normalise(" Anna@Example.COM ").as_deref(),
            Ok("anna@example.com")
        );
    }

    #[test]
    fn what_has_no_shape_of_an_address_is_refused() {
        for bad in [
            "",
            "anna",
            "@x.org",
            "a@",
            "a@@b",
            "a b@c.org",
            "a@.org",
            "a@b\n.org",
        ] {
            assert_eq!(normalise(bad), Err(AuthError::InvalidEmail), "{bad:?}");
        }
    }
}
