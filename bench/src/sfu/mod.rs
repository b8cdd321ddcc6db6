//! `sfu`: what forwarding a packet costs, beside a peer's server on the same machine.
//!
//! ```text
//! server on core 0                              generator on the other core
//!   ◀── rooms opened through its API ────────────  not measured
//!   ◀── SRTP, AES-256-GCM: 720p-like VP8 ────────  camera, 2 Mbit/s, and voice
//!   ─── a copy for each viewer ─────────────────▶  loss by numbers, delay by stamps inside
//! ```
//!
//! Servers take turns, so that the machine's other work meets all of them.

mod allocations;
mod attack;
mod batch;
mod capacity;
mod churn;
mod floor;
mod generator;
mod janus;
mod lens;
mod load;
mod namespace;
mod processor;
mod server;

use std::ops::Range;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use self::janus::Janus;
use self::load::{Load, Window};
use self::processor::{cpu_of, prefer};
use self::server::Server;
use crate::hub::surroundings::{leave_the_products_core, room_for};
use crate::machine::{Machine, field, kib};
use crate::report::Report;
use crate::statistics::{Spread, rounded};

/// Longest that all of a run's participants may take to connect.
const CONNECT: Duration = Duration::from_secs(120);
/// From connected to the first window.
const SETTLE: Duration = Duration::from_secs(2);
/// One packet in so many is opened by the generator.
const ONE_IN: u64 = 8;

/// A frame's time, in milliseconds.
const FRAME_MS: f64 = 33.3;

/// How much of it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) servers: Vec<String>,
    pub(crate) rooms: Vec<u32>,
    pub(crate) viewers: Vec<usize>,
    pub(crate) rounds: u32,
    pub(crate) window: Duration,
    pub(crate) voice: bool,
    /// Nobody sends: only memory is measured.
    pub(crate) idle: bool,
}

/// One server with one crowd, over all its windows.
#[derive(Debug, Default)]
struct Row {
    us_per_packet: Vec<f64>,
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
    p999_ms: Vec<f64>,
    loss_pct: Vec<f64>,
    rss_kb: Vec<f64>,
    core_pct: Vec<f64>,
    generator_us: Vec<f64>,
    generator_busy: Vec<f64>,
    late_ms: Vec<f64>,
}

/// Whether one of `servers` needs the namespace and this process is not in it.
pub(crate) fn moves(servers: &[String]) -> bool {
    servers.iter().any(|it| it == "janus") && !namespace::is_inside()
}

pub(crate) use allocations::run as allocations;
pub(crate) use attack::{Plan as AttackPlan, run as attack};
pub(crate) use churn::{Plan as ChurnPlan, run as churn};
pub(crate) use lens::Lens;
pub(crate) use namespace::again_inside;

/// Runs everything.
pub(crate) fn run(bin: &Path, plan: &Plan, machine: Machine) -> Result<Report, String> {
    room_for(10_000);
    let apart = leave_the_products_core(machine.cores());
    prefer(std::process::id());
    let mut report = Report::new("sfu", machine);
    if !apart {
        report.note("server and generator share a core: figures are too high");
    }
    let floor = floor::measure()?;
    println!(
        "floor: {:.2} µs a packet by sendmmsg, {:.2} in runs, {:.2} one by one",
        floor.mmsg, floor.gso, floor.single
    );
    report.fact(
        "floor_us",
        json!({"mmsg": rounded(floor.mmsg), "gso": rounded(floor.gso), "single": rounded(floor.single)}),
    );
    let own = generator::measure(plan.voice)?;
    println!("generator alone: {own:.2} µs a datagram");
    report.target("generator, a datagram", "µs", own, generator::MOST_US);
    report.fact("generator_us", rounded(own));
    let mut runs = Vec::new();
    for viewers in &plan.viewers {
        // A server that was full with fewer rooms is not asked for more.
        let mut servers = plan.servers.clone();
        for rooms in &plan.rooms {
            let told = crowd(&servers, *rooms, *viewers, plan, bin, &mut report)?;
            servers = told
                .iter()
                // Where nobody sends nothing is carried, and nobody is full.
                .filter(|run| plan.idle || capacity::is_carried(run))
                .filter_map(|run| run["server"].as_str().map(str::to_owned))
                .collect();
            runs.extend(told);
        }
    }
    for server in plan.servers.iter().filter(|_| !plan.idle) {
        while let Some(rooms) = capacity::next(&runs, server) {
            let alone = std::slice::from_ref(server);
            runs.extend(crowd(alone, rooms, 1, plan, bin, &mut report)?);
        }
    }
    report.fact("capacity_rooms", capacity::most(&runs));
    report.fact("runs", Value::Array(runs));
    Ok(report)
}

/// Measures servers with one crowd; what is written down of each, in the order of `servers`.
fn crowd(
    servers: &[String],
    rooms: u32,
    viewers: usize,
    plan: &Plan,
    bin: &Path,
    report: &mut Report,
) -> Result<Vec<Value>, String> {
    let rows = alternate(servers, rooms, viewers, plan, bin)?;
    let told = servers.iter().zip(&rows).map(|(server, row)| {
        let mut told = row.json(server, rooms, viewers);
        told["ratio"] = ratio(server, servers, &rows);
        println!("{told}");
        row.report(report, server, rooms, viewers);
        told
    });
    Ok(told.collect())
}

/// Lets servers take turns with the same crowd.
fn alternate(
    servers: &[String],
    rooms: u32,
    viewers: usize,
    plan: &Plan,
    bin: &Path,
) -> Result<Vec<Row>, String> {
    let mut rows: Vec<Row> = servers.iter().map(|_| Row::default()).collect();
    for _ in 0..plan.rounds {
        for (server, row) in servers.iter().zip(&mut rows) {
            measure(start(server, bin)?, rooms, viewers, plan, row)
                .map_err(|error| format!("{server} with {rooms} rooms: {error}"))?;
        }
    }
    Ok(rows)
}

/// Processor time a packet beside each peer's in the same rounds: `{"janus": 0.25}`.
fn ratio(server: &str, servers: &[String], rows: &[Row]) -> Value {
    let median = |row: &Row| Spread::of(row.us_per_packet.iter().copied()).map(|it| it.median());
    let all = || servers.iter().zip(rows);
    let own = all().find(|(name, _)| *name == server);
    let Some(own) = own.and_then(|(_, row)| median(row)) else {
        return Value::Null;
    };
    all()
        .filter(|(name, _)| *name != server)
        .filter_map(|(name, row)| Some((name.clone(), rounded3(own / median(row)?))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn start(name: &str, bin: &Path) -> Result<Box<dyn Server>, String> {
    match name {
        "lens" => Ok(Box::new(Lens::start(bin, "")?)),
        "janus" => Ok(Box::new(Janus::start(namespace::ADDRESS.into())?)),
        "lens-stack" => Ok(Box::new(Lens::start(bin, "rtp = \"stack\"")?)),
        "lens-workers" => Ok(Box::new(Lens::start(bin, "workers = 2")?)),
        other => Err(format!("{other} is no server this bench knows")),
    }
}

fn measure(
    mut server: Box<dyn Server>,
    rooms: u32,
    viewers: usize,
    plan: &Plan,
    row: &mut Row,
) -> Result<(), String> {
    let pid = server.pid();
    prefer(pid);
    let at_rest = rss_kb(pid);
    let mut load = Load::new(ONE_IN, plan.voice).map_err(|error| error.to_string())?;
    load.be_silent(plan.idle);
    open(server.as_mut(), &mut load, 0..rooms, viewers)?;
    load.settle(SETTLE)?;
    let before = cpu_of(pid);
    let window = load.window(plan.window)?;
    let cpu = (cpu_of(pid) - before).as_secs_f64();
    let rss = rss_kb(pid).saturating_sub(at_rest) as f64 / f64::from(rooms);
    server.stop()?;
    if plan.idle {
        row.rss_kb.push(rss);
        return Ok(());
    }
    match window.counts.wrong {
        0 => row.add(&window, cpu, rss),
        wrong => {
            return Err(format!(
                "{wrong} packets of another room, or that do not open"
            ));
        }
    }
    Ok(())
}

/// Opens rooms of one camera and so many viewers, until everybody is connected.
fn open(
    server: &mut dyn Server,
    load: &mut Load,
    mut rooms: Range<u32>,
    viewers: usize,
) -> Result<(), String> {
    let expected = load.len() + rooms.len() * (viewers + 1);
    let (sender, coming) = mpsc::channel();
    std::thread::scope(|scope| {
        let opening = scope.spawn(move || {
            rooms.try_for_each(|room| {
                server.open(room, viewers, &mut |client| {
                    let _ = sender.send(client);
                })
            })
        });
        let gathered = load.gather(&coming, expected, CONNECT);
        let opened = opening.join();
        let opened = opened.map_err(|_| "opening rooms broke".to_owned())?;
        opened.and(gathered)
    })
}

fn rss_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    field(&status.unwrap_or_default(), "VmRSS").map_or(0, kib)
}

impl Row {
    fn add(&mut self, window: &Window, cpu: f64, rss_kb: f64) {
        let counts = &window.counts;
        self.us_per_packet
            .push(cpu * 1e6 / counts.rtp_in.max(1) as f64);
        self.core_pct.push(cpu / window.seconds * 100.0);
        for (permille, figures) in [
            (500, &mut self.p50_ms),
            (990, &mut self.p99_ms),
            (999, &mut self.p999_ms),
        ] {
            figures.push(counts.delays.permille_ms(permille));
        }
        let lost = counts.expected.saturating_sub(counts.rtp_in) as f64;
        self.loss_pct
            .push(lost * 100.0 / counts.expected.max(1) as f64);
        self.rss_kb.push(rss_kb);
        self.generator_us.push(window.us_per_datagram);
        self.generator_busy.push(window.busy);
        self.late_ms.push(window.late_ms);
    }

    fn json(&self, server: &str, rooms: u32, viewers: usize) -> Value {
        let median = |figures: &[f64]| {
            Spread::of(figures.iter().copied()).map_or(Value::Null, |it| rounded3(it.median()))
        };
        // A generator that has no time left, or is late by a frame, is what is measured then.
        let busy = Spread::of(self.generator_busy.iter().copied()).map_or(0.0, |it| it.median());
        let late = Spread::of(self.late_ms.iter().copied()).map_or(0.0, |it| it.median());
        let is_limit = busy > 0.9 || late > FRAME_MS;
        json!({
            "server": server,
            "rooms": rooms,
            "viewers": viewers,
            "windows": self.us_per_packet.len(),
            "us_per_packet": median(&self.us_per_packet),
            "p50_ms": median(&self.p50_ms),
            "p99_ms": median(&self.p99_ms),
            "p999_ms": median(&self.p999_ms),
            "loss_pct": median(&self.loss_pct),
            "rss_kb_per_room": median(&self.rss_kb),
            "core_pct": median(&self.core_pct),
            "generator_us_per_datagram": median(&self.generator_us),
            "generator_busy_pct": rounded(busy * 100.0),
            "late_ms": median(&self.late_ms),
            "limited_by": if is_limit { "generator" } else { "server" },
        })
    }

    fn report(&self, report: &mut Report, server: &str, rooms: u32, viewers: usize) {
        let mut row = |what: &str, unit, figures: &[f64]| {
            let name = format!("{server}, {rooms} rooms 1→{viewers}: {what}");
            report.row(&name, unit, Spread::of(figures.iter().copied()));
        };
        row("processor a packet", "µs", &self.us_per_packet);
        row("delay p99", "ms", &self.p99_ms);
        row("memory a room", "KB", &self.rss_kb);
    }
}

fn rounded3(figure: f64) -> Value {
    json!((figure * 1_000.0).round() / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(us_per_packet: f64, busy: f64, late_ms: f64) -> Row {
        let mut row = Row::default();
        let counts = load::Counts {
            rtp_in: 1_000,
            expected: 1_001,
            ..load::Counts::default()
        };
        let window = Window {
            seconds: 1.0,
            counts,
            us_per_datagram: 2.0,
            busy,
            late_ms,
            silent: 0,
        };
        row.add(&window, us_per_packet / 1e3, 300.0);
        row
    }

    #[test]
    fn a_run_has_the_figures_that_are_promised() {
        let told = row(4.0, 0.5, 1.0).json("lens", 50, 1);
        for figure in [
            "us_per_packet",
            "loss_pct",
            "rss_kb_per_room",
            "rooms",
            "viewers",
        ] {
            assert!(told[figure].is_number(), "{figure}: {told}");
        }
        assert_eq!(
            (&told["server"], &told["us_per_packet"]),
            (&json!("lens"), &json!(4.0))
        );
        assert_eq!(told["loss_pct"], json!(0.1));
        // Nothing came that had a stamp.
        for figure in ["p50_ms", "p99_ms", "p999_ms"] {
            assert!(told[figure].is_null(), "{figure}: {told}");
        }
    }

    #[test]
    fn a_generator_without_time_or_late_by_a_frame_is_named_as_the_limit() {
        let limit = |busy, late| row(4.0, busy, late).json("lens", 50, 1)["limited_by"].clone();
        assert_eq!(limit(0.5, 5.0), "server");
        assert_eq!(limit(0.95, 5.0), "generator");
        assert_eq!(limit(0.5, 40.0), "generator");
    }

    #[test]
    fn each_server_is_put_beside_the_others() {
        let servers = ["lens".to_owned(), "janus".to_owned()];
        let rows = [row(4.0, 0.5, 1.0), row(16.0, 0.5, 1.0)];
        assert_eq!(ratio("lens", &servers, &rows), json!({"janus": 0.25}));
        assert_eq!(ratio("janus", &servers, &rows), json!({"lens": 4.0}));
        assert_eq!(ratio("lens", &servers[..1], &rows[..1]), json!({}));
    }
}
