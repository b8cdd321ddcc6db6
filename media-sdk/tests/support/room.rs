//! A small streaming server for tests: one camera, its viewers, without clock or socket.
//!
//! Made of the same media stack as the library, so it shows that the library keeps its own rules;
//! that it agrees with the real server is shown in `tests/tests/scenarios`.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lens_media_sdk::{ParticipantOffer, Role};
use lens_protocol::Timestamp;
use lens_protocol::id::{ConferenceId, Generation, NegotiationId, ParticipantId};
use lens_protocol::media::{Slot, SlotKind};
use str0m::bwe::Bitrate;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};

/// A datagram on its way: from, to, bytes.
pub type Sent = (SocketAddr, SocketAddr, Vec<u8>);

#[derive(Default)]
pub struct Room {
    links: Vec<Link>,
    negotiations: u64,
    pub sent: VecDeque<Sent>,
}

/// One offer's connection.
pub struct Link {
    pub participant: ParticipantId,
    pub role: Role,
    pub door: SocketAddr,
    pub connected: bool,
    pub ended: bool,
    /// Payloads of video packets that came.
    pub video_in: u64,
    /// Numbers of what it is sent: whose they continue, how far they are apart, and the last one.
    numbers: Numbers,
    negotiation: NegotiationId,
    generation: Generation,
    rtc: Rtc,
    pending: Option<SdpPendingOffer>,
    slots: Vec<(SlotKind, Mid)>,
    channel: Option<ChannelId>,
    due: Instant,
}

/// A receiver's numbers of the video that is relayed to it, whoever's it is.
#[derive(Default)]
struct Numbers {
    from: usize,
    apart: u64,
    last: u64,
}

impl Numbers {
    /// That of a packet which has `number` where it comes from; a new source's first one follows the last.
    fn of(&mut self, from: usize, number: u64) -> u64 {
        if self.last == 0 || self.from != from {
            let first = if self.last == 0 {
                number
            } else {
                self.last + 1
            };
            (self.from, self.apart) = (from, first.wrapping_sub(number));
        }
        let own = number.wrapping_add(self.apart);
        self.last = self.last.max(own);
        own
    }
}

pub fn person(number: u8) -> ParticipantId {
    ParticipantId::from_bytes([number; 16])
}

impl Room {
    /// Makes an offer of `participant`, for a connection to `door`.
    pub fn offer(
        &mut self,
        now: Instant,
        participant: ParticipantId,
        role: Role,
        door: SocketAddr,
    ) -> ParticipantOffer {
        self.negotiations += 1;
        let negotiation = NegotiationId(self.negotiations);
        let former = self
            .links
            .iter()
            .filter(|link| link.participant == participant);
        let generation = Generation(former.count() as u32 + 1);
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .enable_bwe(Some(Bitrate::kbps(3_000)))
            .build(now);
        rtc.add_local_candidate(Candidate::host(door, "udp").expect("an address"));
        let kinds: &[SlotKind] = match role {
            Role::Camera => &[SlotKind::VideoUp, SlotKind::AudioUp],
            Role::Viewer => &[SlotKind::VideoDown, SlotKind::AudioDown],
        };
        let mut changes = rtc.sdp_api();
        let mids: Vec<Mid> = kinds
            .iter()
            .map(|kind| {
                let media = match kind {
                    SlotKind::VideoUp | SlotKind::VideoDown => MediaKind::Video,
                    _ => MediaKind::Audio,
                };
                let way = match kind {
                    SlotKind::VideoUp | SlotKind::AudioUp => Direction::RecvOnly,
                    _ => Direction::SendOnly,
                };
                changes.add_media(media, way, Some("lens".to_owned()), None, None)
            })
            .collect();
        let channel = changes.add_channel("lens".to_owned());
        let (offer, pending) = changes.apply().expect("something to offer");
        let slots: Vec<(SlotKind, Mid)> = kinds.iter().copied().zip(mids).collect();
        let offer = ParticipantOffer {
            conference: ConferenceId::from_bytes([9; 16]),
            participant,
            generation,
            negotiation_id: negotiation,
            sdp: offer.to_sdp_string(),
            ice_servers: Vec::new(),
            slots: slots
                .iter()
                .map(|(kind, mid)| Slot {
                    mid: mid.to_string(),
                    kind: *kind,
                    source: None,
                })
                .collect(),
            expires_at: Timestamp::from_unix_ms(2_000_000_000_000),
            media_token: None,
        };
        self.links.push(Link {
            participant,
            role,
            door,
            connected: false,
            ended: false,
            video_in: 0,
            numbers: Numbers::default(),
            negotiation,
            generation,
            rtc,
            pending: Some(pending),
            slots,
            channel: Some(channel),
            due: now,
        });
        offer
    }

    /// Takes an answer; false for one that is late, or a duplicate.
    pub fn answer(&mut self, now: Instant, negotiation: NegotiationId, sdp: &str) -> bool {
        let index = self
            .links
            .iter()
            .position(|link| link.negotiation == negotiation);
        let Some(index) = index else { return false };
        let link = &mut self.links[index];
        let Some(pending) = link.pending.take() else {
            return false;
        };
        let answer = SdpAnswer::from_sdp_string(sdp).expect("an answer that can be read");
        link.rtc
            .sdp_api()
            .accept_answer(pending, answer)
            .expect("an answer that can be taken");
        self.drain(index, now);
        true
    }

    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The newest connection of somebody.
    pub fn newest(&self, participant: ParticipantId) -> Option<&Link> {
        let own = self
            .links
            .iter()
            .filter(|link| link.participant == participant);
        own.max_by_key(|link| link.generation)
    }

    /// Cuts a connection without a word.
    pub fn cut(&mut self, participant: ParticipantId) {
        for link in self
            .links
            .iter_mut()
            .filter(|link| link.participant == participant)
        {
            link.rtc.disconnect();
            link.ended = true;
        }
    }

    pub fn receive(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let open = |link: &Link| link.door == to && !link.ended;
        let Some(index) = self.links.iter().position(open) else {
            return;
        };
        if let Ok(contents) = bytes.try_into() {
            let receive = Receive {
                proto: Protocol::Udp,
                source: from,
                destination: to,
                contents,
            };
            let _ = self.links[index]
                .rtc
                .handle_input(Input::Receive(now, receive));
        }
        self.drain(index, now);
    }

    /// Lets time pass; returns when to come again at the latest.
    pub fn pass(&mut self, now: Instant) -> Instant {
        for index in 0..self.links.len() {
            if self.links[index].due <= now && !self.links[index].ended {
                let _ = self.links[index].rtc.handle_input(Input::Timeout(now));
                self.drain(index, now);
            }
        }
        let open = self.links.iter().filter(|link| !link.ended);
        let due = open.map(|link| link.due).min();
        due.unwrap_or(now + Duration::from_millis(100))
    }

    fn drain(&mut self, index: usize, now: Instant) {
        loop {
            let link = &mut self.links[index];
            match link.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    link.due = at;
                    return;
                }
                Ok(Output::Transmit(datagram)) => {
                    let (from, to) = (datagram.source, datagram.destination);
                    self.sent.push_back((from, to, datagram.contents.to_vec()));
                }
                Ok(Output::Event(event)) => self.take(index, event, now),
                Err(_) => {
                    link.ended = true;
                    return;
                }
            }
        }
    }

    fn take(&mut self, index: usize, event: Event, now: Instant) {
        match event {
            Event::Connected => self.connected(index, now),
            Event::Closed => self.links[index].ended = true,
            Event::RtpPacket(packet) => self.relay(index, &packet, now),
            Event::KeyframeRequest(_) => self.request_keyframe(now),
            Event::ChannelData(data) => {
                let sender = self.links[index].participant;
                for other in 0..self.links.len() {
                    let link = &mut self.links[other];
                    if link.participant != sender && !link.ended {
                        let channel = link.channel.and_then(|id| link.rtc.channel(id));
                        let _ = channel.map(|mut it| it.write(data.binary, &data.data));
                        self.drain(other, now);
                    }
                }
            }
            _ => {}
        }
    }

    /// The former connection of a participant goes on until they close it: whatever comes twice is
    /// theirs to notice.
    fn connected(&mut self, index: usize, now: Instant) {
        self.links[index].connected = true;
        self.request_keyframe(now);
    }

    fn relay(&mut self, index: usize, packet: &RtpPacket, now: Instant) {
        let mid = self.links[index]
            .rtc
            .direct_api()
            .stream_rx(&packet.header.ssrc)
            .map(|it| it.mid());
        let slots = &self.links[index].slots;
        let kind = slots
            .iter()
            .find(|(_, known)| Some(*known) == mid)
            .map(|(kind, _)| *kind);
        let down = match kind {
            Some(SlotKind::VideoUp) => SlotKind::VideoDown,
            Some(SlotKind::AudioUp) => SlotKind::AudioDown,
            _ => return,
        };
        self.links[index].video_in += u64::from(down == SlotKind::VideoDown);
        for other in 0..self.links.len() {
            let link = &mut self.links[other];
            let slot = link.slots.iter().find(|(kind, _)| *kind == down);
            let Some((_, mid)) = slot.copied().filter(|_| link.connected && !link.ended) else {
                continue;
            };
            let mut api = link.rtc.direct_api();
            let Some(stream) = api.stream_tx_by_mid(mid, None) else {
                continue;
            };
            let number = match down {
                SlotKind::VideoDown => link.numbers.of(index, *packet.seq_no),
                _ => *packet.seq_no,
            };
            let write = RtpWrite::new(
                packet.header.payload_type,
                number.into(),
                packet.header.timestamp,
                now,
                packet.payload.to_vec(),
            );
            stream.write_rtp(write.marker(packet.header.marker).nackable(true));
            self.drain(other, now);
        }
    }

    fn request_keyframe(&mut self, now: Instant) {
        for index in 0..self.links.len() {
            let link = &mut self.links[index];
            let slot = link
                .slots
                .iter()
                .find(|(kind, _)| *kind == SlotKind::VideoUp);
            let Some((_, mid)) = slot.copied().filter(|_| !link.ended) else {
                continue;
            };
            if let Some(stream) = link.rtc.direct_api().stream_rx_by_mid(mid, None) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
            self.drain(index, now);
        }
    }
}

/// A VP8 frame that carries its number: a keyframe of 640 × 480, or what follows one.
pub fn picture(number: u64, keyframe: bool, bytes: usize) -> Vec<u8> {
    let mut data = match keyframe {
        true => vec![0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01],
        false => vec![0x11, 0x02, 0x00],
    };
    data.resize(bytes.max(20) - 8, 0xa5);
    data.extend(number.to_be_bytes());
    data
}

/// The number in a picture.
pub fn number_of(data: &[u8]) -> u64 {
    let number = data.last_chunk().expect("a picture of ours");
    u64::from_be_bytes(*number)
}
