//! A peer of a conference that shares no code with the streaming server, as a program.
//!
//! The SFU and the tests' usual peer are both made of str0m, so a mistake that both make would go
//! unseen. This peer is made of webrtc-rs: its own ICE, DTLS, SRTP, SCTP, RTCP and SDP. It is a
//! process of its own, so that its dependencies stay out of the product's build.
//!
//! ```text
//! scenario → peer   Start                      one line of JSON
//! peer → scenario   Event::Answer              before it sends any packet but ICE checks
//! scenario → peer   Order, Order, …            the end of its input is the order to say goodbye
//! peer → scenario   Event, Event, …            as things happen
//! ```
//!
//! Here are those lines ([`Start`], [`Order`], [`Event`]) and the packets both makes of peer send
//! ([`packet`]). The program is `main.rs`; it needs the feature `webrtc`.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub mod packet;
pub mod route;

/// The first line: what to answer, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Start {
    /// The offer.
    pub sdp: String,
    /// The section in which to send video, by its `a=mid`.
    pub video_up: Option<String>,
    /// The section in which to send a voice.
    pub audio_up: Option<String>,
    /// The address to send from, instead of the one the system chooses.
    pub from: Option<IpAddr>,
    /// Sends nothing of its own.
    pub silent: bool,
    /// Sequence number of the first video packet.
    pub first_sequence: u16,
    /// What is left to the peer by the standards.
    pub habits: Habits,
}

/// What one stack does one way and another stack another way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Habits {
    /// The DTLS role it answers with; webrtc-rs by itself takes the server's (`setup:passive`).
    pub setup: Option<Setup>,
    /// Wants VP8 under another payload type than it was offered (RFC 3264 §6.1).
    pub renumber_vp8: bool,
    /// Loses every n-th RTP packet, sent or received.
    pub lose_every: Option<u32>,
}

/// Roles of RFC 8842.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Setup {
    /// Calls.
    Active,
    /// Waits to be called.
    Passive,
}

/// What a scenario may ask for while the peer runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Order {
    /// Send a text over the data channel.
    Text(String),
    /// Stop or resume sending.
    Mute(bool),
    /// Ask for a keyframe of every video that comes.
    RequestKeyframe,
}

/// What the peer reports.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    /// The answer to the offer.
    Answer(String),
    /// ICE and DTLS are done.
    Connected,
    /// The connection ended.
    Ended,
    /// A numbered packet came.
    Packet {
        /// Its section.
        mid: String,
        /// Video, otherwise a voice.
        video: bool,
        /// Its number.
        number: u32,
        /// The payload type it came with.
        payload_type: u8,
    },
    /// A video packet was sent with this payload type.
    VideoSent(u8),
    /// A request for a keyframe came.
    KeyframeRequested,
    /// The data channel is open.
    ChannelOpen,
    /// A text came over it.
    Text(String),
    /// A packet was lost on purpose.
    Lost,
}
