//! `/api`: what the pages call, with a technician's and a customer's cookie.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::{Door, curl, text};
use crate::server::{EMAIL, PASSWORD, Server};

/// The door, with a technician who is signed in and a customer in their session.
pub(super) fn door(server: &Server, data: &Path) -> Result<Door, String> {
    let technician = Visitor::new(server, data, "technician");
    technician.post("/api/login", &json!({"email": EMAIL, "password": PASSWORD}))?;
    let made = technician.post("/api/sessions", &json!({"customer_name": "Margit"}))?;
    let customer = Visitor::new(server, data, "customer");
    let pin = text(&made["invitation"]["pin"]);
    customer.post(
        "/api/invitations/redeem",
        &json!({"pin": pin, "locale": "en"}),
    )?;
    let cookies = [technician.cookie("console")?, customer.cookie("customer")?].join("; ");
    Ok(Door {
        config: config(&server.url, &cookies, text(&made["session"]["id"])),
        // What ends the session, and then what ends the login, come last.
        passes: &[
            "^/api/(?!logout|customer/(leave|decline)|sessions/.*/(close|put-out))",
            "^/api/(customer/(leave|decline)|sessions/.*/(close|put-out))",
            "^/api/logout",
        ],
    })
}

/// A browser, as far as curl is one.
struct Visitor {
    url: String,
    jar: PathBuf,
}

impl Visitor {
    fn new(server: &Server, data: &Path, name: &str) -> Self {
        Self {
            url: server.url.clone(),
            jar: data.join(name),
        }
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let mut call: Command = curl(&self.url, path, &body.to_string());
        call.args(["-H", "Lens-Request: 1", "-H"])
            .arg(format!("Origin: {}", self.url));
        call.arg("-b").arg(&self.jar).arg("-c").arg(&self.jar);
        super::answer(&mut call)
    }

    /// `name=value` of our cookie for `whom`, out of the jar's table.
    fn cookie(&self, whom: &str) -> Result<String, String> {
        let jar = std::fs::read_to_string(&self.jar).map_err(|error| error.to_string())?;
        let name = format!("__Host-lens-{whom}");
        let mut rows = jar.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let row = rows.find(|row| row.get(5) == Some(&name.as_str()));
        let value = row.and_then(|row| row.get(6).copied());
        value
            .map(|value| format!("{name}={value}"))
            .ok_or_else(|| format!("the server gave no cookie {name}"))
    }
}

/// Every check is on but those that ask what a cookie is worth: both cookies travel in one header
/// that is the same in all calls, so none can be left out or forged (`website/tests` do that).
/// Valid requests may find the session in another state (409), its customer gone (410), a sentence
/// of theirs refused (422), or the password meter's own limit used up (429).
fn config(url: &str, cookies: &str, session: &str) -> String {
    format!(
        r#"
[headers]
Cookie = "{cookies}"
Origin = "{url}"
Lens-Request = "1"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "410", "422", "429"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "410", "413", "415", "422", "429"]

[checks.ignored_auth]
enabled = false

[[operations]]
include-path-regex = "^/api/sessions/.*"
parameters = {{ "path.id" = "{session}" }}
"#
    )
}
