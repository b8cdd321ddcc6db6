//! `attack`: what sessions and handshakes notice of strangers who flood the media port.
//!
//! ```text
//! server on core 0   ◀── rooms that run, and rooms that open meanwhile ──   generator
//!                    ◀── 100,000 packets a second from 64 addresses ─────   strangers, same core
//!                    ─── what comes back to them: nothing ──────────────▶
//! ```

mod flood;
mod packets;

use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::flood::Told;
use self::packets::Kind;
use super::load::{Load, Window};
use super::processor::{cpu_of, prefer};
use super::server::Server;
use super::{ONE_IN, SETTLE, floor, namespace, open, rounded3, start};
use crate::hub::surroundings::{leave_the_products_core, room_for};
use crate::machine::Machine;
use crate::report::Report;

/// How much of it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) servers: Vec<String>,
    /// Rooms that run, one to one.
    pub(crate) rooms: u32,
    /// Rooms that open while the flood is on.
    pub(crate) joins: u32,
    /// Packets a second.
    pub(crate) rate: u32,
    pub(crate) window: Duration,
}

/// What one flood did to one server.
struct Round {
    quiet: Window,
    quiet_cpu: Duration,
    flooded: Window,
    flooded_cpu: Duration,
    told: Told,
    joined: Result<Duration, String>,
    after: Window,
}

/// Runs everything.
pub(crate) fn run(bin: &Path, plan: &Plan, machine: Machine) -> Result<Report, String> {
    room_for(10_000);
    let apart = leave_the_products_core(machine.cores());
    let mut report = Report::new("attack", machine);
    if !apart {
        report.note("server and generator share a core: figures are too high");
    }
    prefer(std::process::id());
    let receive = floor::receive()?;
    println!("floor: {receive:.2} µs to read a packet and do nothing with it");
    report.fact("receive_us", rounded3(receive));
    let mut runs = Vec::new();
    for server in &plan.servers {
        for kind in Kind::ALL {
            let round = one(start(server, bin)?, kind, plan)
                .map_err(|error| format!("{server}, {}: {error}", kind.name()))?;
            let told = round.json(server, kind);
            println!("{told}");
            if server == "lens" {
                round.judge(&mut report, kind);
            }
            runs.push(told);
        }
    }
    report.fact("runs", Value::Array(runs));
    Ok(report)
}

fn one(mut server: Box<dyn Server>, kind: Kind, plan: &Plan) -> Result<Round, String> {
    let pid = server.pid();
    prefer(pid);
    let mut load = Load::new(ONE_IN, true).map_err(|error| error.to_string())?;
    open(server.as_mut(), &mut load, 0..plan.rooms, 1)?;
    load.settle(SETTLE)?;
    let (quiet, quiet_cpu) = watched(&mut load, pid, plan.window)?;
    let (doors, users) = (load.doors(), load.users());
    let ip = match namespace::is_inside() {
        true => IpAddr::from(namespace::ADDRESS),
        false => IpAddr::from([127, 0, 0, 1]),
    };
    let stop = AtomicBool::new(false);
    let (flooded, joined, told) = std::thread::scope(|scope| {
        let (doors, users, stop) = (&doors, &users, &stop);
        let strangers = scope.spawn(move || flood::run(ip, doors, users, kind, plan.rate, stop));
        let flooded = watched(&mut load, pid, plan.window);
        let began = Instant::now();
        let more = plan.rooms..plan.rooms + plan.joins;
        let joined = open(server.as_mut(), &mut load, more, 1);
        let joined = joined.map(|()| began.elapsed());
        stop.store(true, Ordering::Relaxed);
        let told = strangers.join();
        (flooded, joined, told)
    });
    let (flooded, flooded_cpu) = flooded?;
    let told = told.map_err(|_| "the flood broke".to_owned())?;
    load.settle(Duration::from_millis(500))?;
    let after = load.window(Duration::from_secs(2))?;
    server.stop()?;
    Ok(Round {
        quiet,
        quiet_cpu,
        flooded,
        flooded_cpu,
        told: told.map_err(|error| error.to_string())?,
        joined,
        after,
    })
}

/// A window, with the server's processor time.
fn watched(load: &mut Load, pid: u32, time: Duration) -> Result<(Window, Duration), String> {
    let before = cpu_of(pid);
    let window = load.window(time)?;
    Ok((window, cpu_of(pid).saturating_sub(before)))
}

fn lost_pct(window: &Window) -> f64 {
    let counts = &window.counts;
    let lost = counts.expected.saturating_sub(counts.rtp_in) as f64;
    lost * 100.0 / counts.expected.max(1) as f64
}

impl Round {
    /// Processor time of a stranger's packet, microseconds: what the flooded window took more.
    fn us_per_stranger(&self) -> f64 {
        let share = self.flooded.seconds / self.told.seconds.max(f64::MIN_POSITIVE);
        let packets = (self.told.packets as f64 * share).max(1.0);
        let more = self.flooded_cpu.as_secs_f64() - self.quiet_cpu.as_secs_f64();
        more * 1e6 / packets
    }

    fn json(&self, server: &str, kind: Kind) -> Value {
        let p99 = |window: &Window| rounded3(window.counts.delays.permille_ms(990));
        json!({
            "server": server,
            "kind": kind.name(),
            "packets_per_s": rounded3(self.told.packets as f64 / self.told.seconds),
            "us_per_stranger": rounded3(self.us_per_stranger()),
            "bytes_in": self.told.bytes,
            "bytes_back": self.told.bytes_back,
            "p99_ms": {"quiet": p99(&self.quiet), "flooded": p99(&self.flooded)},
            "loss_pct": {"quiet": rounded3(lost_pct(&self.quiet)), "flooded": rounded3(lost_pct(&self.flooded)), "after": rounded3(lost_pct(&self.after))},
            "joined_s": self.joined.as_ref().map(Duration::as_secs_f64).ok(),
            "join_error": self.joined.as_ref().err(),
            "silent_after": self.after.silent,
        })
    }

    fn judge(&self, report: &mut Report, kind: Kind) {
        let name = kind.name();
        let joined = u32::from(self.joined.is_err());
        report.target(
            &format!("{name}: joins that failed"),
            "",
            f64::from(joined),
            0.0,
        );
        let silent = self.after.silent as f64;
        report.target(&format!("{name}: sessions lost"), "", silent, 0.0);
        let back = self.told.bytes_back as f64 / self.told.bytes.max(1) as f64;
        report.target(&format!("{name}: bytes back for a byte"), "", back, 1.0);
        let p99 = self.flooded.counts.delays.permille_ms(990);
        report.target(&format!("{name}: delay p99"), "ms", p99, 5.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sfu::load::Counts;

    fn window(rtp_in: u64, silent: usize) -> Window {
        Window {
            seconds: 2.0,
            counts: Counts {
                rtp_in,
                expected: 1_000,
                ..Counts::default()
            },
            us_per_datagram: 1.0,
            busy: 0.1,
            late_ms: 1.0,
            silent,
        }
    }

    #[test]
    fn a_flood_is_told_with_what_it_took_and_what_was_lost() {
        let round = Round {
            quiet: window(1_000, 0),
            quiet_cpu: Duration::from_millis(100),
            flooded: window(990, 0),
            flooded_cpu: Duration::from_millis(300),
            // Three times as long as the window.
            told: Told {
                packets: 600_000,
                bytes: 6_000,
                bytes_back: 30,
                seconds: 6.0,
            },
            joined: Err("only 3 of 4 connected".to_owned()),
            after: window(500, 1),
        };
        let told = round.json("lens", Kind::Rtp);
        assert_eq!(told["us_per_stranger"], 1.0, "200 ms for 200,000");
        assert_eq!(
            told["loss_pct"],
            json!({"quiet": 0.0, "flooded": 1.0, "after": 50.0})
        );
        assert_eq!(
            (&told["joined_s"], &told["silent_after"]),
            (&Value::Null, &json!(1))
        );
        let mut report = Report::new("attack", Machine::look());
        round.judge(&mut report, Kind::Rtp);
        let text = report.to_string();
        for missed in ["joins that failed", "sessions lost", "delay p99"] {
            assert!(text.contains(&format!("MISSED RTP: {missed}")), "{text}");
        }
        assert!(text.contains("kept   RTP: bytes back"), "{text}");
    }
}
