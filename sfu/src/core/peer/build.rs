//! Making a peer and its offer: about 1.6 ms of CPU, therefore off the media thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::entropy::{Entropy, random_bytes};
use lens_protocol::media::{MediaAddress, Simulcast, SlotKind, VideoCodec};
use str0m::config::DtlsCert;
use str0m::crypto::CryptoProvider;
#[cfg(test)]
use str0m::crypto::dtls::DtlsProvider;
use str0m::error::IceError;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::TcpType;
use str0m::rtp::Extension;
use str0m::{Candidate, IceCreds, Rtc, RtcConfig};

use super::transport::{self, Half};
use super::{Negotiation, Parts, Peer, mute, rids, tap};
use crate::core::demux::{Names, Ufrag, ice_char};
use crate::core::slots;
use crate::core::stun;
use crate::error::SfuError;

/// How often the stack hands out its own counts.
const STATS_INTERVAL: Duration = Duration::from_secs(2);
/// Header extension number of abs-capture-time; 9 is free in the stack's standard map.
pub(super) const ABS_CAPTURE_TIME: u8 = 9;
/// That of the dependency descriptor; free as well.
pub(super) const DESCRIPTOR: u8 = 12;
/// The data channel's label.
pub(super) const CHANNEL_LABEL: &str = "lens";
/// Most bytes the stack queues towards one peer's data channel.
pub(crate) const CHANNEL_BUFFER: usize = 256 * 1024;
/// Longest data channel message taken from a peer.
pub(crate) const CHANNEL_MESSAGE: u32 = 64 * 1024;

/// The certificate that all peers of a process show in DTLS, and the cryptography it is shown with.
#[derive(Clone)]
pub(crate) struct Identity {
    certificate: DtlsCert,
    cryptography: Arc<CryptoProvider>,
}

impl Identity {
    /// A new self-signed certificate.
    pub(crate) fn generate() -> Result<Self, SfuError> {
        Self::with(tap::provider())
    }

    /// The same over another DTLS.
    #[cfg(test)]
    pub(crate) fn over(dtls: &'static dyn DtlsProvider) -> Result<Self, SfuError> {
        Self::with(tap::provider_over(dtls))
    }

    pub(super) fn certificate(&self) -> DtlsCert {
        self.certificate.clone()
    }

    /// What DTLS and SRTP are done with.
    pub(crate) fn cryptography(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.cryptography)
    }

    fn with(cryptography: Arc<CryptoProvider>) -> Result<Self, SfuError> {
        let certificate = cryptography.dtls_provider.generate_certificate();
        let missing = || SfuError::Stack("no DTLS certificate could be made".to_owned());
        Ok(Self {
            certificate: certificate.ok_or_else(missing)?,
            cryptography,
        })
    }
}

/// ICE credentials of one offer. The stack's own come from a generator that is not cryptographic.
pub(crate) struct Credentials {
    pub(crate) ufrag: Ufrag,
    pub(super) password: String,
    /// First number of the repair streams.
    pub(super) first_repair: u16,
}

impl Credentials {
    /// Fresh credentials on `worker`: a password of 192 random bits.
    pub(crate) fn new(worker: u8, names: &Names, entropy: &mut dyn Entropy) -> Self {
        let password: [u8; 32] = random_bytes(entropy);
        Self {
            ufrag: Ufrag::new(worker, names, entropy),
            password: password
                .iter()
                .map(|byte| char::from(ice_char(*byte)))
                .collect(),
            first_repair: u16::from_be_bytes(random_bytes(entropy)),
        }
    }

    /// As the stack takes them.
    pub(super) fn for_ice(&self) -> IceCreds {
        IceCreds {
            ufrag: self.ufrag.as_str().to_owned(),
            pass: self.password.clone(),
        }
    }
}

/// What an offer is made from.
pub(crate) struct Blueprint<'a> {
    pub(crate) credentials: Credentials,
    pub(crate) identity: &'a Identity,
    pub(crate) addresses: &'a [MediaAddress],
    pub(crate) layout: &'a [SlotKind],
    pub(crate) codecs: &'a [VideoCodec],
    /// Whether a camera is asked for layers.
    pub(crate) simulcast: Simulcast,
    /// Whether RTP goes our own path, and not through the stack.
    pub(crate) own_path: bool,
    /// Whether there is a data channel. One brings SCTP, whose timers no simulation can foresee.
    pub(crate) channel: bool,
    pub(crate) now: Instant,
}

/// A peer with its offer, or with its answer to a client's.
pub(crate) struct Built {
    pub(crate) peer: Peer,
    pub(crate) ufrag: Ufrag,
    pub(crate) sdp: String,
    /// Its slots, in order.
    pub(crate) kinds: Vec<SlotKind>,
    /// The `a=mid` of each.
    pub(crate) mids: Vec<String>,
    /// Whether the negotiation is done: `sdp` is an answer.
    pub(crate) answered: bool,
}

/// Makes a peer and its offer.
pub(crate) fn build(blueprint: Blueprint<'_>) -> Result<Built, SfuError> {
    let mut begun = begin(&blueprint)?;
    let mut changes = begun.negotiator().sdp_api();
    let mut voices = 0;
    let mids: Vec<Mid> = blueprint
        .layout
        .iter()
        .enumerate()
        .map(|(index, kind)| {
            voices += usize::from(*kind == SlotKind::AudioDown);
            let stream = slots::stream(*kind, voices);
            let track = Some(format!("{stream}-{index}"));
            changes.add_media(
                media_kind(*kind),
                direction(*kind),
                Some(stream),
                track,
                rids::asked(*kind, blueprint.simulcast),
            )
        })
        .collect();
    let channel = blueprint
        .channel
        .then(|| changes.add_channel(CHANNEL_LABEL.to_owned()));
    let (offer, pending) = changes
        .apply()
        .ok_or_else(|| SfuError::Stack("the stack made no offer".to_owned()))?;
    let mut sdp = rids::pause(offer.to_sdp_string(), blueprint.simulcast);
    let mut half = None;
    if blueprint.channel && begun.apart.is_some() {
        let (ours, with_it) = Half::put_into(&sdp)?;
        (half, sdp) = (Some(ours), with_it);
    }
    Ok(Built {
        ufrag: blueprint.credentials.ufrag,
        sdp,
        kinds: blueprint.layout.to_vec(),
        answered: false,
        mids: mids.iter().map(ToString::to_string).collect(),
        peer: Peer::new(Parts {
            rtc: begun.rtc,
            negotiation: Some(Negotiation {
                apart: begun.apart,
                pending,
                half,
            }),
            mids,
            kinds: blueprint.layout.to_vec(),
            rids: vec![None; blueprint.layout.len()],
            channel,
            outcome: begun.outcome,
            password: stun::Password::new(&blueprint.credentials.password),
            first_repair: blueprint.credentials.first_repair,
        }),
    })
}

/// The stack's objects of a peer, before any negotiation.
pub(super) struct Begun {
    /// Does ICE, DTLS and SCTP; RTP as well, unless that goes our own path.
    pub(super) rtc: Rtc,
    /// Makes the SDP, where the other does not.
    pub(super) apart: Option<Box<Rtc>>,
    pub(super) outcome: Arc<tap::Outcome>,
}

impl Begun {
    /// The one that makes the SDP.
    pub(super) fn negotiator(&mut self) -> &mut Rtc {
        self.apart.as_deref_mut().unwrap_or(&mut self.rtc)
    }
}

/// Makes them, each with the peer's addresses.
pub(super) fn begin(blueprint: &Blueprint<'_>) -> Result<Begun, SfuError> {
    let mut begun = match blueprint.own_path {
        true => {
            let (rtc, outcome) = transport::begin(blueprint);
            let apart = configure(blueprint, mute::provider()).build(blueprint.now);
            Begun {
                rtc,
                apart: Some(Box::new(apart)),
                outcome,
            }
        }
        false => Begun {
            rtc: configure(blueprint, blueprint.identity.cryptography()).build(blueprint.now),
            apart: None,
            outcome: tap::take_latest(),
        },
    };
    for candidate in candidates(blueprint.addresses)? {
        if let Some(apart) = &mut begun.apart {
            apart.add_local_candidate(candidate.clone());
        }
        begun.rtc.add_local_candidate(candidate);
    }
    Ok(begun)
}

fn configure(blueprint: &Blueprint<'_>, cryptography: Arc<CryptoProvider>) -> RtcConfig {
    let mut config = RtcConfig::new()
        .set_crypto_provider(cryptography)
        .set_dtls_cert(blueprint.identity.certificate())
        .set_ice_lite(true)
        .set_rtp_mode(true)
        .set_stats_interval(Some(STATS_INTERVAL))
        .set_sctp_max_buffered_amount(CHANNEL_BUFFER)
        .set_sctp_max_message_size(CHANNEL_MESSAGE)
        .set_extension(ABS_CAPTURE_TIME, Extension::AbsoluteCaptureTime)
        .set_local_ice_credentials(blueprint.credentials.for_ice());
    super::codecs::configure(config.codec_config(), blueprint.codecs);
    match blueprint.own_path {
        true => config.set_extension(DESCRIPTOR, super::extensions::described()),
        // Where this object does SCTP as well, it says its half of the handshake itself.
        false => config.set_snap_enabled(blueprint.channel),
    }
}

/// Those of each address; an error for one that no candidate can have, such as a port of 0.
fn candidates(addresses: &[MediaAddress]) -> Result<Vec<Candidate>, SfuError> {
    let refused = |error: IceError| SfuError::Stack(format!("no candidate: {error}"));
    let mut candidates = Vec::new();
    for address in addresses {
        candidates.push(Candidate::host(address.udp, "udp").map_err(refused)?);
        if let Some(tcp) = address.tcp {
            let candidate = Candidate::builder()
                .tcp()
                .host(tcp)
                .tcptype(TcpType::Passive);
            candidates.push(candidate.build().map_err(refused)?);
        }
    }
    Ok(candidates)
}

fn media_kind(kind: SlotKind) -> MediaKind {
    match slots::is_video(kind) {
        true => MediaKind::Video,
        false => MediaKind::Audio,
    }
}

fn direction(kind: SlotKind) -> Direction {
    match slots::is_up(kind) {
        true => Direction::RecvOnly,
        false => Direction::SendOnly,
    }
}
