//! The cookies. `__Host-` binds them to this very host over HTTPS; scripts cannot read them;
//! `SameSite=Strict` keeps them from requests that other sites cause. Pages opened from a link in
//! a mail still work: what they fetch comes from the page itself.

use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use lens_protocol::{SecretDigest, SecretText};

/// A signed-in technician.
pub(crate) const CONSOLE: &str = "__Host-lens-console";
/// The browser that redeemed an invitation.
pub(crate) const CUSTOMER: &str = "__Host-lens-customer";
/// A browser that signed in before; see [`lens_auth::device`].
pub(crate) const DEVICE: &str = "__Host-lens-device";

/// The digest of the token in the cookie `name`, if it is there and looks like one.
pub(crate) fn find(headers: &HeaderMap, name: &str) -> Option<SecretDigest> {
    let token = text(headers, name, lens_auth::token::TOKEN_CHARS)?;
    Some(lens_auth::token::digest(&token))
}

/// The text in the cookie `name`, if it is there and has `chars` characters.
pub(crate) fn text(headers: &HeaderMap, name: &str, chars: usize) -> Option<SecretText> {
    let lines = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|it| it.trim().split_once('='));
    let (_, text) = pairs.find(|(found, _)| *found == name)?;
    (text.len() == chars).then(|| SecretText::new(text))
}

/// `Set-Cookie` that gives the browser a token for `life`.
pub(crate) fn give(name: &str, token: &SecretText, life: Duration) -> HeaderValue {
    let seconds = life.as_secs();
    let text = format!(
        "{name}={}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict",
        token.expose()
    );
    let mut value = HeaderValue::from_str(&text).expect("base64url and plain words");
    value.set_sensitive(true);
    value
}

/// `Set-Cookie` that takes it away.
pub(crate) fn take(name: &str) -> HeaderValue {
    let text = format!("{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::from_str(&text).expect("plain words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_nonsense_is_none() {
        let token = SecretText::new("t".repeat(43));
        let mut headers = HeaderMap::new();
        let line = format!("a=b; {CUSTOMER}=short; {CONSOLE}={}", token.expose());
        headers.insert(COOKIE, line.parse().expect("a header"));
        assert_eq!(
            find(&headers, CONSOLE),
            Some(lens_auth::token::digest(&token))
        );
        assert_eq!(find(&headers, CUSTOMER), None);
        assert_eq!(find(&HeaderMap::new(), CONSOLE), None);
    }
}
