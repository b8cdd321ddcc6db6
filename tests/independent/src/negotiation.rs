//! From an offer to an answer, the way webrtc-rs does it.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Instant;

use lens_independent_peer::{Setup, Start};
use rtc::interceptor::{Registry, Slot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_OPUS, MIME_TYPE_VP8, MediaEngine,
};
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{
    CandidateConfig, CandidateHostConfig, RTCDtlsRole, RTCIceCandidate, RTCIceCandidateInit,
};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RTCRtpRtxParameters,
    RtpCodecKind,
};
use rtc::rtp_transceiver::{
    RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverId, RTCRtpTransceiverInit,
};

use crate::keyframes::DeliverRequests;
use crate::renumber;

/// Where an interceptor stands that lets all of webrtc-rs's own see a packet first.
const BEHIND_ALL: usize = 14_000;

/// A connection that has given its answer.
pub(crate) struct Negotiated {
    /// The connection.
    pub(crate) connection: RTCPeerConnection,
    /// Its answer.
    pub(crate) answer: String,
    /// What it sends as video.
    pub(crate) video: Option<Stream>,
    /// What it sends as voice.
    pub(crate) audio: Option<Stream>,
}

/// A stream to send.
#[derive(Clone, Copy)]
pub(crate) struct Stream {
    /// By whom.
    pub(crate) sender: RTCRtpSenderId,
    /// Its RTP source.
    pub(crate) ssrc: u32,
    /// The negotiated payload type: webrtc-rs writes what the application says.
    pub(crate) payload_type: u8,
}

/// Answers `start` for a socket bound to `local`.
pub(crate) fn answer(start: &Start, local: SocketAddr) -> Result<Negotiated, Box<dyn Error>> {
    let now = Instant::now();
    let mut connection = connection(start, now)?;
    // Sources need only differ within this connection; a new one has another port.
    let source = u32::from(local.port()) << 8;
    let video = send(
        &mut connection,
        start.video_up.is_some(),
        &Kind::video(source),
    )?;
    let audio = send(
        &mut connection,
        start.audio_up.is_some(),
        &Kind::audio(source),
    )?;
    let mut sdp = start.sdp.clone();
    if start.habits.renumber_vp8 {
        sdp = renumber::vp8(&sdp);
    }
    connection.set_remote_description(now, RTCSessionDescription::offer(sdp)?)?;
    connection.add_local_candidate(host_candidate(local)?)?;
    let answer = connection.create_answer(None)?;
    connection.set_local_description(now, answer)?;
    let answer = connection
        .local_description()
        .ok_or("an answer was set")?
        .sdp;
    if !start.habits.setup.is_none_or(|role| takes(&answer, role)) {
        return Err("the answer takes the other DTLS role".into());
    }
    let video = video
        .map(|id| stream(&mut connection, id, MIME_TYPE_VP8))
        .transpose()?;
    let audio = audio
        .map(|id| stream(&mut connection, id, MIME_TYPE_OPUS))
        .transpose()?;
    Ok(Negotiated {
        connection,
        answer,
        video,
        audio,
    })
}

fn connection(start: &Start, now: Instant) -> Result<RTCPeerConnection, Box<dyn Error>> {
    let mut codecs = MediaEngine::default();
    codecs.register_default_codecs()?;
    let chain = Registry::new().with(Slot::from(BEHIND_ALL), DeliverRequests::default());
    let chain = register_default_interceptors(chain, &mut codecs)?;
    let mut settings = SettingEngineBuilder::new();
    if let Some(setup) = start.habits.setup {
        settings = settings.with_answering_dtls_role(match setup {
            Setup::Active => RTCDtlsRole::Client,
            Setup::Passive => RTCDtlsRole::Server,
        });
    }
    Ok(RTCPeerConnectionBuilder::new()
        .with_setting_engine(settings.build())
        .with_media_engine(codecs)
        .with_interceptor_registry(chain)
        .build(now)?)
}

fn takes(answer: &str, role: Setup) -> bool {
    answer.contains(match role {
        Setup::Active => "a=setup:active\r\n",
        Setup::Passive => "a=setup:passive\r\n",
    })
}

/// What is sent of one kind.
struct Kind {
    kind: RtpCodecKind,
    mime_type: &'static str,
    clock_rate: u32,
    channels: u16,
    ssrc: u32,
    rtx: Option<u32>,
}

impl Kind {
    fn video(source: u32) -> Self {
        Self {
            kind: RtpCodecKind::Video,
            mime_type: MIME_TYPE_VP8,
            clock_rate: lens_independent_peer::packet::VIDEO_CLOCK,
            channels: 0,
            ssrc: source | 1,
            rtx: Some(source | 2),
        }
    }

    fn audio(source: u32) -> Self {
        Self {
            kind: RtpCodecKind::Audio,
            mime_type: MIME_TYPE_OPUS,
            clock_rate: lens_independent_peer::packet::AUDIO_CLOCK,
            channels: 2,
            ssrc: source | 3,
            rtx: None,
        }
    }

    fn track(&self) -> MediaStreamTrack {
        let codec = RTCRtpCodec {
            mime_type: self.mime_type.to_owned(),
            clock_rate: self.clock_rate,
            channels: self.channels,
            ..RTCRtpCodec::default()
        };
        let encoding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(self.ssrc),
                rtx: self.rtx.map(|ssrc| RTCRtpRtxParameters { ssrc }),
                ..RTCRtpCodingParameters::default()
            },
            active: true,
            codec,
            ..RTCRtpEncodingParameters::default()
        };
        let name = self.kind.to_string();
        MediaStreamTrack::new(
            "own".to_owned(),
            name.clone(),
            name,
            self.kind,
            vec![encoding],
        )
    }
}

/// A transceiver that only sends takes the first section of its kind that only receives.
fn send(
    connection: &mut RTCPeerConnection,
    wanted: bool,
    kind: &Kind,
) -> Result<Option<RTCRtpTransceiverId>, Box<dyn Error>> {
    if !wanted {
        return Ok(None);
    }
    let direction = RTCRtpTransceiverInit {
        direction: RTCRtpTransceiverDirection::Sendonly,
        ..RTCRtpTransceiverInit::default()
    };
    let id = connection.add_transceiver_from_track(kind.track(), Some(direction))?;
    Ok(Some(id))
}

fn stream(
    connection: &mut RTCPeerConnection,
    id: RTCRtpTransceiverId,
    mime_type: &str,
) -> Result<Stream, Box<dyn Error>> {
    let id = RTCRtpSenderId::from(id);
    let mut sender = connection.rtp_sender(id).ok_or("the sender is there")?;
    let ssrc = sender
        .track()
        .ssrcs()
        .next()
        .ok_or("the track has a source")?;
    let codecs = &sender.get_parameters().rtp_parameters.codecs;
    let codec = codecs
        .iter()
        .find(|codec| codec.rtp_codec.mime_type.eq_ignore_ascii_case(mime_type));
    Ok(Stream {
        sender: id,
        ssrc,
        payload_type: codec.ok_or("the codec was negotiated")?.payload_type,
    })
}

fn host_candidate(local: SocketAddr) -> Result<RTCIceCandidateInit, Box<dyn Error>> {
    let candidate = CandidateHostConfig {
        base_config: CandidateConfig {
            network: "udp".to_owned(),
            address: local.ip().to_string(),
            port: local.port(),
            component: 1,
            ..CandidateConfig::default()
        },
        ..CandidateHostConfig::default()
    };
    Ok(RTCIceCandidate::from(&candidate.new_candidate_host()?).to_json()?)
}
