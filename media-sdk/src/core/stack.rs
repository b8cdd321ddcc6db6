//! The media stack: the one file that names str0m's types.
//!
//! str0m wants to be polled dry after each mutation. Each method here that changes something is one;
//! whoever calls it polls until [`Polled::Idle`] before the next one (`Connection::drain` does).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::entropy::{Entropy, random_bytes};
use str0m::bwe::{Bitrate, BweKind};
use str0m::change::SdpOffer;
use str0m::channel::ChannelId;
use str0m::config::DtlsCert;
use str0m::crypto::CryptoProvider;
use str0m::format::{Codec as StackCodec, PayloadParams};
use str0m::media::{KeyframeRequestKind, MediaData, MediaTime, Mid};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::rtp::{Ssrc, VideoOrientation};
use str0m::{
    Candidate, Event, IceConnectionState, IceCreds, Input, Output, PacerReason, Reason, Rtc,
    RtcConfig,
};

use super::{Carrier, Datagram, OwnedFrame};
use crate::error::MediaError;
use crate::frame::{Codec, Rotation};

/// How often the stack hands out its own counts.
const STATS_EVERY: Duration = Duration::from_secs(1);
/// What the way is believed to carry before anything is known, in bits per second.
pub(super) const FIRST_GUESS_BPS: u64 = 800_000;
/// Most bytes the stack queues towards the data channel; beyond, messages wait on our side.
const CHANNEL_BUFFER: usize = 128 * 1024;
/// Packets a video frame may wait for one that is missing. At 2 Mbit/s these are half a second,
/// in which a repair comes or never.
const REORDERING: usize = 128;
/// What the stack's pacer has to see pass between two packets. More would be time that a picture's
/// last packets seem to have waited.
const PACER_STEP: Duration = Duration::from_micros(1);
/// How long the estimator waits for its next turn where nothing else happens. The stack says 25 ms,
/// which at 30 pictures a second is one wake-up between any two of them for the estimator alone. Not
/// above the 40 ms after which the pacer has a turn: what waits there would leave too slowly.
const ESTIMATOR_TURN: Duration = Duration::from_millis(40);
/// The same where it rests. Longer, and a turn of somebody else's that is hidden behind it comes too late.
const RESTING_TURN: Duration = Duration::from_millis(200);
/// How long no picture may come before the way is let be. Shorter, and a camera of few pictures a second
/// begins anew between them.
const QUIET: Duration = Duration::from_secs(2);
/// RFC 8839 ice-char: 64 of them, so that six random bits make one character.
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The certificate that an engine's connections show in DTLS.
#[derive(Clone)]
pub(crate) struct Identity {
    certificate: DtlsCert,
    cryptography: Arc<CryptoProvider>,
}

impl Identity {
    /// A new self-signed certificate.
    pub(crate) fn generate() -> Result<Self, MediaError> {
        let cryptography = Arc::new(str0m::crypto::from_feature_flags());
        let certificate = cryptography.dtls_provider.generate_certificate();
        let missing = || MediaError::Stack("no DTLS certificate could be made".to_owned());
        Ok(Self {
            certificate: certificate.ok_or_else(missing)?,
            cryptography,
        })
    }
}

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

/// What the stack's estimator of the way up was told.
struct Estimator {
    /// What it says the way carries.
    estimate: Bitrate,
    /// What is wanted at most.
    wanted: Bitrate,
    /// When the last picture was written.
    pictured: Instant,
    /// It looks at nothing until the next one.
    rests: bool,
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

/// What happened.
pub(super) enum Happened {
    /// ICE and DTLS are done.
    Connected,
    /// ICE has no path, or has one again.
    Path(bool),
    /// The other end closed.
    Closed,
    /// A whole frame.
    Frame(Box<Arrived>),
    /// The other end wants a keyframe.
    KeyframeWanted,
    /// What the way carries, in bits per second.
    Estimate(u64),
    /// The other end takes no more than this, in bits per second.
    Ceiling(u64),
    /// The data channel can be written to.
    ChannelOpen,
    /// A message.
    Message(Vec<u8>),
    /// Counts of the stack's.
    Counts(Counts),
    /// Loss in one section, as a part of one.
    Loss { sending: bool, loss: f32 },
}

/// A frame as it left the stack.
pub(super) struct Arrived {
    pub(super) mid: String,
    pub(super) codec: Codec,
    /// In the sender's media clock, in microseconds, extended beyond 32 bits.
    pub(super) time_us: u64,
    /// When its first packet came.
    pub(super) at: Instant,
    pub(super) data: Arc<[u8]>,
    pub(super) keyframe: bool,
    /// Whether nothing is missing before it.
    pub(super) contiguous: bool,
    pub(super) rotation: Rotation,
}

/// Counts of the stack's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) rtt: Option<Duration>,
    pub(super) loss_sending: Option<f32>,
    pub(super) loss_receiving: Option<f32>,
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
            estimator: Estimator {
                estimate: Bitrate::bps(FIRST_GUESS_BPS),
                wanted: Bitrate::ZERO,
                pictured: now,
                rests: false,
            },
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

    /// Says how much is wanted, so that the estimator looks for it.
    pub(super) fn want(&mut self, bps: u64) {
        self.estimator.wanted = Bitrate::bps(bps);
        self.rtc.bwe().set_bitrate(Bitrate::ZERO, Bitrate::bps(bps));
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

    /// Lets time pass for the pacer, which gives one packet each time. Polled dry before, the stack would
    /// look through all of itself twice for each packet, only to say when it wants to go on.
    fn pace_on(&mut self, sent: &[u8]) -> Result<(), Broken> {
        match self.part.films && is_rtp(sent) {
            true => self.timeout(self.clock + PACER_STEP),
            false => Ok(()),
        }
    }

    /// When to come again: with the next picture, where only the estimator waits. Not where pictures are
    /// received, for its turn is not the only one that would come later.
    fn wake_up(&self, at: Instant) -> Instant {
        match self.rtc.last_timeout_reason() {
            Reason::BweDelayControl if self.part.watches => at,
            Reason::BweDelayControl if self.estimator.rests => at.max(self.clock + RESTING_TURN),
            Reason::BweDelayControl => at.max(self.clock + ESTIMATOR_TURN),
            _ => at,
        }
    }

    /// Whether the stack's next turn is for padding, and no picture has come for long. It pads while it
    /// has a stream to film in, at 50 kbit/s, 170 packets a second: a phone that only listens would
    /// send and be awake for nothing.
    fn pads_in_vain(&self) -> bool {
        let pads = self.rtc.last_timeout_reason() == Reason::Pacer(PacerReason::Padding);
        pads && self
            .clock
            .saturating_duration_since(self.estimator.pictured)
            >= QUIET
    }

    /// Has the estimator look at nothing. The stack pads no more than the way carries: it is told that
    /// this is nothing, and that nothing is wanted.
    fn let_be(&mut self) {
        self.estimator.rests = true;
        let mut bwe = self.rtc.bwe();
        bwe.set_bitrate(Bitrate::ZERO, Bitrate::ZERO);
        bwe.reset(Bitrate::ZERO);
    }

    /// Has it go on where it was, if it rests.
    fn look_again(&mut self, now: Instant) {
        self.estimator.pictured = now;
        if std::mem::take(&mut self.estimator.rests) {
            let (wanted, estimate) = (self.estimator.wanted, self.estimator.estimate);
            let mut bwe = self.rtc.bwe();
            bwe.set_bitrate(Bitrate::ZERO, wanted);
            bwe.reset(estimate);
        }
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

    fn translate(&mut self, event: Event) -> Option<Happened> {
        Some(match event {
            Event::Connected => Happened::Connected,
            Event::IceConnectionStateChange(state) => match state {
                IceConnectionState::Disconnected => Happened::Path(false),
                IceConnectionState::Connected | IceConnectionState::Completed => {
                    Happened::Path(true)
                }
                _ => return None,
            },
            Event::Closed => Happened::Closed,
            Event::MediaData(data) => Happened::Frame(Box::new(arrived(data)?)),
            Event::KeyframeRequest(_) => Happened::KeyframeWanted,
            Event::EgressBitrateEstimate(BweKind::Twcc { .. }) if self.estimator.rests => {
                return None;
            }
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                self.estimator.estimate = estimate;
                Happened::Estimate(estimate.as_u64())
            }
            Event::EgressBitrateEstimate(BweKind::Remb { estimate, .. }) => {
                Happened::Ceiling(estimate.as_u64())
            }
            Event::ChannelOpen(id, _) => {
                self.channel = Some(id);
                Happened::ChannelOpen
            }
            Event::ChannelClose(id) if self.channel == Some(id) => {
                self.channel = None;
                return None;
            }
            Event::ChannelData(data) => Happened::Message(data.data),
            Event::PeerStats(stats) => Happened::Counts(Counts {
                rtt: stats.rtt.or_else(|| {
                    let pair = stats.selected_candidate_pair?;
                    pair.current_round_trip_time
                }),
                loss_sending: stats.egress_loss_fraction,
                loss_receiving: stats.ingress_loss_fraction,
            }),
            Event::MediaEgressStats(stats) => Happened::Loss {
                sending: true,
                loss: stats.loss?,
            },
            Event::MediaIngressStats(stats) => Happened::Loss {
                sending: false,
                loss: stats.loss?,
            },
            _ => return None,
        })
    }
}

fn configure(identity: &Identity, entropy: &mut dyn Entropy) -> RtcConfig {
    // The stack's own credentials come from a generator that is not cryptographic.
    let credentials = IceCreds {
        ufrag: ice_text::<8>(entropy),
        pass: ice_text::<32>(entropy),
    };
    let mut config = RtcConfig::new()
        .set_crypto_provider(Arc::clone(&identity.cryptography))
        .set_dtls_cert(identity.certificate.clone())
        .set_local_ice_credentials(credentials)
        .clear_codecs()
        .enable_opus(true, false)
        .enable_vp8(true)
        .set_stats_interval(Some(STATS_EVERY))
        .set_reordering_size_video(REORDERING)
        .set_sctp_max_buffered_amount(CHANNEL_BUFFER);
    config.codec_config().enable_h264(true);
    config
}

/// Whether a datagram is media, and none of RTCP (RFC 5761 §4) or anybody else's (RFC 7983 §7).
fn is_rtp(datagram: &[u8]) -> bool {
    let [first, second, ..] = datagram else {
        return false;
    };
    (128..192).contains(first) && !(64..96).contains(&(second & 0x7F))
}

fn ice_text<const N: usize>(entropy: &mut dyn Entropy) -> String {
    let bytes = random_bytes::<N>(entropy);
    let char = |byte: &u8| char::from(ICE_CHARS[usize::from(byte & 63)]);
    bytes.iter().map(char).collect()
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

fn arrived(data: MediaData) -> Option<Arrived> {
    let codec = match data.params.spec().codec {
        StackCodec::Vp8 => Codec::Vp8,
        StackCodec::H264 => Codec::H264,
        StackCodec::Opus => Codec::Opus,
        _ => return None,
    };
    Some(Arrived {
        mid: data.mid.to_string(),
        codec,
        time_us: data.time.as_micros(),
        at: data.network_time,
        keyframe: codec == Codec::Opus || data.is_keyframe(),
        contiguous: data.contiguous,
        rotation: match data.ext_vals.video_orientation {
            Some(VideoOrientation::Deg90) => Rotation::Quarter,
            Some(VideoOrientation::Deg180) => Rotation::Half,
            Some(VideoOrientation::Deg270) => Rotation::ThreeQuarters,
            _ => Rotation::Upright,
        },
        data: data.data,
    })
}

fn orientation(rotation: Rotation) -> VideoOrientation {
    match rotation {
        Rotation::Upright => VideoOrientation::Deg0,
        Rotation::Quarter => VideoOrientation::Deg90,
        Rotation::Half => VideoOrientation::Deg180,
        Rotation::ThreeQuarters => VideoOrientation::Deg270,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_is_told_from_reports_and_from_what_else_shares_the_path() {
        assert!(is_rtp(&[0x80, 96]) && is_rtp(&[0x90, 0x80 | 111]));
        let (sender_report, feedback) = ([0x80, 200], [0x8F, 205]);
        assert!(!is_rtp(&sender_report) && !is_rtp(&feedback));
        let (stun, dtls) = ([0, 1], [22, 254]);
        assert!(!is_rtp(&stun) && !is_rtp(&dtls) && !is_rtp(&[0x80]) && !is_rtp(&[]));
    }
}
