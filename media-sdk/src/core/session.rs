//! A participant: states, signals, generations and messages, put together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::ErrorCode;
use lens_protocol::conference::ParticipantOffer;
use lens_protocol::entropy::Entropy;
use lens_protocol::id::{Generation, ParticipantId};
use lens_protocol::signal::{Roster, RosterEntry};

use super::backoff::back_off;
use super::connection::{Connection, Notice, OfferName};
use super::generations::{Generations, Shown, index};
use super::letters::{Letters, Settled};
use super::pace::Rate;
use super::stack::Identity;
use super::talk::{Heard, Talk};
use super::{
    ConnectionId, Datagram, Event, Input, Output, OwnedFrame, SessionConfig, SignalReport, earlier,
};
use crate::code::{Code, SdkCode};
use crate::frame::{Codec, MediaKind, Track};
use crate::message::Command;
use crate::network::{InboundSignal, OfferReason, OutboundBody};
use crate::state::State;
use crate::stats::{Stats, Transport};

/// How long to wait for an offer that was asked for before asking again.
const OFFER: Duration = Duration::from_secs(5);
/// Without connection for this long, capture stops: nobody films for nobody unknowingly.
const CAPTURE: Duration = Duration::from_secs(60);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(3);
/// Refusals after which another offer will never come.
const FINAL: [ErrorCode; 6] = [
    ErrorCode::NotSignedIn,
    ErrorCode::Forbidden,
    ErrorCode::SessionNotFound,
    ErrorCode::SessionClosed,
    ErrorCode::ConferenceNotFound,
    ErrorCode::ConferenceEnded,
];

/// A participant without sockets, threads and clock.
pub(crate) struct Session {
    config: SessionConfig,
    identity: Identity,
    entropy: Box<dyn Entropy>,
    start: Instant,
    now: Instant,
    state: State,
    generations: Generations,
    letters: Letters,
    talk: Talk,
    shown: Shown,
    roster: Vec<RosterEntry>,
    /// Whom the last roster spoke to.
    occupied: Option<(ParticipantId, Vec<(String, ParticipantId)>)>,
    tracks: Vec<Arc<Track>>,
    /// An offer is asked for; when to ask again.
    asking: Option<(OfferReason, Instant)>,
    attempt: u32,
    muted: [bool; 2],
    capture_stops: Option<Instant>,
    capture_stopped: bool,
    goodbye: Option<Instant>,
    stats: Stats,
    sent: Rate,
    received: Rate,
    pictures: Rate,
    outputs: VecDeque<Output>,
    over: bool,
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

    /// Both at once: takes an input, and gives all it leads to and when to come again.
    pub(crate) fn step(
        &mut self,
        now: Instant,
        input: Input<'_>,
    ) -> (Vec<Output>, Option<Instant>) {
        self.handle_input(now, input);
        let mut outputs = Vec::new();
        loop {
            match self.poll_output() {
                Output::Timeout(due) => return (outputs, due),
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
            Input::Message(body) => self.talk.push(body),
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

    fn signal(&mut self, signal: InboundSignal) {
        match signal {
            InboundSignal::Offer(offer) => self.offer(&offer),
            InboundSignal::Roster(roster) => self.roster(roster),
            InboundSignal::Command {
                id,
                command,
                arguments,
            } => self.command(id, &command, &arguments),
            InboundSignal::KeyMessage { from, payload } => {
                self.tell(Event::KeyMessage(from, payload));
            }
            InboundSignal::Bye { reason } if reason == "shutting_down" => {}
            InboundSignal::Bye { .. } => self.end(State::Closed),
            InboundSignal::Unknown { .. } => self.stats.ignored += 1,
        }
    }

    fn command(
        &mut self,
        id: lens_protocol::id::MessageId,
        command: &str,
        arguments: &serde_json::Map<String, serde_json::Value>,
    ) {
        let Some(command) = Command::parse(command, arguments) else {
            let outcome = lens_protocol::peer::CommandOutcome::Unsupported;
            self.stats.ignored += 1;
            self.letters
                .post(self.now, OutboundBody::CommandReply { id, outcome });
            return;
        };
        let event = self.talk.signalled(id, command);
        self.tell(event);
    }

    fn offer(&mut self, offer: &ParticipantOffer) {
        let name = OfferName::of(offer);
        if self
            .generations
            .offer
            .is_some_and(|known| !name.is_newer(&known))
        {
            self.stats.stale_signals += 1;
            return;
        }
        self.generations.offer = Some(name);
        self.settle_request();
        // Answers to older offers would be refused; what is under way is of no use.
        self.letters
            .withdraw(|body| matches!(body, OutboundBody::Answer { .. }));
        if let Some(next) = self.generations.next.take() {
            self.drop_connection(next);
        }
        if self.state == State::New {
            self.set_state(State::Connecting);
        }
        let id = self.generations.new_id();
        let (config, entropy) = (&self.config, &mut *self.entropy);
        let answered = Connection::answer(id, offer, config, &self.identity, entropy, self.now);
        let Ok((connection, sdp)) = answered else {
            return self.on_trouble(None, OfferReason::Failed);
        };
        self.outputs.push_back(Output::Open(id));
        self.generations.next = Some(connection);
        self.occupy();
        let OfferName {
            conference,
            participant,
            generation,
            negotiation_id,
        } = name;
        let answer = OutboundBody::Answer {
            conference,
            participant,
            generation,
            negotiation_id,
            sdp,
        };
        self.letters.post(self.now, answer);
    }

    fn settled(&mut self, settled: Settled) {
        match settled {
            Settled::Nothing => {}
            Settled::Sent(OutboundBody::OfferRequest { reason, .. }) => {
                self.asking = Some((reason, self.now + OFFER));
            }
            Settled::Sent(OutboundBody::Bye { .. }) => self.goodbye = Some(self.now),
            Settled::Sent(_) => {}
            Settled::Refused(body, report) => self.refused(&body, report),
        }
    }

    fn refused(&mut self, body: &OutboundBody, report: SignalReport) {
        let code = match report {
            SignalReport::Refused(code) => Some(code),
            _ => None,
        };
        if let Some(code) = code.filter(|code| FINAL.contains(code)) {
            return self.end(State::Failed(Code::Server(code)));
        }
        match body {
            // An offer that was answered or replaced meanwhile: the newer one is on its way.
            OutboundBody::Answer { .. } if code == Some(ErrorCode::AlreadyAnswered) => {}
            OutboundBody::Answer { generation, .. } => {
                let next = self.generations.next.as_ref();
                let is_next = next.is_some_and(|next| next.name.generation == *generation);
                if is_next {
                    let id = next.map(|next| next.id);
                    self.on_trouble(id, OfferReason::Failed);
                }
            }
            OutboundBody::OfferRequest { .. } if code.is_none() => {
                self.end(State::Failed(Code::Sdk(SdkCode::SignallingFailed)));
            }
            OutboundBody::OfferRequest { reason, .. } => {
                let reason = *reason;
                self.ask(reason);
            }
            OutboundBody::Bye { .. } => self.goodbye = Some(self.now),
            OutboundBody::CommandReply { .. } | OutboundBody::KeyMessage { .. } => {
                self.stats.ignored += 1;
            }
        }
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
    fn on_trouble(&mut self, id: Option<ConnectionId>, reason: OfferReason) {
        let is_next = |next: &Connection| Some(next.id) == id;
        if self.generations.next.as_ref().is_some_and(is_next)
            && let Some(next) = self.generations.next.take()
        {
            self.drop_connection(next);
        }
        let healthy = self
            .generations
            .current
            .as_ref()
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

    /// Asks for an offer, unless one is asked for already.
    fn ask(&mut self, reason: OfferReason) {
        let is_request = |body: &OutboundBody| matches!(body, OutboundBody::OfferRequest { .. });
        if self.asking.is_some() || self.letters.any(is_request) {
            return;
        }
        let at = self.now + back_off(self.attempt, &mut *self.entropy);
        self.attempt = self.attempt.saturating_add(1);
        let generation = self.generations.offer.map(|offer| offer.generation);
        self.letters
            .post(at, OutboundBody::OfferRequest { generation, reason });
    }

    fn settle_request(&mut self) {
        self.asking = None;
        self.letters
            .withdraw(|body| matches!(body, OutboundBody::OfferRequest { .. }));
    }

    fn roster(&mut self, roster: Roster) {
        if self.id().is_some_and(|id| id != roster.you) {
            self.stats.stale_signals += 1;
            return;
        }
        let others = roster
            .participants
            .iter()
            .filter(|it| it.participant != roster.you);
        let sources = others.flat_map(|entry| {
            let slots = entry.slots.iter();
            slots.map(|slot| (slot.mid.clone(), entry.participant))
        });
        self.occupied = Some((roster.you, sources.collect()));
        self.roster = roster.participants;
        self.tell(Event::Roster(self.roster.clone()));
        self.occupy();
        self.show();
    }

    /// Writes down whose media comes in which section. Sections are named anew in each generation:
    /// a roster that names none of these belongs to another one, and says nothing here.
    fn occupy(&mut self) {
        let Some((you, sources)) = &self.occupied else {
            return;
        };
        for connection in self.generations.each() {
            let names = |mid: &str| sources.iter().find(|(known, _)| known == mid);
            let receivers = &mut connection.receivers;
            let speaks = receivers.iter().any(|it| names(&it.track.mid).is_some());
            if connection.name.participant != *you || (!sources.is_empty() && !speaks) {
                continue;
            }
            for receiver in receivers {
                let participant = names(&receiver.track.mid).map(|(_, source)| *source);
                if receiver.track.participant != participant {
                    let track = Arc::make_mut(&mut receiver.track);
                    track.participant = participant;
                }
            }
        }
    }

    /// Tells who came into a slot and who left it.
    fn show(&mut self) {
        let playing = self.generations.playing();
        let receivers = playing
            .into_iter()
            .flat_map(|connection| &connection.receivers);
        let occupied = receivers.filter(|receiver| receiver.track.participant.is_some());
        let wanted: Vec<Arc<Track>> = occupied.map(|it| Arc::clone(&it.track)).collect();
        let former = std::mem::replace(&mut self.tracks, wanted.clone());
        let same = |one: &Track, other: &Track| {
            (one.kind, one.participant) == (other.kind, other.participant)
        };
        for gone in former
            .iter()
            .filter(|it| !wanted.iter().any(|new| same(new, it)))
        {
            self.tell(Event::TrackEnd(Arc::clone(gone)));
        }
        for new in wanted.iter().filter(|it| !former.contains(it)) {
            self.tell(Event::Track(Arc::clone(new)));
        }
    }

    /// Gives out the frames whose time has come: the former generation's while the new one does
    /// not flow, and none twice.
    fn give_frames(&mut self) {
        let now = self.now;
        let clock_us = u64::try_from((now - self.start).as_micros()).unwrap_or(u64::MAX);
        let flows = self
            .generations
            .current
            .as_ref()
            .map_or([false; 2], |it| it.flows);
        let mut given = Vec::new();
        let former = self.generations.former.iter_mut().map(|(it, _)| (it, true));
        let current = self.generations.current.iter_mut().map(|it| (it, false));
        for (connection, is_former) in former.chain(current) {
            self.stats.keyframe_requests_sent += connection.request_keyframes(now);
            while let Some((track, due)) = connection.poll_frame(now, clock_us, &mut self.stats) {
                let kind = index(track.kind);
                let since = connection.since;
                if is_former && flows[kind] || !self.shown.is_new(now, since, &due.arrived.data) {
                    self.stats.frames_dropped_late += 1;
                    continue;
                }
                connection.flows[kind] = true;
                given.push((track, due));
            }
        }
        for (track, due) in given {
            let arrived = due.arrived;
            self.note_received(
                now,
                track.kind,
                &arrived.data,
                arrived.keyframe,
                arrived.codec,
            );
            let frame = OwnedFrame {
                codec: arrived.codec,
                pts_us: due.pts_us,
                keyframe: arrived.keyframe,
                rotation: arrived.rotation,
                after_gap: due.after_gap,
                data: arrived.data,
            };
            self.tell(Event::Frame(track, frame));
        }
    }

    fn note_received(
        &mut self,
        now: Instant,
        kind: MediaKind,
        data: &[u8],
        keyframe: bool,
        codec: Codec,
    ) {
        self.stats.frames_delivered += 1;
        self.received.note(now, data.len());
        if kind == MediaKind::Video {
            self.pictures.note(now, data.len());
            self.note_size(data, keyframe, codec);
        }
    }

    fn note_size(&mut self, data: &[u8], keyframe: bool, codec: Codec) {
        self.stats.codec = Some(codec);
        if keyframe && let Some((width, height)) = super::vp8_size(codec, data) {
            self.stats.width = Some(width);
            self.stats.height = Some(height);
        }
    }

    fn send(&mut self, frame: &OwnedFrame) {
        let kind = frame.codec.kind();
        let now = self.now;
        let withheld = self.muted[index(kind)] || self.capture_stopped;
        let sent = match &mut self.generations.current {
            Some(connection) if !withheld => connection.send(now, frame),
            _ => false,
        };
        if !sent {
            if let Some(connection) = self.generations.current.as_mut().filter(|_| withheld)
                && kind == MediaKind::Video
            {
                connection
                    .video_up
                    .iter_mut()
                    .for_each(|lane| lane.broken = true);
            }
            self.stats.frames_dropped_sending += 1;
            return;
        }
        self.stats.frames_sent += 1;
        self.sent.note(now, frame.data.len());
        if kind == MediaKind::Video {
            self.pictures.note(now, frame.data.len());
            self.note_size(&frame.data, frame.keyframe, frame.codec);
        }
    }

    fn frame_lost(&mut self, kind: MediaKind) {
        self.stats.frames_dropped_sending += 1;
        if let Some(connection) = &mut self.generations.current
            && kind == MediaKind::Video
        {
            connection.break_chain(self.now);
        }
    }

    fn mute(&mut self, kind: MediaKind, muted: bool) {
        let was = std::mem::replace(&mut self.muted[index(kind)], muted);
        if let Some(connection) = &mut self.generations.current
            && kind == MediaKind::Video
            && was
            && !muted
        {
            connection.break_chain(self.now);
        }
    }

    /// Bitrate, keyframes and messages of what sends.
    fn look_after_sending(&mut self) {
        let now = self.now;
        let mut events = Vec::new();
        if let Some(connection) = self
            .generations
            .current
            .as_mut()
            .filter(|it| it.is_healthy())
        {
            self.stats.messages_sent += connection.write_messages(now, &mut self.talk);
            if connection.video_up.is_some() {
                if let Some((target_bps, max_fps)) = connection.uplink.poll() {
                    events.push(Event::Bitrate {
                        target_bps,
                        max_fps,
                    });
                }
                if connection.poll_keyframe_for_sending(now) {
                    events.push(Event::KeyframeRequest);
                }
            }
        }
        events.into_iter().for_each(|event| self.tell(event));
    }

    fn drop_connection(&mut self, mut connection: Connection) {
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

    fn set_state(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.tell(Event::State(state));
        }
    }

    fn end(&mut self, state: State) {
        if self.over {
            return;
        }
        for connection in self.generations.take_all() {
            self.drop_connection(connection);
        }
        self.set_state(state);
        self.over = true;
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
