//! `/v1`: what programs with an API key call.

use std::path::Path;

use serde_json::Value;

use super::{Door, curl, text};
use crate::server::{self, Server};

/// Scopes of the key that fuzzes: all a program can have.
const SCOPES: [&str; 4] = [
    "conferences:write",
    "conferences:read",
    "participants:write",
    "nodes:read",
];

/// The door, with a conference and one who takes part in it.
pub(super) fn door(server: &Server, data: &Path) -> Result<Door, String> {
    let key = server::key(data, &SCOPES)?;
    let post = |path: &str, body: &str| {
        let mut call = curl(&server.url, path, body);
        call.args(["-H", &format!("Authorization: Bearer {key}")]);
        super::answer(&mut call)
    };
    let room = post(
        "/v1/conferences",
        r#"{"max_participants": 16, "media": {"whip": true}}"#,
    )?;
    let people = format!("/v1/conferences/{}/participants", text(&room["id"]));
    let joined = post(&people, r#"{"role": "camera", "display_name": "Margit"}"#)?;
    Ok(Door {
        config: config(&key, &room, &joined),
        // The only node is drained last: nothing can be made afterwards. schemathesis writes no SDP;
        // what these two take stands in tests/bad-input.toml and tests/interop.
        passes: &[
            "^/v1/(?!nodes/.*/drain|conferences/.*/(whip|whep)(/|$))",
            "^/v1/nodes/.*/drain",
        ],
    })
}

/// Every check of schemathesis is on but one: an ended conference is still there for an hour, so
/// it can be read after its deletion. What valid requests may get besides success: 409, 410 and
/// 422, because the description cannot say what depends on the state (a conference that has
/// ended, a region without a node, an Idempotency-Key used before), what an SDP is, and that
/// 1.0 is not taken for the integer 1. Invalid ones may be too large (413).
///
/// Calls about one participant are about one who is there, since no invented id is; a question
/// for events does not wait for any.
fn config(key: &str, room: &Value, joined: &Value) -> String {
    let (id, pid) = (text(&room["id"]), text(&joined["participant"]));
    format!(
        r#"
[headers]
Authorization = "Bearer {key}"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "410", "422"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "410", "413", "415", "422"]

[checks.use_after_free]
enabled = false

[[operations]]
include-path-regex = "/participants/.*/(answer|ice|offer|timeline)$"
parameters = {{ "path.id" = "{id}", "path.pid" = "{pid}" }}

[[operations]]
include-path = "/v1/events"
parameters = {{ wait_s = 0 }}
"#
    )
}
