//! The media stack: the one folder that names str0m's types.
//!
//! ```text
//! begin.rs      how the stack is set, and the certificate it shows
//! mod.rs        one PeerConnection: datagrams, time and frames in, and what a poll gives
//! turns.rs      when it has a turn: the pacer's, the estimator's
//! happened.rs   its events, in our words
//! ```
//!
//! str0m wants to be polled dry after each mutation. Each method here that changes something is one;
//! whoever calls it polls until [`Polled::Idle`] before the next one (`Connection::drain` does).

mod begin;
mod happened;
mod turns;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use lens_protocol::entropy::Entropy;
use str0m::bwe::Bitrate;
use str0m::change::SdpOffer;
use str0m::channel::ChannelId;
use str0m::format::{Codec as StackCodec, PayloadParams};
use str0m::media::{KeyframeRequestKind, MediaTime, Mid};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::rtp::{Ssrc, VideoOrientation};
use str0m::{Candidate, Input, Output, Rtc};

pub(crate) use begin::Identity;
pub(super) use happened::{Arrived, Counts, Happened};
pub(super) use turns::FIRST_GUESS_BPS;

use super::{Carrier, Datagram, OwnedFrame};
use crate::frame::{Codec, Rotation};
use begin::configure;
use turns::Estimator;

/// The stack broke, or refused. Its sentence is not kept: it may name addresses.
#[derive(Debug)]
pub(super) struct Broken;

/// What a connection's layout has it do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// It has a slot to send pictures in: its way is estimated, and what it sends is paced.
    pub(super) films: bool,
    /// It has a slot to receive pictures in.
    pub(super) watches: bool,
}

/// One PeerConnection.
pub(super) struct Stack {
    rtc: Rtc,
    channel: Option<ChannelId>,
    part: Part,
    /// The time that the stack was last told.
    clock: Instant,
    estimator: Estimator,
    /// Streams that nothing has been sent in.
    resting: Vec<Resting>,
}

/// A stream that the stack does not have, under the names that the answer gave it.
struct Resting {
    mid: Mid,
    ssrc: Ssrc,
    repairs: Option<Ssrc>,
}

/// What a poll gives.
pub(super) enum Polled {
    /// Send this.
    Transmit {
        carrier: Carrier,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: Vec<u8>,
    },
    /// Something happened.
    Happened(Happened),
    /// Nothing until then.
    Idle(Instant),
}

impl Stack {
    /// Answers an offer. The answer names no candidate: the server is ICE-lite and learns ours from
    /// our checks. Only who films has its way estimated; voices go as they come.
    pub(super) fn answer(
        offer: &str,
        part: Part,
        identity: &Identity,
        entropy: &mut dyn Entropy,
        now: Instant,
    ) -> Result<(Self, String), Broken> {
        let offer = SdpOffer::from_sdp_string(offer).map_err(|_| Broken)?;
        let mut config = configure(identity, entropy);
        if part.films {
            config = config.enable_bwe(Some(Bitrate::bps(FIRST_GUESS_BPS)));
        }
        let mut rtc = config.build(now);
        let answer = rtc.sdp_api().accept_offer(offer).map_err(|_| Broken)?;
        let answer = answer.to_sdp_string();
        let stack = Self {
            rtc,
            channel: None,
            part,
            clock: now,
            estimator: Estimator::new(now),
            resting: Vec::new(),
        };
        Ok((stack, answer))
    }

    /// Puts the stream of a section away until the first frame is written in it: the stack keeps 4 KB for
    /// what may have to be repaired, and says every second that nothing was sent.
    pub(super) fn put_away(&mut self, mid: &str) {
        let mid = Mid::from(mid);
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, None) else {
            return;
        };
        let (ssrc, repairs) = (stream.ssrc(), stream.rtx());
        api.remove_stream_tx(ssrc);
        self.resting.push(Resting { mid, ssrc, repairs });
    }

    pub(super) fn poll(&mut self) -> Result<Polled, Broken> {
        loop {
            match self.rtc.poll_output().map_err(|_| Broken)? {
                Output::Timeout(_) if self.pads_in_vain() => self.let_be(),
                Output::Timeout(at) => return Ok(Polled::Idle(self.wake_up(at))),
                Output::Transmit(datagram) => {
                    self.pace_on(&datagram.contents)?;
                    return Ok(Polled::Transmit {
                        carrier: match datagram.proto {
                            Protocol::Udp => Carrier::Udp,
                            _ => Carrier::Tcp,
                        },
                        source: datagram.source,
                        destination: datagram.destination,
                        bytes: datagram.contents.into(),
                    });
                }
                Output::Event(event) => {
                    if let Some(happened) = self.translate(event) {
                        return Ok(Polled::Happened(happened));
                    }
                }
            }
        }
    }

    pub(super) fn receive(&mut self, now: Instant, datagram: &Datagram<'_>) -> Result<(), Broken> {
        let proto = match datagram.carrier {
            Carrier::Udp => Protocol::Udp,
            Carrier::Tcp => Protocol::Tcp,
        };
        let Datagram {
            source,
            destination,
            bytes,
            ..
        } = *datagram;
        self.clock = self.clock.max(now);
        // What is no datagram of ours is dropped, and time goes on.
        let input = match Receive::new(proto, source, destination, bytes) {
            Ok(receive) => Input::Receive(self.clock, receive),
            Err(_) => Input::Timeout(self.clock),
        };
        self.rtc.handle_input(input).map_err(|_| Broken)
    }

    pub(super) fn timeout(&mut self, now: Instant) -> Result<(), Broken> {
        // Time that is before what it has seen is none to it.
        self.clock = self.clock.max(now);
        let input = Input::Timeout(self.clock);
        self.rtc.handle_input(input).map_err(|_| Broken)
    }

    /// An address of ours.
    pub(super) fn add_address(&mut self, carrier: Carrier, address: SocketAddr) {
        if let Some(candidate) = host(carrier, address) {
            self.rtc.add_local_candidate(candidate);
        }
    }

    /// An address that is ours no more.
    pub(super) fn remove_address(&mut self, carrier: Carrier, address: SocketAddr) {
        if let Some(candidate) = host(carrier, address) {
            self.rtc.direct_api().invalidate_candidate(&candidate);
        }
    }

    /// The codecs that the other end takes in a section.
    pub(super) fn takes(&mut self, mid: &str, codec: Codec) -> bool {
        self.payload(mid, codec).is_some()
    }

    /// Sends a frame; false when the section does not take its codec.
    pub(super) fn write(
        &mut self,
        mid: &str,
        frame: &OwnedFrame,
        now: Instant,
    ) -> Result<bool, Broken> {
        let written = self.enqueue(mid, frame, now);
        // The stack makes packets of it when time passes next, and takes no other frame before.
        self.timeout(now)?;
        Ok(written)
    }

    fn enqueue(&mut self, mid: &str, frame: &OwnedFrame, now: Instant) -> bool {
        let Some(params) = self.payload(mid, frame.codec) else {
            return false;
        };
        if frame.codec != Codec::Opus {
            self.look_again(now);
        }
        let mid = Mid::from(mid);
        self.take_out(mid);
        let Some(writer) = self.rtc.writer(mid) else {
            return false;
        };
        let writer = match frame.codec {
            Codec::Opus => writer,
            Codec::Vp8 | Codec::H264 => writer.video_orientation(orientation(frame.rotation)),
        };
        let time = MediaTime::from_micros(frame.pts_us);
        let written = writer.write(params.pt(), now, time, Arc::clone(&frame.data));
        written.is_ok()
    }

    /// Asks for a keyframe in a section; false when that cannot be asked for.
    pub(super) fn request_keyframe(&mut self, mid: &str) -> bool {
        let Some(mut writer) = self.rtc.writer(Mid::from(mid)) else {
            return false;
        };
        let asked = writer.request_keyframe(None, KeyframeRequestKind::Pli);
        asked.is_ok()
    }

    /// Writes a text to the data channel; false when it has to wait.
    pub(super) fn send_message(&mut self, text: &str) -> bool {
        let Some(mut channel) = self.channel.and_then(|id| self.rtc.channel(id)) else {
            return false;
        };
        channel.write(false, text.as_bytes()).unwrap_or(false)
    }

    /// Says goodbye to the other end; poll dry once more.
    pub(super) fn close(&mut self) {
        let _ = self.rtc.close();
    }

    /// Gives the stack the stream of a section back, where it was put away.
    fn take_out(&mut self, mid: Mid) {
        let Some(at) = self.resting.iter().position(|it| it.mid == mid) else {
            return;
        };
        let Resting { ssrc, repairs, .. } = self.resting.swap_remove(at);
        let mut api = self.rtc.direct_api();
        api.declare_stream_tx(ssrc, repairs, mid, None);
    }

    fn payload(&mut self, mid: &str, codec: Codec) -> Option<PayloadParams> {
        let writer = self.rtc.writer(Mid::from(mid))?;
        let mut fitting = writer.payload_params().filter(|params| {
            let spec = params.spec();
            match codec {
                Codec::Vp8 => spec.codec == StackCodec::Vp8,
                Codec::Opus => spec.codec == StackCodec::Opus,
                Codec::H264 => {
                    spec.codec == StackCodec::H264 && spec.format.packetization_mode == Some(1)
                }
            }
        });
        fitting.next().copied()
    }
}

fn host(carrier: Carrier, address: SocketAddr) -> Option<Candidate> {
    match carrier {
        Carrier::Udp => Candidate::host(address, "udp").ok(),
        Carrier::Tcp => {
            let candidate = Candidate::builder().tcp().host(address);
            candidate.tcptype(TcpType::Active).build().ok()
        }
    }
}

fn orientation(rotation: Rotation) -> VideoOrientation {
    match rotation {
        Rotation::Upright => VideoOrientation::Deg0,
        Rotation::Quarter => VideoOrientation::Deg90,
        Rotation::Half => VideoOrientation::Deg180,
        Rotation::ThreeQuarters => VideoOrientation::Deg270,
    }
}
