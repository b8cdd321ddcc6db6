//! The description of everything behind the HTTPS door, made from the routes themselves: the
//! Session Manager's `/v1` and the website's `/api`.

use lens_session_manager::routes;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi};

const CONSOLE: &str = "console";
const CUSTOMER: &str = "customer";

/// The description, OpenAPI 3.1.
pub fn document() -> OpenApi {
    let mut website = lens_website::openapi();
    for item in website.paths.paths.values_mut() {
        carried_by_cookies(item);
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

/// The website's calls take a cookie, or none before one is set; never a bearer.
fn carried_by_cookies(item: &mut PathItem) {
    let nothing: [&str; 0] = [];
    let methods = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ];
    for operation in methods.into_iter().flatten() {
        operation.security = Some(vec![
            SecurityRequirement::default(),
            SecurityRequirement::new(CONSOLE, nothing),
            SecurityRequirement::new(CUSTOMER, nothing),
        ]);
    }
}
