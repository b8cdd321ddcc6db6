//! The pages: files embedded in the binary, served with strong entity tags and strict headers.
//!
//! | path | file |
//! |---|---|
//! | `/`, `/s` | `customer.html` |
//! | `/console`, `/console/…` | `console.html` |
//! | `/setup` | `setup.html` |
//! | `/assets/…` | `pages/assets/…` |
//! | `/sdk/…` | the html5-sdk's modules |
//!
//! In debug builds the files are read from disk at each request, so that an edit shows at once.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lens_protocol::ErrorCode;
use lens_runtime::http::Failure;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::app::Shared;
use crate::origin;

#[derive(RustEmbed)]
#[folder = "pages/"]
struct Pages;

#[derive(RustEmbed)]
#[folder = "../html5-sdk/src/"]
#[allow_missing = true]
struct Sdk;

/// No inline script or style, nothing from elsewhere, no frame around us. `blob:` is the camera's
/// own picture and the receipt that the page makes.
const CSP: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self' {ws}; \
    object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// Routes of everything that is a file.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/", page("customer.html", CAMERA))
        .route("/s", page("customer.html", CAMERA))
        .route("/console", page("console.html", MICROPHONE))
        .route("/console/{*rest}", page("console.html", MICROPHONE))
        .route("/setup", page("setup.html", NOTHING))
        .route("/assets/{*path}", any(asset))
        .route("/sdk/{*path}", any(sdk))
        .route("/favicon.ico", any(favicon))
}

const CAMERA: &str = "camera=(self), microphone=(self), display-capture=(), geolocation=()";
const MICROPHONE: &str = "camera=(), microphone=(self), display-capture=(), geolocation=()";
const NOTHING: &str = "camera=(), microphone=(), display-capture=(), geolocation=()";

fn page(name: &'static str, permissions: &'static str) -> MethodRouter<Shared> {
    any(move |request: Request| async move {
        let mut response = file(&request, Pages::get(name), name);
        let policy = HeaderName::from_static("permissions-policy");
        response
            .headers_mut()
            .insert(policy, HeaderValue::from_static(permissions));
        response
    })
}

async fn asset(Path(path): Path<String>, request: Request) -> Response {
    if climbs(&path) {
        return Failure::from(ErrorCode::NotFound).into_response();
    }
    file(&request, Pages::get(&format!("assets/{path}")), &path)
}

async fn sdk(Path(path): Path<String>, request: Request) -> Response {
    if climbs(&path) {
        return Failure::from(ErrorCode::NotFound).into_response();
    }
    file(&request, Sdk::get(&path), &path)
}

/// Embedded names have no such parts; debug builds read from disk, where they would mean something.
fn climbs(path: &str) -> bool {
    path.split(['/', '\\'])
        .any(|part| matches!(part, "" | "." | ".."))
}

async fn favicon(request: Request) -> Response {
    file(&request, Pages::get("assets/favicon.svg"), "favicon.svg")
}

fn file(request: &Request, found: Option<EmbeddedFile>, name: &str) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = Failure::from(ErrorCode::MethodNotAllowed).into_response();
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let Some(found) = found else {
        return Failure::from(ErrorCode::NotFound).into_response();
    };
    let tag = format!(
        "\"{}\"",
        URL_SAFE_NO_PAD.encode(found.metadata.sha256_hash())
    );
    let mut response = if is_known(request.headers(), &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(found.data).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    // Always asked for again, answered by 304: a new release shows at the next load.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let tag = HeaderValue::from_str(&tag).expect("base64 and quotes are header text");
    headers.insert(ETAG, tag);
    response
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    // RFC 9110 §13.1.2: weak comparison.
    known
        .split(',')
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ogg" => "audio/ogg",
        "ts" | "txt" | "md" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

/// Middleware over everything the website answers: headers that no answer may lack.
pub(crate) async fn headers(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let csp = policy_for(origin::host(request.headers(), request.uri()));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut fixed = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    fixed(X_CONTENT_TYPE_OPTIONS, "nosniff");
    fixed(REFERRER_POLICY, "no-referrer");
    fixed(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    fixed(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    fixed(HeaderName::from_static("x-frame-options"), "DENY");
    fixed(HeaderName::from_static("permissions-policy"), NOTHING);
    fixed(CACHE_CONTROL, "no-store");
    if app.config.strict_transport {
        fixed(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(csp);
    response
}

/// Browsers before 2022 (Safari 15) do not count `wss:` as `'self'`: the own host is named too.
fn policy_for(host: Option<&str>) -> HeaderValue {
    let host = host.unwrap_or("");
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let ws = if host.is_empty() || !host.bytes().all(plain) {
        String::new()
    } else {
        format!("wss://{host}")
    };
    let policy = CSP.replace("{ws}", &ws);
    HeaderValue::from_str(&policy).expect("checked characters are header text")
}
