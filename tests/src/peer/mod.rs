//! A peer of a conference over real sockets: camera or viewer, without a browser.
//!
//! A camera sends one VP8 packet every [`PACE`] (a whole keyframe each, with a running picture id)
//! and one Opus packet; each ends in its number. A viewer notes every number it gets, with the time. So
//! order, loss and pauses are facts. The peer runs by itself until it is dropped.
//!
//! It comes in two makes ([`Stack`]). str0m carries one, as it carries the SFU: it shows that the
//! product works, not that str0m agrees with anybody else. For that there is the other, made of
//! webrtc-rs, and there are the browsers.

mod str0m_peer;
mod webrtc_peer;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lens_independent_peer::Order;
use lens_protocol::conference::ParticipantOffer;
use lens_protocol::media::{Slot, SlotKind};

pub use lens_independent_peer::packet::PACE;
pub use lens_independent_peer::{Habits, Setup};
pub use str0m_peer::Offering;

/// What a peer knows of itself.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// ICE and DTLS are done.
    pub connected: bool,
    /// The connection ended.
    pub ended: bool,
    /// Numbers of the video packets that came, with the times, by mid.
    pub video: BTreeMap<String, Vec<(Instant, u32)>>,
    /// The same for voices.
    pub audio: BTreeMap<String, Vec<(Instant, u32)>>,
    /// Payload types of the video packets that came.
    pub video_types: BTreeSet<u8>,
    /// Packets of video sent.
    pub video_sent: u32,
    /// Their payload types.
    pub video_sent_types: BTreeSet<u8>,
    /// Packets it lost on purpose, in either direction.
    pub lost: u32,
    /// Requests for a keyframe that came.
    pub keyframe_requests: u32,
    /// Texts that came over the data channel.
    pub texts: Vec<String>,
    /// Whether the data channel is open.
    pub channel_open: bool,
}

impl Facts {
    /// All video numbers in the order they came.
    pub fn numbers(&self) -> Vec<u32> {
        self.video
            .values()
            .flatten()
            .map(|(_, number)| *number)
            .collect()
    }

    /// The longest pause between two video packets.
    pub fn longest_pause(&self) -> Duration {
        let pauses = self.video.values().flat_map(|packets| {
            packets
                .windows(2)
                .map(|pair| pair[1].0.saturating_duration_since(pair[0].0))
        });
        pauses.max().unwrap_or_default()
    }
}

/// How a peer differs from the usual one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Sends nothing of its own.
    pub silent: bool,
    /// Sequence number of the first video packet.
    pub first_sequence: u64,
    /// The address of this machine it sends from, instead of the one the system chooses.
    pub from: Option<IpAddr>,
    /// What carries it.
    pub stack: Stack,
}

impl Manner {
    /// A peer of the other make, with these habits.
    pub fn independent(habits: Habits) -> Self {
        Self {
            stack: Stack::WebrtcRs(habits),
            ..Self::default()
        }
    }
}

/// The makes of peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stack {
    /// The SFU's own, on a thread.
    #[default]
    Str0m,
    /// One that shares no code with it, in a process (`tests/independent`).
    WebrtcRs(Habits),
}

impl Stack {
    /// Both, as they come.
    pub const ALL: [Self; 2] = [
        Self::Str0m,
        Self::WebrtcRs(Habits {
            setup: None,
            renumber_vp8: false,
            lose_every: None,
        }),
    ];
}

/// A running peer.
#[derive(Debug)]
pub struct Peer {
    facts: SharedFacts,
    /// Closed to stop it.
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Takes an offer; returns the peer and its SDP answer. It begins when the product knows the
    /// answer and not before, because its first check needs no answer.
    ///
    /// # Panics
    /// When the offer cannot be taken: that is what a scenario wants to hear.
    pub fn answer(offer: &ParticipantOffer, manner: Manner) -> (Self, String) {
        let facts = SharedFacts::default();
        let (orders, received) = mpsc::channel();
        let (answer, thread) = match manner.stack {
            Stack::Str0m => str0m_peer::start(offer, manner, facts.clone(), received),
            Stack::WebrtcRs(habits) => {
                webrtc_peer::start(offer, manner, habits, facts.clone(), received)
            }
        };
        let peer = Self {
            facts,
            orders: Some(orders),
            thread: Some(thread),
        };
        (peer, answer)
    }

    /// Takes the answer to an offer of its own, and begins.
    ///
    /// # Panics
    /// When the answer cannot be taken: that is what a scenario wants to hear.
    pub fn answered(offering: Offering, answer: &str) -> Self {
        let facts = SharedFacts::default();
        let (orders, received) = mpsc::channel();
        let thread = offering.begin(answer, facts.clone(), received);
        Self {
            facts,
            orders: Some(orders),
            thread: Some(thread),
        }
    }

    /// What it knows now.
    pub fn facts(&self) -> Facts {
        let facts = self.facts.0.lock();
        facts.expect("no peer panics while it writes facts").clone()
    }

    /// Sends a text over the data channel.
    pub fn say(&self, text: &str) {
        self.order(Order::Text(text.to_owned()));
    }

    /// Stops or resumes sending.
    pub fn mute(&self, muted: bool) {
        self.order(Order::Mute(muted));
    }

    /// Asks for a keyframe of every video that comes.
    pub fn request_keyframe(&self) {
        self.order(Order::RequestKeyframe);
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // A peer whose connection has ended takes no orders any more.
            let _ = orders.send(order);
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Clone, Debug, Default)]
struct SharedFacts(Arc<Mutex<Facts>>);

impl SharedFacts {
    fn note(&self, change: impl FnOnce(&mut Facts)) {
        let facts = self.0.lock();
        change(&mut facts.expect("no reader panics while it holds facts"));
    }
}

/// Sections of a kind, by mid.
fn mids(slots: &[Slot], kind: SlotKind) -> impl Iterator<Item = &str> {
    let fitting = slots.iter().filter(move |slot| slot.kind == kind);
    fitting.map(|slot| &*slot.mid)
}
