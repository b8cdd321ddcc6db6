//! A disk that is full or read-only: what a process says that cannot start on it, what one answers
//! that runs on it, and that nothing is lost by it.
//!
//! Each test starts its own executable again in a mount namespace of its own, where it mounts a small
//! file system; nothing of it is seen outside or outlives it. That needs root, or user namespaces.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Server, curl, refusal, serve_command};

/// Set in the process that has the mount namespace: where to mount.
const MOUNT_POINT: &str = "LENS_TEST_DISK";

#[test]
fn a_first_start_on_a_full_disk_says_so_and_works_once_there_is_room() {
    let name = "a_first_start_on_a_full_disk_says_so_and_works_once_there_is_room";
    on_a_disk_of(name, "1m", |disk| {
        let data = disk.join("data");
        // Full, nearly full, and with room for a part of what a first start writes; each on a disk
        // that the one before left nothing on, which would make its own need smaller.
        for left in [0, 40, 100] {
            let _ = std::fs::remove_dir_all(&data);
            fill(disk, left);
            let (code, said) = refusal(serve_command(&data, &[]));
            assert_eq!(code, 1, "{left} KiB left: {said}");
            assert!(
                said.contains("full") && said.to_lowercase().contains("free some space"),
                "{left} KiB left: {said}"
            );
            std::fs::remove_file(disk.join("filler")).expect("there");
        }
        // On what the last one left.
        let server = Server::start(serve_command(&data, &[]));
        assert!(!server.text("setup_url").is_empty(), "as on a first start");
        assert_eq!(server.stop().0, Some(0));
    });
}

#[test]
fn a_running_server_on_a_full_disk_refuses_with_507_and_goes_on_once_there_is_room() {
    let name = "a_running_server_on_a_full_disk_refuses_with_507_and_goes_on_once_there_is_room";
    on_a_disk_of(name, "4m", |disk| {
        let data = disk.join("data");
        let server = Server::start(serve_command(&data, &[]));
        let key = api_key(&data);
        fill(disk, 0);
        let url = format!("https://{}/v1/conferences", server.https());
        let create = |name: &str| {
            let key = format!("Authorization: Bearer {key}");
            let once = format!("Idempotency-Key: {name}");
            let json = "Content-Type: application/json";
            curl(&["-H", &key, "-H", &once, "-H", json, "-d", "{}", &url])
        };
        // The database's own file may have some room left.
        let refused = (0..2_000).map(|n| create(&format!("full-{n}")));
        let refused = refused.into_iter().find(|(status, _)| *status != 201);
        let (status, body) = refused.expect("a full disk is noticed");
        assert_eq!(status, 507, "{body}");
        assert!(body.contains("\"storage_full\""), "{body}");
        let (healthy, _) = curl(&[&format!("http://{}/healthz", server.operator())]);
        assert_eq!(healthy, 200, "the process lives on");
        std::fs::remove_file(disk.join("filler")).expect("there");
        assert_eq!(create("room-again").0, 201);
        assert_eq!(server.stop().0, Some(0));
        let again = Server::start(serve_command(&data, &[]));
        assert_eq!(again.stop().0, Some(0), "nothing was damaged");
    });
}

#[test]
fn a_read_only_data_directory_is_said_and_left_alone() {
    on_a_disk_of(
        "a_read_only_data_directory_is_said_and_left_alone",
        "8m",
        |disk| {
            let data = disk.join("data");
            assert_eq!(Server::start(serve_command(&data, &[])).stop().0, Some(0));
            let before = std::fs::read(data.join("lens.db")).expect("there");
            remount(disk, "ro");
            for directory in [&data, &disk.join("new")] {
                let (code, said) = refusal(serve_command(directory, &[]));
                assert_eq!(code, 1, "{said}");
                let names_it =
                    said.contains("cannot be written") || said.contains("cannot be created");
                assert!(names_it && said.contains("--data-dir"), "{said}");
            }
            remount(disk, "rw");
            assert!(std::fs::read(data.join("lens.db")).expect("there") == before);
            assert_eq!(Server::start(serve_command(&data, &[])).stop().0, Some(0));
        },
    );
}

fn api_key(data: &Path) -> String {
    let mut add = support::lens();
    add.args(["admin", "api-key", "add", "disk", "--data-dir"])
        .arg(data)
        .args(["--scope", "conferences:write"]);
    let output = add.output().expect("runs");
    let printed = String::from_utf8(output.stdout).expect("text");
    let key = printed
        .split_whitespace()
        .find(|word| word.starts_with("lens_"));
    key.expect("a key is printed").to_owned()
}

/// Fills the disk up to so many KiB.
fn fill(disk: &Path, left_kib: usize) {
    let spare = disk.join("spare");
    std::fs::write(&spare, vec![0; left_kib * 1024]).expect("room");
    let full = std::fs::write(disk.join("filler"), vec![0; 32 * 1024 * 1024]);
    assert!(full.is_err(), "the disk is larger than it was made");
    std::fs::remove_file(spare).expect("there");
}

/// Runs `story` with an empty disk of this size, in another process.
fn on_a_disk_of(test: &str, size: &str, story: impl FnOnce(&Path)) {
    if let Some(mount_point) = std::env::var_os(MOUNT_POINT) {
        let disk = PathBuf::from(mount_point);
        mount(
            &["-t", "tmpfs", "-o", &format!("size={size}"), "lens-test"],
            &disk,
        );
        return story(&disk);
    }
    let mount_point = tempfile::tempdir().expect("a directory");
    let output = Command::new("unshare")
        .args(namespace())
        .arg(std::env::current_exe().expect("this executable"))
        .args(["--exact", test, "--nocapture"])
        .env(MOUNT_POINT, mount_point.path())
        .output()
        .expect("unshare of util-linux can be started");
    assert!(
        output.status.success(),
        "{test} failed in its own mount namespace. If it could not mount a file system there, run \
         it as root or allow user namespaces (kernel.unprivileged_userns_clone=1).\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

/// Root may make a mount namespace; others may in a user namespace of their own, where allowed.
fn namespace() -> &'static [&'static str] {
    let plain = Command::new("unshare").args(["--mount", "true"]).output();
    match plain {
        Ok(output) if output.status.success() => &["--mount"],
        _ => &["--user", "--map-root-user", "--mount"],
    }
}

fn remount(disk: &Path, how: &str) {
    mount(&["-o", &format!("remount,{how}")], disk);
}

fn mount(arguments: &[&str], disk: &Path) {
    let status = Command::new("mount").args(arguments).arg(disk).status();
    let done = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    assert!(done, "mount {arguments:?} was refused: {status:?}");
}
