//! What a camera costs: processor time of a process that pushes encoded pictures, 720p30 at
//! 2 Mbit/s, to a server on another core, while somebody watches.

use std::path::Path;
use std::time::{Duration, Instant};

use super::child::{Host, Thread};
use crate::report::Report;
use crate::sfu::Lens;
use crate::statistics::Spread;

/// Of one core.
const TARGET_PCT: f64 = 0.5;
/// The estimate of the way has to find its 2 Mbit/s first.
const SETTLE_LIMIT: Duration = Duration::from_secs(40);
/// Kilobits per second from which the sender counts as settled, and the windows as full ones.
const FULL_KBPS: f64 = 1_900.0;
/// Threads that are told apart: the name, and what it does.
const THREADS: [(&str, &str); 3] = [
    ("lens-engine", "the library's thread"),
    ("encoder", "the host's, which pushes"),
    ("lens-callback", "callbacks"),
];

/// One window.
#[derive(Default)]
struct Windows {
    all_pct: Vec<f64>,
    /// By thread, in the order above.
    pct: [Vec<f64>; 3],
    sleeps: [Vec<f64>; 3],
    kbps: Vec<f64>,
}

/// Measures `runs` windows, each with processes of its own.
pub(super) fn measure(
    bin: &Path,
    runs: u32,
    window: Duration,
    report: &mut Report,
) -> Result<(), String> {
    let mut windows = Windows::default();
    for _ in 0..runs {
        windows.run(bin, window)?;
    }
    let mut row = |figure: &str, unit, figures: &[f64]| {
        let spread = Spread::of(figures.iter().copied());
        report.row(&format!("sender: {figure}"), unit, spread.clone());
        spread.map_or(f64::NAN, |it| it.median())
    };
    let all = row("processor", "% of a core", &windows.all_pct);
    for (index, (_, what)) in THREADS.iter().enumerate() {
        row(&format!("… {what}"), "% of a core", &windows.pct[index]);
    }
    for (index, (_, what)) in THREADS.iter().enumerate() {
        row(
            &format!("… wake-ups of {what}"),
            "a second",
            &windows.sleeps[index],
        );
    }
    let kbps = row("sent", "kbit/s", &windows.kbps);
    report.target("sender, processor, median", "% of a core", all, TARGET_PCT);
    if kbps < FULL_KBPS {
        report.note(format!("the sender came to {kbps:.0} kbit/s only"));
    }
    Ok(())
}

impl Windows {
    fn run(&mut self, bin: &Path, window: Duration) -> Result<(), String> {
        let mut server = Lens::start(bin, "")?;
        let conference = server.conference(2)?;
        let (mut host, mut other) = (Host::start(false)?, Host::start(false)?);
        let camera = host.join(&mut server, &conference, "camera")?;
        other.join(&mut server, &conference, "viewer")?;
        host.film(camera)?;
        settle(&mut host, camera)?;
        let (began, before) = (Instant::now(), host.threads());
        std::thread::sleep(window);
        let (seconds, after) = (began.elapsed().as_secs_f64(), host.threads());
        let kbps = host.stats(camera)?["kbps"].as_f64();
        self.add(&before, &after, seconds);
        self.kbps.push(kbps.unwrap_or_default());
        Ok(())
    }

    fn add(&mut self, before: &[Thread], after: &[Thread], seconds: f64) {
        let pct = |cpu: Duration| cpu.as_secs_f64() / seconds * 100.0;
        let sum = |threads: &[Thread]| threads.iter().map(|it| it.cpu).sum::<Duration>();
        self.all_pct
            .push(pct(sum(after).saturating_sub(sum(before))));
        for (index, (name, _)) in THREADS.iter().enumerate() {
            let find = |threads: &[Thread]| {
                let found = threads.iter().find(|it| it.name == *name);
                found.map_or((Duration::ZERO, 0), |it| (it.cpu, it.sleeps))
            };
            let ((cpu, sleeps), (cpu_before, sleeps_before)) = (find(after), find(before));
            self.pct[index].push(pct(cpu.saturating_sub(cpu_before)));
            self.sleeps[index].push(sleeps.saturating_sub(sleeps_before) as f64 / seconds);
        }
    }
}

/// Waits until it sends all it is to send.
fn settle(host: &mut Host, camera: usize) -> Result<(), String> {
    let until = Instant::now() + SETTLE_LIMIT;
    let mut full = 0;
    // For a few seconds on end: probing for more goes on a little.
    while full < 5 && Instant::now() < until {
        std::thread::sleep(Duration::from_secs(1));
        let kbps = host.stats(camera)?["kbps"].as_f64().unwrap_or_default();
        full = if kbps >= FULL_KBPS { full + 1 } else { 0 };
    }
    Ok(())
}
