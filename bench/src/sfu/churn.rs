//! `churn`: people come and go for a long time; nothing may stay of those who left.
//!
//! Rooms of a camera and a viewer open at a steady rate and are closed after a few seconds of media,
//! every second one after its people fell silent, the others under people who still send. Memory and
//! descriptors are read on the way.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::load::{Client, Load};
use super::processor::prefer;
use super::server::Server;
use super::{rounded3, rss_kb, start};
use crate::hub::surroundings::{leave_the_products_core, room_for};
use crate::machine::Machine;
use crate::report::Report;

/// Between two readings.
const SAMPLE: Duration = Duration::from_secs(2);
/// How long a room lasts.
const LIFE: Duration = Duration::from_secs(4);
/// Until the first readings count: what is kept of the past (ended conferences, events) fills up.
const WARM_UP: f64 = 0.5;
/// Longest until everything of the last rooms is gone.
const CLOSING: Duration = Duration::from_secs(40);

/// How much of it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Participants a second.
    pub(crate) joins_per_s: u32,
    pub(crate) time: Duration,
    /// Most that memory may grow, of that at the end of the warm-up.
    pub(crate) most_growth_pct: f64,
}

/// What the server held at one moment.
#[derive(Clone, Copy, Debug)]
struct Reading {
    at_s: f64,
    rss_kb: f64,
    descriptors: usize,
}

/// What the generator is told.
enum News {
    Comes(Box<Client>),
    Goes(u32),
}

/// Who came, and who of them was connected when their room ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Crowd {
    came: usize,
    connected: usize,
}

/// Runs it. Failed joins, descriptors that stay and memory that grows fail the run.
pub(crate) fn run(bin: &Path, plan: &Plan, machine: Machine) -> Result<Report, String> {
    room_for(10_000);
    leave_the_products_core(machine.cores());
    prefer(std::process::id());
    let mut server = start("lens", bin)?;
    let pid = server.pid();
    // While the machine's other work holds them up, more rooms are open at once, and the memory
    // that those took stays with the allocator.
    prefer(pid);
    let before = read(pid, 0.0);
    let (crowd, readings) = people(server.as_mut(), pid, plan)?;
    let after = settled(pid, before.descriptors);
    server.stop()?;
    let growth = growth_pct(&readings);
    let mut report = Report::new("churn", machine);
    report.fact("participants", crowd.came);
    report.fact("connected", crowd.connected);
    report.fact("rss_growth_pct", rounded3(growth));
    report.fact(
        "rss_kb",
        readings
            .iter()
            .map(|it| json!([rounded3(it.at_s), it.rss_kb]))
            .collect::<Value>(),
    );
    report.fact(
        "descriptors",
        json!({"before": before.descriptors, "after": after.descriptors}),
    );
    let failed = crowd.came - crowd.connected;
    let stayed = after.descriptors.saturating_sub(before.descriptors);
    report.target("joins that failed", "", failed as f64, 0.0);
    let most = plan.most_growth_pct;
    report.target("memory, growth over the run", "%", growth, most);
    report.target(
        "descriptors that stayed",
        "",
        stayed as f64,
        MOST_DESCRIPTORS,
    );
    report.fail_when_missed();
    Ok(report)
}

/// Connections of the generator to the API, and files a store opens when it is first used.
const MOST_DESCRIPTORS: f64 = 16.0;

/// Everybody who comes and goes, and what the server held meanwhile.
fn people(server: &mut dyn Server, pid: u32, plan: &Plan) -> Result<(Crowd, Vec<Reading>), String> {
    let mut load = Load::new(64, true).map_err(|error| error.to_string())?;
    let (sender, news) = mpsc::channel();
    std::thread::scope(|scope| {
        let opening = scope.spawn(move || open_and_close(server, plan, &sender));
        let watched = watch(&mut load, &news, pid);
        // The opener ends by itself once nobody listens.
        drop(news);
        let opened = opening
            .join()
            .map_err(|_| "opening rooms broke".to_owned())?;
        let watched = watched?;
        opened.map(|()| watched)
    })
}

/// Opens rooms at their times, and closes each after its life.
fn open_and_close(server: &mut dyn Server, plan: &Plan, news: &Sender<News>) -> Result<(), String> {
    let pause = Duration::from_secs(2) / plan.joins_per_s;
    let life = (LIFE.as_secs_f64() / pause.as_secs_f64()) as u32;
    let rooms = (plan.time.as_secs_f64() / pause.as_secs_f64()) as u32;
    let began = Instant::now();
    for turn in 0..rooms + life {
        let due = began + pause * turn;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if let Some(room) = turn.checked_sub(life) {
            if room % 2 == 0 {
                server.close(room)?;
            }
            if news.send(News::Goes(room)).is_err() {
                return Ok(());
            }
            if room % 2 == 1 {
                server.close(room)?;
            }
        }
        if turn < rooms {
            server.open(turn, 1, &mut |client| {
                let _ = news.send(News::Comes(Box::new(client)));
            })?;
        }
    }
    Ok(())
}

/// Runs the participants until no more news comes.
fn watch(
    load: &mut Load,
    news: &Receiver<News>,
    pid: u32,
) -> Result<(Crowd, Vec<Reading>), String> {
    let (began, mut crowd, mut readings) = (Instant::now(), Crowd::default(), Vec::new());
    let mut sampled = began;
    loop {
        loop {
            match news.try_recv() {
                Ok(News::Comes(client)) => load.add(*client).map_err(|it| it.to_string())?,
                Ok(News::Goes(room)) => {
                    let (came, connected) = load.leave(room);
                    crowd.came += came;
                    crowd.connected += connected;
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok((crowd, readings)),
            }
        }
        load.run(Duration::from_millis(5), true)?;
        if sampled.elapsed() >= SAMPLE {
            sampled = Instant::now();
            readings.push(read(pid, began.elapsed().as_secs_f64()));
        }
    }
}

/// What is held when everybody has gone: waits until no more than [`MOST_DESCRIPTORS`] stayed.
fn settled(pid: u32, descriptors: usize) -> Reading {
    let until = Instant::now() + CLOSING;
    let (_keep, never) = mpsc::channel::<()>();
    loop {
        let reading = read(pid, 0.0);
        let stayed = reading.descriptors.saturating_sub(descriptors);
        if stayed as f64 <= MOST_DESCRIPTORS || Instant::now() > until {
            return reading;
        }
        if never.recv_timeout(Duration::from_millis(500)) != Err(RecvTimeoutError::Timeout) {
            return reading;
        }
    }
}

fn read(pid: u32, at_s: f64) -> Reading {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    Reading {
        at_s,
        rss_kb: rss_kb(pid) as f64,
        descriptors,
    }
}

/// How much more memory the line through the readings behind the warm-up has at its end than at its
/// beginning, in per cent.
fn growth_pct(readings: &[Reading]) -> f64 {
    let skipped = (readings.len() as f64 * WARM_UP) as usize;
    let readings = readings.get(skipped..).unwrap_or_default();
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else {
        return f64::NAN;
    };
    let count = readings.len() as f64;
    let mean = |of: fn(&Reading) -> f64| readings.iter().map(of).sum::<f64>() / count;
    let (time, memory) = (mean(|it| it.at_s), mean(|it| it.rss_kb));
    let covariance: f64 = readings
        .iter()
        .map(|it| (it.at_s - time) * (it.rss_kb - memory))
        .sum();
    let variance: f64 = readings.iter().map(|it| (it.at_s - time).powi(2)).sum();
    let slope = covariance / variance;
    let begin = memory + slope * (first.at_s - time);
    slope * (last.at_s - first.at_s) * 100.0 / begin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(rss_kb: impl Fn(f64) -> f64) -> Vec<Reading> {
        let times = (0..100).map(f64::from);
        times
            .map(|at_s| Reading {
                at_s,
                rss_kb: rss_kb(at_s),
                descriptors: 1,
            })
            .collect()
    }

    #[test]
    fn growth_is_that_of_the_line_behind_the_warm_up() {
        let steps = |at_s: f64| if at_s < 50.0 { at_s * 100.0 } else { 10_000.0 };
        assert!(growth_pct(&readings(steps)).abs() < 1e-9);
        // From 10,000 at second 50 by 2 a second: 98 of it.
        let grows = |at_s: f64| 10_000.0 + (at_s - 50.0) * 2.0;
        assert!((growth_pct(&readings(grows)) - 0.98).abs() < 1e-9);
        let saws = |at_s: f64| 10_000.0 + (at_s % 5.0) * 100.0;
        assert!(growth_pct(&readings(saws)).abs() < 0.5);
        assert!(growth_pct(&[]).is_nan());
    }
}
