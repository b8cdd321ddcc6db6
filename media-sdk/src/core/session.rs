//! A participant: states, signals, generations and messages, put together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::entropy::Entropy;
use lens_protocol::id::{Generation, ParticipantId};
use lens_protocol::signal::RosterEntry;

use super::connection::{Connection, Notice};
use super::generations::{Generations, Shown};
use super::letters::Letters;
use super::pace::Rate;
use super::stack::Identity;
use super::talk::{Heard, Talk};
use super::{ConnectionId, Datagram, Event, Input, Output, SessionConfig, earlier};
use crate::frame::{Codec, MediaKind, Track};
use crate::network::{OfferReason, OutboundBody};
use crate::state::State;
use crate::stats::{Stats, Transport};

/// Without connection for this long, capture stops: nobody films for nobody unknowingly.
const CAPTURE: Duration = Duration::from_secs(60);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(3);

/// A participant without sockets, threads and clock.
pub(crate) struct Session {
    pub(super) config: SessionConfig,
    pub(super) identity: Identity,
    pub(super) entropy: Box<dyn Entropy>,
    pub(super) start: Instant,
    pub(super) now: Instant,
    pub(super) state: State,
    pub(super) generations: Generations,
    pub(super) letters: Letters,
    pub(super) talk: Talk,
    pub(super) shown: Shown,
    pub(super) roster: Vec<RosterEntry>,
    /// Whom the last roster spoke to.
    pub(super) occupied: Option<(ParticipantId, Vec<(String, ParticipantId)>)>,
    pub(super) tracks: Vec<Arc<Track>>,
    /// An offer is asked for; when to ask again.
    pub(super) asking: Option<(OfferReason, Instant)>,
    pub(super) attempt: u32,
    pub(super) muted: [bool; 2],
    pub(super) capture_stops: Option<Instant>,
    pub(super) capture_stopped: bool,
    pub(super) goodbye: Option<Instant>,
    pub(super) stats: Stats,
    pub(super) sent: Rate,
    pub(super) received: Rate,
    pub(super) pictures: Rate,
    pub(super) outputs: VecDeque<Output>,
    pub(super) over: bool,
}

impl Session {
    /// A participant that waits for its first offer.
    pub(crate) fn new(
        config: SessionConfig,
        identity: Identity,
        entropy: Box<dyn Entropy>,
        now: Instant,
    ) -> Self {
        Self {
            letters: Letters::new(config.signal_timeout),
            config,
            identity,
            entropy,
            start: now,
            now,
            state: State::New,
            generations: Generations::default(),
            talk: Talk::default(),
            shown: Shown::default(),
            roster: Vec::new(),
            occupied: None,
            tracks: Vec::new(),
            asking: None,
            attempt: 0,
            muted: [false; 2],
            capture_stops: None,
            capture_stopped: false,
            goodbye: None,
            stats: Stats::default(),
            sent: Rate::default(),
            received: Rate::default(),
            pictures: Rate::default(),
            outputs: VecDeque::new(),
            over: false,
        }
    }

    /// Takes an input at `now`; poll all outputs after it.
    pub(crate) fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        self.now = self.now.max(now);
        if self.over {
            return;
        }
        self.take(input);
        if !self.over {
            self.pass();
        }
    }

    /// What it wants.
    pub(crate) fn poll_output(&mut self) -> Output {
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        Output::Timeout(if self.over { None } else { self.due() })
    }

    /// Both at once: takes an input, adds all it leads to, and says when to come again.
    pub(crate) fn step(
        &mut self,
        now: Instant,
        input: Input<'_>,
        outputs: &mut Vec<Output>,
    ) -> Option<Instant> {
        self.handle_input(now, input);
        loop {
            match self.poll_output() {
                Output::Timeout(due) => return due,
                output => outputs.push(output),
            }
        }
    }

    /// The participant's id, once an offer has named it.
    pub(crate) fn id(&self) -> Option<ParticipantId> {
        self.generations.offer.map(|offer| offer.participant)
    }

    /// The generation that plays, or is about to; 0 before the first.
    pub(crate) fn generation(&mut self) -> Generation {
        let playing = self.generations.playing();
        playing.map_or(Generation(0), |connection| connection.name.generation)
    }

    /// Messages that wait for the data channel.
    pub(crate) fn messages_waiting(&self) -> usize {
        self.talk.waiting()
    }

    pub(crate) const fn capture_stopped(&self) -> bool {
        self.capture_stopped
    }

    /// Whether the layout has a slot for sending this; not known before an offer.
    pub(crate) fn has_slot(&mut self, kind: MediaKind) -> Option<bool> {
        let newest = self.generations.newest()?;
        Some(match kind {
            MediaKind::Video => newest.video_up.is_some(),
            MediaKind::Audio => newest.audio_up.is_some(),
        })
    }

    /// Which of these codecs the server takes; none before there is a connection.
    pub(crate) fn codecs(&mut self, asked: &[Codec]) -> Option<Vec<Codec>> {
        let connection = self.generations.current.as_mut()?;
        let taken = asked.iter().copied();
        Some(
            taken
                .filter(|codec| connection.takes(*codec) == Some(true))
                .collect(),
        )
    }

    /// Figures as of now.
    pub(crate) fn stats(&mut self) -> Stats {
        let now = self.now;
        let (pictures, _) = self.pictures.read(now);
        let ((_, sent), (_, received)) = (self.sent.read(now), self.received.read(now));
        let mut stats = self.stats.clone();
        let Some(connection) = self.generations.playing().filter(|it| it.was_connected) else {
            return stats;
        };
        let sends = connection.video_up.is_some();
        let counts = connection.counts;
        stats.transport = connection.carrier.map(|carrier| match carrier {
            super::Carrier::Udp => Transport::Udp,
            super::Carrier::Tcp => Transport::Tcp,
        });
        let ms = |duration: Duration| duration.as_secs_f32() * 1_000.0;
        stats.rtt_ms = counts.rtt.map(ms);
        let loss = if sends {
            counts.loss_sending
        } else {
            counts.loss_receiving
        };
        stats.loss_percent = loss.map(|loss| loss * 100.0);
        stats.kbps = Some(if sends { sent } else { received });
        stats.frames_per_second = Some(pictures);
        stats.target_bps = connection.uplink.told_bps().filter(|_| sends);
        let video = |kind: MediaKind| kind == MediaKind::Video;
        if let Some(receiver) = connection.receivers.iter().find(|it| video(it.track.kind)) {
            stats.jitter_ms = Some(ms(receiver.unevenness()));
            stats.playout_delay_ms = Some(ms(receiver.delay()));
        }
        stats
    }

    fn take(&mut self, input: Input<'_>) {
        let now = self.now;
        match input {
            Input::Timeout => {}
            Input::Datagram(id, datagram) => self.receive(id, &datagram),
            Input::Addresses(id, addresses) => {
                if let Some(connection) = self.generations.find(id) {
                    connection.set_addresses(now, &addresses);
                }
            }
            Input::TcpOpened(id, local) => {
                if let Some(connection) = self.generations.find(id) {
                    connection.tcp_opened(now, local);
                }
            }
            Input::TcpClosed(id, local) => {
                if let Some(connection) = self.generations.find(id) {
                    connection.tcp_closed(now, local);
                }
            }
            Input::Signal(signal) => self.signal(signal),
            Input::Report(id, report) => {
                let settled = self.letters.report(now, id, report, &mut *self.entropy);
                self.settled(settled);
            }
            Input::Frame(frame) => self.send(&frame),
            Input::FrameLost(kind) => self.frame_lost(kind),
            Input::HostLostFrame => {
                if let Some(connection) = &mut self.generations.current {
                    let receivers = connection.receivers.iter_mut();
                    receivers.for_each(|receiver| receiver.break_chain(now));
                }
            }
            Input::Messages(bodies) => bodies.into_iter().for_each(|body| self.talk.push(body)),
            Input::Reply(id, outcome) => {
                if let Some(body) = self.talk.answer(id, outcome) {
                    self.letters.post(now, body);
                }
            }
            Input::KeyMessage(to, payload) => {
                self.letters
                    .post(now, OutboundBody::KeyMessage { to, payload });
            }
            Input::Mute(kind, muted) => self.mute(kind, muted),
            Input::RequestKeyframe => {
                if let Some(connection) = &mut self.generations.current {
                    let receivers = connection.receivers.iter_mut();
                    receivers.for_each(|receiver| receiver.want_keyframe(now));
                }
            }
            Input::RequestOffer(reason) => {
                self.settle_request();
                self.attempt = 0;
                self.ask(reason);
            }
            Input::NetworkChanged => self.generations.each().for_each(|it| it.check(now)),
            Input::ResumeCapture => self.capture_stopped = false,
            Input::Leave(reason) => {
                self.letters.post(now, OutboundBody::Bye { reason });
                self.goodbye = Some(now + GOODBYE);
            }
            Input::Close => self.end(State::Closed),
            Input::Fail(code) => self.end(State::Failed(code)),
            #[cfg(feature = "test-hooks")]
            #[expect(clippy::panic, reason = "what it is for")]
            Input::Panic => panic!("on request"),
        }
    }

    fn receive(&mut self, id: ConnectionId, datagram: &Datagram<'_>) {
        if let Some(connection) = self.generations.find(id) {
            connection.receive(self.now, datagram);
        }
    }

    /// What follows from time and from what the connections report.
    fn pass(&mut self) {
        let now = self.now;
        for connection in self.generations.each() {
            connection.pass(now);
            connection.sort_arrivals(now, &mut self.stats);
        }
        self.hear_connections();
        if self.over {
            return;
        }
        self.give_frames();
        self.look_after_sending();
        if let Some(former) = self.generations.retire(now) {
            self.drop_connection(former);
        }
        if self.asking.is_some_and(|(_, at)| at <= now)
            && let Some((reason, _)) = self.asking.take()
        {
            self.ask(reason);
        }
        if self.capture_stops.is_some_and(|at| at <= now) {
            self.capture_stops = None;
            self.capture_stopped = true;
            self.tell(Event::CaptureStopped);
        }
        while let Some(signal) = self.letters.poll(now, &mut *self.entropy) {
            self.tell(Event::Send(signal));
        }
        if self.goodbye.is_some_and(|at| at <= now) {
            self.end(State::Closed);
        }
        self.collect();
    }

    fn collect(&mut self) {
        for connection in self.generations.each() {
            while let Some(output) = connection.poll_output() {
                self.outputs.push_back(output);
            }
        }
    }

    fn due(&self) -> Option<Instant> {
        let asking = self.asking.map(|(_, at)| at);
        [
            self.generations.due(),
            self.letters.due(),
            asking,
            self.capture_stops,
            self.goodbye,
        ]
        .into_iter()
        .fold(None, earlier)
    }

    fn hear_connections(&mut self) {
        let ids: Vec<ConnectionId> = self.generations.each().map(|it| it.id).collect();
        for id in ids {
            loop {
                let notice = self.generations.find(id).and_then(Connection::poll_notice);
                let Some(notice) = notice else { break };
                self.notice(id, notice);
                if self.over {
                    return;
                }
            }
        }
    }

    fn notice(&mut self, id: ConnectionId, notice: Notice) {
        let is_former = self
            .generations
            .former
            .as_ref()
            .is_some_and(|(it, _)| it.id == id);
        match notice {
            Notice::Message(bytes) => self.hear(&bytes),
            _ if is_former => {}
            Notice::ChannelOpen => self.talk.greet(),
            Notice::Connected => self.on_connected(id),
            Notice::Trouble(reason) => self.on_trouble(Some(id), reason),
            Notice::KeyframeWanted => {
                self.stats.keyframe_requests_received += 1;
                self.tell(Event::KeyframeRequest);
            }
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let Some(us) = self.id() else { return };
        self.stats.messages_received += 1;
        match self.talk.hear(us, bytes) {
            Heard::Event(event) => self.tell(event),
            Heard::Nothing => {}
            Heard::Unreadable => self.stats.ignored += 1,
        }
    }

    fn on_connected(&mut self, id: ConnectionId) {
        self.attempt = 0;
        self.capture_stops = None;
        // A former generation that healed makes the asked-for one unnecessary.
        self.settle_request();
        if self
            .generations
            .next
            .as_ref()
            .is_some_and(|next| next.id == id)
        {
            for over in self.generations.promote(self.now) {
                self.drop_connection(over);
            }
            self.stats.generations += 1;
            let Generation(generation) = self.generation();
            self.tell(Event::Generation(generation));
            self.show();
        }
        self.set_state(State::Connected);
    }

    /// The connection broke; none when there never was one for the newest offer.
    pub(super) fn on_trouble(&mut self, id: Option<ConnectionId>, reason: OfferReason) {
        let is_next = |next: &Connection| Some(next.id) == id;
        if self.generations.next.as_deref().is_some_and(is_next)
            && let Some(next) = self.generations.next.take()
        {
            self.drop_connection(next);
        }
        let healthy = self
            .generations
            .current
            .as_deref()
            .is_some_and(Connection::is_healthy);
        if !healthy {
            if self.state == State::Connected {
                self.capture_stops = Some(self.now + CAPTURE);
            }
            if self.state != State::Connecting {
                self.set_state(State::Reconnecting);
            }
        }
        if self.generations.next.is_none() {
            self.ask(reason);
        }
    }

    pub(super) fn drop_connection(&mut self, mut connection: Box<Connection>) {
        for receiver in &mut connection.receivers {
            self.stats.frames_dropped_late += receiver.clear() as u64;
        }
        connection.close(self.now);
        while let Some(output) = connection.poll_output() {
            if matches!(output, Output::Transmit(_)) {
                self.outputs.push_back(output);
            }
        }
        self.outputs.push_back(Output::Release(connection.id));
    }

    pub(super) fn set_state(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.tell(Event::State(state));
        }
    }

    pub(super) fn end(&mut self, state: State) {
        if self.over {
            return;
        }
        for connection in self.generations.take_all() {
            self.drop_connection(connection);
        }
        self.set_state(state);
        self.over = true;
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
