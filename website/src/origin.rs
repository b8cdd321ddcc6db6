//! The host a request was made to.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};

/// `host[:port]` as the caller named this server: HTTP/2 has it in the request line, HTTP/1.1 in
/// a header.
pub(crate) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let authority = uri.authority().map(|authority| authority.as_str());
    authority.or_else(|| headers.get(HOST).and_then(|value| value.to_str().ok()))
}

/// The same, extracted for a handler.
#[derive(Clone, Debug)]
pub(crate) struct RequestHost(Option<String>);

impl RequestHost {
    /// The host, when the caller named one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestHost {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(host(&parts.headers, &parts.uri).map(str::to_owned)))
    }
}
