//! The description of everything behind the HTTPS door, made from the routes themselves: the
//! Session Manager's `/v1` and the website's `/api`.

use lens_session_manager::routes;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, RefOr};

const CONSOLE: &str = "console";
const CUSTOMER: &str = "customer";

/// Problems that each call of `/api` may answer with.
const ALWAYS: [(u16, &str); 11] = [
    (401, "No cookie that counts (`not_signed_in`)."),
    (
        403,
        "Not granted (`forbidden`), or not sent by a page of this server (`bad_origin`).",
    ),
    (
        404,
        "Nothing here, or not yours (`session_not_found`, `not_found`).",
    ),
    (
        405,
        "This path does not take that method (`method_not_allowed`).",
    ),
    (
        409,
        "Another state than this call needs (`wrong_state`, `already_started`).",
    ),
    (410, "The session has ended (`session_closed`)."),
    (422, "A value outside its range (`invalid_value`)."),
    (429, "Too many requests (`rate_limited`)."),
    (500, "A fault of the server (`internal`)."),
    (
        503,
        "Not now (`storage_failed`, `unavailable`, `no_media_node`).",
    ),
    (507, "The server's disk is full (`storage_full`)."),
];
/// Those of calls with a body besides.
const OF_BODIES: [(u16, &str); 3] = [
    (400, "The body is not JSON (`malformed_json`)."),
    (413, "The body is too large (`payload_too_large`)."),
    (
        415,
        "The body is not declared as application/json (`unsupported_media_type`).",
    ),
];

/// The description, OpenAPI 3.1.
pub fn document() -> OpenApi {
    let mut website = lens_website::openapi();
    for (path, item) in &mut website.paths.paths {
        carried_by_cookies(path, item);
    }
    let components = website.components.get_or_insert_with(Components::new);
    let cookie = |name: &str, whose: &str| {
        let description = format!("Set by the website, for {whose} pages.");
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
            name,
            &description,
        )))
    };
    components.add_security_scheme(CONSOLE, cookie("__Host-lens-console", "technicians'"));
    components.add_security_scheme(CUSTOMER, cookie("__Host-lens-customer", "customers'"));
    let mut document = routes::openapi();
    document.merge(website);
    document
}

/// The description as it is committed (`docs/openapi.json`) and served (`/v1/openapi.json`).
pub fn pretty() -> String {
    serde_json::to_string_pretty(&document()).expect("a description is plain data")
}

/// The website's calls take a cookie, or none before one is set; never a bearer. Their handlers'
/// names repeat, so each is named by method and path.
fn carried_by_cookies(path: &str, item: &mut PathItem) {
    let nothing: [&str; 0] = [];
    let words: Vec<&str> = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let methods = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("patch", &mut item.patch),
    ];
    for (method, operation) in methods {
        let Some(operation) = operation else { continue };
        operation.operation_id = Some(format!("{method}_{}", words.join("_")));
        operation.security = Some(vec![
            SecurityRequirement::default(),
            SecurityRequirement::new(CONSOLE, nothing),
            SecurityRequirement::new(CUSTOMER, nothing),
        ]);
        describe_problems(operation);
    }
}

/// Says of each problem an operation may answer with that it is one, in the words that stand at
/// its route where there are any.
fn describe_problems(operation: &mut Operation) {
    let bodies = OF_BODIES
        .iter()
        .filter(|_| operation.request_body.is_some());
    let known = &mut operation.responses.responses;
    for (status, meaning) in ALWAYS.iter().chain(bodies) {
        let own = match known.get(&status.to_string()) {
            Some(RefOr::T(response)) => response.description.clone(),
            _ => (*meaning).to_owned(),
        };
        let answer = routes::problem_answer(*status, &own);
        known.insert(status.to_string(), RefOr::T(answer));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(document()).expect("plain data");
        let paths = document["paths"].as_object().expect("paths");
        let operations = paths.values().flat_map(|path| path.as_object()).flatten();
        let names: Vec<_> = operations
            .map(|(_, operation)| operation["operationId"].as_str().expect("a name"))
            .collect();
        let different: HashSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{names:?}");
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let text = serde_json::to_string(&document()).expect("plain data");
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let schemas = document["components"]["schemas"].as_object();
        let schemas = schemas.expect("schemas");
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap_or_default();
            assert!(schemas.contains_key(name), "there is no schema {name}");
        }
    }
}
