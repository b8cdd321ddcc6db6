//! The other end of `part.rs`: a process that links the library, and what it costs.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::machine::{field, kib};
use crate::sfu::Lens;

/// Longest that anything takes that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A host program of the library.
pub(super) struct Host {
    child: Child,
    input: ChildStdin,
    said: Receiver<Value>,
    /// Offers of its participants.
    offers: Vec<Value>,
    connected: usize,
}

/// What one thread has used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Thread {
    pub(super) name: String,
    pub(super) cpu: Duration,
    /// How often it went to sleep: each time something had to wake it.
    pub(super) sleeps: u64,
}

impl Host {
    /// Starts one, with callbacks on threads of the library's or on one that is lent.
    pub(super) fn start(lent: bool) -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(own)
            .arg("sdk-part")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.ok_or("no pipe")?;
        let (sender, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let told = serde_json::from_str(&line).unwrap_or_default();
                if sender.send(told).is_err() {
                    return;
                }
            }
        });
        let mut host = Self {
            input: input.ok_or("no pipe")?,
            child,
            said,
            offers: Vec::new(),
            connected: 0,
        };
        host.tell(&json!({"do": "engine", "lent": lent}))?;
        Ok(host)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has a participant join and connect; returns its number.
    pub(super) fn join(
        &mut self,
        server: &mut Lens,
        conference: &str,
        role: &str,
    ) -> Result<usize, String> {
        let offer = server.offer(conference, role)?;
        self.tell(&json!({"do": "add", "role": role, "offer": offer}))?;
        self.offers.push(offer);
        let wanted = self.offers.len();
        let until = Instant::now() + PATIENCE;
        while self.connected < wanted {
            let told = self.hear(until)?;
            self.follow(server, &told)?;
        }
        Ok(wanted - 1)
    }

    /// Begins to film.
    pub(super) fn film(&mut self, participant: usize) -> Result<(), String> {
        self.tell(&json!({"do": "film", "participant": participant}))
    }

    /// The library's own figures.
    pub(super) fn stats(&mut self, participant: usize) -> Result<Value, String> {
        self.tell(&json!({"do": "stats", "participant": participant}))?;
        let until = Instant::now() + PATIENCE;
        loop {
            let told = self.hear(until)?;
            if told.get("frames_sent").is_some() {
                return Ok(told);
            }
        }
    }

    /// What each of its threads has used so far.
    pub(super) fn threads(&self) -> Vec<Thread> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid()));
        let tasks = tasks.into_iter().flatten().flatten();
        let read = |task: std::fs::DirEntry| {
            let text = |name| std::fs::read_to_string(task.path().join(name)).ok();
            thread(&text("comm")?, &text("schedstat")?, &text("status")?)
        };
        tasks.filter_map(read).collect()
    }

    /// Memory it has in use, in kB of 1,000 bytes, by the kernel's name for the kind.
    pub(super) fn memory_kb(&self, kind: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let kib = field(&status.unwrap_or_default(), kind).map_or(0, kib);
        kib as f64 * 1.024
    }

    fn follow(&mut self, server: &mut Lens, told: &Value) -> Result<(), String> {
        let number = |name: &str| told[name].as_u64().unwrap_or_default();
        if let Some(sdp) = told["answer"].as_str() {
            let index = usize::try_from(number("participant")).unwrap_or_default();
            let offer = self.offers.get(index).ok_or("nobody's answer")?;
            server.answer(offer, sdp)?;
            let sent = json!({"do": "sent", "participant": index, "id": number("id")});
            return self.tell(&sent);
        }
        self.connected += usize::from(told["state"] == "connected");
        Ok(())
    }

    fn tell(&mut self, call: &Value) -> Result<(), String> {
        let told = writeln!(self.input, "{call}").and_then(|()| self.input.flush());
        told.map_err(|error| format!("the host program does not listen: {error}"))
    }

    fn hear(&self, until: Instant) -> Result<Value, String> {
        let left = until.saturating_duration_since(Instant::now());
        let told = self.said.recv_timeout(left);
        let told = told.map_err(|_| "the host program says nothing".to_owned())?;
        match told["failed"].as_str() {
            Some(sentence) => Err(sentence.to_owned()),
            None => Ok(told),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn thread(comm: &str, schedstat: &str, status: &str) -> Option<Thread> {
    let ns = schedstat.split(' ').next()?.parse().ok()?;
    Some(Thread {
        name: comm.trim().to_owned(),
        cpu: Duration::from_nanos(ns),
        sleeps: field(status, "voluntary_ctxt_switches")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_read_as_the_kernel_writes_it() {
        let status = "Name:\tlens-engine\nvoluntary_ctxt_switches:\t120\n\
                      nonvoluntary_ctxt_switches:\t3\n";
        let read = thread("lens-engine\n", "1500000 20 9\n", status);
        let expected = Thread {
            name: "lens-engine".to_owned(),
            cpu: Duration::from_micros(1_500),
            sleeps: 120,
        };
        assert_eq!(read, Some(expected));
        assert_eq!(thread("x", "", status), None);
    }
}
