//! What a participant holds that is connected and sends nothing: the slope of a process's memory
//! between a few and many of them in one engine. What the process holds once is nobody's.

use std::path::Path;
use std::time::Duration;

use super::child::Host;
use crate::report::Report;
use crate::sfu::Lens;
use crate::statistics::Spread;

const TARGET_KB: f64 = 100.0;
const FEW: u32 = 20;
const MANY: u32 = 120;
/// From the last one's being connected until memory is read.
const REST: Duration = Duration::from_secs(3);

/// Measures `runs` processes of each kind.
pub(super) fn measure(bin: &Path, runs: u32, report: &mut Report) -> Result<(), String> {
    for (lent, kind) in [(false, "a thread each"), (true, "one thread lent to all")] {
        let mut slopes = Vec::new();
        for _ in 0..runs {
            slopes.push(slope(bin, lent)?);
        }
        let spread = Spread::of(slopes);
        let median = spread.as_ref().map_or(f64::NAN, Spread::median);
        report.row(&format!("idle participant, {kind}"), "kB", spread);
        report.target(
            &format!("idle participant, {kind}, median"),
            "kB",
            median,
            TARGET_KB,
        );
    }
    Ok(())
}

/// kB of 1,000 bytes for each participant, half of them cameras and half viewers.
fn slope(bin: &Path, lent: bool) -> Result<f64, String> {
    let mut server = Lens::start(bin, "")?;
    let mut host = Host::start(lent)?;
    let mut grow = |host: &mut Host, conferences| {
        for _ in 0..conferences {
            let conference = server.conference(2)?;
            host.join(&mut server, &conference, "camera")?;
            host.join(&mut server, &conference, "viewer")?;
        }
        std::thread::sleep(REST);
        Ok::<f64, String>(host.memory_kb("VmRSS"))
    };
    let few = grow(&mut host, FEW / 2)?;
    let many = grow(&mut host, (MANY - FEW) / 2)?;
    Ok((many - few) / f64::from(MANY - FEW))
}
