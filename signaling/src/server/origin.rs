//! Which pages may connect. Cookies come along with any site's request; the browser says which.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use lens_protocol::{ErrorCode, Problem};

/// Lets through this server's own pages, those of `allowed`, and callers that are no browser.
///
/// `Origin` is compared with the request's own host. Browsers leave it out in a same-origin `GET`
/// and then say so in `Sec-Fetch-Site`; one that does neither is too old to carry our cookies
/// across sites (`SameSite`), or no browser and needs a ticket.
pub(crate) fn check(headers: &HeaderMap, uri: &Uri, allowed: &[String]) -> Result<(), Problem> {
    let refused = || Err(ErrorCode::BadOrigin.into());
    let Some(origin) = headers.get(ORIGIN) else {
        let site = headers.get("sec-fetch-site");
        let foreign = site.is_some_and(|site| site != "same-origin" && site != "none");
        return if foreign { refused() } else { Ok(()) };
    };
    let Ok(origin) = origin.to_str() else {
        return refused();
    };
    if allowed
        .iter()
        .any(|allowed| allowed.eq_ignore_ascii_case(origin))
    {
        return Ok(());
    }
    // HTTP/2 has the host in the request line.
    let host = uri.authority().map(|authority| authority.as_str());
    let host = host.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()));
    let of_origin = origin.split_once("://").map(|(_, authority)| authority);
    match (of_origin, host) {
        (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host) => Ok(()),
        _ => refused(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn passes(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("lens.example:8443"));
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        check(
            &headers,
            &Uri::from_static("/ws/console"),
            &["https://crm.example".into()],
        )
        .is_ok()
    }

    #[test]
    fn only_own_and_listed_origins_pass() {
        assert!(passes(&[("origin", "https://lens.example:8443")]));
        assert!(passes(&[("origin", "https://LENS.example:8443")]));
        assert!(passes(&[("origin", "https://crm.example")]));
        for foreign in [
            "https://lens.example",
            "https://evil.example",
            "https://lens.example:8443.evil.example",
            "https://crm.example.evil",
            "null",
            "",
        ] {
            assert!(!passes(&[("origin", foreign)]), "{foreign:?} passed");
        }
    }

    #[test]
    fn without_an_origin_the_browser_has_to_say_same_origin() {
        assert!(passes(&[]));
        assert!(passes(&[("sec-fetch-site", "same-origin")]));
        assert!(!passes(&[("sec-fetch-site", "cross-site")]));
        assert!(!passes(&[("sec-fetch-site", "same-site")]));
    }
}
