//! Requests that change something must come from our own pages.
//!
//! Cookies travel with every request a browser makes, whoever made it write. So unsafe methods
//! under `/api` need two things a foreign page cannot bring: an origin that is ours (`Origin`, or
//! `Sec-Fetch-Site: same-origin` where the browser sends no `Origin`), and the header
//! `Lens-Request: 1`, which makes any cross-site request ask first (CORS) and be refused.

use axum::extract::{Request, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use lens_protocol::{ErrorCode, Problem};
use lens_runtime::http::Failure;

use crate::app::Shared;
use crate::config::host_of;
use crate::origin;

/// The header every unsafe request carries.
pub(crate) const LENS_REQUEST: &str = "lens-request";

/// Middleware of `/api`.
pub(crate) async fn guard(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    let own = origin::host(request.headers(), request.uri());
    if safe || is_ours(request.headers(), own, &app.config.public_urls) {
        return next.run(request).await;
    }
    app.metrics.foreign_requests.inc();
    let detail = "unsafe methods need this server's Origin and the header Lens-Request: 1";
    Failure(Problem::new(ErrorCode::BadOrigin).with_detail(detail)).into_response()
}

fn is_ours(headers: &HeaderMap, own: Option<&str>, public_urls: &[String]) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text(LENS_REQUEST) != Some("1") {
        return false;
    }
    match text(ORIGIN.as_str()) {
        // `null` (sandboxed frames, files) has no scheme and is nobody's.
        Some(origin) if origin.contains("://") => {
            let host = host_of(origin);
            own == Some(host) || public_urls.iter().any(|url| host_of(url) == host)
        }
        Some(_) => false,
        None => text("sec-fetch-site") == Some("same-origin"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(headers: &[(&'static str, &'static str)]) -> bool {
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let name = axum::http::HeaderName::from_static(name);
                (name, axum::http::HeaderValue::from_static(value))
            })
            .collect();
        let uri = axum::http::Uri::from_static("/api/logout");
        let own = origin::host(&map, &uri);
        is_ours(&map, own, &["https://help.example".to_owned()])
    }

    #[test]
    fn only_our_own_pages_may_change_things() {
        let host = ("host", "help.example");
        let mark = ("lens-request", "1");
        assert!(ours(&[host, mark, ("origin", "https://help.example")]));
        assert!(ours(&[
            ("host", "10.0.0.1:8443"),
            mark,
            ("origin", "https://10.0.0.1:8443")
        ]));
        assert!(ours(&[host, mark, ("sec-fetch-site", "same-origin")]));
        for bad in [
            &[host, mark][..],
            &[host, mark, ("origin", "https://evil.example")],
            &[host, mark, ("origin", "null")],
            &[host, mark, ("origin", "https://help.example.evil.example")],
            &[
                host,
                mark,
                ("origin", "null"),
                ("sec-fetch-site", "same-origin"),
            ],
            &[host, mark, ("sec-fetch-site", "cross-site")],
            &[host, mark, ("sec-fetch-site", "same-site")],
            &[host, ("origin", "https://help.example")],
            &[
                host,
                ("lens-request", "0"),
                ("origin", "https://help.example"),
            ],
        ] {
            assert!(!ours(bad), "{bad:?} was let in");
        }
    }
}
