//! E-mail addresses as login names.

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::error::AuthError;

/// Longest address taken, in bytes (RFC 5321 §4.5.3.1: path of 256 with its brackets).
const MAX_BYTES: usize = 254;

/// The form under which an account is kept and found: Unicode NFKC, lower case, blanks around it
/// cut off. Two spellings that look alike because of compatibility characters are one account.
///
/// Only the shape is judged (something, one `@`, a domain); whether mail arrives there is not.
pub fn normalise(text: &str) -> Result<String, AuthError> {
    if text.len() > 2 * MAX_BYTES {
        return Err(AuthError::InvalidEmail);
    }
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    // Lower case may decompose what was composed (U+0130), so it is composed once more.
    let email = nfkc
        .normalize(&nfkc.normalize(text.trim()).to_lowercase())
        .into_owned();
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
    fn spellings_that_unicode_counts_as_the_same_are_one_account() {
        let kept = normalise("jörg@example.org");
        for same in [
            "jo\u{308}rg@example.org",
            "ＪÖＲＧ@example.org",
            "jörg＠example.org",
        ] {
            assert_eq!(normalise(same), kept, "{same}");
        }
        let twice = normalise("İ@example.org").and_then(|once| normalise(&once));
        assert_eq!(twice, normalise("İ@example.org"), "the kept form is stable");
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
            &"a".repeat(100_000),
        ] {
            assert_eq!(normalise(bad), Err(AuthError::InvalidEmail), "{bad:?}");
        }
    }
}
