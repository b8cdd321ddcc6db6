//! A full or read-only disk is named as such, loses nothing, and is recovered from.
//!
//! The test starts its own executable again in a mount namespace of its own, where it mounts a
//! file system of 1 MB; nothing of it is seen outside or outlives it. That needs root, or user
//! namespaces.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lens_protocol::event::{Origin, SCHEMA_VERSION, SessionEvent};
use lens_protocol::id::{EventId, SessionId};
use lens_protocol::{ErrorCode, Problem, Timestamp};
use lens_storage::sqlite::Database;
use lens_storage::{EventStore, StorageError};

/// Set in the process that has the mount namespace: where to mount.
const MOUNT_POINT: &str = "LENS_TEST_SMALL_DISK";

#[test]
fn a_full_disk_is_named_keeps_what_was_acknowledged_and_is_recovered_from() {
    on_a_small_disk(
        "a_full_disk_is_named_keeps_what_was_acknowledged_and_is_recovered_from",
        |disk| run(fill_and_recover(disk)),
    );
}

#[test]
fn a_new_database_on_a_full_disk_is_refused_with_the_reason() {
    on_a_small_disk(
        "a_new_database_on_a_full_disk_is_refused_with_the_reason",
        |disk| {
            fill(disk);
            let refused = run(Database::open(&disk.join("lens.db"), now())).err();
            assert!(matches!(refused, Some(StorageError::Full)), "{refused:?}");
        },
    );
}

#[test]
fn a_backup_that_does_not_fit_leaves_nothing_behind() {
    on_a_small_disk("a_backup_that_does_not_fit_leaves_nothing_behind", |disk| {
        run(async {
            let elsewhere = tempfile::tempdir().expect("a directory");
            let path = elsewhere.path().join("lens.db");
            let database = Database::open(&path, now()).await.expect("new");
            for seq in 1..200 {
                database.append_events(&[event(seq)]).await.expect("room");
            }
            let refused = database.backup(&disk.join("copy.db")).await.err();
            assert!(matches!(refused, Some(StorageError::Full)), "{refused:?}");
            assert_eq!(names_in(disk), [""; 0]);
        });
    });
}

#[test]
fn a_read_only_directory_is_named() {
    on_a_small_disk("a_read_only_directory_is_named", |disk| {
        let path = disk.join("lens.db");
        run(async {
            let database = Database::open(&path, now()).await.expect("writable");
            database.append_events(&[event(1)]).await.expect("writable");
            database.close().await;
        });
        system("mount", &["-o", "remount,ro", &disk.display().to_string()]);
        for file in [path, disk.join("new.db")] {
            let refused = run(Database::open(&file, now())).err();
            assert!(
                matches!(refused, Some(StorageError::ReadOnly)),
                "{refused:?}"
            );
            let sentence = refused.map(|error| error.to_string()).unwrap_or_default();
            assert!(sentence.contains("cannot be written"), "{sentence}");
        }
    });
}

async fn fill_and_recover(disk: &Path) {
    let database = Database::open(&disk.join("lens.db"), now())
        .await
        .expect("room");
    let filler = disk.join("filler");
    fs::write(&filler, vec![0; 300_000]).expect("room");
    let mut acknowledged = 0;
    let refused = loop {
        match database.append_events(&[event(acknowledged + 1)]).await {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StorageError::Full), "{refused}");
    let problem = Problem::from(refused);
    assert_eq!(problem.code, ErrorCode::StorageFull);
    assert!(acknowledged > 5, "only {acknowledged} went in");
    // Still full: refused again, and still readable.
    let again = database.append_events(&[event(acknowledged + 1)]).await;
    assert!(matches!(again, Err(StorageError::Full)), "{again:?}");
    assert_eq!(
        database.count_events(session()).await.expect("readable"),
        acknowledged
    );
    fs::remove_file(&filler).expect("there");
    database
        .append_events(&[event(acknowledged + 1)])
        .await
        .expect("room again");
    assert_eq!(
        database.count_events(session()).await.expect("readable"),
        acknowledged + 1
    );
    database.close().await;
    let again = Database::open(&disk.join("lens.db"), now())
        .await
        .expect("whole");
    assert_eq!(
        again.count_events(session()).await.expect("readable"),
        acknowledged + 1
    );
}

/// Runs `story` with an empty disk of 1 MB, in another process.
fn on_a_small_disk(test: &str, story: impl FnOnce(&Path)) {
    if let Some(mount_point) = std::env::var_os(MOUNT_POINT) {
        let disk = PathBuf::from(mount_point);
        system(
            "mount",
            &[
                "-t",
                "tmpfs",
                "-o",
                "size=1m",
                "lens-test",
                &disk.display().to_string(),
            ],
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

fn system(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status();
    let done = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    assert!(done, "{program} {arguments:?} was refused: {status:?}");
}

fn fill(disk: &Path) {
    let full = fs::write(disk.join("filler"), vec![0; 2_000_000]);
    assert!(full.is_err(), "the disk is larger than it was made");
}

fn names_in(disk: &Path) -> Vec<String> {
    let entries = fs::read_dir(disk).expect("readable");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries.map_while(Result::ok).map(name).collect()
}

/// An event of about 10 kB.
fn event(seq: u64) -> SessionEvent {
    let mut id = [1; 16];
    id[..8].copy_from_slice(&seq.to_be_bytes());
    SessionEvent {
        id: EventId::from_bytes(id),
        session: session(),
        source: "website".to_owned(),
        epoch: 1,
        seq,
        schema_version: SCHEMA_VERSION,
        at: now(),
        origin: Origin::Server,
        kind: "chat.line".to_owned(),
        technician: None,
        actor: None,
        body: serde_json::json!({ "text": "x".repeat(10_000) }),
    }
}

fn session() -> SessionId {
    SessionId::from_bytes([7; 16])
}

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work)
}
