//! `allocations`: who asks for memory while packets are forwarded.
//!
//! One camera and one viewer, as in `sfu`, at a server whose allocator notes the stack of whoever
//! asks (`counted.rs`). It begins to count when everything has grown to its size. An allocation
//! belongs to the innermost function on its stack that is ours, the media stack's or of a library that
//! stands before the kernel; and to the worker loop when that is on its stack. What the loop does
//! because another thread has asked (a report of all rooms, for one) stands apart.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::lens::Lens;
use super::load::Load;
use super::processor::prefer;
use super::server::Server;
use super::{ONE_IN, open, rounded3};
use crate::hub::surroundings::leave_the_products_core;
use crate::machine::Machine;
use crate::report::Report;

/// Until everything has grown to its size: the ring of a stream, the logs of its way.
const WARM_UP: Duration = Duration::from_secs(15);
/// Longest until the profile is written: it names each function of each stack.
const WRITING: Duration = Duration::from_secs(120);
/// What is on the stack of everything that a worker does; the second where the first was compiled
/// into it.
const LOOP: [&str; 2] = ["lens_sfu::server::worker::", "lens_sfu::server::run"];
/// Where the loop does what another thread has asked for.
const COMMAND: &str = "core::ops::function::FnOnce::call_once{{vtable.shim}}";
/// Call sites that are shown.
const SHOWN: usize = 8;
/// Allocations of ours for each forwarded packet that are none: some things are done each second, or
/// each minute, whatever is forwarded.
const NONE: f64 = 0.001;

/// Whose an allocation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Ours,
    Commands,
    MediaStack,
    Kernel,
    Others,
}

/// How often and how much, at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    times: u64,
    bytes: u64,
}

/// What a profile says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Split {
    /// On the worker loop, by owner and function.
    worker: BTreeMap<(Owner, String), Asked>,
    /// In the rest of the process.
    elsewhere: Asked,
}

/// Runs it. An allocation of ours on the worker loop for a packet fails the run.
pub(crate) fn run(bin: &Path, time: Duration, machine: Machine) -> Result<Report, String> {
    leave_the_products_core(machine.cores());
    let directory = TempDir::new().map_err(|error| error.to_string())?;
    let file = directory.path().join("dhat.json");
    let mut server = Lens::start(bin, "")?;
    prefer(server.pid());
    let mut load = Load::new(ONE_IN, true).map_err(|error| error.to_string())?;
    open(&mut server, &mut load, 0..1, 1)?;
    load.settle(WARM_UP)?;
    server.product().say(&file.display().to_string())?;
    let window = load.window(time)?;
    server.product().say_no_more();
    let profile = written(&file)?;
    Box::new(server).stop()?;
    let packets = window.counts.rtp_in;
    if packets == 0 {
        return Err("nothing was forwarded".to_owned());
    }
    let split = Split::of(&profile)?;
    // The media stack answers checks every few seconds, and not without memory.
    if split.worker.is_empty() {
        return Err(
            "the worker loop is on no stack: this bench knows it by another name".to_owned(),
        );
    }
    Ok(report(&split, packets, time, machine))
}

/// The profile, once it is whole.
fn written(file: &Path) -> Result<Value, String> {
    let until = Instant::now() + WRITING;
    while Instant::now() < until {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Ok(profile) = serde_json::from_str(&text) {
            return Ok(profile);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Err("no profile was written: is this lens-counted?".to_owned())
}

fn report(split: &Split, packets: u64, time: Duration, machine: Machine) -> Report {
    let mut report = Report::new("allocations", machine);
    let each = |asked: Asked| asked.times as f64 / packets as f64;
    report.note(format!(
        "{packets} packets in {} s, from one camera to one viewer",
        time.as_secs()
    ));
    report.note("allocations on the worker loop     times  a packet     bytes");
    let mut owners = Vec::new();
    for (owner, name) in [
        (Owner::Ours, "ours"),
        (Owner::Commands, "what other threads ask for"),
        (Owner::MediaStack, "the media stack"),
        (Owner::Kernel, "libraries at the kernel"),
        (Owner::Others, "others"),
    ] {
        let asked = split.of_owner(owner);
        report.note(line(name, asked, packets));
        owners.push(json!({
            "owner": name,
            "times": asked.times,
            "bytes": asked.bytes,
            "a_packet": rounded3(each(asked)),
        }));
    }
    report.note(line("elsewhere in the process", split.elsewhere, packets));
    report.note("most of them, on the worker loop:");
    let mut sites: Vec<_> = split.worker.iter().collect();
    sites.sort_by_key(|(_, asked)| std::cmp::Reverse(asked.times));
    for ((_, function), asked) in sites.iter().take(SHOWN) {
        report.note(line(function, **asked, packets));
    }
    let sites: Vec<Value> = sites
        .iter()
        .map(|((owner, function), asked)| {
            json!({
                "owner": format!("{owner:?}"),
                "function": function,
                "times": asked.times,
                "bytes": asked.bytes,
            })
        })
        .collect();
    report.fact("packets", packets);
    report.fact("seconds", time.as_secs());
    report.fact("worker", owners);
    report.fact("elsewhere_times", split.elsewhere.times);
    report.fact("call_sites", sites);
    let ours = each(split.of_owner(Owner::Ours));
    report.target("allocations of ours a packet", "", ours, NONE);
    report.fail_when_missed();
    report
}

fn line(name: &str, asked: Asked, packets: u64) -> String {
    let each = asked.times as f64 / packets as f64;
    format!(
        "{name:32} {:>8}  {each:>8.4}  {:>8}",
        asked.times, asked.bytes
    )
}

impl Split {
    /// Reads DHAT's file: places (`pps`) with their stacks (`fs`) as numbers of frames (`ftbl`).
    fn of(profile: &Value) -> Result<Self, String> {
        let unknown = || "the profile has a form we do not know".to_owned();
        let frames = profile["ftbl"].as_array().ok_or_else(unknown)?;
        let places = profile["pps"].as_array().ok_or_else(unknown)?;
        let mut split = Self::default();
        for place in places {
            let number = |name: &str| place[name].as_u64().ok_or_else(unknown);
            let asked = Asked {
                times: number("tbk")?,
                bytes: number("tb")?,
            };
            // Innermost first.
            let stack = place["fs"].as_array().ok_or_else(unknown)?;
            let stack: Vec<&str> = stack
                .iter()
                .filter_map(|frame| frames.get(usize::try_from(frame.as_u64()?).ok()?)?.as_str())
                .map(function)
                .collect();
            split.add(&stack, asked);
        }
        Ok(split)
    }

    fn add(&mut self, stack: &[&str], asked: Asked) {
        let is_loop = |function: &&str| LOOP.iter().any(|it| function.contains(it));
        let Some(outermost) = stack.iter().rposition(is_loop) else {
            self.elsewhere.add(asked);
            return;
        };
        let within = &stack[..outermost];
        let owned = stack.iter().find_map(|it| Some((owner(it)?, *it)));
        let (owner, function) = match owned {
            Some((_, function)) if within.contains(&COMMAND) => (Owner::Commands, function),
            owned => owned.unwrap_or((Owner::Others, "?")),
        };
        let place = self.worker.entry((owner, function.to_owned()));
        place.or_default().add(asked);
    }

    fn of_owner(&self, owner: Owner) -> Asked {
        let mut all = Asked::default();
        for (_, asked) in self.worker.iter().filter(|((it, _), _)| *it == owner) {
            all.add(*asked);
        }
        all
    }
}

impl Asked {
    fn add(&mut self, other: Self) {
        self.times += other.times;
        self.bytes += other.bytes;
    }
}

/// The function in a frame such as `0x55…: lens_sfu::x::y (sfu/src/x.rs:1:2)`.
fn function(frame: &str) -> &str {
    let named = frame.split_once(": ").map_or(frame, |(_, named)| named);
    named.rsplit_once(" (").map_or(named, |(name, _)| name)
}

/// Whose a function is, by the crate that its path begins with; none for libraries that work for
/// whoever calls them.
fn owner(function: &str) -> Option<Owner> {
    let path = function.trim_start_matches(['<', '&', '(']);
    let path = path.trim_start_matches("mut ").trim_start_matches("dyn ");
    let name = path.split("::").next()?;
    match name {
        "str0m" | "is" | "dimpl" | "sctp_proto" => Some(Owner::MediaStack),
        "quinn_udp" | "mio" | "socket2" | "rustix" => Some(Owner::Kernel),
        _ if name.starts_with("lens_") => Some(Owner::Ours),
        _ if name.starts_with("str0m_") => Some(Owner::MediaStack),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(stacks: &[(&[usize], u64)]) -> Value {
        let places = stacks
            .iter()
            .map(|(stack, times)| json!({"tb": 10 * times, "tbk": times, "fs": stack}));
        json!({
            "ftbl": [
                "[root]",
                "0x1: alloc::vec::Vec<lens_sfu::T>::reserve (alloc/src/vec.rs:1:2)",
                "0x2: lens_sfu::core::shard::Shard::turn (sfu/src/core/shard/mod.rs:1:2)",
                "0x3: <str0m::Rtc as core::fmt::Debug>::fmt",
                "0x4: <lens_sfu::server::worker::Worker>::run (sfu/src/server/worker/mod.rs:1:2)",
                "0x5: lens_website::bridge::start (website/src/bridge.rs:1:2)",
                "0x6: quinn_udp::imp::recv",
                "0x7: core::ops::function::FnOnce::call_once{{vtable.shim}} (core/src/ops.rs:1:2)",
                "0x8: lens_sfu::server::run (sfu/src/server/mod.rs:1:2)",
            ],
            "pps": places.collect::<Vec<_>>(),
        })
    }

    #[test]
    fn an_allocation_is_whose_function_is_the_innermost_and_the_loops_when_that_is_around_it() {
        let stacks: [(&[usize], u64); 7] = [
            (&[1, 2, 4], 3),
            (&[1, 3, 2, 4], 5),
            (&[1, 6, 4], 7),
            (&[1, 5], 11),
            (&[1, 2, 4], 2),
            // A command, and a loop in the closure that a thread begins with.
            (&[1, 2, 7, 4], 13),
            (&[1, 2, 8, 7], 4),
        ];
        let split = Split::of(&profile(&stacks)).expect("a profile");
        let asked = |times| Asked {
            times,
            bytes: 10 * times,
        };
        assert_eq!(split.of_owner(Owner::Ours), asked(9));
        assert_eq!(split.of_owner(Owner::Commands), asked(13));
        assert_eq!(split.of_owner(Owner::MediaStack), asked(5));
        assert_eq!(split.of_owner(Owner::Kernel), asked(7));
        assert_eq!(split.of_owner(Owner::Others), asked(0));
        assert_eq!(split.elsewhere, asked(11));
        let turn = (Owner::Ours, "lens_sfu::core::shard::Shard::turn".to_owned());
        assert_eq!(split.worker.get(&turn), Some(&asked(9)));
        assert!(Split::of(&json!({"pps": []})).is_err());
    }
}
