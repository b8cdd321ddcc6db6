//! The `lens` binary as its operators run it: real processes, a data directory of their own.
//!
//! [`Product::start`] takes a [`Mode`], so that one scenario runs over the product in one process and
//! split by role. Everything a process prints is kept, and searched for panics when it ends.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const READY_LIMIT: Duration = Duration::from_secs(20);
const END_LIMIT: Duration = Duration::from_secs(35);

/// The binary under test: `LENS_BIN`, or the one of this workspace, built if need be.
///
/// # Panics
/// When it cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("LENS_BIN") {
        Some(path) => path.into(),
        None => built(),
    })
}

fn built() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "-p", "lens-server", "--bin", "lens"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the binary under test does not build");
    let own = std::env::current_exe().expect("a test has a path");
    // target/debug/deps/scenario-… → target/debug/lens
    own.parent().and_then(Path::parent).expect("tests lie in target/debug/deps").join("lens")
}

/// One process of the product.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts `lens` with these parameters.
    ///
    /// # Panics
    /// When the binary cannot be started.
    pub fn start(name: &str, parameters: &[String]) -> Self {
        let mut command = Command::new(binary());
        command.args(parameters).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // Settings come from parameters alone, whatever the surroundings say.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LENS_")) {
            command.env_remove(name);
        }
        command.env("LENS_LOG", "debug").env("RUST_BACKTRACE", "1");
        let mut child = command.spawn().expect("the binary under test starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        keep(child.stdout.take().expect("a pipe"), lines.clone());
        keep(child.stderr.take().expect("a pipe"), lines.clone());
        Self { name: name.to_owned(), child, lines }
    }

    /// What it printed so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no reader panics").clone()
    }

    /// Waits for the line of `--ready-json`.
    ///
    /// # Panics
    /// When the process ends before, or takes too long.
    pub fn ready(&mut self) -> Value {
        let started = Instant::now();
        loop {
            if let Some(ready) = self.lines().iter().find_map(|line| ready_line(line)) {
                return ready;
            }
            let ended = self.child.try_wait().expect("a child can be asked");
            let late = started.elapsed() > READY_LIMIT;
            assert!(ended.is_none() && !late, "{} is not ready: {:#?}", self.name, self.lines());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
    }

    /// Ends it as an operator would; returns its exit code.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn stop(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(status.success(), "{} cannot be told to end", self.name);
        self.wait()
    }

    /// Waits until it ends by itself; returns its exit code.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn wait(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                return status.code();
            }
            assert!(started.elapsed() < END_LIMIT, "{} does not end: {:#?}", self.name, self.lines());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let lines = self.lines();
            let from = lines.len().saturating_sub(40);
            eprintln!("--- {} said last:\n{}", self.name, lines[from..].join("\n"));
        } else if let Some(line) = self.lines().iter().find(|line| line.contains("panicked at")) {
            panic!("{}: {line}", self.name);
        }
    }
}

fn keep(stream: impl Read + Send + 'static, lines: Arc<Mutex<Vec<String>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lines.lock().expect("no reader panics").push(line);
        }
    });
}

fn ready_line(line: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(line).ok()?;
    value.get("ready").is_some().then_some(value)
}
