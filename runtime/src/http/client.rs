//! Calls between roles: JSON over plain HTTP/1.1 to a private listener, with a bearer token.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Request, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use lens_protocol::{ErrorCode, Problem, SecretText};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::trace::{self, TRACE_HEADER};

/// Longest answer taken from another role. A node's report of 10,000 participants is about 8 MB;
/// a lower value would blind the Session Manager to a large node.
const ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// How long a TCP connection to another role may take. Private networks answer in milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Calls one other role. Clones share its connections.
///
/// An answer outside 2xx becomes its [`Problem`]; no connection, no answer within the timeout or
/// an answer that makes no sense becomes `unavailable`. Paths begin with `/`; ids only, never a
/// secret, stand in them.
#[derive(Clone)]
pub struct ControlClient {
    base: String,
    authorization: HeaderValue,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl ControlClient {
    /// A client of the private listener at `base` (`http://host:port`, a path prefix is kept).
    ///
    /// A token that cannot stand in a header (line breaks, control characters) is replaced by an
    /// empty one, which every listener refuses.
    pub fn new(base: Uri, token: SecretText) -> Self {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer "));
        authorization.set_sensitive(true);
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        Self {
            base: base.to_string().trim_end_matches('/').to_owned(),
            authorization,
            http: Client::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// `GET path`.
    pub async fn get<Res: DeserializeOwned>(
        &self,
        path: &str,
        timeout: Duration,
    ) -> Result<Res, Problem> {
        self.call(Method::GET, path, None, timeout).await
    }

    /// `POST path` with a JSON body.
    pub async fn post<Req: Serialize + ?Sized, Res: DeserializeOwned>(
        &self,
        path: &str,
        body: &Req,
        timeout: Duration,
    ) -> Result<Res, Problem> {
        self.call(Method::POST, path, Some(encode(body)?), timeout)
            .await
    }

    /// `PUT path` with a JSON body.
    pub async fn put<Req: Serialize + ?Sized, Res: DeserializeOwned>(
        &self,
        path: &str,
        body: &Req,
        timeout: Duration,
    ) -> Result<Res, Problem> {
        self.call(Method::PUT, path, Some(encode(body)?), timeout)
            .await
    }

    /// `PATCH path` with a JSON body.
    pub async fn patch<Req: Serialize + ?Sized, Res: DeserializeOwned>(
        &self,
        path: &str,
        body: &Req,
        timeout: Duration,
    ) -> Result<Res, Problem> {
        self.call(Method::PATCH, path, Some(encode(body)?), timeout)
            .await
    }

    /// `DELETE path` with a JSON body.
    pub async fn delete<Req: Serialize + ?Sized, Res: DeserializeOwned>(
        &self,
        path: &str,
        body: &Req,
        timeout: Duration,
    ) -> Result<Res, Problem> {
        self.call(Method::DELETE, path, Some(encode(body)?), timeout)
            .await
    }

    async fn call<Res: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        timeout: Duration,
    ) -> Result<Res, Problem> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, self.authorization.clone());
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(id) = trace::current() {
            request = request.header(TRACE_HEADER, id.to_string());
        }
        let request = request
            .body(Full::new(body.unwrap_or_default()))
            .map_err(|_| Problem::new(ErrorCode::Internal).with_detail("ill-formed control URL"))?;
        match tokio::time::timeout(timeout, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(unavailable("no answer in time")),
        }
    }

    async fn exchange<Res: DeserializeOwned>(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Res, Problem> {
        let response = self.http.request(request).await;
        let response = response.map_err(|_| unavailable("no connection"))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES)
            .collect()
            .await;
        let body = body.map_err(|_| unavailable("the answer broke off or was too large"))?;
        let bytes = body.to_bytes();
        if !status.is_success() {
            let problem = serde_json::from_slice(&bytes);
            return Err(problem.unwrap_or_else(|_| unavailable("an answer of another kind")));
        }
        let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        serde_json::from_slice(text).map_err(|_| unavailable("an answer of another version"))
    }
}

fn encode<Req: Serialize + ?Sized>(body: &Req) -> Result<Bytes, Problem> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|_| Problem::new(ErrorCode::Internal).with_detail("a request did not encode"))
}

fn unavailable(detail: &str) -> Problem {
    Problem::new(ErrorCode::Unavailable).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::{get, post};

    use super::*;
    use crate::http::{Failure, Json, private};

    async fn listener() -> Uri {
        let router = Router::new()
            .route(
                "/double",
                post(|Json(n): Json<u32>| async move { Json(n * 2) }),
            )
            .route("/nothing", post(|Json(()): Json<()>| async {}))
            .route(
                "/gone",
                get(|| async { Failure::from(ErrorCode::ConferenceEnded) }),
            )
            .route("/silent", get(std::future::pending::<()>));
        let router = private::guard(router, SecretText::new("t0ken"));
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = socket.local_addr().expect("bound");
        tokio::spawn(async move { axum::serve(socket, router).await });
        format!("http://{address}").parse().expect("a URL")
    }

    const LONG: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_call_carries_body_token_answer_and_problem() {
        let client = ControlClient::new(listener().await, SecretText::new("t0ken"));
        assert_eq!(client.post::<u32, u32>("/double", &21, LONG).await, Ok(42));
        assert_eq!(client.post::<(), ()>("/nothing", &(), LONG).await, Ok(()));
        let gone = client
            .get::<()>("/gone", LONG)
            .await
            .expect_err("a problem");
        assert_eq!(gone.code, ErrorCode::ConferenceEnded);
    }

    #[tokio::test]
    async fn a_wrong_token_is_refused_and_a_silent_role_is_unavailable() {
        let base = listener().await;
        let wrong = ControlClient::new(base.clone(), SecretText::new("wrong"));
        let refused = wrong.get::<()>("/gone", LONG).await.expect_err("refused");
        assert_eq!(refused.code, ErrorCode::TokenInvalid);
        let client = ControlClient::new(base, SecretText::new("t0ken"));
        let silent = client.get::<()>("/silent", Duration::from_millis(20)).await;
        assert_eq!(silent.expect_err("silent").code, ErrorCode::Unavailable);
        let nobody = "http://127.0.0.1:1".parse().expect("a URL");
        let nobody = ControlClient::new(nobody, SecretText::new("t0ken"));
        let absent = nobody
            .get::<()>("/gone", LONG)
            .await
            .expect_err("nobody there");
        assert_eq!(absent.code, ErrorCode::Unavailable);
    }
}
