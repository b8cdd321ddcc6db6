//! Runs hold against runs of another process, whose memory lies elsewhere, whose hash tables have
//! other keys and whose clock shows another time.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Seeds;
use super::trace::Trace;

/// Where each run's digest is written, when something wants to know.
const WANTED: &str = "LENS_TRACES";

/// Writes down how a run went, if that is wanted.
pub(super) fn tell(seeds: Seeds, trace: &Trace) {
    let Some(path) = std::env::var_os(WANTED) else {
        return;
    };
    let file = OpenOptions::new().create(true).append(true).open(path);
    let line = format!("{seeds:?} {} {:016x}\n", trace.len(), trace.digest());
    let mut file = file.expect("a file");
    file.write_all(line.as_bytes()).expect("written");
}

/// One scenario in a process of its own, and what it wrote.
fn run(scenario: &str, path: &Path) -> String {
    let own = std::env::current_exe().expect("a test runs");
    let status = Command::new(own)
        .args(["--exact", scenario].map(OsStr::new))
        .env(WANTED, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.expect("it runs").success(), "{scenario}");
    let traces = std::fs::read_to_string(path).expect("what it wrote");
    std::fs::remove_file(path).expect("removed");
    traces
}

#[test]
fn runs_are_the_same_in_another_process() {
    let folder = std::env::temp_dir();
    for scenario in [
        "a_camera_that_changes_its_network_is_seen_again_within_a_second",
        "a_slow_viewer_among_others_hears_everything_and_slows_nobody_down",
        "a_viewer_gets_no_larger_layer_than_it_shows_and_a_larger_one_within_a_second",
    ] {
        let name = format!("simulation::scenarios::{scenario}");
        let file = format!("lens-traces-{}-{scenario}", std::process::id());
        let path = folder.join(file);
        let (first, second) = (run(&name, &path), run(&name, &path));
        assert!(!first.is_empty(), "{scenario} does not run");
        assert_eq!(first, second, "{scenario}");
    }
}
