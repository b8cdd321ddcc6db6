//! The peer made of str0m, on a thread.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Once;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lens_independent_peer::Order;
use lens_independent_peer::packet::{self, PACE};
use lens_independent_peer::route::local_address;
use lens_protocol::conference::ParticipantOffer;
use lens_protocol::media::{ClientProtocol, SlotKind};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::Codec;
use str0m::media::{Direction, KeyframeRequest, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc};

use super::{Facts, Manner, SharedFacts, mids};

pub(super) fn start(
    offer: &ParticipantOffer,
    manner: Manner,
    facts: SharedFacts,
    orders: Receiver<Order>,
) -> (String, JoinHandle<()>) {
    install_provider();
    let mut rtc = Rtc::builder().set_rtp_mode(true).build(Instant::now());
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
    let mids = |kind| mids(&offer.slots, kind).map(Mid::from);
    let sections = Sections {
        video_up: mids(SlotKind::VideoUp).next(),
        audio_up: mids(SlotKind::AudioUp).next(),
        video_down: mids(SlotKind::VideoDown).collect(),
    };
    let driver = Driver::new(rtc, (socket, address), facts, sections, manner);
    let thread = std::thread::spawn(move || driver.run(&orders));
    (answer.to_sdp_string(), thread)
}

/// A peer that has made its own offer, as WHIP and WHEP clients do, and waits for the answer.
#[derive(Debug)]
pub struct Offering {
    /// Its offer.
    pub sdp: String,
    rtc: Rtc,
    pending: SdpPendingOffer,
    door: (UdpSocket, SocketAddr),
    sections: Sections,
}

impl Offering {
    /// Offers to send a picture and a voice, or to receive them.
    ///
    /// # Panics
    /// When this machine has no free port.
    pub fn new(protocol: ClientProtocol) -> Self {
        install_provider();
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(Instant::now());
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free UDP port");
        let address = socket.local_addr().expect("a bound socket");
        let candidate = Candidate::host(address, "udp").expect("a host candidate");
        rtc.add_local_candidate(candidate);
        let sends = protocol == ClientProtocol::Whip;
        let way = match sends {
            true => Direction::SendOnly,
            false => Direction::RecvOnly,
        };
        let mut changes = rtc.sdp_api();
        let audio = changes.add_media(MediaKind::Audio, way, None, None, None);
        let video = changes.add_media(MediaKind::Video, way, None, None, None);
        let (offer, pending) = changes.apply().expect("something to offer");
        Self {
            sdp: offer.to_sdp_string(),
            rtc,
            pending,
            door: (socket, address),
            sections: Sections {
                video_up: Some(video).filter(|_| sends),
                audio_up: Some(audio).filter(|_| sends),
                video_down: Some(video).filter(|_| !sends).into_iter().collect(),
            },
        }
    }

    pub(super) fn begin(
        mut self,
        answer: &str,
        facts: SharedFacts,
        orders: Receiver<Order>,
    ) -> JoinHandle<()> {
        let answer = SdpAnswer::from_sdp_string(answer).expect("an answer str0m can read");
        self.rtc
            .sdp_api()
            .accept_answer(self.pending, answer)
            .expect("an answer str0m can take");
        let manner = Manner::default();
        let driver = Driver::new(self.rtc, self.door, facts, self.sections, manner);
        std::thread::spawn(move || driver.run(&orders))
    }
}

fn install_provider() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| str0m::crypto::from_feature_flags().install_process_default());
}

/// The sections a peer does something in.
#[derive(Debug)]
struct Sections {
    video_up: Option<Mid>,
    audio_up: Option<Mid>,
    video_down: Vec<Mid>,
}

struct Driver {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
    facts: SharedFacts,
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
        (socket, address): (UdpSocket, SocketAddr),
        facts: SharedFacts,
        sections: Sections,
        manner: Manner,
    ) -> Self {
        Self {
            video_up: sections.video_up,
            audio_up: sections.audio_up,
            video_down: sections.video_down,
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
                Ok(order) => self.obey(order),
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {}
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
            Order::RequestKeyframe => self.request_keyframes(),
        }
    }

    fn request_keyframes(&mut self) {
        for mid in self.video_down.clone() {
            let mut api = self.rtc.direct_api();
            if let Some(stream) = api.stream_rx_by_mid(mid, None) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
            if self.drain().is_none() {
                return;
            }
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
            let payload = packet::video(self.number);
            let pt = self.write(mid, Codec::Vp8, packet::VIDEO_CLOCK, &payload, now);
            self.note(|facts| {
                facts.video_sent += 1;
                facts.video_sent_types.insert(pt);
            });
        }
        if self.drain().is_none() {
            return;
        }
        if let Some(mid) = self.audio_up {
            let payload = packet::voice(self.number);
            self.write(mid, Codec::Opus, packet::AUDIO_CLOCK, &payload, now);
        }
    }

    /// Writes a packet; returns its payload type.
    fn write(&mut self, mid: Mid, codec: Codec, clock: u32, payload: &[u8], now: Instant) -> u8 {
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
        let time = packet::timestamp(self.number, clock);
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
        *pt
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
        let Some(number) = packet::number_of(&packet.payload) else {
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
        let payload_type = *packet.header.payload_type;
        self.note(|facts| {
            if is_video {
                facts.video_types.insert(payload_type);
            }
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
        self.facts.note(change);
    }
}
