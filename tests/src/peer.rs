//! A peer of a conference over real sockets: camera or viewer, without a browser.
//!
//! A camera sends one VP8 packet every [`PACE`] (a whole keyframe each, with a running picture id)
//! and one Opus packet; each ends in its number. A viewer notes every number it gets, with the time. So
//! order, loss and pauses are facts. The peer runs on a thread of its own until it is dropped.
//!
//! str0m carries it, as it carries the SFU: it shows that the product works, not that str0m agrees
//! with anybody else. For that there are the browsers and the independent peer.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, Once};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lens_protocol::conference::ParticipantOffer;
use lens_protocol::media::{Slot, SlotKind};
use str0m::change::SdpOffer;
use str0m::format::Codec;
use str0m::media::{KeyframeRequest, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};

/// Time between two packets of one kind.
pub const PACE: Duration = Duration::from_millis(20);
/// Bytes of a camera's packet.
const PACKET_BYTES: usize = 1_000;
const CLOCK_VIDEO: u32 = 90_000;
const CLOCK_AUDIO: u32 = 48_000;

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
    /// Packets of video sent.
    pub video_sent: u32,
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
}

enum Order {
    Text(String),
    Mute(bool),
    Stop,
}

/// A running peer.
#[derive(Debug)]
pub struct Peer {
    facts: Arc<Mutex<Facts>>,
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Takes an offer; returns the peer and its SDP answer. It begins when the product knows the
    /// answer and not before, because its first check needs no answer.
    ///
    /// # Panics
    /// When the offer cannot be taken: that is what a scenario wants to hear.
    pub fn answer(offer: &ParticipantOffer, manner: Manner) -> (Self, String) {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| str0m::crypto::from_feature_flags().install_process_default());
        let now = Instant::now();
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(now);
        let from = manner.from.unwrap_or_else(|| local_address(&offer.sdp));
        let socket = UdpSocket::bind((from, 0)).expect("a free UDP port");
        let address = socket.local_addr().expect("a bound socket");
        let candidate = Candidate::host(address, "udp").expect("a host candidate");
        rtc.add_local_candidate(candidate);
        let sdp = SdpOffer::from_sdp_string(&offer.sdp).expect("an offer str0m can read");
        let answer = rtc
            .sdp_api()
            .accept_offer(sdp)
            .expect("an offer str0m can take");
        let facts = Arc::new(Mutex::new(Facts::default()));
        let (orders, received) = mpsc::channel();
        let driver = Driver::new(rtc, socket, address, facts.clone(), &offer.slots, manner);
        let thread = std::thread::spawn(move || driver.run(&received));
        let peer = Self {
            facts,
            orders,
            thread: Some(thread),
        };
        (peer, answer.to_sdp_string())
    }

    /// What it knows now.
    pub fn facts(&self) -> Facts {
        self.facts
            .lock()
            .expect("no peer panics while it writes facts")
            .clone()
    }

    /// Sends a text over the data channel.
    pub fn say(&self, text: &str) {
        self.order(Order::Text(text.to_owned()));
    }

    /// Stops or resumes sending.
    pub fn mute(&self, muted: bool) {
        self.order(Order::Mute(muted));
    }

    fn order(&self, order: Order) {
        // A peer whose connection has ended takes no orders any more.
        let _ = self.orders.send(order);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The address family and interface that the offer's first candidate is on.
fn local_address(sdp: &str) -> IpAddr {
    let remote = sdp
        .lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"))
        .find_map(|line| {
            let parts: Vec<_> = line.split(' ').collect();
            parts
                .get(2)
                .filter(|kind| kind.eq_ignore_ascii_case("udp"))?;
            let ip: IpAddr = parts.get(4)?.parse().ok()?;
            Some(SocketAddr::new(ip, parts.get(5)?.parse().ok()?))
        })
        .expect("an offer with a UDP candidate");
    let probe = UdpSocket::bind(if remote.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    });
    let probe = probe.expect("a free UDP port");
    probe.connect(remote).expect("a route to the media node");
    probe.local_addr().expect("a bound socket").ip()
}

struct Driver {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
    facts: Arc<Mutex<Facts>>,
    video_up: Option<Mid>,
    audio_up: Option<Mid>,
    video_down: Vec<Mid>,
    channel: Option<str0m::channel::ChannelId>,
    muted: bool,
    sequence: u64,
    number: u32,
    next_packet: Option<Instant>,
    ended: bool,
}

impl Driver {
    fn new(
        rtc: Rtc,
        socket: UdpSocket,
        address: SocketAddr,
        facts: Arc<Mutex<Facts>>,
        slots: &[Slot],
        manner: Manner,
    ) -> Self {
        let mids = |kind: SlotKind| {
            slots
                .iter()
                .filter(move |slot| slot.kind == kind)
                .map(|slot| Mid::from(&*slot.mid))
        };
        Self {
            video_up: mids(SlotKind::VideoUp).next(),
            audio_up: mids(SlotKind::AudioUp).next(),
            video_down: mids(SlotKind::VideoDown).collect(),
            rtc,
            socket,
            address,
            facts,
            channel: None,
            muted: manner.silent,
            sequence: manner.first_sequence,
            number: 0,
            next_packet: None,
            ended: false,
        }
    }

    fn run(mut self, orders: &Receiver<Order>) {
        while !self.ended {
            match orders.try_recv() {
                Ok(Order::Stop) | Err(mpsc::TryRecvError::Disconnected) => return,
                Ok(order) => self.obey(order),
                Err(mpsc::TryRecvError::Empty) => {}
            }
            self.send_if_due();
            let Some(until) = self.drain() else { break };
            self.receive(until);
        }
        self.note(|facts| facts.ended = true);
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Mute(muted) => self.muted = muted,
            Order::Text(text) => {
                if let Some(mut channel) = self.channel.and_then(|id| self.rtc.channel(id)) {
                    let _ = channel.write(false, text.as_bytes());
                }
            }
            Order::Stop => self.ended = true,
        }
    }

    fn send_if_due(&mut self) {
        let now = Instant::now();
        if self.muted || !self.rtc.is_connected() || self.next_packet.is_some_and(|at| at > now) {
            return;
        }
        self.next_packet = Some(self.next_packet.unwrap_or(now) + PACE);
        self.number += 1;
        self.sequence += 1;
        if let Some(mid) = self.video_up {
            self.write(mid, Codec::Vp8, CLOCK_VIDEO, &frame(self.number), now);
            self.note(|facts| facts.video_sent += 1);
        }
        if self.drain().is_none() {
            return;
        }
        if let Some(mid) = self.audio_up {
            self.write(mid, Codec::Opus, CLOCK_AUDIO, &voice(self.number), now);
        }
    }

    fn write(&mut self, mid: Mid, codec: Codec, clock: u32, payload: &[u8], now: Instant) {
        let offered = self
            .rtc
            .media(mid)
            .map(|media| media.remote_pts().to_vec())
            .unwrap_or_default();
        let params = self
            .rtc
            .codec_config()
            .find(|params| params.spec().codec == codec && offered.contains(&params.pt()));
        let pt = params.expect("the codec was negotiated").pt();
        let time = self.number.wrapping_mul(clock / 50);
        let sequence = self.sequence.into();
        let mut api = self.rtc.direct_api();
        let stream = api
            .stream_tx_by_mid(mid, None)
            .expect("a stream for the section");
        stream.write_rtp(
            RtpWrite::new(pt, sequence, time, now, payload)
                .marker(true)
                .nackable(true),
        );
    }

    /// Polls until the next timeout; none when the connection is over.
    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.rtc.poll_output().ok()? {
                Output::Timeout(at) => return Some(at),
                Output::Transmit(datagram) => {
                    // A lost datagram is the network's right.
                    let _ = self
                        .socket
                        .send_to(&datagram.contents, datagram.destination);
                }
                Output::Event(event) => self.take(event),
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Connected => self.note(|facts| facts.connected = true),
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) | Event::Closed => {
                self.ended = true;
            }
            Event::RtpPacket(packet) => self.take_packet(&packet),
            Event::KeyframeRequest(KeyframeRequest { .. }) => {
                self.note(|facts| facts.keyframe_requests += 1);
            }
            Event::ChannelOpen(id, _) => {
                self.channel = Some(id);
                self.note(|facts| facts.channel_open = true);
            }
            Event::ChannelData(data) => {
                let text = String::from_utf8_lossy(&data.data).into_owned();
                self.note(|facts| facts.texts.push(text));
            }
            _ => {}
        }
    }

    fn take_packet(&mut self, packet: &RtpPacket) {
        let Some(number) = number_of(&packet.payload) else {
            return;
        };
        let mid = self
            .rtc
            .direct_api()
            .stream_rx(&packet.header.ssrc)
            .map(|stream| stream.mid())
            .or(packet.header.ext_vals.mid);
        let Some(mid) = mid else { return };
        let seen = (packet.timestamp, number);
        let is_video = self.video_down.contains(&mid);
        self.note(|facts| {
            let kind = if is_video {
                &mut facts.video
            } else {
                &mut facts.audio
            };
            kind.entry(mid.to_string()).or_default().push(seen);
        });
    }

    fn receive(&mut self, until: Instant) {
        let now = Instant::now();
        let due = self
            .next_packet
            .filter(|_| !self.muted)
            .unwrap_or(until)
            .min(until);
        // Never longer than a packet's pace: orders wait for nobody's timer.
        let pause = due
            .saturating_duration_since(now)
            .clamp(Duration::from_millis(1), PACE);
        let mut buffer = [0; 2_000];
        let read = self
            .socket
            .set_read_timeout(Some(pause))
            .and_then(|()| self.socket.recv_from(&mut buffer));
        let now = Instant::now();
        let input = match read {
            Ok((length, source)) => match buffer[..length].try_into() {
                Ok(contents) => Input::Receive(
                    now,
                    Receive {
                        proto: Protocol::Udp,
                        source,
                        destination: self.address,
                        contents,
                    },
                ),
                Err(_) => Input::Timeout(now),
            },
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                Input::Timeout(now)
            }
            Err(_) => Input::Timeout(now),
        };
        if self.rtc.handle_input(input).is_err() {
            self.ended = true;
        }
    }

    fn note(&self, change: impl FnOnce(&mut Facts)) {
        change(
            &mut self
                .facts
                .lock()
                .expect("no reader panics while it holds facts"),
        );
    }
}

/// A VP8 packet (RFC 7741): descriptor with a 15-bit picture id, keyframe header of 640 × 480,
/// filling, number.
fn frame(number: u32) -> Vec<u8> {
    let picture = (number & 0x7fff) as u16 | 0x8000;
    let mut payload = vec![0x90, 0x80];
    payload.extend(picture.to_be_bytes());
    payload.extend([0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01]);
    payload.resize(PACKET_BYTES - 8, 0xa5);
    payload.extend(MARK);
    payload.extend(number.to_be_bytes());
    payload
}

/// An Opus packet (RFC 6716): one frame of 20 ms, filling, number.
fn voice(number: u32) -> Vec<u8> {
    let mut payload = vec![0x78; 40];
    payload.extend(MARK);
    payload.extend(number.to_be_bytes());
    payload
}

const MARK: [u8; 4] = *b"LENS";

fn number_of(payload: &[u8]) -> Option<u32> {
    let (head, number) = payload.split_last_chunk::<4>()?;
    head.ends_with(&MARK).then(|| u32::from_be_bytes(*number))
}
