//! The generator: one thread with every participant, on another core than the server.

mod client;
mod histogram;
mod srtp;

use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

pub(crate) use client::{Client, Clock, Counts, Part};

use crate::sfu::processor::own_cpu;

/// Between two looks at the stacks' timers.
const TICK: Duration = Duration::from_millis(5);
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 30);
const VOICE: Duration = Duration::from_millis(20);

/// See the module.
pub(crate) struct Load {
    poll: Poll,
    clients: Vec<Client>,
    clock: Clock,
    counts: Counts,
    sending: bool,
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
            voice,
            ticked: now,
            late: Duration::ZERO,
        })
    }

    /// Takes participants as they come, until `expected` of them are connected.
    pub(crate) fn gather(
        &mut self,
        coming: &Receiver<Client>,
        expected: usize,
        limit: Duration,
    ) -> Result<(), String> {
        let until = Instant::now() + limit;
        self.sending = true;
        loop {
            let over = loop {
                match coming.try_recv() {
                    Ok(client) => self.add(client).map_err(|error| error.to_string())?,
                    Err(error) => break error == TryRecvError::Disconnected,
                }
            };
            if over && self.clients.len() < expected {
                return Err(format!("only {} of {expected} came", self.clients.len()));
            }
            self.turn()?;
            let connected = self.clients.iter().filter(|it| it.is_connected()).count();
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

    fn add(&mut self, mut client: Client) -> io::Result<()> {
        let number = self.clients.len();
        let interest = Interest::READABLE;
        self.poll
            .registry()
            .register(&mut client.socket, Token(number), interest)?;
        // Spread over the frame's time, so that no two cameras burst together.
        let share = (number as u32).wrapping_mul(2_654_435_769) >> 16;
        let now = Instant::now();
        client.next_frame = now + FRAME * share / 65_536;
        client.next_voice = now + VOICE * share / 65_536;
        self.clients.push(client);
        Ok(())
    }

    /// Runs for a while, and counts.
    pub(crate) fn window(&mut self, time: Duration) -> Result<Window, String> {
        self.counts = Counts::default();
        self.late = Duration::ZERO;
        self.clients.iter_mut().for_each(Client::mark_streams);
        let (began, cpu) = (Instant::now(), own_cpu());
        while began.elapsed() < time {
            self.turn()?;
        }
        let seconds = began.elapsed().as_secs_f64();
        let cpu = own_cpu() - cpu;
        let mut counts = self.counts.clone();
        let seen = self.clients.iter().map(Client::since_mark);
        (counts.expected, counts.rtp_in) =
            seen.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        Ok(Window {
            seconds,
            us_per_datagram: cpu.as_secs_f64() * 1e6 / counts.datagrams.max(1) as f64,
            busy: cpu.as_secs_f64() / seconds,
            late_ms: self.late.as_secs_f64() * 1e3,
            counts,
        })
    }

    /// Runs for a while without counting.
    pub(crate) fn settle(&mut self, time: Duration) -> Result<(), String> {
        self.window(time).map(|_| ())
    }

    fn turn(&mut self) -> Result<(), String> {
        let mut events = Events::with_capacity(256);
        let wait = self.until_next();
        match self.poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => other.map_err(|error| error.to_string())?,
        }
        for event in &events {
            if let Some(client) = self.clients.get_mut(event.token().0) {
                client.read(&self.clock, &mut self.counts)?;
            }
        }
        self.send_due();
        let now = Instant::now();
        if now.duration_since(self.ticked) >= TICK {
            self.ticked = now;
            for client in self.clients.iter_mut().filter(|it| it.due <= now) {
                client.tick(now, &mut self.counts)?;
            }
        }
        Ok(())
    }

    /// Short enough that no frame is late by more than a millisecond.
    fn until_next(&self) -> Duration {
        let now = Instant::now();
        let next = self.clients.iter().map(|it| it.next_frame).min();
        let next = next.map_or(TICK, |next| next.saturating_duration_since(now));
        next.clamp(Duration::from_millis(1), TICK)
    }

    fn send_due(&mut self) {
        let now = Instant::now();
        if !self.sending {
            return;
        }
        for client in self.clients.iter_mut().filter(|it| it.is_connected()) {
            if client.next_frame <= now {
                self.late = self.late.max(now.duration_since(client.next_frame));
                client.next_frame += FRAME;
                if client.next_frame < now {
                    client.next_frame = now + FRAME;
                }
                client.send_frame(&self.clock, &mut self.counts);
            }
            if self.voice && client.next_voice <= now {
                client.next_voice = now + VOICE;
                client.send_voice(&self.clock, &mut self.counts);
            }
        }
    }
}
