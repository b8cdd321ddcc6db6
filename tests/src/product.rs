//! The `lens` binary as its operators run it: real processes, a data directory of their own.
//!
//! [`Product::start`] takes a [`Mode`], so that one scenario runs over the product in one process and
//! split by role. Everything a process prints is kept, and searched for panics when it ends.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Http;

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
        None => built(&["-p", "lens-server", "--bin", "lens"], "lens"),
    })
}

/// An example of the server's, built if need be.
///
/// # Panics
/// When it does not build.
pub fn example(name: &str) -> PathBuf {
    let what = ["-p", "lens-server", "--example", name];
    built(&what, &format!("examples/{name}"))
}

/// Builds a program of this workspace; returns where it is.
pub(crate) fn built(what: &[&str], name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet"])
        .args(what)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{name} does not build");
    let own = std::env::current_exe().expect("a test has a path");
    // target/debug/deps/scenario-… → target/debug/lens
    own.parent()
        .and_then(Path::parent)
        .expect("tests lie in target/debug/deps")
        .join(name)
}

/// How the product is spread over processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every role in one process.
    One,
    /// Front, session manager and two streaming servers, each a process.
    Split,
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::One, Self::Split];
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "one process",
            Self::Split => "split",
        })
    }
}

/// A whole running product.
#[derive(Debug)]
pub struct Product {
    /// Its processes: `lens`, or `front`, `session-manager`, `sfu-1`, `sfu-2`.
    pub processes: BTreeMap<&'static str, Process>,
    mode: Mode,
    https: SocketAddr,
    operator: BTreeMap<&'static str, SocketAddr>,
    ready: Value,
    log: &'static str,
    /// Where media is listened for.
    media: &'static str,
    // Last: processes end before their data goes.
    directory: TempDir,
}

/// The administrator that every product under test begins with.
pub const ADMINISTRATOR: &str = "root@example.com";
/// Its password.
pub const PASSWORD: &str = "correct-horse-battery-staple-1871";
/// The token that roles of a split product share.
pub const INTERNAL_TOKEN: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const SFUS: [&str; 2] = ["sfu-1", "sfu-2"];

impl Product {
    /// Starts a product and waits until every door is open.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(mode: Mode) -> Self {
        Self::start_with(mode, &[])
    }

    /// The same with more parameters for the process that has the HTTPS door.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_with(mode: Mode, extra: &[&str]) -> Self {
        Self::start_logging(mode, "debug", extra)
    }

    /// The same with this filter for log lines.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_logging(mode: Mode, log: &'static str, extra: &[&str]) -> Self {
        Self::start_at(mode, log, "127.0.0.1:0", extra)
    }

    /// The same with media at this address.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_at(mode: Mode, log: &'static str, media: &'static str, extra: &[&str]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        write_private(&directory.path().join("password"), PASSWORD);
        write_private(&directory.path().join("token"), INTERNAL_TOKEN);
        let mut product = Self {
            processes: BTreeMap::new(),
            mode,
            https: SocketAddr::from(([127, 0, 0, 1], 0)),
            operator: BTreeMap::new(),
            ready: Value::Null,
            log,
            media,
            directory,
        };
        if mode == Mode::Split {
            for name in SFUS {
                product.start_role(name, &[]);
            }
            product.start_role("session-manager", &[]);
        }
        product.start_role(product.entrance(), extra);
        product
    }

    /// Name of the process that has the HTTPS door.
    pub fn entrance(&self) -> &'static str {
        if self.mode == Mode::One {
            "lens"
        } else {
            "front"
        }
    }

    /// How it is spread.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Starts one role, again if it ran before: on the same private address, with the same data.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_role(&mut self, name: &'static str, extra: &[&str]) {
        let parameters = self.parameters(name, extra);
        // The former process must be gone before its successor takes its ports.
        self.processes.remove(name);
        let mut process = Process::start_logging(name, &parameters, self.log);
        let ready = process.ready();
        self.operator
            .insert(name, address_in(&ready["operator_url"]));
        if name == self.entrance() {
            self.https = address_in(&ready["console_url"]);
            self.ready = ready;
        }
        self.processes.insert(name, process);
    }

    fn parameters(&self, name: &'static str, extra: &[&str]) -> Vec<String> {
        let path = |file: &str| self.directory.path().join(file).display().to_string();
        let operator = self.operator.get(name).copied();
        let operator = operator
            .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)))
            .to_string();
        let role = match name {
            "lens" => "all",
            "sfu-1" | "sfu-2" => "sfu",
            other => other,
        };
        let mut all = vec!["serve".to_owned(), "--ready-json".to_owned()];
        let mut flag = |flag: &str, value: String| all.extend([format!("--{flag}"), value]);
        flag("role", role.to_owned());
        flag("operator", operator);
        flag("data-dir", path(name));
        if self.mode == Mode::Split {
            flag("internal-token", path("token"));
        }
        if matches!(role, "all" | "front") {
            flag("https", self.https.to_string());
            flag("organisation", "Halden Fibre".to_owned());
            flag(
                "bootstrap-admin",
                format!("{ADMINISTRATOR}:{}", path("password")),
            );
        }
        if matches!(role, "all" | "sfu") {
            flag("media", self.media.to_owned());
        }
        if role == "sfu" {
            flag("node", name.to_owned());
        }
        if role == "session-manager" {
            for sfu in SFUS {
                flag("sfu", format!("http://{}", self.operator[sfu]));
            }
        }
        if role == "front" {
            flag(
                "session-manager",
                format!("http://{}", self.operator["session-manager"]),
            );
        }
        all.extend(extra.iter().map(|parameter| (*parameter).to_owned()));
        all
    }

    /// What the process with the HTTPS door said when it was ready.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// The HTTPS door's address.
    pub fn https(&self) -> SocketAddr {
        self.https
    }

    /// The private address of a process.
    pub fn operator(&self, name: &str) -> SocketAddr {
        self.operator[name]
    }

    /// A caller of the HTTPS door.
    pub fn http(&self) -> Http {
        Http::secure(self.https)
    }

    /// A caller that is signed in as administrator.
    pub async fn signed_in(&self) -> Http {
        let mut http = self.http();
        let login = json!({ "email": ADMINISTRATOR, "password": PASSWORD });
        http.post("/api/login", login).await.success();
        http
    }

    /// A caller with a new API key of these scopes.
    pub fn with_key(&self, name: &str, scopes: &[&str]) -> Http {
        let mut parameters = vec!["admin", "api-key", "add", name];
        parameters.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
        let printed = self.command(&parameters);
        let key = printed
            .lines()
            .find_map(|line| line.split_once("shown once): "))
            .unwrap_or_else(|| panic!("no key was printed: {printed}"));
        self.http().with_bearer(key.1.trim())
    }

    /// A caller with a key that may do all a program needs.
    pub fn integrator(&self, name: &str) -> Http {
        let scopes = [
            "conferences:write",
            "conferences:read",
            "participants:write",
            "nodes:read",
        ];
        self.with_key(name, &scopes)
    }

    /// Runs `lens` over this product's data; returns what it printed.
    ///
    /// # Panics
    /// When it refuses.
    pub fn command(&self, parameters: &[&str]) -> String {
        let output = Command::new(binary())
            .args(parameters)
            .arg("--data-dir")
            .arg(self.data())
            .env_remove("LENS_BIN")
            .output()
            .expect("the binary under test starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{parameters:?} was refused: {complaint}"
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The data directory of the process with the HTTPS door.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join(self.entrance())
    }

    /// A counter's value in the metrics of a process, all labels that contain `labels` summed.
    pub async fn counter(&self, process: &str, name: &str, labels: &[&str]) -> f64 {
        let text = Http::plain(self.operator[process])
            .get("/metrics")
            .await
            .text;
        text.lines()
            .filter(|line| {
                line.starts_with(name) && labels.iter().all(|label| line.contains(label))
            })
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }
}

fn address_in(url: &Value) -> SocketAddr {
    let text = url.as_str().unwrap_or_default();
    let authority = text
        .split_once("://")
        .map(|(_, rest)| rest)
        .unwrap_or_default();
    let authority = authority.split('/').next().unwrap_or_default();
    authority
        .parse()
        .unwrap_or_else(|_| panic!("no address and port in {text:?}"))
}

fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).expect("a writable directory");
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, mode).expect("an own file");
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
        Self::start_logging(name, parameters, "debug")
    }

    /// The same with this filter for log lines.
    ///
    /// # Panics
    /// When the binary cannot be started.
    pub fn start_logging(name: &str, parameters: &[String], log: &str) -> Self {
        let mut command = Command::new(binary());
        command.args(parameters).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // Settings come from parameters alone, whatever the surroundings say.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LENS_")) {
            command.env_remove(name);
        }
        command.env("LENS_LOG", log).env("RUST_BACKTRACE", "1");
        let mut child = command.spawn().expect("the binary under test starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        keep(child.stdout.take().expect("a pipe"), lines.clone());
        keep(child.stderr.take().expect("a pipe"), lines.clone());
        Self {
            name: name.to_owned(),
            child,
            lines,
        }
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
            assert!(
                ended.is_none() && !late,
                "{} is not ready: {:#?}",
                self.name,
                self.lines()
            );
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
        let status = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill runs");
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
            assert!(
                started.elapsed() < END_LIMIT,
                "{} does not end: {:#?}",
                self.name,
                self.lines()
            );
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
        } else if let Some(line) = self
            .lines()
            .iter()
            .find(|line| line.contains("panicked at"))
        {
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
