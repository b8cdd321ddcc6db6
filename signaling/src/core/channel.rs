//! One channel: counting, keeping and replaying, over one carrier after another.
//!
//! ```text
//!                 attach(resume)                     detach
//!   (none) ──────────────────────▶ carried ◀──────────────────▶ cut ──── window passed ──▶ over
//!                                     └───────── bye, close ────────────────────────────▶ over
//! ```
//!
//! `attach` decides: the peer quotes this channel's life and has everything up to a number inside
//! the window → what it missed follows. Otherwise it starts from a snapshot, which the host makes;
//! what is pushed meanwhile waits behind it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use lens_protocol::Problem;
use lens_protocol::id::{Seq, SessionId};
use lens_protocol::signal::{ByeReason, PeerSignal, ServerSignal};

use super::frame::{self, Body, PeerFrame};
use super::heartbeat::{Beat, Heartbeat};
use super::inbox::{Inbox, Taken};
use super::outbox::{Outbox, OutboxLimits};
use crate::config::HubConfig;
use crate::error::Closed;

/// Which carrier of the channel; each one that attaches has a higher number.
pub(crate) type Link = u64;

/// What became of an `attach`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attached {
    pub(crate) link: Link,
    /// The peer needs a snapshot: hand it to [`ChannelCore::snapshot`].
    pub(crate) fresh: bool,
}

/// What a peer's frame means for the hub.
#[derive(Debug)]
pub(crate) enum Received {
    /// Hand it to the host, then call [`ChannelCore::handled`].
    Deliver {
        seq: Seq,
        session: Option<SessionId>,
        signal: PeerSignal,
    },
    /// As `Deliver`; then the channel is over.
    Farewell {
        seq: Seq,
        session: Option<SessionId>,
        signal: PeerSignal,
    },
    /// Nothing to do.
    Nothing(Idle),
    /// End this carrier.
    Close(Closed),
}

/// Why a frame asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    /// Heartbeat or acknowledgement.
    Alive,
    /// It was here before.
    Duplicate,
    /// A kind this build does not know.
    Unknown,
    /// The peer was told that it cannot be taken.
    Invalid,
}

/// What a carrier is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Transmit {
    /// Write this frame.
    Frame(String),
    /// Nothing now; ask again then, or when woken.
    Wait(Instant),
    /// Close.
    End(Closed),
}

#[derive(Debug)]
struct Carried {
    link: Link,
    welcome: Option<String>,
    heartbeat: Heartbeat,
    acknowledged: Seq,
    ack_due: Option<Instant>,
    broken: Option<Closed>,
}

#[derive(Debug)]
enum Stage {
    Carried(Carried),
    Cut { since: Instant },
    Over,
}

/// The state of one channel.
#[derive(Debug)]
pub(crate) struct ChannelCore {
    life: String,
    links: Link,
    stage: Stage,
    inbox: Inbox,
    outbox: Outbox,
    /// Pushed while the host makes a snapshot.
    held: Option<VecDeque<Body>>,
    farewell: Option<Option<ByeReason>>,
    window: Duration,
    ping: (Duration, u32),
    ack_delay: Duration,
    most_held: usize,
    rate: (u32, u32),
    outbox_limits: OutboxLimits,
}

impl ChannelCore {
    /// A channel that waits for its first carrier. `life` names it; a peer that quotes another
    /// one starts over.
    pub(crate) fn new(now: Instant, life: String, config: &HubConfig) -> Self {
        let outbox_limits = OutboxLimits {
            window_messages: config.window_messages,
            window: config.window,
            window_bytes: config.window_bytes,
            queue_messages: config.queue_messages,
            queue_bytes: config.queue_bytes,
        };
        let rate = (config.burst, config.messages_per_s);
        Self {
            life,
            links: 0,
            stage: Stage::Cut { since: now },
            inbox: Inbox::new(now, rate.0, rate.1),
            outbox: Outbox::new(outbox_limits),
            held: None,
            farewell: None,
            window: config.window,
            ping: (config.ping, config.missed_pings),
            ack_delay: config.ack_delay,
            most_held: config.queue_messages,
            rate,
            outbox_limits,
        }
    }

    /// The name of this life; the peer quotes it to resume.
    pub(crate) fn life(&self) -> &str {
        &self.life
    }

    /// Begins anew under another name, as if nothing had been before.
    pub(crate) fn start_over(&mut self, now: Instant, life: String) {
        self.life = life;
        self.inbox = Inbox::new(now, self.rate.0, self.rate.1);
        self.outbox = Outbox::new(self.outbox_limits);
        self.held = None;
        self.farewell = None;
        self.stage = Stage::Cut { since: now };
    }

    /// A carrier arrives, and takes over from one that is still there. `last_seq` is what the
    /// peer says it has of this life; `None` when it knows nothing of it.
    pub(crate) fn attach(&mut self, now: Instant, last_seq: Option<Seq>) -> Attached {
        // A snapshot that was asked for and never delivered is still owed.
        let owed = self.held.is_some();
        let resumed = !owed && last_seq.is_some_and(|last| self.outbox.resume(now, last));
        if !resumed {
            self.outbox.start_over();
            self.held = Some(VecDeque::new());
        }
        self.links += 1;
        let welcome = ServerSignal::Welcome {
            hub: self.life.clone(),
            resumed,
            received: self.inbox.accepted(),
        };
        let acknowledged = self.inbox.acknowledged();
        self.stage = Stage::Carried(Carried {
            link: self.links,
            welcome: Some(frame::write(
                Seq(0),
                acknowledged,
                &frame::body_of(None, &welcome),
            )),
            heartbeat: Heartbeat::new(now, self.ping.0, self.ping.1),
            acknowledged,
            ack_due: None,
            broken: None,
        });
        Attached {
            link: self.links,
            fresh: !resumed,
        }
    }

    /// The host's answer to an attach; only the newest carrier's counts as the snapshot.
    pub(crate) fn snapshot(&mut self, now: Instant, attached: Attached, bodies: Vec<Body>) {
        if attached.link != self.links || matches!(self.stage, Stage::Over) {
            return;
        }
        let held = if attached.fresh {
            self.held.take()
        } else {
            None
        };
        for body in bodies.into_iter().chain(held.into_iter().flatten()) {
            self.push(now, body);
        }
    }

    /// A message for the peer. False when the channel is over.
    pub(crate) fn push(&mut self, now: Instant, body: Body) -> bool {
        if self.is_over() || self.farewell.is_some() {
            return false;
        }
        let full = match &mut self.held {
            Some(held) if held.len() < self.most_held => {
                held.push_back(body);
                false
            }
            // The snapshot that is on its way cannot cover this one: a new one is needed.
            Some(held) => {
                held.clear();
                true
            }
            None => self.outbox.push(now, body).is_err(),
        };
        if full && let Stage::Carried(carried) = &mut self.stage {
            carried.broken = Some(Closed::Overflow);
        }
        true
    }

    /// A frame of the peer, by the carrier with this number.
    pub(crate) fn receive(&mut self, now: Instant, link: Link, frame: PeerFrame) -> Received {
        let Stage::Carried(carried) = &mut self.stage else {
            return Received::Close(Closed::Bye(None));
        };
        if carried.link != link {
            return Received::Close(Closed::TakenOver);
        }
        carried.heartbeat.heard();
        if self.farewell.is_some() {
            return Received::Nothing(Idle::Alive);
        }
        if !self.inbox.permit(now) {
            return Received::Close(Closed::Flood);
        }
        if let Some(ack) = frame.ack {
            self.outbox.acknowledge(ack);
        }
        match frame.body {
            Ok(PeerSignal::Pong | PeerSignal::Ack) => Received::Nothing(Idle::Alive),
            Ok(PeerSignal::Resume { .. }) => Received::Close(Closed::Unreadable),
            Ok(PeerSignal::Unknown) if frame.seq == Seq(0) => Received::Nothing(Idle::Unknown),
            _ if frame.seq == Seq(0) => Received::Close(Closed::Unreadable),
            body => self.take(now, frame.seq, frame.session, body),
        }
    }

    fn take(
        &mut self,
        now: Instant,
        seq: Seq,
        session: Option<SessionId>,
        body: Result<PeerSignal, Problem>,
    ) -> Received {
        match self.inbox.take(seq) {
            Taken::Duplicate => return Received::Nothing(Idle::Duplicate),
            Taken::Gap => return Received::Close(Closed::Gap),
            Taken::New => {}
        }
        match body {
            Ok(PeerSignal::Unknown) => {
                self.handled(now, seq, session, Ok(()));
                Received::Nothing(Idle::Unknown)
            }
            Err(problem) => {
                self.handled(now, seq, session, Err(problem));
                Received::Nothing(Idle::Invalid)
            }
            Ok(signal @ PeerSignal::Bye { .. }) => Received::Farewell {
                seq,
                session,
                signal,
            },
            Ok(signal) => Received::Deliver {
                seq,
                session,
                signal,
            },
        }
    }

    /// The host has dealt with a delivered message; the peer learns it, with the error if any.
    pub(crate) fn handled(
        &mut self,
        now: Instant,
        seq: Seq,
        session: Option<SessionId>,
        outcome: Result<(), Problem>,
    ) {
        if let Err(problem) = outcome {
            let error = ServerSignal::Error {
                in_reply_to: Some(seq),
                code: problem.code,
                detail: problem.detail,
            };
            self.push(now, frame::body_of(session, &error));
        }
        self.inbox.handled(seq);
        if let Stage::Carried(carried) = &mut self.stage {
            carried.ack_due.get_or_insert(now + self.ack_delay);
        }
    }

    /// How many of the peer's messages wait for the host.
    pub(crate) fn waiting_for_host(&self) -> u64 {
        self.inbox.waiting()
    }

    /// The number a `POST` is answered with: what lies beyond has to come again.
    pub(crate) fn accepted(&self) -> Seq {
        self.inbox.accepted()
    }

    /// Ends the channel. What is queued and the `bye` still go out to a carrier that is there.
    pub(crate) fn close(&mut self, now: Instant, reason: Option<ByeReason>) {
        if self.is_over() || self.farewell.is_some() {
            return;
        }
        self.held = None;
        if let Some(reason) = reason {
            self.push(now, frame::body_of(None, &ServerSignal::Bye { reason }));
        }
        self.farewell = Some(reason);
        if matches!(self.stage, Stage::Cut { .. }) {
            self.stage = Stage::Over;
        }
    }

    /// The carrier with this number is gone. True when it was the present one.
    pub(crate) fn detach(&mut self, now: Instant, link: Link) -> bool {
        if !self.is_carried_by(link) {
            return false;
        }
        self.outbox.release();
        self.stage = match self.farewell {
            Some(_) => Stage::Over,
            None => Stage::Cut { since: now },
        };
        true
    }

    /// Whether this carrier is the present one.
    pub(crate) fn is_carried_by(&self, link: Link) -> bool {
        matches!(&self.stage, Stage::Carried(carried) if carried.link == link)
    }

    /// Why this carrier has to end at once, whatever it is writing.
    pub(crate) fn broken(&self, link: Link) -> Option<Closed> {
        match &self.stage {
            Stage::Carried(carried) if carried.link == link => carried.broken,
            _ => Some(Closed::TakenOver),
        }
    }

    /// Whether any carrier is attached.
    pub(crate) fn is_carried(&self) -> bool {
        matches!(self.stage, Stage::Carried(_))
    }

    /// Whether the channel has ended, or is only saying goodbye.
    pub(crate) fn is_ending(&self) -> bool {
        self.is_over() || self.farewell.is_some()
    }

    /// Whether the channel has ended.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// When a cut channel ends by itself.
    pub(crate) fn ends_at(&self) -> Option<Instant> {
        match self.stage {
            Stage::Cut { since } => Some(since + self.window),
            _ => None,
        }
    }

    /// Ends a channel that has been cut for too long. True when it is over by that.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let due = self.ends_at().is_some_and(|at| now >= at);
        if due {
            self.stage = Stage::Over;
        }
        due
    }

    /// What the carrier with this number is to do next. Ask until it says `Wait` or `End`.
    pub(crate) fn poll_transmit(&mut self, now: Instant, link: Link) -> Transmit {
        let acknowledged = self.inbox.acknowledged();
        let Stage::Carried(carried) = &mut self.stage else {
            return Transmit::End(Closed::Bye(self.farewell.flatten()));
        };
        if carried.link != link {
            return Transmit::End(Closed::TakenOver);
        }
        if let Some(broken) = carried.broken {
            return Transmit::End(broken);
        }
        if let Some(welcome) = carried.welcome.take() {
            return Transmit::Frame(welcome);
        }
        if let Some((seq, body)) = self.outbox.next_unsent() {
            carried.acknowledged = acknowledged;
            carried.ack_due = None;
            return Transmit::Frame(frame::write(seq, acknowledged, &body));
        }
        if let Some(reason) = self.farewell {
            return Transmit::End(Closed::Bye(reason));
        }
        carried.poll_idle(now, acknowledged)
    }
}

impl Carried {
    /// Acknowledgement and heartbeat, when nothing else is to be written.
    fn poll_idle(&mut self, now: Instant, acknowledged: Seq) -> Transmit {
        if acknowledged == self.acknowledged {
            self.ack_due = None;
        }
        let signal = if self.ack_due.is_some_and(|due| now >= due) {
            ServerSignal::Ack
        } else {
            match self.heartbeat.poll(now) {
                Beat::Ping => ServerSignal::Ping,
                Beat::Dead => return Transmit::End(Closed::Silent),
                Beat::Wait(at) => {
                    return Transmit::Wait(self.ack_due.map_or(at, |due| due.min(at)));
                }
            }
        };
        self.acknowledged = acknowledged;
        self.ack_due = None;
        Transmit::Frame(frame::write(
            Seq(0),
            acknowledged,
            &frame::body_of(None, &signal),
        ))
    }
}
