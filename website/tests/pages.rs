//! Pages, headers and what keeps other sites out.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use axum::body::Body;
use axum::http::Method;
use support::House;

#[tokio::test]
async fn every_page_comes_with_headers_that_keep_others_out() {
    let house = House::open().await;
    let browser = house.browser();
    for path in ["/", "/s", "/console", "/console/sessions", "/setup"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        let header = |name: &str| {
            page.headers
                .get(name)
                .map(|it| it.to_str().unwrap().to_owned())
                .unwrap_or_default()
        };
        assert_eq!(header("content-type"), "text/html; charset=utf-8", "{path}");
        let csp = header("content-security-policy");
        for rule in [
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self' wss://help.example",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "object-src 'none'",
        ] {
            assert!(csp.contains(rule), "{path} lacks {rule}: {csp}");
        }
        assert!(!csp.contains("unsafe"), "{path}: {csp}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(
            header("cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
    }
}

#[tokio::test]
async fn only_the_customers_page_may_ask_for_the_camera() {
    let house = House::open().await;
    let browser = house.browser();
    let policy = async |path: &str| {
        let page = browser.get(path).await;
        page.headers["permissions-policy"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert!(policy("/").await.contains("camera=(self)"));
    assert!(policy("/s").await.contains("microphone=(self)"));
    assert!(policy("/console").await.contains("camera=()"));
    assert!(policy("/console").await.contains("microphone=(self)"));
    assert!(policy("/setup").await.contains("microphone=()"));
    assert!(policy("/api/me").await.contains("camera=()"));
}

#[tokio::test]
async fn a_file_that_is_known_is_not_sent_again() {
    let house = House::open().await;
    let browser = house.browser();
    let first = browser.get("/assets/css/tokens.css").await;
    assert_eq!(first.status, 200);
    assert_eq!(first.headers["content-type"], "text/css; charset=utf-8");
    let tag = first.headers["etag"].to_str().unwrap();
    assert!(tag.starts_with('"'), "a strong tag: {tag}");
    let request = browser
        .request(Method::GET, "/assets/css/tokens.css")
        .header("if-none-match", format!("\"other\", {tag}"));
    let again = browser.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_and_paths_do_not_climb() {
    let house = House::open().await;
    let browser = house.browser();
    for path in [
        "/nothing",
        "/assets/nothing.css",
        "/assets/../customer.html",
        "/assets/%2e%2e/customer.html",
        "/sdk/../../Cargo.toml",
        "/sdk/%2e%2e%2fCargo.toml",
        "/api/nothing",
    ] {
        browser.get(path).await.refused(404, "not_found");
    }
    browser
        .call(Method::POST, "/", &serde_json::json!({}))
        .await
        .refused(405, "method_not_allowed");
    browser
        .call(Method::DELETE, "/api/me", &serde_json::json!({}))
        .await
        .refused(405, "method_not_allowed");
}

#[tokio::test]
async fn the_sdk_is_served_as_modules() {
    let house = House::open().await;
    let module = house.browser().get("/sdk/index.js").await;
    assert_eq!(module.status, 200);
    assert_eq!(
        module.headers["content-type"],
        "text/javascript; charset=utf-8"
    );
}

#[tokio::test]
async fn a_request_from_another_site_changes_nothing() {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let attempt = async |headers: &[(&str, &str)]| {
        let mut request = anna
            .request(Method::POST, "/api/sessions")
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        anna.send(request.body(Body::from("{}")).unwrap()).await
    };
    let mark = ("lens-request", "1");
    attempt(&[]).await.refused(403, "bad_origin");
    attempt(&[mark]).await.refused(403, "bad_origin");
    attempt(&[mark, ("origin", "https://evil.example")])
        .await
        .refused(403, "bad_origin");
    attempt(&[mark, ("origin", "null")])
        .await
        .refused(403, "bad_origin");
    attempt(&[mark, ("sec-fetch-site", "cross-site")])
        .await
        .refused(403, "bad_origin");
    attempt(&[("origin", "https://help.example")])
        .await
        .refused(403, "bad_origin");
    let sessions = anna.get("/api/sessions").await.ok();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 0);
    attempt(&[mark, ("origin", "https://help.example")])
        .await
        .ok();
    attempt(&[mark, ("sec-fetch-site", "same-origin")])
        .await
        .ok();
}

#[test]
fn the_description_names_every_route_of_the_api() {
    let document = serde_json::to_value(lens_website::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/api/setup",
        "/api/login",
        "/api/logout",
        "/api/me",
        "/api/password/strength",
        "/api/accounts/log",
        "/api/sessions",
        "/api/sessions/{id}",
        "/api/sessions/{id}/start",
        "/api/sessions/{id}/join",
        "/api/sessions/{id}/offer",
        "/api/sessions/{id}/stop-watching",
        "/api/sessions/{id}/hold",
        "/api/sessions/{id}/resume",
        "/api/sessions/{id}/close",
        "/api/sessions/{id}/invitation",
        "/api/sessions/{id}/put-out",
        "/api/sessions/{id}/log",
        "/api/sessions/{id}/chat",
        "/api/sessions/{id}/timeline",
        "/api/tickets",
        "/api/invitations/redeem",
        "/api/customer",
        "/api/customer/consent",
        "/api/customer/decline",
        "/api/customer/leave",
    ] {
        assert!(paths.contains_key(path), "{path} is missing");
    }
    assert_eq!(paths.len(), 26);
    assert_eq!(document["openapi"], "3.1.0");
}
