//! The public door of a stage, with keys: the HTTP API in process.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use lens_auth::token::generate_api_key;
use lens_protocol::id::ApiKeyId;
use lens_protocol::{SecretText, Timestamp};
use lens_runtime::clock::ManualClock;
use lens_runtime::entropy::SeededEntropy;
use lens_session_manager::KeysAndTokens;
use lens_session_manager::config::DoorLimits;
use lens_session_manager::routes::{self, Door};
use lens_storage::sqlite::Database;
use lens_storage::{ApiKeyRecord, ApiKeyStore};
use serde_json::Value;
use tower::ServiceExt;

use super::Stage;

/// An offer as a WHIP client may send it.
pub const CLIENT_OFFER: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n\
    a=candidate:1 1 udp 1 192.0.2.9 9 typ host\r\na=sendonly\r\n";

/// Every right a key can hold.
pub const ALL_SCOPES: [&str; 5] = [
    "conferences:write",
    "conferences:read",
    "participants:write",
    "nodes:read",
    "nodes:write",
];

/// The public door of a stage, with keys.
pub struct House {
    pub stage: Stage,
    pub keys: Arc<Database>,
    pub router: Router,
    pub entropy: SeededEntropy,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub body: Value,
}

impl House {
    pub async fn new() -> Self {
        Self::with_limits(DoorLimits::default()).await
    }

    pub async fn with_limits(limits: DoorLimits) -> Self {
        let stage = Stage::with(&["sfu-1"]).await;
        let path = stage.directory.path().join("keys.db");
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        let keys = Arc::new(Database::open(&path, now).await.expect("a database"));
        let clock: Arc<ManualClock> = Arc::new(stage.clock.clone());
        let authenticator =
            KeysAndTokens::new(keys.clone(), stage.manager.media_keys(), clock.clone());
        let metrics = stage.metrics.clone();
        let door = Door::new(Arc::new(authenticator), clock, limits, metrics);
        let router = routes::public(Arc::new(stage.manager.clone()), door);
        Self {
            stage,
            keys,
            router,
            entropy: SeededEntropy::new(1),
        }
    }

    /// A key of `owner` with these scopes, as the text a program holds.
    pub async fn key(&mut self, owner: &str, scopes: &[&str], origins: &[&str]) -> SecretText {
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        let id = ApiKeyId::generate(now, &mut self.entropy);
        let (text, secret) = generate_api_key(id, &mut self.entropy);
        let texts = |list: &[&str]| list.iter().map(|&one| one.to_owned()).collect();
        let record = ApiKeyRecord {
            id,
            owner: owner.parse().expect("a name"),
            name: "a test's".to_owned(),
            secret,
            scopes: texts(scopes),
            allowed_origins: texts(origins),
            created_at: now,
            expires_at: Some(now.plus(Duration::from_secs(86_400))),
            revoked_at: None,
            last_used_at: None,
        };
        self.keys.add_api_key(&record).await.expect("kept");
        text
    }

    pub async fn full_key(&mut self) -> SecretText {
        self.key("integrator", &ALL_SCOPES, &[]).await
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await;
        let (parts, body) = response.expect("infallible").into_parts();
        let bytes = body.collect().await.expect("whole").to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    pub async fn call(
        &self,
        bearer: &SecretText,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", bearer.expose()));
        let request = match body {
            // What is a text is not sent as JSON.
            Some(Value::String(text)) => request
                .header("content-type", text_type(path))
                .body(Body::from(text)),
            Some(body) => request
                .header("content-type", "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.send(request.expect("well-formed")).await
    }
}

fn text_type(path: &str) -> &'static str {
    match path.ends_with("/whip") || path.ends_with("/whep") || path.contains('?') {
        true => "application/sdp",
        false => "application/trickle-ice-sdpfrag",
    }
}

impl Reply {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
