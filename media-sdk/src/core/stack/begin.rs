//! What a connection begins with: the engine's certificate, and how the stack is set.

use std::sync::Arc;
use std::time::Duration;

use lens_protocol::entropy::{Entropy, random_bytes};
use str0m::config::DtlsCert;
use str0m::crypto::CryptoProvider;
use str0m::{IceCreds, RtcConfig};

use crate::error::MediaError;

/// How often the stack hands out its own counts.
const STATS_EVERY: Duration = Duration::from_secs(1);
/// Most bytes the stack queues towards the data channel; beyond, messages wait on our side.
const CHANNEL_BUFFER: usize = 128 * 1024;
/// Packets a video frame may wait for one that is missing. At 2 Mbit/s these are half a second,
/// in which a repair comes or never.
const REORDERING: usize = 128;
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

/// The stack's settings, with ICE credentials of its own.
pub(super) fn configure(identity: &Identity, entropy: &mut dyn Entropy) -> RtcConfig {
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

fn ice_text<const N: usize>(entropy: &mut dyn Entropy) -> String {
    let bytes = random_bytes::<N>(entropy);
    let char = |byte: &u8| char::from(ICE_CHARS[usize::from(byte & 63)]);
    bytes.iter().map(char).collect()
}
