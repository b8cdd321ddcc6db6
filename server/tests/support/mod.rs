//! The `lens` binary as a process, for tests of what an operator sees.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for anything that a healthy process does in well under a second.
pub const GENEROUS: Duration = Duration::from_secs(30);
/// A password that is accepted.
pub const PASSWORD: &str = "kestrel-harbour-plinth-91";

/// A directory for one test.
pub struct House {
    pub dir: TempDir,
}

impl House {
    pub fn new() -> Self {
        Self {
            dir: TempDir::new().expect("a temporary directory"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// A file with [`PASSWORD`].
    pub fn password_file(&self) -> PathBuf {
        let path = self.path("password");
        std::fs::write(&path, format!("{PASSWORD}\n")).expect("writable");
        path
    }

    /// `lens serve` on free ports of loopback.
    pub fn serve(&self, extra: &[&str]) -> Server {
        Server::start(serve_command(&self.data(), extra))
    }

    /// Runs a command of `lens` over this data directory.
    pub fn lens(&self, arguments: &[&str]) -> Output {
        lens()
            .args(arguments)
            .arg("--data-dir")
            .arg(self.data())
            .output()
            .expect("runs")
    }

    /// The same; its standard output, when it succeeded.
    pub fn said(&self, arguments: &[&str]) -> String {
        let output = self.lens(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} failed: {complaint}");
        String::from_utf8(output.stdout).expect("text")
    }
}

/// The binary, with no setting from the surroundings.
pub fn lens() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lens"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LENS_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

pub fn serve_command(data: &Path, extra: &[&str]) -> Command {
    let mut command = lens();
    command.args(["serve", "--ready-json", "--operator", "127.0.0.1:0"]);
    command.args(["--https", "127.0.0.1:0", "--media", "127.0.0.1:0"]);
    command
        .arg("--data-dir")
        .arg(data)
        .args(extra)
        .env("LENS_LOG", "debug");
    command
}

/// What a process that cannot start says, and with which exit code.
pub fn refusal(mut command: Command) -> (i32, String) {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut ending = Ending(child);
    let status = ending.wait(GENEROUS).expect("ends by itself");
    let mut said = String::new();
    ending
        .0
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut said)
        .expect("text");
    (status.code().unwrap_or(-1), said)
}

/// A child that does not outlive its test.
pub struct Ending(pub Child);

impl Ending {
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("can be asked") {
                return Some(status);
            }
            if started.elapsed() > limit {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.0.id().to_string();
        let sent = Command::new("kill")
            .args([name, &pid])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that is ready.
pub struct Server {
    pub process: Ending,
    pub ready: Value,
    pub started_in: Duration,
    log: Log,
}

/// What a process says on standard error, as it comes.
struct Log {
    so_far: Arc<Mutex<String>>,
    reader: std::thread::JoinHandle<()>,
}

impl Log {
    fn read(stderr: ChildStderr) -> Self {
        let so_far = Arc::<Mutex<String>>::default();
        let kept = Arc::clone(&so_far);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut kept = kept.lock().expect("no reader panics");
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        Self { so_far, reader }
    }

    fn has(&self, words: &str) -> bool {
        let so_far = self.so_far.lock().expect("no reader panics");
        so_far.contains(words)
    }

    fn whole(self) -> String {
        self.reader.join().expect("read");
        std::mem::take(&mut self.so_far.lock().expect("no reader panics"))
    }
}

impl Server {
    pub fn start(mut command: Command) -> Self {
        let started = Instant::now();
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut process = Ending(child.expect("runs"));
        let log = Log::read(process.0.stderr.take().expect("piped"));
        let mut line = String::new();
        let out = process.0.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("text");
        let started_in = started.elapsed();
        let Ok(ready) = serde_json::from_str(&line) else {
            let _ = process.0.kill();
            let said = log.whole();
            unreachable!("the server is not ready: {line}{said}");
        };
        Self {
            process,
            ready,
            started_in,
            log,
        }
    }

    pub fn text(&self, field: &str) -> &str {
        self.ready[field].as_str().unwrap_or_default()
    }

    pub fn https(&self) -> SocketAddr {
        address_in(self.text("customer_url"))
    }

    pub fn operator(&self) -> SocketAddr {
        address_in(self.text("operator_url"))
    }

    /// Asks it to end; its exit code and all it logged.
    pub fn stop(mut self) -> (Option<i32>, String) {
        self.process.signal("-TERM");
        let status = self
            .process
            .wait(Duration::from_secs(32))
            .expect("ends within 30 s");
        (status.code(), self.log.whole())
    }

    /// Waits until it has logged `words`.
    pub fn wait_for_log(&self, words: &str) {
        let started = Instant::now();
        while !self.log.has(words) {
            assert!(started.elapsed() < GENEROUS, "never logged: {words}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        let _ = self.process.0.kill();
        let status = self.process.wait(GENEROUS).expect("gone");
        assert_eq!(status.signal(), Some(9));
    }
}

fn address_in(url: &str) -> SocketAddr {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    rest.split('/')
        .next()
        .unwrap_or_default()
        .parse()
        .expect("a URL with address and port")
}

/// One request by curl, the way an operator would ask: status and body.
pub fn curl(arguments: &[&str]) -> (u16, String) {
    let mut command = Command::new("curl");
    command
        .args(["-sk", "--max-time", "20", "-w", "\n%{http_code}"])
        .args(arguments);
    let output = command.output().expect("curl runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let (body, status) = text.rsplit_once('\n').expect("a status");
    (status.parse().expect("a number"), body.to_owned())
}
