//! Living and ending: slow clients, signals, power cuts, backups.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::{GENEROUS, House, curl, refusal, serve_command};

#[test]
fn a_client_that_stalls_in_the_handshake_holds_up_nobody() {
    let house = House::new();
    let server = house.serve(&[]);
    let mut stalled: Vec<TcpStream> = (0..50)
        .map(|n| {
            let mut stream = TcpStream::connect(server.https()).expect("open");
            if n % 2 == 0 {
                stream.write_all(&[0x16, 0x03, 0x01, 0x02]).expect("sent");
            }
            stream
        })
        .collect();
    let (status, _) = curl(&[&format!("https://{}/v1/openapi.json", server.https())]);
    assert_eq!(status, 200);
    // They are all still waited for: nobody had to be given up first.
    for stream in &mut stalled {
        stream.set_nonblocking(true).expect("a socket");
        let end = stream.read(&mut [0; 1]);
        assert!(
            end.as_ref()
                .is_err_and(|error| error.kind() == ErrorKind::WouldBlock),
            "{end:?}"
        );
    }
}

#[test]
fn stun_on_the_https_port_reaches_the_media_server() {
    let house = House::new();
    let server = house.serve(&[]);
    let mut peer = TcpStream::connect(server.https()).expect("open");
    peer.set_read_timeout(Some(GENEROUS)).expect("a limit");
    // A binding request without user name: the media server takes it and closes on it.
    let mut frame = vec![0x00, 0x14, 0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42];
    frame.extend([7; 12]);
    peer.write_all(&frame).expect("sent");
    let end = peer.read(&mut [0; 64]);
    assert!(
        matches!(end, Ok(0) | Err(_)),
        "nothing is answered to a stranger: {end:?}"
    );
    let (_, figures) = curl(&[&format!("http://{}/metrics", server.operator())]);
    assert!(
        figures.contains("lens_door_connections_total{outcome=\"media\"} 1"),
        "{figures}"
    );
}

#[test]
fn plain_http_on_the_https_port_is_sent_to_https() {
    let house = House::new();
    let server = house.serve(&[]);
    let (status, _) = curl(&[&format!("http://{}/console", server.https())]);
    assert_eq!(status, 308);
}

#[test]
fn a_first_signal_drains_and_a_second_ends_at_once() {
    let house = House::new();
    let server = house.serve(&[]);
    let began = Instant::now();
    let (code, log) = server.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "an idle server ends quickly"
    );
    assert!(log.contains("draining") && log.contains("stopped"));

    let mut busy = house.serve(&[]);
    // A request that never ends its body keeps the server draining.
    let url = format!("https://{}/v1/conferences", busy.https());
    let mut request = std::process::Command::new("curl");
    request.args([
        "-sk",
        "-X",
        "POST",
        "-H",
        "Content-Type: application/json",
        "-T",
        "-",
        &url,
    ]);
    request
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null());
    let mut request = support::Ending(request.spawn().expect("curl runs"));
    let open = || {
        let (_, figures) = curl(&[&format!("http://{}/metrics", busy.operator())]);
        figures.contains("lens_door_open_connections 1")
    };
    let until = Instant::now() + GENEROUS;
    while !open() {
        assert!(Instant::now() < until, "the request never came");
    }
    busy.process.signal("-TERM");
    // Two signals on the heels of each other may reach a process as one.
    busy.wait_for_log("draining");
    busy.process.signal("-TERM");
    assert!(
        busy.process.wait(Duration::from_secs(10)).is_some(),
        "a second signal ends at once"
    );
    drop(request.0.stdin.take());
}

#[test]
fn a_server_that_has_just_started_ends_as_quickly() {
    let house = House::new();
    for _ in 0..5 {
        let server = house.serve(&[]);
        let began = Instant::now();
        let (code, log) = server.stop();
        assert_eq!(code, Some(0), "{log}");
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{:?}: {log}",
            began.elapsed()
        );
        assert!(!log.contains("cut off"), "{log}");
    }
}

#[test]
fn a_power_cut_loses_nothing_acknowledged_and_frees_the_directory() {
    let house = House::new();
    for round in 0..3 {
        let server = house.serve(&[]);
        let email = format!("person{round}@example.com");
        house.said(&["admin", "technician", "add", &email, "--name", "Person"]);
        server.kill();
    }
    let listed = house.said(&["admin", "technician", "list"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert_eq!(house.serve(&[]).stop().0, Some(0));
}

#[test]
fn a_backup_of_a_running_server_restores_elsewhere() {
    let house = House::new();
    let server = house.serve(&[]);
    let certificate = server.text("certificate_sha256").to_owned();
    let file = house.password_file();
    let file = file.to_str().expect("text");
    house.said(&[
        "admin",
        "technician",
        "add",
        "ann@example.com",
        "--name",
        "Ann",
        "--administrator",
        "--password-file",
        file,
    ]);
    let backup = house.path("backup");
    let backup = backup.to_str().expect("text");
    house.said(&["backup", backup]);
    let again = house.lens(&["backup", backup]);
    assert!(
        !again.status.success(),
        "an existing file is not overwritten"
    );
    let in_place = house.lens(&["restore", backup]);
    let complaint = String::from_utf8_lossy(&in_place.stderr).into_owned();
    assert!(
        !in_place.status.success() && complaint.contains("not empty"),
        "{complaint}"
    );
    server.stop();

    let other = House::new();
    other.said(&["restore", backup]);
    let listed = other.said(&["admin", "technician", "list"]);
    assert!(listed.contains("ann@example.com"), "{listed}");
    let restored = other.serve(&[]);
    assert_eq!(restored.text("certificate_sha256"), certificate);
    assert_eq!(
        restored.text("setup_url"),
        "",
        "the administrator came along"
    );
}

#[test]
fn a_file_that_is_no_backup_restores_nothing() {
    let house = House::new();
    let noise = house.path("noise");
    std::fs::write(&noise, vec![7; 4096]).expect("writable");
    let output = house.lens(&["restore", noise.to_str().expect("text")]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("not a Lens backup"),
        "{said}"
    );
    assert!(!house.data().exists());
}

#[test]
fn a_full_disk_is_said_at_the_start() {
    let house = House::new();
    let small = house.path("small");
    std::fs::create_dir(&small).expect("writable");
    let mut mount = std::process::Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"])
        .arg(&small);
    let mounted = mount.status().expect("mount runs").success();
    assert!(
        mounted,
        "this test mounts a small file system and needs root"
    );
    let (code, said) = refusal(serve_command(&small.join("data"), &[]));
    let unmounted = std::process::Command::new("umount").arg(&small).status();
    assert!(unmounted.expect("umount runs").success());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("full"), "{said}");
}
