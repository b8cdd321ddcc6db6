//! Text from strangers: bounded, without control characters, cut of blanks around it.

use lens_protocol::{ErrorCode, Problem};

/// `text` without blanks around it, at most `longest` characters; empty is allowed.
/// `invalid_value` names the field.
pub(crate) fn bounded(field: &str, text: &str, longest: usize) -> Result<String, Problem> {
    let text = text.trim();
    // Bytes first: counting characters of a huge text costs.
    if text.len() > longest * 4 || text.chars().count() > longest {
        return Err(invalid(&format!(
            "{field} has at most {longest} characters"
        )));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(invalid(&format!("{field} holds control characters")));
    }
    Ok(text.to_owned())
}

/// The same, and not empty.
pub(crate) fn required(field: &str, text: &str, longest: usize) -> Result<String, Problem> {
    let text = bounded(field, text, longest)?;
    if text.is_empty() {
        return Err(invalid(&format!("{field} is missing")));
    }
    Ok(text)
}

/// The same for a field that may be left out.
pub(crate) fn optional(
    field: &str,
    text: Option<&str>,
    longest: usize,
) -> Result<Option<String>, Problem> {
    text.map(|text| bounded(field, text, longest)).transpose()
}

/// A language tag such as `de` or `pt-BR`.
pub(crate) fn locale(text: &str) -> Result<String, Problem> {
    let fits = (2..=16).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(invalid("locale is a language tag such as de"))
    }
}

/// A page's name for its signalling channel.
pub(crate) fn channel(text: &str) -> Result<&str, Problem> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if (16..=64).contains(&text.len()) && text.bytes().all(plain) {
        Ok(text)
    } else {
        Err(invalid("channel is 16 to 64 of A-Z, a-z, 0-9, '-' and '_'"))
    }
}

/// `invalid_value` with its reason.
pub(crate) fn invalid(detail: &str) -> Problem {
    Problem::new(ErrorCode::InvalidValue).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_and_control_characters_are_refused_and_blanks_cut_off() {
        assert_eq!(
            bounded("name", "  Anna \n", 80).ok().as_deref(),
            Some("Anna")
        );
        assert!(bounded("name", &"ü".repeat(80), 80).is_ok());
        assert!(bounded("name", &"ü".repeat(81), 80).is_err());
        assert!(bounded("name", &"x".repeat(1_000_000), 80).is_err());
        assert!(bounded("name", "a\u{0}b", 80).is_err());
        assert!(required("name", " ", 80).is_err());
    }

    #[test]
    fn only_language_tags_are_locales() {
        assert!(locale("de").is_ok() && locale("pt-BR").is_ok());
        for bad in ["", "d", "de_DE", "<script>", "abcdefghijklmnopq"] {
            assert!(locale(bad).is_err(), "{bad}");
        }
    }
}
