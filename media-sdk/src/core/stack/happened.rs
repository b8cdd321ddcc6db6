//! What the stack says has happened, in our words.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::bwe::BweKind;
use str0m::format::Codec as StackCodec;
use str0m::media::MediaData;
use str0m::rtp::VideoOrientation;
use str0m::{Event, IceConnectionState};

use super::Stack;
use crate::frame::{Codec, Rotation};

/// What happened.
pub(crate) enum Happened {
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
pub(crate) struct Arrived {
    pub(crate) mid: String,
    pub(crate) codec: Codec,
    /// In the sender's media clock, in microseconds, extended beyond 32 bits.
    pub(crate) time_us: u64,
    /// When its first packet came.
    pub(crate) at: Instant,
    pub(crate) data: Arc<[u8]>,
    pub(crate) keyframe: bool,
    /// Whether nothing is missing before it.
    pub(crate) contiguous: bool,
    pub(crate) rotation: Rotation,
}

/// Counts of the stack's.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) rtt: Option<Duration>,
    pub(crate) loss_sending: Option<f32>,
    pub(crate) loss_receiving: Option<f32>,
}

impl Stack {
    /// In our words; none for what nobody here wants to know.
    pub(super) fn translate(&mut self, event: Event) -> Option<Happened> {
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
            Event::EgressBitrateEstimate(BweKind::Twcc { estimate, .. }) => {
                Happened::Estimate(self.estimator.heard(estimate)?)
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
