//! The curl lines of `docs/API.md` work as they are written.

use std::process::Command;

use lens_tests::product::{Mode, Product};

const PAGE: &str = include_str!("../../docs/API.md");

/// The shell blocks of the page, in order, as one script that stops at the first failure.
fn script() -> String {
    let mut lines = vec!["set -eu"];
    let mut inside = false;
    for line in PAGE.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => lines.push(line),
            _ => {}
        }
    }
    lines.join("\n")
}

#[test]
fn the_walk_with_curl_works_as_written() {
    let product = Product::start(Mode::One);
    let scopes = [
        "conferences:write",
        "conferences:read",
        "participants:write",
    ];
    let mut parameters = vec!["admin", "api-key", "add", "--owner", "crm"];
    parameters.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
    parameters.push("our CRM");
    let said = product.command(&parameters);
    let key = said
        .split_whitespace()
        .find(|word| word.starts_with("lens_"))
        .expect("the key is printed once");

    let script = script();
    assert!(
        script.matches("curl").count() >= 8,
        "the page has lost its walk"
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .env("LENS", format!("https://{}", product.https()))
        .env("KEY", key)
        .output()
        .expect("bash runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{printed}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
