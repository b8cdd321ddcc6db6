//! `hub`: what the signalling hub carries on one core, over the real door of the real binary.
//!
//! ```text
//! product on core 0                        crowd on the other cores
//!   ◀── sign in, one login for 20 consoles ──   not measured
//!   ◀── TCP, TLS 1.3, upgrade, resume ───────   connect: rate, processor time, memory each
//!   ─── pings, every 15 s ──────────────────▶   rest: processor time
//!   ◀── candidate, acknowledged ─────────────   talk: messages a second, peer to hub
//!   ─── session made, told to every console ▶   tell: messages a second, hub to peer
//! ```
//!
//! What it leaves out: chat lines, whose rate is that of the session log's commits; server-sent
//! events; customers, who have one channel each like a console.

mod crowd;
pub(crate) mod surroundings;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use lens_tests::http::Http;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::sleep;

use self::crowd::Crowd;
use self::surroundings::{PRODUCTS_CORE, leave_the_products_core, room_for};
use crate::machine::Machine;
use crate::product::{Product, Start};
use crate::report::Report;
use crate::statistics::{Spread, rounded};

/// Consoles of one login: as many as the product allows.
const CONSOLES_PER_LOGIN: usize = 20;
/// Consoles connected between two looks at the clock.
const STEP: usize = 500;
/// Longest one session's news may take to reach everybody.
const TOLD_LIMIT: Duration = Duration::from_secs(30);
/// Most sessions made in the last phase.
const MOST_SESSIONS: usize = 30;
const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "correct-horse-battery-staple-1871";
/// Limits that a crowd behind one address would meet at once.
const SETTINGS: &str = "\
[https.limits]
max_connections = 30000
max_connections_per_address = 30000
[accounts]
tries_per_minute = 100000
[signaling]
max_connections = 20000
";

/// How much of it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) connections: usize,
    pub(crate) seconds: u64,
    pub(crate) idle_seconds: u64,
}

/// Runs all phases.
pub(crate) fn run(bin: &Path, plan: &Plan, machine: Machine) -> Result<Report, String> {
    let directory = TempDir::new().map_err(|error| error.to_string())?;
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        let written = std::fs::write(&path, text);
        written
            .map(|()| path.display().to_string())
            .map_err(|error| error.to_string())
    };
    let (settings, password) = (write("lens.toml", SETTINGS)?, write("password", PASSWORD)?);
    let room = room_for(plan.connections);
    let apart = leave_the_products_core(machine.cores());
    let core = PRODUCTS_CORE.to_string();
    let arguments = [
        "--config".to_owned(),
        settings,
        "--bootstrap-admin".to_owned(),
        format!("{EMAIL}:{password}"),
    ];
    let product = Product::start(&Start {
        bin,
        before: &["taskset", "-c", &core],
        directory: directory.path(),
        arguments: &arguments,
    })?;
    let mut report = Report::new("hub", machine);
    if room < plan.connections {
        report.note(format!(
            "only {room} connections: the system allows no more open files"
        ));
    }
    if !apart {
        report.note("product and crowd share a core: figures are too low");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let address = product.https().ok_or("no HTTPS door")?;
    let crowd = Crowd::new(address);
    let mut phases = Phases {
        product,
        crowd,
        plan,
        report,
    };
    runtime.block_on(phases.run(room))?;
    let Phases {
        product,
        crowd,
        report,
        ..
    } = phases;
    drop(crowd);
    drop(runtime);
    product.stop()?;
    Ok(report)
}

struct Phases<'a> {
    product: Product,
    crowd: Crowd,
    plan: &'a Plan,
    report: Report,
}

impl Phases<'_> {
    async fn run(&mut self, connections: usize) -> Result<(), String> {
        let address = self.product.https().ok_or("no HTTPS door")?;
        let mut administrator = Http::secure(address);
        let cookies = sign_in(&mut administrator, connections.div_ceil(CONSOLES_PER_LOGIN)).await?;
        let everybody: Vec<&str> = (0..connections)
            .map(|number| cookies[number / CONSOLES_PER_LOGIN].as_str())
            .collect();
        self.connect(&everybody).await?;
        self.rest().await;
        self.talk().await;
        self.tell(&mut administrator, connections).await?;
        let lost = self.crowd.counts.lost.load(Ordering::Relaxed);
        self.report.fact("connections", connections);
        self.report.fact("lost", lost);
        self.report
            .note(format!("{connections} connections held, {lost} lost"));
        Ok(())
    }

    async fn connect(&mut self, cookies: &[&str]) -> Result<(), String> {
        // Hashing passwords has left memory behind that the connections will use.
        let memory = self.product.memory_kib("VmRSS");
        let cpu = self.product.cpu_s();
        let mut rates = Vec::new();
        for step in cookies.chunks(STEP) {
            let began = Instant::now();
            self.crowd.grow(step).await?;
            rates.push(step.len() as f64 / began.elapsed().as_secs_f64());
        }
        let each = |figure: f64| Spread::of([figure / cookies.len() as f64]);
        let cpu = self.product.cpu_s() - cpu;
        sleep(Duration::from_secs(2)).await;
        let memory = self.product.memory_kib("VmRSS").saturating_sub(memory);
        let report = &mut self.report;
        report.row("connect", "connections/s", Spread::of(rates));
        report.row("connect, processor time each", "ms", each(cpu * 1_000.0));
        report.row("memory of a connection", "KiB", each(memory as f64));
        Ok(())
    }

    async fn rest(&mut self) {
        let pings = self.crowd.counts.pings.load(Ordering::Relaxed);
        let cpu = self.product.cpu_s();
        let seconds = self.plan.idle_seconds;
        sleep(Duration::from_secs(seconds)).await;
        let used = (self.product.cpu_s() - cpu) / seconds as f64;
        let pings = self.crowd.counts.pings.load(Ordering::Relaxed) - pings;
        self.report
            .row("at rest, of the core", "%", Spread::of([used * 100.0]));
        self.report.row(
            "at rest, pings answered",
            "1/s",
            Spread::of([pings as f64 / seconds as f64]),
        );
        let open = self.crowd.counts.open.load(Ordering::Relaxed);
        self.report
            .fact("idle_core_share", rounded(used * 100.0) / 100.0);
        self.report.fact("idle_connections", open);
    }

    async fn talk(&mut self) {
        self.crowd.talk(true);
        let cpu = self.product.cpu_s();
        let before = self.crowd.counts.acknowledged.load(Ordering::Relaxed);
        let (rates, seconds) = self.watch(|counts| &counts.acknowledged).await;
        let cpu = self.product.cpu_s() - cpu;
        let count = self.crowd.counts.acknowledged.load(Ordering::Relaxed) - before;
        self.crowd.talk(false);
        let delays = self.crowd.counts.take_delays_ms();
        self.say("peer to hub", rates, count, cpu, seconds);
        self.report
            .row("peer to hub, until acknowledged", "ms", Spread::of(delays));
    }

    /// Reads a counter once a second; rates while it grows, and for how long that was.
    async fn watch(&self, which: fn(&crowd::Counts) -> &AtomicU64) -> (Vec<f64>, f64) {
        let counter = which(&self.crowd.counts);
        let began = Instant::now();
        let mut rates = Vec::new();
        let (mut last, mut looked) = (counter.load(Ordering::Relaxed), began);
        for _ in 0..self.plan.seconds {
            sleep(Duration::from_secs(1)).await;
            let (count, now) = (counter.load(Ordering::Relaxed), Instant::now());
            rates.push((count - last) as f64 / (now - looked).as_secs_f64());
            (last, looked) = (count, now);
        }
        (rates, began.elapsed().as_secs_f64())
    }

    /// Makes sessions; the news of each goes to every console.
    async fn tell(&mut self, administrator: &mut Http, connections: usize) -> Result<(), String> {
        let limit = Duration::from_secs(self.plan.seconds);
        let cpu = self.product.cpu_s();
        let before = self.crowd.counts.sessions.load(Ordering::Relaxed);
        let (began, mut rates, mut took) = (Instant::now(), Vec::new(), Vec::new());
        while began.elapsed() < limit && rates.len() < MOST_SESSIONS {
            let wanted = self.crowd.counts.sessions.load(Ordering::Relaxed) + connections as u64;
            let made = Instant::now();
            let reply = administrator.post("/api/sessions", json!({})).await;
            if reply.status != 201 {
                return Err(format!(
                    "no session was made: {} {}",
                    reply.status, reply.text
                ));
            }
            while self.crowd.counts.sessions.load(Ordering::Relaxed) < wanted {
                if made.elapsed() > TOLD_LIMIT {
                    return Err("not every console heard of a new session".to_owned());
                }
                sleep(Duration::from_millis(1)).await;
            }
            let seconds = made.elapsed().as_secs_f64();
            rates.push(connections as f64 / seconds);
            took.push(seconds * 1_000.0);
        }
        let count = self.crowd.counts.sessions.load(Ordering::Relaxed) - before;
        let cpu = self.product.cpu_s() - cpu;
        self.say(
            "hub to peer",
            rates,
            count,
            cpu,
            began.elapsed().as_secs_f64(),
        );
        self.report
            .row("a session's news to everybody", "ms", Spread::of(took));
        Ok(())
    }

    fn say(&mut self, what: &str, rates: Vec<f64>, count: u64, cpu: f64, seconds: f64) {
        let report = &mut self.report;
        let busy = cpu / seconds * 100.0;
        report.row(what, "messages/s", Spread::of(rates));
        report.row(&format!("{what}, of the core"), "%", Spread::of([busy]));
        let each = cpu * 1e6 / count.max(1) as f64;
        report.row(
            &format!("{what}, processor time each"),
            "µs",
            Spread::of([each]),
        );
        if busy < 90.0 {
            report.note(format!(
                "{what}: the crowd was the limit (the product used {busy:.0} % of its core); \
                 a whole core would carry {:.0} messages/s",
                1e6 / each
            ));
        }
    }
}

/// Signs the same technician in `count` times; returns the cookies. The administrator's own login
/// is one more.
async fn sign_in(administrator: &mut Http, count: usize) -> Result<Vec<String>, String> {
    let mut cookies = Vec::new();
    let login = json!({ "email": EMAIL, "password": PASSWORD });
    for _ in 0..count {
        let mut browser = administrator.clone();
        let reply = browser.post("/api/login", login.clone()).await;
        let cookie = browser.cookie_line().filter(|_| reply.status == 200);
        let refused = || format!("nobody was signed in: {} {}", reply.status, reply.text);
        cookies.push(cookie.ok_or_else(refused)?);
    }
    administrator.post("/api/login", login).await;
    Ok(cookies)
}
