//! The peer's end of a channel: the twin of `core/channel.rs`, without socket or clock.

use std::collections::VecDeque;

use lens_protocol::id::{Seq, SessionId};
use lens_protocol::signal::{Envelope, PeerSignal, ServerSignal, VERSION};
use lens_protocol::{ErrorCode, SecretText};

/// What a hub's frame means.
#[derive(Debug)]
pub enum Heard {
    /// The channel is open; whether nothing was missed.
    Open {
        /// False when a snapshot follows.
        resumed: bool,
    },
    /// A counted message, exactly once and in order. When it says that one of the program's
    /// messages could not be taken, `refused` names that one.
    Signal {
        /// The session it belongs to.
        session: Option<SessionId>,
        /// The message.
        signal: Box<ServerSignal>,
        /// What [`PeerCore::push`] returned for the message that it refuses.
        refused: Option<u64>,
    },
    /// Nothing for the program; something may be due for the hub.
    Nothing,
    /// The hub does not let this peer in.
    Refused(ErrorCode),
    /// No envelope, or a number was skipped: connect again.
    Broken,
}

/// One of the program's messages.
#[derive(Debug)]
struct Unacknowledged {
    seq: Seq,
    token: u64,
    session: Option<SessionId>,
    signal: PeerSignal,
}

/// The state of a peer's channel over all its connections.
#[derive(Debug)]
pub struct PeerCore {
    channel: String,
    hub: Option<String>,
    last_seq: Seq,
    /// After a welcome without replay the first counted message sets the count.
    starting_over: bool,
    open: bool,
    acknowledged: Seq,
    last_given: Seq,
    tokens: u64,
    unacknowledged: VecDeque<Unacknowledged>,
    /// How many of them, from the front, are written to this connection.
    written: usize,
    pong_due: bool,
}

impl PeerCore {
    /// A channel with this name (16 to 64 of `A-Z a-z 0-9 - _`, random), not yet connected.
    pub fn new(channel: String) -> Self {
        Self {
            channel,
            hub: None,
            last_seq: Seq(0),
            starting_over: true,
            open: false,
            acknowledged: Seq(0),
            last_given: Seq(0),
            tokens: 0,
            unacknowledged: VecDeque::new(),
            written: 0,
            pong_due: false,
        }
    }

    /// The first frame of a connection.
    pub fn hello(&mut self, ticket: Option<SecretText>) -> String {
        self.cut();
        let (channel, hub, last_seq) = (self.channel.clone(), self.hub.clone(), self.last_seq);
        write(
            Seq(0),
            Seq(0),
            None,
            &PeerSignal::Resume {
                channel,
                hub,
                last_seq,
                ticket,
            },
        )
    }

    /// The connection is gone.
    pub fn cut(&mut self) {
        self.open = false;
        self.pong_due = false;
        self.written = 0;
    }

    /// Keeps a message until the hub acknowledges it. Returns a name for it that stays, whatever
    /// number it gets; names grow.
    pub fn push(&mut self, session: Option<SessionId>, signal: PeerSignal) -> u64 {
        self.last_given = self.last_given.next();
        self.tokens += 1;
        let (seq, token) = (self.last_given, self.tokens);
        self.unacknowledged.push_back(Unacknowledged {
            seq,
            token,
            session,
            signal,
        });
        token
    }

    /// The name of the oldest message that is not acknowledged: everything before it is.
    pub fn oldest_waiting(&self) -> Option<u64> {
        self.unacknowledged.front().map(|message| message.token)
    }

    /// A frame of the hub.
    pub fn receive(&mut self, text: &str) -> Heard {
        let Ok(frame) = serde_json::from_str::<Envelope<ServerSignal>>(text) else {
            return Heard::Broken;
        };
        let heard = match frame.body {
            ServerSignal::Welcome {
                hub,
                resumed,
                received,
            } => self.welcome(hub, resumed, received),
            ServerSignal::Ping => {
                self.pong_due = true;
                Heard::Nothing
            }
            ServerSignal::Ack => Heard::Nothing,
            ServerSignal::Error { code, .. } if frame.seq == Seq(0) => Heard::Refused(code),
            signal => self.take(frame.seq, frame.session, signal),
        };
        if self.open
            && let Some(ack) = frame.ack
        {
            self.acknowledge(ack);
        }
        heard
    }

    /// The next frame to write.
    pub fn poll_transmit(&mut self) -> Option<String> {
        if !self.open {
            return None;
        }
        if let Some(message) = self.unacknowledged.get(self.written) {
            self.written += 1;
            self.acknowledged = self.last_seq;
            return Some(write(
                message.seq,
                self.last_seq,
                message.session,
                &message.signal,
            ));
        }
        let behind = self.last_seq.0.saturating_sub(self.acknowledged.0) >= 32;
        if !std::mem::take(&mut self.pong_due) && !behind {
            return None;
        }
        self.acknowledged = self.last_seq;
        Some(write(Seq(0), self.last_seq, None, &PeerSignal::Pong))
    }

    fn welcome(&mut self, hub: String, resumed: bool, received: Seq) -> Heard {
        if self.hub.as_ref() != Some(&hub) {
            // Another life of the hub knows nothing of us: count anew.
            self.last_given = Seq(0);
            for message in &mut self.unacknowledged {
                self.last_given = self.last_given.next();
                message.seq = self.last_given;
            }
            self.hub = Some(hub);
        }
        self.starting_over = !resumed;
        self.open = true;
        let here = |message: &Unacknowledged| message.seq <= received;
        self.written = self
            .unacknowledged
            .iter()
            .take_while(|message| here(message))
            .count();
        Heard::Open { resumed }
    }

    fn take(&mut self, seq: Seq, session: Option<SessionId>, signal: ServerSignal) -> Heard {
        if std::mem::take(&mut self.starting_over) {
            self.last_seq = Seq(seq.0.saturating_sub(1));
        }
        if seq <= self.last_seq {
            return Heard::Nothing;
        }
        if seq > self.last_seq.next() {
            return Heard::Broken;
        }
        self.last_seq = seq;
        let refused = match &signal {
            ServerSignal::Error {
                in_reply_to: Some(seq),
                ..
            } => self.token_of(*seq),
            _ => None,
        };
        Heard::Signal {
            session,
            signal: Box::new(signal),
            refused,
        }
    }

    fn token_of(&self, seq: Seq) -> Option<u64> {
        self.unacknowledged
            .iter()
            .find(|message| message.seq == seq)
            .map(|message| message.token)
    }

    fn acknowledge(&mut self, ack: Seq) {
        while self
            .unacknowledged
            .front()
            .is_some_and(|message| message.seq <= ack)
        {
            self.unacknowledged.pop_front();
            self.written = self.written.saturating_sub(1);
        }
    }
}

fn write(seq: Seq, ack: Seq, session: Option<SessionId>, body: &PeerSignal) -> String {
    let envelope = Envelope {
        v: VERSION,
        seq,
        ack: Some(ack),
        session,
        body,
    };
    serde_json::to_string(&envelope).expect("signals are plain data")
}
