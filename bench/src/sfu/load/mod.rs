//! The generator: one thread with every participant, on another core than the server.

mod client;
mod histogram;
mod srtp;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

pub(crate) use client::{Client, Clock, Counts, Part};

use crate::sfu::processor::own_cpu;

/// Between two looks at the stacks' timers.
const TICK: Duration = Duration::from_millis(5);
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 30);
const VOICE: Duration = Duration::from_millis(20);
/// What is still on its way when sending stops has so long to come.
const DRAIN: Duration = Duration::from_millis(150);

/// See the module.
pub(crate) struct Load {
    poll: Poll,
    /// By the token of their socket; the places of those who left are taken again.
    clients: Vec<Option<Client>>,
    clock: Clock,
    counts: Counts,
    sending: bool,
    /// Nobody ever sends.
    silent: bool,
    /// With voice beside the picture.
    voice: bool,
    ticked: Instant,
    /// Latest start of a frame behind its time, since the last window began.
    late: Duration,
}

/// What one window showed.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) seconds: f64,
    pub(crate) counts: Counts,
    /// Microseconds of the generator's own processor time for each datagram in or out.
    pub(crate) us_per_datagram: f64,
    /// The generator's share of its core.
    pub(crate) busy: f64,
    pub(crate) late_ms: f64,
    /// Viewers to whom nothing came.
    pub(crate) silent: usize,
}

impl Load {
    /// Nobody yet; looks into one packet in `one_in`.
    pub(crate) fn new(one_in: u64, voice: bool) -> io::Result<Self> {
        let now = Instant::now();
        Ok(Self {
            poll: Poll::new()?,
            clients: Vec::new(),
            clock: Clock { epoch: now, one_in },
            counts: Counts::default(),
            sending: false,
            silent: false,
            voice,
            ticked: now,
            late: Duration::ZERO,
        })
    }

    /// From now on nobody sends anything, if `silent`.
    pub(crate) fn be_silent(&mut self, silent: bool) {
        self.silent = silent;
    }

    /// Takes participants as they come, until `expected` of them are connected.
    pub(crate) fn gather(
        &mut self,
        coming: &Receiver<Client>,
        expected: usize,
        limit: Duration,
    ) -> Result<(), String> {
        let until = Instant::now() + limit;
        self.sending = !self.silent;
        loop {
            let over = loop {
                match coming.try_recv() {
                    Ok(client) => self.add(client).map_err(|error| error.to_string())?,
                    Err(error) => break error == TryRecvError::Disconnected,
                }
            };
            if over && self.len() < expected {
                return Err(format!("only {} of {expected} came", self.len()));
            }
            self.turn()?;
            let connected = self.here().filter(|it| it.is_connected()).count();
            if connected == expected {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!(
                    "only {connected} of {expected} connected in {limit:?}"
                ));
            }
        }
    }

    /// Takes another participant.
    pub(crate) fn add(&mut self, mut client: Client) -> io::Result<()> {
        let free = self.clients.iter().position(Option::is_none);
        let number = free.unwrap_or_else(|| {
            self.clients.push(None);
            self.clients.len() - 1
        });
        let interest = Interest::READABLE;
        self.poll
            .registry()
            .register(&mut client.socket, Token(number), interest)?;
        // Spread over the frame's time, so that no two cameras burst together.
        let share = (number as u32).wrapping_mul(2_654_435_769) >> 16;
        let now = Instant::now();
        client.next_frame = now + FRAME * share / 65_536;
        client.next_voice = now + VOICE * share / 65_536;
        self.clients[number] = Some(client);
        Ok(())
    }

    /// Lets everybody of a room go, as if their devices were switched off. How many there were, and
    /// how many of them were connected.
    pub(crate) fn leave(&mut self, room: u32) -> (usize, usize) {
        let (mut all, mut connected) = (0, 0);
        for place in &mut self.clients {
            if let Some(mut client) = place.take_if(|it| it.room == room) {
                // Closing it would do the same, a little later.
                let _ = self.poll.registry().deregister(&mut client.socket);
                all += 1;
                connected += usize::from(client.is_connected());
            }
        }
        (all, connected)
    }

    fn here(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter().flatten()
    }

    /// Sends for a while and counts. Nothing is on its way when it begins, and what was sent has
    /// [`DRAIN`] to come at its end: what has not is lost, also of a stream that was never heard.
    pub(crate) fn window(&mut self, time: Duration) -> Result<Window, String> {
        self.counts = Counts::default();
        self.late = Duration::ZERO;
        self.clients.iter_mut().flatten().for_each(Client::begin);
        let (began, cpu) = (Instant::now(), own_cpu());
        self.run(time, true)?;
        let seconds = began.elapsed().as_secs_f64();
        let cpu = own_cpu() - cpu;
        let datagrams = self.counts.datagrams;
        self.run(DRAIN, false)?;
        let mut counts = self.counts.clone();
        counts.rtp_in = self.here().map(Client::came).sum();
        counts.expected = self.expected();
        Ok(Window {
            seconds,
            us_per_datagram: cpu.as_secs_f64() * 1e6 / datagrams.max(1) as f64,
            busy: cpu.as_secs_f64() / seconds,
            late_ms: self.late.as_secs_f64() * 1e3,
            silent: self.silent(),
            counts,
        })
    }

    /// Runs for a while without counting, and ends with nothing on its way.
    pub(crate) fn settle(&mut self, time: Duration) -> Result<(), String> {
        self.window(time).map(|_| ())
    }

    fn silent(&self) -> usize {
        let silent = |it: &&Client| it.part == Part::Viewer && it.came() == 0;
        self.here().filter(silent).count()
    }

    /// How many participants there are.
    pub(crate) fn len(&self) -> usize {
        self.here().count()
    }

    /// Where the server takes their media, each address once.
    pub(crate) fn doors(&self) -> Vec<SocketAddr> {
        let doors: BTreeSet<_> = self.here().filter_map(Client::server).collect();
        doors.into_iter().collect()
    }

    /// The user names of their checks.
    pub(crate) fn users(&self) -> Vec<String> {
        self.here().map(|it| it.user.clone()).collect()
    }

    /// What each room's camera sent, as often as the room has viewers.
    fn expected(&self) -> u64 {
        let mut rooms: HashMap<u32, (u64, u64)> = HashMap::new();
        for client in self.here() {
            let room = rooms.entry(client.room).or_default();
            match client.part {
                Part::Camera => room.0 += client.sent,
                Part::Viewer => room.1 += 1,
            }
        }
        rooms.values().map(|(sent, viewers)| sent * viewers).sum()
    }

    /// Runs for a while; cameras send or not.
    pub(crate) fn run(&mut self, time: Duration, sending: bool) -> Result<(), String> {
        self.sending = sending && !self.silent;
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.turn()?;
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), String> {
        let mut events = Events::with_capacity(256);
        let wait = self.until_next();
        match self.poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => other.map_err(|error| error.to_string())?,
        }
        for event in &events {
            if let Some(Some(client)) = self.clients.get_mut(event.token().0) {
                client.read(&self.clock, &mut self.counts);
            }
        }
        self.send_due();
        let now = Instant::now();
        if now.duration_since(self.ticked) >= TICK {
            self.ticked = now;
            for client in self.clients.iter_mut().flatten().filter(|it| it.due <= now) {
                client.tick(now, &mut self.counts);
            }
        }
        Ok(())
    }

    /// Short enough that no frame is late by more than a millisecond.
    fn until_next(&self) -> Duration {
        let now = Instant::now();
        let next = self.here().map(|it| it.next_frame).min();
        let next = next.map_or(TICK, |next| next.saturating_duration_since(now));
        next.clamp(Duration::from_millis(1), TICK)
    }

    /// Frames and voices keep their times while nothing is sent.
    fn send_due(&mut self) {
        let now = Instant::now();
        for client in self
            .clients
            .iter_mut()
            .flatten()
            .filter(|it| it.is_connected())
        {
            if client.next_frame <= now {
                let late = now.duration_since(client.next_frame);
                client.next_frame = next(client.next_frame, FRAME, now);
                if self.sending {
                    self.late = self.late.max(late);
                    client.send_frame(&self.clock, &mut self.counts);
                }
            }
            if client.next_voice <= now {
                client.next_voice = next(client.next_voice, VOICE, now);
                if self.sending && self.voice {
                    client.send_voice(&self.clock, &mut self.counts);
                }
            }
        }
    }
}

/// One period later; what was missed is not made up for in a burst.
fn next(due: Instant, period: Duration, now: Instant) -> Instant {
    let next = due + period;
    if next < now { now + period } else { next }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cameras wired to viewers without a server between them.
    #[test]
    fn what_a_silent_viewer_did_not_get_is_lost() {
        let ip = [127, 0, 0, 1].into();
        let (sender, coming) = std::sync::mpsc::channel();
        let mut load = Load::new(1, true).expect("a poll");
        for client in Client::pair(ip, 5).expect("they agree") {
            sender.send(client).expect("held");
        }
        let limit = Duration::from_secs(10);
        load.gather(&coming, 2, limit).expect("connected");
        load.settle(Duration::from_millis(100)).expect("runs");
        let window = load.window(Duration::from_millis(500)).expect("runs");
        let counts = window.counts;
        assert!(counts.rtp_in > 50, "{counts:?}");
        assert_eq!((counts.expected, counts.wrong), (counts.rtp_in, 0));
        // A viewer that no server knows.
        load.add(Client::pair(ip, 5).expect("they agree").remove(1))
            .expect("added");
        let counts = load
            .window(Duration::from_millis(500))
            .expect("runs")
            .counts;
        assert_eq!(counts.expected, 2 * counts.rtp_in, "half is lost");
        // Packets of another room are faults.
        load.clients[1].as_mut().expect("the viewer").room = 6;
        let counts = load
            .window(Duration::from_millis(200))
            .expect("runs")
            .counts;
        assert!(counts.wrong > 0 && counts.wrong == counts.rtp_in);
        // The camera and the stranger are of one room; the stranger never connected.
        assert_eq!((load.leave(5), load.len()), ((2, 1), 1));
    }
}
