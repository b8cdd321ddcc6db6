//! The description of the HTTP API, made from the routes themselves.

use lens_session_manager::routes;

/// The description as it is committed (`docs/openapi.json`) and served (`/v1/openapi.json`).
pub fn pretty() -> String {
    serde_json::to_string_pretty(&routes::openapi()).expect("a description is plain data")
}
