//! Starting: what is made, what is said, and what a process that cannot start says.

mod support;

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use support::{House, PASSWORD, curl, refusal, serve_command};

#[test]
fn the_first_start_makes_everything_and_says_where_it_is() {
    let house = House::new();
    let server = house.serve(&[]);
    assert!(
        server.started_in < Duration::from_secs(10),
        "{:?}",
        server.started_in
    );
    let origin = format!("https://{}", server.https());
    assert_eq!(server.text("role"), "all");
    assert_eq!(server.text("console_url"), format!("{origin}/console"));
    assert!(
        server
            .text("setup_url")
            .starts_with(&format!("{origin}/setup#"))
    );
    assert_eq!(server.text("certificate_sha256").len(), 64);
    assert_eq!(
        server.ready["media"]["udp"].as_array().map(Vec::len),
        Some(1)
    );
    let tcp = server.ready["media"]["tcp"][0]
        .as_str()
        .expect("ICE-TCP is on");
    assert_eq!(
        tcp,
        server.https().to_string(),
        "ICE-TCP shares the HTTPS port"
    );
    let mode = house.data().metadata().expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    for file in ["lens.db", "tls/key.pem", "media-token.key"] {
        let mode = house
            .data()
            .join(file)
            .metadata()
            .expect("made")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file} can be read by others");
    }
}

#[test]
fn a_set_up_link_is_new_at_each_start_until_there_is_an_administrator() {
    let house = House::new();
    let first = house.serve(&[]);
    let link = first.text("setup_url").to_owned();
    let certificate = first.text("certificate_sha256").to_owned();
    assert_eq!(first.stop().0, Some(0));
    let second = house.serve(&[]);
    assert_ne!(second.text("setup_url"), link);
    assert_eq!(
        second.text("certificate_sha256"),
        certificate,
        "the certificate is kept"
    );
    drop(second);
    let file = house.password_file();
    let bootstrap = format!("ann@example.com:{}", file.display());
    let third = house.serve(&["--bootstrap-admin", &bootstrap, "--organisation", "Halden"]);
    assert_eq!(third.text("setup_url"), "");
    drop(third);
    let fourth = house.serve(&["--bootstrap-admin", &bootstrap]);
    assert_eq!(
        fourth.text("setup_url"),
        "",
        "the same command line starts it again"
    );
}

#[test]
fn a_port_in_use_is_said_with_the_flag_that_chooses_another() {
    let house = House::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    for (flag, door) in [
        ("--https", "HTTPS door"),
        ("--operator", "operator's listener"),
    ] {
        let mut command = support::lens();
        command.args(["serve", "--ready-json", "--media", "127.0.0.1:0"]);
        for other in ["--https", "--operator"] {
            command.args([
                other,
                if other == flag {
                    address.as_str()
                } else {
                    "127.0.0.1:0"
                },
            ]);
        }
        command.arg("--data-dir").arg(house.data());
        let (code, said) = refusal(command);
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains(door) && said.contains("in use") && said.contains(flag),
            "{said}"
        );
    }
}

#[test]
fn a_media_port_in_use_is_said_with_the_flag_that_chooses_another() {
    let house = House::new();
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let mut command = support::lens();
    command.args(["serve", "--ready-json", "--https", "127.0.0.1:0"]);
    command.args(["--operator", "127.0.0.1:0", "--media", &address]);
    command.arg("--data-dir").arg(house.data());
    let (code, said) = refusal(command);
    assert_eq!(code, 1, "{said}");
    let expected = format!("the media door cannot be opened on {address}: Address already in use");
    assert!(
        said.contains(&expected) && said.contains("with --media"),
        "{said}"
    );
}

#[test]
fn a_directory_that_cannot_be_used_is_said() {
    let house = House::new();
    std::fs::write(house.data(), b"a file").expect("writable");
    let (code, said) = refusal(serve_command(&house.data(), &[]));
    assert_eq!(code, 1);
    assert!(
        said.contains("is not a directory") && said.contains("--data-dir"),
        "{said}"
    );
    let below = house.data().join("below");
    let (code, said) = refusal(serve_command(&below, &[]));
    assert_eq!(code, 1);
    assert!(
        said.contains("data") && said.contains("--data-dir"),
        "{said}"
    );
    let proc = std::path::Path::new("/proc/lens-data");
    let (code, said) = refusal(serve_command(proc, &[]));
    assert_eq!(code, 1);
    assert!(said.contains("cannot be created"), "{said}");
}

#[test]
fn two_processes_do_not_share_a_directory() {
    let house = House::new();
    let _first = house.serve(&[]);
    let (code, said) = refusal(serve_command(&house.data(), &[]));
    assert_eq!(code, 1);
    assert!(said.contains("another Lens process"), "{said}");
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let house = House::new();
    assert_eq!(house.serve(&[]).stop().0, Some(0));
    let file = house.data().join("lens.db");
    raise_schema(&file);
    let before = std::fs::read(&file).expect("there");
    let (code, said) = refusal(serve_command(&house.data(), &[]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("schema") && said.contains("backup"), "{said}");
    assert_eq!(std::fs::read(&file).expect("there"), before);
}

/// Writes the number of a schema from the future into the file, by the `sqlite3` of Python, which
/// every Debian has.
fn raise_schema(file: &std::path::Path) {
    let script = "import sqlite3, sys\n\
        db = sqlite3.connect(sys.argv[1])\n\
        tables = [row[0] for row in db.execute(\"SELECT name FROM sqlite_master WHERE type = 'table'\")]\n\
        name = next(t for t in tables if 'migration' in t)\n\
        columns = [row[1] for row in db.execute(f'PRAGMA table_info({name})')]\n\
        row = list(db.execute(f'SELECT * FROM {name} ORDER BY 1 DESC LIMIT 1').fetchone())\n\
        row[0] = 9999\n\
        db.execute(f\"INSERT INTO {name} VALUES ({','.join('?' * len(columns))})\", row)\n\
        db.commit()\n\
        db.execute('PRAGMA wal_checkpoint(TRUNCATE)')\n";
    let done = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(file)
        .status();
    assert!(done.expect("python3 runs").success());
}

#[test]
fn a_bad_configuration_is_said_with_line_and_column() {
    let house = House::new();
    let file = house.path("lens.toml");
    std::fs::write(&file, "[https]\nlisten = \"everywhere\"\n").expect("writable");
    let mut command = serve_command(&house.data(), &["--config"]);
    command.arg(&file);
    let (code, said) = refusal(command);
    assert_eq!(code, 2);
    assert!(
        said.contains("lens.toml:2:10: expected an address and a port"),
        "{said}"
    );
    assert!(!house.data().exists(), "nothing was made");
    let mut command = serve_command(&house.data(), &[]);
    command.env("LENS_MEDIA__WORKERS", "0");
    let (code, said) = refusal(command);
    assert_eq!(
        (code, said.trim()),
        (
            2,
            "lens: LENS_MEDIA__WORKERS (sets media.workers): use 1 to 64"
        )
    );
}

#[test]
fn a_weak_password_makes_no_administrator() {
    let house = House::new();
    let file = house.path("weak");
    std::fs::write(&file, "password1").expect("writable");
    let bootstrap = format!("ann@example.com:{}", file.display());
    let (code, said) = refusal(serve_command(
        &house.data(),
        &["--bootstrap-admin", &bootstrap],
    ));
    assert_eq!(code, 1);
    assert!(
        said.contains("weak") && !said.contains("password1"),
        "{said}"
    );
}

#[test]
fn a_role_that_needs_the_token_does_not_start_without() {
    let house = House::new();
    let mut command = support::lens();
    command.args(["serve", "--role", "sfu", "--operator", "127.0.0.1:0"]);
    let (code, said) = refusal(command);
    assert_eq!(code, 2);
    assert!(
        said.contains("cluster.token") && said.contains("openssl rand"),
        "{said}"
    );
    std::fs::write(house.path("token"), "short").expect("writable");
    let mut command = support::lens();
    command.args([
        "serve",
        "--role",
        "sfu",
        "--operator",
        "127.0.0.1:0",
        "--internal-token",
    ]);
    let (code, said) = refusal({
        command.arg(house.path("token"));
        command
    });
    assert_eq!(code, 2);
    assert!(said.contains("at least 32"), "{said}");
}

#[test]
fn nothing_secret_is_logged_while_starting() {
    let house = House::new();
    let file = house.password_file();
    let bootstrap = format!("ann@example.com:{}", file.display());
    let (code, log) = house.serve(&["--bootstrap-admin", &bootstrap]).stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains(PASSWORD));
    let other = House::new();
    let server = other.serve(&[]);
    let token = server
        .text("setup_url")
        .split_once('#')
        .expect("a fragment")
        .1
        .to_owned();
    assert!(token.len() >= 22);
    let (_, log) = server.stop();
    assert!(log.contains("ready") && !log.contains(&token));
}

#[test]
fn operators_see_health_readiness_and_figures() {
    let house = House::new();
    let server = house.serve(&[]);
    let url = |path: &str| format!("http://{}{path}", server.operator());
    assert_eq!(curl(&[&url("/healthz")]), (200, "ok\n".to_owned()));
    let (status, body) = curl(&[&url("/readyz")]);
    assert_eq!(status, 200, "{body}");
    assert!(
        body.contains("\"store\":true") && body.contains("\"media_node\":true"),
        "{body}"
    );
    let (status, figures) = curl(&[&url("/metrics")]);
    assert_eq!(status, 200);
    for name in ["lens_door_open_connections", "lens_sfu_"] {
        assert!(figures.contains(name), "{name} is missing");
    }
}
