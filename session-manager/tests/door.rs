//! The public HTTP API, in process: bearers, rights, limits, statuses, description, and the same
//! calls through the private listener.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use lens_protocol::conference::{Answer, CreateConference, ParticipantOffer};
use lens_protocol::media::Role;
use lens_protocol::{ErrorCode, SecretText, Timestamp};
use lens_runtime::rate_limit::RateLimit;
use lens_session_manager::config::DoorLimits;
use lens_session_manager::routes;
use lens_session_manager::{RemoteSessionManager, SessionManager};
use lens_storage::ApiKeyStore;
use serde_json::{Value, json};
use support::house::{ALL_SCOPES, CLIENT_OFFER, House};
use support::{CHROMIUM_CAMERA, code, join, website};

fn sensible_body(method: &Method, path: &str) -> Option<Value> {
    match (method, path) {
        (&Method::POST, "/v1/conferences") => Some(json!({})),
        (&Method::POST, path) if path.ends_with("/participants") => {
            Some(json!({"role": "viewer", "display_name": "Ana"}))
        }
        (_, path) if path.ends_with("/hold") => Some(json!({"held": true})),
        (_, path) if path.ends_with("/pause") => Some(json!({"video": true, "voice": false})),
        (_, path) if path.ends_with("/answer") => {
            Some(json!({"generation": 1, "negotiation_id": 1, "sdp": ""}))
        }
        (&Method::POST, path) if path.ends_with("/client-tokens") => {
            Some(json!({"protocol": "whip", "display_name": "Ana"}))
        }
        (&Method::POST, path) if path.ends_with("/whip") || path.ends_with("/whep") => {
            Some(json!(CLIENT_OFFER))
        }
        (&Method::PATCH, path) if path.contains("/whip/") || path.contains("/whep/") => {
            Some(json!("a=end-of-candidates\r\n"))
        }
        (_, path) if path.ends_with("/ice") => Some(json!({"generation": 1, "candidates": []})),
        _ => None,
    }
}

/// Every operation of the description: method and path template.
fn operations() -> Vec<(Method, String)> {
    let description = serde_json::to_value(routes::openapi()).expect("plain data");
    let paths = description["paths"].as_object().expect("paths").clone();
    let mut operations = Vec::new();
    for (path, item) in paths {
        for method in ["get", "post", "put", "patch", "delete"] {
            let open = item[method]["security"] == json!([{}]);
            if item.get(method).is_some() && !open {
                let method = method.to_uppercase().parse().expect("a method");
                operations.push((method, path.clone()));
            }
        }
    }
    operations
}

#[tokio::test]
async fn a_conference_is_driven_from_creation_to_end_over_http() {
    let mut house = House::new().await;
    let key = house.full_key().await;
    let body = Some(json!({"external_id": "case 7"}));
    let made = house
        .call(&key, Method::POST, "/v1/conferences", body)
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    let path = made.header("location").expect("named").to_owned();
    assert_eq!(made.body["owner"], "integrator");

    let body = Some(json!({"role": "camera", "display_name": " Ana "}));
    let joined = house
        .call(&key, Method::POST, &format!("{path}/participants"), body)
        .await;
    assert_eq!(joined.status, StatusCode::CREATED);
    let offer: ParticipantOffer = serde_json::from_value(joined.body.clone()).expect("an offer");
    let own = joined.header("location").expect("named").to_owned();

    // The participant answers by itself.
    let token = offer.media_token.clone().expect("given");
    let answer = Answer {
        generation: offer.generation,
        negotiation_id: offer.negotiation_id,
        sdp: CHROMIUM_CAMERA.to_owned(),
    };
    let body = serde_json::to_value(&answer).expect("plain data");
    let answered = house
        .call(&token, Method::PUT, &format!("{own}/answer"), Some(body))
        .await;
    assert_eq!(answered.status, StatusCode::NO_CONTENT);

    let read = house.call(&key, Method::GET, &path, None).await;
    assert_eq!(read.body["participants"][0]["display_name"], "Ana");
    assert_eq!(read.body["participants"][0]["state"], "connecting");
    let timeline = house
        .call(&key, Method::GET, &format!("{own}/timeline"), None)
        .await;
    assert_eq!(timeline.status, StatusCode::OK);
    let events = house
        .call(&key, Method::GET, "/v1/events?after=0&wait_s=1", None)
        .await;
    assert_eq!(events.body["events"][0]["event"], "participant_joined");
    let nodes = house.call(&key, Method::GET, "/v1/nodes", None).await;
    assert_eq!(nodes.body["nodes"][0]["state"], "up");

    let left = house.call(&token, Method::DELETE, &own, None).await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    for _ in 0..2 {
        let ended = house.call(&key, Method::DELETE, &path, None).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
    }
    let late = house
        .call(&token, Method::POST, &format!("{own}/offer"), None)
        .await;
    assert_eq!(
        (late.status, late.code()),
        (StatusCode::GONE, "conference_ended")
    );
}

#[tokio::test]
async fn every_route_is_closed_to_strangers_and_open_to_its_scope_alone() {
    let mut house = House::new().await;
    let id = house.stage.create().await.id;
    let offer = house.stage.join(id, Role::Camera).await;
    let stranger_to_it = house.stage.join(id, Role::Viewer).await;
    let media = offer.media_token.clone().expect("given");
    let other_media = stranger_to_it.media_token.clone().expect("given");
    let mut rows = 0;
    for (method, template) in operations() {
        let path = template
            .replace("/nodes/{id}", "/nodes/sfu-1")
            .replace("{id}", &id.to_string())
            .replace("{pid}", &offer.participant.to_string());
        let body = sensible_body(&method, &path);
        let nobody = Request::builder().method(method.clone()).uri(&path);
        let nobody = house
            .send(nobody.body(Body::empty()).expect("well-formed"))
            .await;
        assert_eq!(
            (nobody.status.as_u16(), nobody.code()),
            (401, "not_signed_in"),
            "{path}"
        );
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));

        let mut opened_by = BTreeSet::new();
        for scope in ALL_SCOPES {
            // Owners that see nothing: whoever is let in meets 404, whoever is not meets 403.
            let key = house.key("empty", &[scope], &[]).await;
            let reply = house.call(&key, method.clone(), &path, body.clone()).await;
            if reply.code() != "forbidden" {
                opened_by.insert(scope);
            }
            rows += 1;
        }
        assert_eq!(opened_by.len(), 1, "{method} {template}: {opened_by:?}");

        let is_own = ["/offer", "/answer", "/ice", "/pause"]
            .iter()
            .any(|end| path.ends_with(end))
            || (method == Method::DELETE && template.ends_with("/participants/{pid}"));
        let other = house
            .call(&other_media, method.clone(), &path, body.clone())
            .await;
        let expected = if is_own {
            "token_wrong_conference"
        } else {
            "forbidden"
        };
        assert_eq!(
            (other.status.as_u16(), other.code()),
            (403, expected),
            "{method} {path}"
        );
        if is_own && method != Method::DELETE {
            let own = house.call(&media, method, &path, body).await;
            assert!(
                !["forbidden", "token_wrong_conference"].contains(&own.code()),
                "{path}"
            );
        }
        rows += 2;
    }
    assert_eq!(rows, 22 * 7);
}

#[tokio::test]
async fn unknown_revoked_and_expired_bearers_are_invalid() {
    let mut house = House::new().await;
    let good = house.full_key().await;
    let unscoped = house.key("integrator", &["of:another:release"], &[]).await;
    let list = async |house: &House, bearer: &SecretText| {
        let reply = house
            .call(bearer, Method::GET, "/v1/conferences", None)
            .await;
        (reply.status.as_u16(), reply.code().to_owned())
    };
    let invalid = (401, "token_invalid".to_owned());
    assert_eq!(list(&house, &good).await.0, 200);
    assert_eq!(list(&house, &unscoped).await, (403, "forbidden".to_owned()));
    let tampered = good.expose().replace("lens_", "lens_f");
    let other_secret = format!(
        "{}x",
        good.expose().get(..good.expose().len() - 1).expect("ASCII")
    );
    for bad in [
        "x",
        "lens_",
        &tampered,
        &other_secret,
        "a.b.c",
        &"y".repeat(5_000),
    ] {
        assert_eq!(
            list(&house, &SecretText::new(bad)).await,
            invalid,
            "{bad} was taken"
        );
    }
    let basic = Request::get("/v1/conferences").header("authorization", "Basic eDp5");
    let basic = house
        .send(basic.body(Body::empty()).expect("well-formed"))
        .await;
    assert_eq!(basic.code(), "token_invalid");

    let revoked = house.full_key().await;
    let (id, _) = lens_auth::token::parse_api_key(&revoked).expect("ours");
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    house.keys.revoke_api_key(id, now).await.expect("known");
    assert_eq!(list(&house, &revoked).await, invalid);
    house.stage.clock.advance(Duration::from_secs(86_400));
    assert_eq!(list(&house, &good).await, invalid);
}

#[tokio::test]
async fn limits_hold_for_each_key_and_each_address() {
    let limits = DoorLimits {
        per_key: RateLimit {
            burst: 3,
            per: Duration::from_secs(60),
        },
        per_address: RateLimit {
            burst: 8,
            per: Duration::from_secs(60),
        },
        per_participant: RateLimit {
            burst: 2,
            per: Duration::from_secs(60),
        },
        remembered: 100,
    };
    let mut house = House::with_limits(limits).await;
    let one = house.full_key().await;
    let other = house.key("other", &ALL_SCOPES, &[]).await;
    let list = async |house: &House, key: &SecretText| {
        house.call(key, Method::GET, "/v1/conferences", None).await
    };
    for _ in 0..3 {
        assert_eq!(list(&house, &one).await.status, StatusCode::OK);
    }
    let refused = list(&house, &one).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (429, "rate_limited")
    );
    assert_eq!(refused.header("retry-after"), Some("20"));
    for _ in 0..3 {
        assert_eq!(list(&house, &other).await.status, StatusCode::OK);
    }
    // Seven so far from this address; guessing keys uses up the rest.
    let guess = SecretText::new("guess");
    assert_eq!(list(&house, &guess).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        list(&house, &guess).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    house.stage.clock.advance(Duration::from_secs(20));
    assert_eq!(list(&house, &one).await.status, StatusCode::OK);
}

#[tokio::test]
async fn bad_requests_get_problems_of_their_own() {
    let mut house = House::new().await;
    let key = house.full_key().await;
    let id = "00000000-0000-7000-8000-000000000000";
    let bearer = format!("Bearer {}", key.expose());
    let large = format!(r#"{{"external_id":"{}"}}"#, "x".repeat(300_000));
    let cases = [
        (
            "POST",
            "/v1/conferences",
            "application/json",
            "{",
            400,
            "malformed_json",
        ),
        (
            "POST",
            "/v1/conferences",
            "text/plain",
            "{}",
            415,
            "unsupported_media_type",
        ),
        (
            "POST",
            "/v1/conferences",
            "application/json",
            large.as_str(),
            413,
            "payload_too_large",
        ),
        (
            "POST",
            "/v1/conferences",
            "application/json",
            r#"{"max_participants":1}"#,
            422,
            "invalid_value",
        ),
        (
            "POST",
            "/v1/conferences",
            "application/json",
            r#"{"max_participants":"x"}"#,
            422,
            "invalid_value",
        ),
        (
            "PATCH",
            "/v1/conferences",
            "application/json",
            "{}",
            405,
            "method_not_allowed",
        ),
        (
            "GET",
            "/v1/conferences/nothing",
            "application/json",
            "",
            404,
            "not_found",
        ),
        (
            "GET",
            &format!("/v1/conferences/{id}"),
            "application/json",
            "",
            404,
            "conference_not_found",
        ),
        (
            "GET",
            "/v1/elsewhere",
            "application/json",
            "",
            404,
            "not_found",
        ),
        (
            "GET",
            "/v1/events?after=x",
            "application/json",
            "",
            422,
            "invalid_value",
        ),
        (
            "GET",
            "/v1/events?wait_s=31",
            "application/json",
            "",
            422,
            "invalid_value",
        ),
        (
            "POST",
            "/v1/nodes/unknown/drain",
            "application/json",
            "",
            404,
            "not_found",
        ),
        (
            "POST",
            "/v1/nodes/NO%20NAME/drain",
            "application/json",
            "",
            404,
            "not_found",
        ),
    ];
    for (method, path, content_type, body, status, expected) in cases {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", &bearer)
            .header("content-type", content_type)
            .body(Body::from(body.to_owned()));
        let reply = house.send(request.expect("well-formed")).await;
        let seen = (reply.status.as_u16(), reply.code());
        assert_eq!(seen, (status, expected), "{method} {path}");
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
        if status == 405 {
            let allow = reply.header("allow").unwrap_or("");
            let allowed: BTreeSet<&str> = allow.split(',').collect();
            assert_eq!(allowed, BTreeSet::from(["GET", "HEAD", "POST"]));
        }
    }
}

#[tokio::test]
async fn the_description_is_served_to_anybody_and_names_every_status_that_occurs() {
    let house = House::new().await;
    let request = Request::get("/v1/openapi.json").body(Body::empty());
    let reply = house.send(request.expect("well-formed")).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.body["openapi"], "3.1.0");
    assert_eq!(
        reply.body,
        serde_json::to_value(routes::openapi()).expect("plain data")
    );
    assert_eq!(operations().len(), 22);
    assert!(reply.body["paths"]["/v1/openapi.json"]["get"].is_object());
    let text = reply.body.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().expect("closed");
        let schema = &reply.body["components"]["schemas"][name];
        assert!(schema.is_object(), "{name} is not described");
    }
    for (method, path) in operations() {
        let operation = &reply.body["paths"][&path][method.as_str().to_lowercase()];
        for status in ["401", "403", "404", "405", "429", "500", "503"] {
            let described = &operation["responses"][status]["content"];
            assert!(
                described["application/problem+json"].is_object(),
                "{method} {path} {status}"
            );
        }
        if operation.get("requestBody").is_some() {
            for status in ["400", "413", "415", "422"] {
                assert!(
                    operation["responses"].get(status).is_some(),
                    "{method} {path} {status}"
                );
            }
        }
    }
}

#[tokio::test]
async fn pages_of_named_origins_may_call_and_no_others() {
    let mut house = House::new().await;
    let key = house
        .key("crm", &ALL_SCOPES, &["https://crm.example"])
        .await;
    house
        .key("chat", &ALL_SCOPES, &["https://chat.example"])
        .await;
    let preflight = async |origin: &str| {
        let request = Request::builder()
            .method("OPTIONS")
            .uri("/v1/conferences")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .body(Body::empty());
        house.send(request.expect("well-formed")).await
    };
    let allowed = preflight("https://crm.example").await;
    assert_eq!(allowed.status, StatusCode::NO_CONTENT);
    let origin = allowed.header("access-control-allow-origin");
    assert_eq!(origin, Some("https://crm.example"));
    let headers = allowed.header("access-control-allow-headers").unwrap_or("");
    for header in ["authorization", "idempotency-key", "if-match"] {
        assert!(headers.contains(header), "{header}");
    }
    let refused = preflight("https://evil.example").await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (403, "bad_origin")
    );

    for (origin, expected) in [
        ("https://crm.example", Some("https://crm.example")),
        ("https://chat.example", None),
        ("https://evil.example", None),
        ("null", None),
    ] {
        let request = Request::get("/v1/conferences")
            .header("origin", origin)
            .header("authorization", format!("Bearer {}", key.expose()))
            .body(Body::empty());
        let reply = house.send(request.expect("well-formed")).await;
        assert_eq!(
            reply.header("access-control-allow-origin"),
            expected,
            "{origin}"
        );
        if expected.is_some() {
            let readable = reply.header("access-control-expose-headers");
            assert!(readable.is_some_and(|names| names.contains("location, ")));
            assert!(readable.is_some_and(|names| names.contains("etag")));
        }
        assert_eq!(reply.header("vary"), Some("origin"));
        assert_eq!(reply.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn the_private_listener_carries_the_same_calls() {
    let house = House::new().await;
    let manager = &house.stage.manager;
    let token = SecretText::new("internal");
    let router = routes::private(
        Arc::new(manager.clone()),
        manager.media_keys(),
        token.clone(),
    );
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = socket.local_addr().expect("bound");
    let server = tokio::spawn(async move { axum::serve(socket, router).await });
    let base: axum::http::Uri = format!("http://{address}").parse().expect("a URL");

    let stranger = RemoteSessionManager::new(base.clone(), SecretText::new("guess"));
    let refused = stranger.conferences(&website()).await;
    assert_eq!(code(refused), Some(ErrorCode::TokenInvalid));

    let remote = RemoteSessionManager::new(base, token);
    let request = CreateConference::default();
    let made = remote
        .create(&website(), Some("k".to_owned()), request.clone())
        .await;
    let made = made.expect("made");
    let again = remote
        .create(&website(), Some("k".to_owned()), request)
        .await;
    assert_eq!(again.expect("replayed").id, made.id);
    let offer = remote
        .join(&website(), made.id, None, join(Role::Camera))
        .await;
    let offer = offer.expect("joined");
    let media = offer.media_token.clone().expect("carried");
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    let holder = lens_session_manager::token::verify(&remote, &media, now).await;
    let holder = holder.expect("the key is asked for");
    let answer = Answer {
        generation: offer.generation,
        negotiation_id: offer.negotiation_id,
        sdp: CHROMIUM_CAMERA.to_owned(),
    };
    let answered = remote
        .answer(&holder, made.id, offer.participant, answer)
        .await;
    answered.expect("its own");
    let forbidden = remote.conferences(&holder).await;
    assert_eq!(code(forbidden), Some(ErrorCode::Forbidden));
    let events = remote
        .events(&website(), 0, Duration::from_millis(10))
        .await;
    assert_eq!(events.expect("granted").events.len(), 1);
    let timeline = remote
        .timeline(&website(), made.id, offer.participant)
        .await;
    timeline.expect("it is there");
    let nodes = remote.nodes(&website()).await.expect("granted").nodes;
    remote
        .drain(&website(), nodes[0].id.clone())
        .await
        .expect("drains");
    remote
        .leave(&website(), made.id, offer.participant)
        .await
        .expect("leaves");
    remote.delete(&website(), made.id).await.expect("ends");
    let read = remote.conference(&website(), made.id).await.expect("kept");
    assert_eq!(read.epoch, made.epoch);
    assert_eq!(
        remote.conferences(&website()).await.expect("granted").len(),
        1
    );
    server.abort();
}

#[tokio::test]
async fn one_participant_cannot_use_up_what_belongs_to_others() {
    let per = Duration::from_secs(60);
    let limits = DoorLimits {
        per_participant: RateLimit { burst: 2, per },
        ..DoorLimits::default()
    };
    let house = House::with_limits(limits).await;
    let id = house.stage.create().await.id;
    let camera = house.stage.join(id, Role::Camera).await;
    let viewer = house.stage.join(id, Role::Viewer).await;
    let renew = async |offer: &ParticipantOffer| {
        let token = offer.media_token.clone().expect("given");
        let path = format!(
            "/v1/conferences/{id}/participants/{}/offer",
            offer.participant
        );
        house
            .call(&token, Method::POST, &path, None)
            .await
            .status
            .as_u16()
    };
    assert_eq!(renew(&camera).await, 200);
    assert_eq!(renew(&camera).await, 200);
    assert_eq!(renew(&camera).await, 429);
    assert_eq!(renew(&viewer).await, 200);
}
