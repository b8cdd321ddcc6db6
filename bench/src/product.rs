//! The `lens` binary as a process under measurement.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::machine::{field, kib};

/// Longest a process may take to end after SIGTERM; it gives itself 30 s.
const END_LIMIT: Duration = Duration::from_secs(35);
/// Ticks a second in which the kernel counts processor time, on every architecture of today.
const TICKS_PER_S: f64 = 100.0;

/// How to start it.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    pub(crate) bin: &'a Path,
    /// A command put before it, such as `taskset -c 0`.
    pub(crate) before: &'a [&'a str],
    /// For its data directory and its log.
    pub(crate) directory: &'a Path,
    pub(crate) arguments: &'a [String],
}

/// A process that is ready. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Product {
    child: Child,
    /// What it said when its doors were open.
    pub(crate) ready: Value,
    /// From the call that started it to that word.
    pub(crate) took: Duration,
}

impl Product {
    /// Starts it and waits until every door is open.
    pub(crate) fn start(start: &Start<'_>) -> Result<Self, String> {
        let log = start.directory.join("lens.log");
        let mut command = command(start, &log)?;
        let began = Instant::now();
        let mut child = command
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", start.bin.display()))?;
        let out = child.stdout.take().expect("standard output was piped");
        let mut line = String::new();
        let read = BufReader::new(out).read_line(&mut line);
        let took = began.elapsed();
        let ready = read.ok().and_then(|_| serde_json::from_str(&line).ok());
        match ready {
            Some(ready) => Ok(Self { child, ready, took }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                Err(format!("{} was not ready:\n{said}", start.bin.display()))
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where the HTTPS door is.
    pub(crate) fn https(&self) -> Option<SocketAddr> {
        let url = self.ready["console_url"].as_str()?;
        url.strip_prefix("https://")?
            .split('/')
            .next()?
            .parse()
            .ok()
    }

    /// Says a line to it, on its standard input.
    pub(crate) fn say(&mut self, line: &str) -> Result<(), String> {
        let told = self.child.stdin.as_mut().map(|it| writeln!(it, "{line}"));
        told.transpose()
            .map(|_| ())
            .map_err(|error| format!("it does not listen: {error}"))
    }

    /// Ends its standard input.
    pub(crate) fn say_no_more(&mut self) {
        self.child.stdin = None;
    }

    /// Memory it has in use, in KiB, by the kernel's name for the kind (`VmRSS`, `RssAnon`).
    pub(crate) fn memory_kib(&self, kind: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        field(&status.unwrap_or_default(), kind).map_or(0, kib)
    }

    /// Processor seconds used so far, by all its threads.
    pub(crate) fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()));
        cpu_ticks(&stat.unwrap_or_default()) as f64 / TICKS_PER_S
    }

    /// Ends it as an operator would.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        let told = Command::new("kill")
            .args(["-TERM", &self.pid().to_string()])
            .status();
        told.map_err(|error| format!("kill cannot be run: {error}"))?;
        let began = Instant::now();
        while began.elapsed() < END_LIMIT {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(format!("it did not end within {END_LIMIT:?} of SIGTERM"))
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(start: &Start<'_>, log: &Path) -> Result<Command, String> {
    let log = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let (program, before) = match start.before.split_first() {
        Some((program, rest)) => (PathBuf::from(program), Some(rest)),
        None => (start.bin.to_owned(), None),
    };
    let mut command = Command::new(program);
    if let Some(rest) = before {
        command.args(rest).arg(start.bin);
    }
    command.args(["serve", "--ready-json"]);
    for door in ["--https", "--media", "--operator"] {
        command.args([door, "127.0.0.1:0"]);
    }
    command.arg("--data-dir").arg(start.directory.join("data"));
    command.args(start.arguments);
    // Settings come from parameters alone, whatever the surroundings say.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LENS_") {
            command.env_remove(name);
        }
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log);
    Ok(command)
}

/// User and system time in a line of `/proc/PID/stat`: the 14th and 15th field, counted behind the
/// name, which may hold spaces.
fn cpu_ticks(stat: &str) -> u64 {
    let Some((_, rest)) = stat.rsplit_once(')') else {
        return 0;
    };
    let times = rest.split_whitespace().skip(11).take(2);
    times.filter_map(|it| it.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_counted_behind_a_name_with_spaces() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 90 0 0 0 250 50 0 0 20 0 4 0 99 1 2";
        assert_eq!(cpu_ticks(stat), 300);
        assert_eq!(cpu_ticks(""), 0);
    }
}
