//! The loop around the connection: socket, clock, orders, reports.
//!
//! `rtc` has neither socket nor clock; so loss is made here, between the two, and everything else is
//! webrtc-rs as it comes: default codecs, default interceptors (NACK, reports, TWCC), its timeouts.

use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use lens_independent_peer::{Event, Order, Start, packet};
use rtc::data_channel::RTCDataChannelId;
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::event::{RTCDataChannelEvent, RTCPeerConnectionEvent};
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp;
use rtc::rtp_transceiver::RTCRtpReceiverId;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use crate::negotiation::{Negotiated, Stream};
use crate::{keyframes, report};

/// Longer than any datagram of the path.
const DATAGRAM_BYTES: usize = 2_000;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A running peer.
pub(crate) struct Driver {
    connection: RTCPeerConnection,
    socket: UdpSocket,
    local: SocketAddr,
    video: Option<Stream>,
    audio: Option<Stream>,
    channel: Option<RTCDataChannelId>,
    connected: bool,
    ended: bool,
    muted: bool,
    number: u32,
    sequence: u16,
    next_packet: Option<Instant>,
    loss: Loss,
}

impl Driver {
    pub(crate) fn new(negotiated: Negotiated, socket: UdpSocket, start: &Start) -> Outcome<Self> {
        let local = socket.local_addr()?;
        Ok(Self {
            connection: negotiated.connection,
            socket,
            local,
            video: negotiated.video,
            audio: negotiated.audio,
            channel: None,
            connected: false,
            ended: false,
            muted: start.silent,
            number: 0,
            sequence: start.first_sequence,
            next_packet: None,
            loss: Loss::new(start.habits.lose_every),
        })
    }

    /// Runs until the connection or the orders end.
    pub(crate) fn run(mut self, orders: &Receiver<Order>) -> Outcome {
        while !self.ended {
            match orders.try_recv() {
                Ok(order) => self.obey(order)?,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return self.say_goodbye(),
            }
            self.send_if_due()?;
            self.drain()?;
            self.receive()?;
        }
        report(&Event::Ended)
    }

    fn say_goodbye(mut self) -> Outcome {
        self.connection.close()?;
        while let Some(datagram) = self.connection.poll_write() {
            self.transmit(&datagram)?;
        }
        Ok(())
    }

    fn obey(&mut self, order: Order) -> Outcome {
        match order {
            Order::Mute(muted) => self.muted = muted,
            Order::Text(text) => {
                let open = self.channel.and_then(|id| self.connection.data_channel(id));
                if let Some(mut channel) = open {
                    channel.send_text(Instant::now(), text)?;
                }
            }
            Order::RequestKeyframe => self.request_keyframes()?,
        }
        Ok(())
    }

    fn request_keyframes(&mut self) -> Outcome {
        let all: Vec<_> = self.connection.get_transceivers().collect();
        for id in all {
            let id = RTCRtpReceiverId::from(id);
            let Some(mut receiver) = self.connection.rtp_receiver(id) else {
                continue;
            };
            if receiver.track().kind() != RtpCodecKind::Video {
                continue;
            }
            let Some(media_ssrc) = receiver.track().ssrcs().next() else {
                continue;
            };
            let request = PictureLossIndication {
                sender_ssrc: 0,
                media_ssrc,
            };
            receiver.write_rtcp(Instant::now(), vec![Box::new(request)])?;
        }
        Ok(())
    }

    fn send_if_due(&mut self) -> Outcome {
        let now = Instant::now();
        if self.muted || !self.connected || self.next_packet.is_some_and(|at| at > now) {
            return Ok(());
        }
        self.next_packet = Some(self.next_packet.unwrap_or(now) + packet::PACE);
        self.number += 1;
        self.sequence = self.sequence.wrapping_add(1);
        if let Some(video) = self.video {
            self.write(video, packet::VIDEO_CLOCK, packet::video(self.number))?;
            report(&Event::VideoSent(video.payload_type))?;
        }
        if let Some(audio) = self.audio {
            self.write(audio, packet::AUDIO_CLOCK, packet::voice(self.number))?;
        }
        Ok(())
    }

    fn write(&mut self, stream: Stream, clock: u32, payload: Vec<u8>) -> Outcome {
        let header = rtp::Header {
            version: 2,
            marker: true,
            payload_type: stream.payload_type,
            sequence_number: self.sequence,
            timestamp: packet::timestamp(self.number, clock),
            ssrc: stream.ssrc,
            ..rtp::Header::default()
        };
        let payload = payload.into();
        let sender = self.connection.rtp_sender(stream.sender);
        let mut sender = sender.ok_or("a sender lives as long as its connection")?;
        Ok(sender.write_rtp(Instant::now(), rtp::Packet { header, payload })?)
    }

    fn drain(&mut self) -> Outcome {
        while let Some(datagram) = self.connection.poll_write() {
            self.transmit(&datagram)?;
        }
        while let Some(event) = self.connection.poll_event() {
            self.take_event(event)?;
        }
        while let Some(message) = self.connection.poll_read() {
            self.take_message(message.message)?;
        }
        Ok(())
    }

    fn transmit(&mut self, datagram: &TaggedBytesMut) -> Outcome {
        if self.loss.takes(&datagram.message) {
            return report(&Event::Lost);
        }
        // A datagram that does not leave is the network's right.
        let _ = self
            .socket
            .send_to(&datagram.message, datagram.transport.peer_addr);
        Ok(())
    }

    fn take_event(&mut self, event: RTCPeerConnectionEvent) -> Outcome {
        match event {
            RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => match state {
                RTCPeerConnectionState::Connected => {
                    self.connected = true;
                    report(&Event::Connected)?;
                }
                RTCPeerConnectionState::Disconnected
                | RTCPeerConnectionState::Failed
                | RTCPeerConnectionState::Closed => self.ended = true,
                _ => {}
            },
            RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnOpen(id)) => {
                self.channel = Some(id);
                report(&Event::ChannelOpen)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn take_message(&mut self, message: RTCMessage) -> Outcome {
        match message {
            RTCMessage::RtpPacket(track, packet) => self.take_packet(&track, &packet),
            RTCMessage::RtcpPacket(_, parts) => {
                let mut requests = parts
                    .iter()
                    .filter(|part| keyframes::is_request(part.as_ref()));
                requests.try_for_each(|_| report(&Event::KeyframeRequested))
            }
            RTCMessage::DataChannelMessage(_, message) => {
                let text = String::from_utf8_lossy(&message.data).into_owned();
                report(&Event::Text(text))
            }
            _ => Ok(()),
        }
    }

    fn take_packet(&mut self, track: &str, packet: &rtp::Packet) -> Outcome {
        let Some(number) = packet::number_of(&packet.payload) else {
            return Ok(());
        };
        let (mid, video) = self.section(track).ok_or("a track has a section")?;
        report(&Event::Packet {
            mid,
            video,
            number,
            payload_type: packet.header.payload_type,
        })
    }

    /// The section that a received track belongs to, and whether it is video.
    fn section(&mut self, track: &str) -> Option<(String, bool)> {
        let all: Vec<_> = self.connection.get_transceivers().collect();
        all.into_iter().find_map(|id| {
            let receiver = RTCRtpReceiverId::from(id);
            let kind = self
                .connection
                .rtp_receiver(receiver)
                .filter(|receiver| receiver.track().track_id() == track)
                .map(|receiver| receiver.track().kind())?;
            let mid = self.connection.rtp_transceiver(id)?.mid().clone()?;
            Some((mid, kind == RtpCodecKind::Video))
        })
    }

    fn receive(&mut self) -> Outcome {
        let now = Instant::now();
        let due = self.connection.poll_timeout().unwrap_or(now + packet::PACE);
        if due <= now {
            self.connection.handle_timeout(now)?;
        }
        let due = self
            .next_packet
            .filter(|_| !self.muted)
            .map_or(due, |at| at.min(due));
        // Never longer than a packet's pace: orders wait for nobody's timer.
        let pause = due
            .saturating_duration_since(now)
            .clamp(Duration::from_millis(1), packet::PACE);
        self.socket.set_read_timeout(Some(pause))?;
        let mut buffer = [0; DATAGRAM_BYTES];
        // Nothing came, or a former datagram met a closed port: both are the network's right.
        let Ok((length, source)) = self.socket.recv_from(&mut buffer) else {
            return Ok(());
        };
        let datagram = &buffer[..length];
        if self.loss.takes(datagram) {
            return report(&Event::Lost);
        }
        self.connection.handle_read(TaggedBytesMut {
            now: Instant::now(),
            transport: TransportContext {
                local_addr: self.local,
                peer_addr: source,
                transport_protocol: TransportProtocol::UDP,
                ecn: None,
            },
            message: BytesMut::from(datagram),
        })?;
        Ok(())
    }
}

/// Loses every n-th RTP packet that passes, in either direction, media and retransmissions alike.
struct Loss {
    every: Option<u32>,
    passed: u32,
}

impl Loss {
    fn new(every: Option<u32>) -> Self {
        Self { every, passed: 0 }
    }

    fn takes(&mut self, datagram: &[u8]) -> bool {
        let Some(every) = self.every.filter(|_| is_rtp(datagram)) else {
            return false;
        };
        self.passed += 1;
        self.passed.is_multiple_of(every)
    }
}

/// RTP, and neither RTCP (RFC 5761 §4) nor STUN, DTLS (RFC 7983 §7).
fn is_rtp(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, second, ..] if !(192..=223).contains(second))
}
