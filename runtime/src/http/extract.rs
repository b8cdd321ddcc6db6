//! Extractors that answer bad input with a [`Failure`] instead of axum's plain text.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use lens_protocol::limits::JSON_BYTES;
use lens_protocol::{ErrorCode, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use super::Failure;

/// How long a body may take to arrive whole. 256 KiB at 10 KiB/s needs 26 s; a higher value lets
/// a client that trickles hold a handler longer.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Most bytes of a body that are read before its connection is given up; those beyond the limit are
/// thrown away. A higher value spares more clients a broken connection, and costs more to refuse.
const READ_BYTES: usize = 2 * 1024 * 1024;

/// A JSON body, in and out.
///
/// In: an object; needs `Content-Type: application/json` (or `+json`), at most 256 KiB. Answers
/// `unsupported_media_type`, `payload_too_large`, `malformed_json` for text that is not JSON and
/// `invalid_value` for JSON of another shape. `Option<Json<T>>` takes an absent body as `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

/// A JSON body of any shape, under the same limits.
#[derive(Clone, Debug, Default)]
pub struct AnyJson(pub Value);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Failure> {
        let body = whole(request).await?;
        // The reader of a struct would take a list for its fields in order.
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
            let detail = "expected an object, not a list";
            return Err(Failure(
                Problem::new(ErrorCode::InvalidValue).with_detail(detail),
            ));
        }
        read(&body).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for AnyJson {
    type Rejection = Failure;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Failure> {
        read(&whole(request).await?).map(Self)
    }
}

/// The body of a request as text: of the media type `essence`, at most `most` bytes. Answers
/// `unsupported_media_type`, `payload_too_large`, and `invalid_value` for what is no UTF-8.
pub async fn text(request: Request, essence: &str, most: usize) -> Result<String, Failure> {
    if essence_of(request.headers()).as_deref() != Some(essence) {
        return Err(ErrorCode::UnsupportedMediaType.into());
    }
    let body = in_time(request.into_body(), most).await?;
    String::from_utf8(body).map_err(|_| {
        let detail = "the body is not UTF-8";
        Failure(Problem::new(ErrorCode::InvalidValue).with_detail(detail))
    })
}

async fn whole(request: Request) -> Result<Vec<u8>, Failure> {
    if !says_json(request.headers()) {
        return Err(ErrorCode::UnsupportedMediaType.into());
    }
    in_time(request.into_body(), JSON_BYTES).await
}

async fn in_time(body: Body, most: usize) -> Result<Vec<u8>, Failure> {
    let late = |_| {
        let detail = "the body did not arrive in time";
        Failure(Problem::new(ErrorCode::MalformedJson).with_detail(detail))
    };
    tokio::time::timeout(BODY_TIME, collect(body, most))
        .await
        .map_err(late)?
}

/// A body that is too large is still read, up to a point: a client that is cut off while it sends
/// would see a broken connection in the place of the answer (RFC 9112 §9.6).
async fn collect(body: Body, most: usize) -> Result<Vec<u8>, Failure> {
    let mut pieces = body.into_data_stream();
    let (mut kept, mut length) = (Vec::new(), 0);
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| {
            let detail = "the body broke off";
            Failure(Problem::new(ErrorCode::MalformedJson).with_detail(detail))
        })?;
        length += piece.len();
        if length > READ_BYTES {
            break;
        }
        if length <= most {
            kept.extend_from_slice(&piece);
        }
    }
    if length > most {
        return Err(ErrorCode::PayloadTooLarge.into());
    }
    Ok(kept)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| explain(&error))
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Failure> {
        let headers = request.headers();
        let announced = headers
            .get(CONTENT_LENGTH)
            .is_some_and(|length| length != "0");
        if !announced && !headers.contains_key(CONTENT_TYPE) {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state)
            .await
            .map(Some)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

fn says_json(headers: &HeaderMap) -> bool {
    essence_of(headers).is_some_and(|essence| {
        essence == "application/json"
            || (essence.starts_with("application/") && essence.ends_with("+json"))
    })
}

/// The media type of a body, without its parameters, in small letters.
fn essence_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or("");
    Some(essence.trim().to_ascii_lowercase())
}

fn explain(error: &serde_json::Error) -> Failure {
    let code = match error.classify() {
        Category::Data => ErrorCode::InvalidValue,
        Category::Io | Category::Syntax | Category::Eof => ErrorCode::MalformedJson,
    };
    Failure(Problem::new(code).with_detail(without_value(&error.to_string())))
}

/// The part of serde's sentence that says what was expected and where: what comes before it
/// quotes the value, and the value may be a password.
fn without_value(sentence: &str) -> String {
    match sentence.find(", expected ") {
        Some(at) => sentence[at + 2..].to_owned(),
        None => sentence.to_owned(),
    }
}

/// Path parameters. One that does not parse answers `not_found`: there is nothing at such an
/// address.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| ErrorCode::NotFound.into())
    }
}

/// Query parameters; ones that do not fit answer `invalid_value`.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|_| {
                let detail = "the query string has a missing, unknown or ill-formed value";
                Problem::new(ErrorCode::InvalidValue)
                    .with_detail(detail)
                    .into()
            })
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::to_bytes;
    use axum::http::StatusCode;
    use axum::routing::post;
    use lens_protocol::SecretText;
    use serde::Deserialize;
    use tower::ServiceExt;

    use super::*;

    #[derive(Deserialize)]
    struct Form {
        name: SecretText,
        count: u8,
    }

    async fn send(content_type: &str, body: Vec<u8>) -> (StatusCode, String) {
        let handler = |Json(form): Json<Form>| async move {
            Json(form.name.expose().len() + usize::from(form.count))
        };
        let request = Request::post("/").header(CONTENT_TYPE, content_type);
        let response = Router::new()
            .route("/", post(handler))
            .oneshot(request.body(Body::from(body)).expect("valid request"))
            .await
            .expect("infallible");
        let status = response.status();
        let body = to_bytes(response.into_body(), 65_536).await.expect("small");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn a_good_body_is_taken_with_parameters_in_the_content_type() {
        let body = br#"{"name":"abc","count":2}"#.to_vec();
        let (status, text) = send("application/json; charset=utf-8", body).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, "5"));
    }

    #[tokio::test]
    async fn each_bad_body_has_its_own_code() {
        let good = br#"{"name":"abc","count":2}"#.to_vec();
        let large = format!(r#"{{"name":"{}","count":2}}"#, "x".repeat(JSON_BYTES)).into_bytes();
        let cases = [
            ("text/plain", good, "unsupported_media_type"),
            ("application/json", b"{".to_vec(), "malformed_json"),
            ("application/json", b"{}".to_vec(), "invalid_value"),
            (
                "application/json",
                b" [\"abc\", 2]".to_vec(),
                "invalid_value",
            ),
            ("application/json", vec![0xff, 0xfe], "malformed_json"),
            ("application/json", large, "payload_too_large"),
        ];
        for (content_type, body, code) in cases {
            let (status, text) = send(content_type, body).await;
            assert!(status.is_client_error());
            assert!(
                text.contains(&format!("\"code\":\"{code}\"")),
                "{code}: {text}"
            );
        }
    }

    #[tokio::test]
    async fn a_wrong_value_is_not_quoted_back() {
        let body = br#"{"name":"abc","count":"canary"}"#.to_vec();
        let (status, text) = send("application/json", body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            text.contains("expected u8") && !text.contains("canary"),
            "{text}"
        );
    }
}
