//! Commands beside the server: accounts, keys, configuration, the API description.

mod support;

use std::path::Path;

use support::{House, PASSWORD, Server, curl, lens};

#[test]
fn accounts_are_added_listed_disabled_and_reset() {
    let house = House::new();
    let server = house.serve(&[]);
    let added = house.said(&[
        "admin",
        "technician",
        "add",
        "Ann@Example.com",
        "--name",
        "Ann Miller",
        "--administrator",
    ]);
    assert!(added.contains("Password (shown once): "), "{added}");
    let twice = house.lens(&[
        "admin",
        "technician",
        "add",
        "ann@example.com",
        "--name",
        "Ann",
    ]);
    let complaint = String::from_utf8_lossy(&twice.stderr).into_owned();
    assert!(complaint.contains("has an account already"), "{complaint}");
    let last = house.lens(&["admin", "technician", "disable", "ann@example.com"]);
    let complaint = String::from_utf8_lossy(&last.stderr).into_owned();
    assert!(complaint.contains("last administrator"), "{complaint}");
    let made = house.said(&[
        "admin",
        "technician",
        "add",
        "ben@example.com",
        "--name",
        "Ben",
    ]);
    house.said(&["admin", "technician", "disable", "ben@example.com"]);
    let listed = house.said(&["admin", "technician", "list"]);
    let line = |email: &str| {
        listed
            .lines()
            .find(|line| line.starts_with(email))
            .unwrap_or_default()
    };
    assert!(
        line("ann@example.com").contains("administrator  active"),
        "{listed}"
    );
    assert!(
        line("ben@example.com").contains("technician     disabled"),
        "{listed}"
    );
    house.said(&["admin", "technician", "enable", "ben@example.com"]);
    let first = shown(&made);
    assert_eq!(signs_in(&server, "ben@example.com", &first), 200);
    let reset = house.said(&["admin", "technician", "reset-password", "ben@example.com"]);
    assert_eq!(signs_in(&server, "ben@example.com", &first), 401);
    assert_eq!(signs_in(&server, "ben@example.com", &shown(&reset)), 200);
    let unknown = house.lens(&["admin", "technician", "enable", "eve@example.com"]);
    assert_eq!(unknown.status.code(), Some(1));
}

#[test]
fn an_api_key_opens_the_api_until_it_is_revoked() {
    let house = House::new();
    let server = house.serve(&[]);
    let url = format!("https://{}/v1/conferences", server.https());
    let added = house.said(&[
        "admin",
        "api-key",
        "add",
        "crm",
        "--scope",
        "conferences:read",
    ]);
    let key = added
        .lines()
        .find_map(|line| line.strip_prefix("Key (shown once): "))
        .expect("a key");
    let bearer = format!("Authorization: Bearer {key}");
    assert_eq!(curl(&["-H", &bearer, &url]).0, 200);
    let (status, body) = curl(&[
        "-H",
        &bearer,
        "-H",
        "Content-Type: application/json",
        "-d",
        "{}",
        &url,
    ]);
    assert_eq!(status, 403, "the scope is not held: {body}");
    let listed = house.said(&["admin", "api-key", "list"]);
    assert!(listed.contains("crm") && !listed.contains(key), "{listed}");
    let id = listed.split_whitespace().next().expect("an id").to_owned();
    house.said(&["admin", "api-key", "revoke", &id]);
    assert_eq!(curl(&["-H", &bearer, &url]).0, 401);
    assert_eq!(curl(&[&url]).0, 401);
}

#[test]
fn what_happens_to_accounts_and_keys_is_on_record_beside_a_running_server() {
    let house = House::new();
    let server = house.serve(&[]);
    let file = house.password_file();
    let file = file.to_str().expect("text");
    let technician = |rest: &[&str]| house.said(&[&["admin", "technician"], rest].concat());
    technician(&[
        "add",
        "ann@example.com",
        "--name",
        "Ann Miller",
        "--password-file",
        file,
    ]);
    assert_eq!(signs_in(&server, "ann@example.com", PASSWORD), 200);
    technician(&["disable", "ann@example.com"]);
    technician(&["enable", "ann@example.com"]);
    let reset = technician(&["reset-password", "ann@example.com"]);
    let made = house.said(&["admin", "api-key", "add", "crm", "--scope", "nodes:read"]);
    let id = made.split_whitespace().nth(1).expect("an id").to_owned();
    house.said(&["admin", "api-key", "revoke", &id]);

    let printed = house.said(&["log", "--accounts", "--json"]);
    let events: Vec<serde_json::Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let kinds: Vec<_> = events.iter().map(|it| it["kind"].as_str()).collect();
    let expected = [
        "account.added",
        "login.made",
        "account.disabled",
        "account.enabled",
        "account.password_set",
        "api_key.made",
        "api_key.revoked",
    ];
    assert_eq!(kinds, expected.map(Some), "{printed}");
    assert_eq!(events[1]["actor"], "Ann Miller");
    assert_eq!(events[1]["body"]["from"], "127.0.0.1");
    for command in [&events[..1], &events[2..]].concat() {
        assert_eq!(command["actor"], "lens admin");
        assert!(command["body"]["uid"].is_u64(), "{command}");
    }
    for secret in [shown(&reset), shown(&made), PASSWORD.to_owned()] {
        assert!(secret.len() > 12 && !printed.contains(&secret));
    }
    let text = house.said(&["log", "--accounts"]);
    assert_eq!(text.lines().count(), expected.len(), "{text}");
}

#[test]
fn a_session_without_a_log_is_said() {
    let house = House::new();
    let _server = house.serve(&[]);
    let output = house.lens(&["log", "0199d1f2-0000-7000-8000-000000000000"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("no log of session"),
        "{said}"
    );
    let output = house.lens(&["log", "20418"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("expected an id, as 0199d1f2"), "{said}");
}

#[test]
fn commands_without_a_directory_say_so_and_make_none() {
    let house = House::new();
    let output = house.lens(&["admin", "technician", "list"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no data directory"), "{said}");
    assert!(!house.data().exists());
    // One that holds something else is left as it is.
    std::fs::create_dir(house.data()).expect("made");
    let output = house.lens(&["admin", "technician", "list"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no database"), "{said}");
    assert!(!house.data().join("lens.db").exists());
}

/// The status of a sign-in.
fn signs_in(server: &Server, email: &str, password: &str) -> u16 {
    let login = serde_json::json!({"email": email, "password": password}).to_string();
    let url = format!("https://{}/api/login", server.https());
    let origin = format!("Origin: https://{}", server.https());
    let post = ["-H", "Lens-Request: 1", "-H", &origin, "-H"];
    let body = ["Content-Type: application/json", "-d", &login, &url];
    curl(&[&post[..], &body].concat()).0
}

/// The secret at the end of what a command printed.
fn shown(printed: &str) -> String {
    let last = printed.rsplit(": ").next();
    last.unwrap_or_default().trim().to_owned()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("server lies in the top folder")
}

#[test]
fn the_sample_configuration_is_complete_and_holds_the_defaults() {
    let sample = std::fs::read_to_string(repository().join("lens.toml")).expect("there");
    let house = House::new();
    // Every key with the `#` removed. Prose starts with `# `, keys with `#` alone.
    let mut active: String = sample
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    // Keys without a default: the sample shows an example.
    for key in [
        "organisation",
        "public_url",
        "certificate",
        "key",
        "region",
        "token",
        "session_manager",
        "sfus",
    ] {
        let commented = format!("\n#{key} =");
        active = active.replace(&format!("\n{key} ="), &commented);
    }
    let file = house.path("all.toml");
    std::fs::write(&file, &active).expect("writable");
    let print = |config: Option<&Path>| {
        let mut command = lens();
        command.args(["config", "print"]);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let output = command.output().expect("runs");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{complaint}");
        String::from_utf8(output.stdout).expect("text")
    };
    let defaults = print(None);
    assert_eq!(
        print(Some(&file)),
        defaults,
        "the sample shows the defaults"
    );
    let keys = defaults.lines().filter_map(|line| line.split_once(" = "));
    for (key, _) in keys {
        assert!(
            active.contains(&format!("\n{key} =")) || active.contains(&format!("#{key} =")),
            "{key} is not in lens.toml"
        );
    }
    assert_eq!(
        lens()
            .args(["config", "check"])
            .arg("--config")
            .arg(&file)
            .output()
            .expect("runs")
            .stdout,
        b""
    );
}

#[test]
fn a_secret_is_not_printed() {
    let house = House::new();
    let file = house.path("secret.toml");
    std::fs::write(
        &file,
        format!("[cluster]\ntoken = \"{}\"\n", "canary".repeat(8)),
    )
    .expect("writable");
    let output = lens()
        .args(["config", "print", "--config"])
        .arg(&file)
        .output()
        .expect("runs");
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(
        said.contains("token = \"[secret]\"") && !said.contains("canary"),
        "{said}"
    );
}

#[test]
fn the_committed_api_description_is_the_one_the_routes_make() {
    let output = lens().arg("openapi").output().expect("runs");
    let made = String::from_utf8(output.stdout).expect("text");
    let committed =
        std::fs::read_to_string(repository().join("docs/openapi.json")).unwrap_or_default();
    assert!(
        made == committed,
        "docs/openapi.json is out of date: run `cargo xtask openapi`"
    );
    let house = House::new();
    let server = house.serve(&[]);
    let (status, served) = curl(&[&format!("https://{}/v1/openapi.json", server.https())]);
    assert_eq!(status, 200);
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(parse(&served), parse(&committed));
}

#[test]
fn help_teaches() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["admin", "technician", "add", "--help"],
    ] {
        let output = lens().args(arguments).output().expect("runs");
        assert!(output.status.success());
        assert!(output.stdout.len() > 300, "{arguments:?}");
    }
    let help =
        String::from_utf8(lens().arg("--help").output().expect("runs").stdout).expect("text");
    assert!(help.contains("Examples:") && help.contains("LENS_HTTPS__LISTEN"));
}
