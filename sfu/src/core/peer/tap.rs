//! Learns what a DTLS handshake agreed on, by standing between the media stack and its DTLS
//! implementation.
//!
//! The stack keeps the outcome to itself, but takes its cryptography as public trait objects. The
//! DTLS instance made here passes everything through and notes the SRTP profile as it goes by.
//!
//! Where our own RTP path is wanted, the SRTP keys stay here for it, and the stack is given none. So
//! there is one owner of every nonce by construction: whatever the stack might ever want to send, it
//! has nothing to seal it with, and no memory for that either.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, KeyingMaterial,
    ProtocolVersion, SrtpProfile,
};
use str0m::crypto::{CryptoError, CryptoProvider, from_feature_flags};
use zeroize::Zeroizing;

use crate::core::rtp::srtp::Profile;

/// What a handshake agreed on, as it becomes known.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    profile: OnceLock<String>,
    withhold: AtomicBool,
    keys: Mutex<Option<Keys>>,
}

/// SRTP keys that the stack never saw.
pub(super) struct Keys {
    /// `None` for one that our own path does not speak, which is none of those that the stack's
    /// DTLS agrees on today: that connection ends.
    pub(super) profile: Option<Profile>,
    /// As exported (RFC 5764 §4.2).
    pub(super) material: Zeroizing<Vec<u8>>,
    /// Whether we were the DTLS client.
    pub(super) client: bool,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({:?})", self.profile)
    }
}

impl Outcome {
    /// The SRTP profile's name, once DTLS is done.
    pub(super) fn profile(&self) -> Option<&str> {
        self.profile.get().map(String::as_str)
    }

    /// Wants the keys for our own path.
    pub(super) fn withhold_keys(&self) {
        self.withhold.store(true, Ordering::Relaxed);
    }

    /// Whether the keys are wanted for our own path.
    fn withholds(&self) -> bool {
        self.withhold.load(Ordering::Relaxed)
    }

    /// Takes the keys, once they are there.
    pub(super) fn take_keys(&self) -> Option<Keys> {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Notes the outcome; what the stack gets to see of the keys, if anything.
    fn pass(
        &self,
        material: KeyingMaterial,
        profile: SrtpProfile,
        client: bool,
    ) -> Option<KeyingMaterial> {
        self.note(profile);
        if !self.withholds() {
            return Some(material);
        }
        let keys = Keys {
            profile: own_profile(profile),
            material: Zeroizing::new(material.to_vec()),
            client,
        };
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys);
        None
    }

    fn note(&self, profile: SrtpProfile) {
        let name = profile.to_string();
        let name = name.strip_prefix("SRTP_").unwrap_or(&name);
        let _ = self.profile.set(name.to_owned());
    }
}

fn own_profile(profile: SrtpProfile) -> Option<Profile> {
    match profile {
        SrtpProfile::AES128_CM_SHA1_80 => Some(Profile::Counter),
        SrtpProfile::AEAD_AES_128_GCM => Some(Profile::Gcm128),
        SrtpProfile::AEAD_AES_256_GCM => Some(Profile::Gcm256),
        _ => None,
    }
}

thread_local! {
    /// The outcome of the DTLS instance made last on this thread: building a peer makes exactly
    /// one, on the thread that builds it.
    static LATEST: RefCell<Option<Arc<Outcome>>> = const { RefCell::new(None) };
}

/// The stack's own cryptography, with the tap in front of its DTLS.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static TAPPED: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    static DTLS: OnceLock<TapProvider> = OnceLock::new();
    let tapped = TAPPED.get_or_init(|| {
        let mut provider = from_feature_flags();
        provider.dtls_provider = DTLS.get_or_init(|| TapProvider(provider.dtls_provider));
        Arc::new(provider)
    });
    Arc::clone(tapped)
}

/// The same over another DTLS.
#[cfg(test)]
pub(super) fn provider_over(dtls: &'static dyn DtlsProvider) -> Arc<CryptoProvider> {
    let mut provider = from_feature_flags();
    provider.dtls_provider = Box::leak(Box::new(TapProvider(dtls)));
    Arc::new(provider)
}

/// Takes the outcome of the instance that was just made on this thread.
pub(super) fn take_latest() -> Arc<Outcome> {
    LATEST.take().unwrap_or_default()
}

#[derive(Debug)]
struct TapProvider(&'static dyn DtlsProvider);

impl DtlsProvider for TapProvider {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.0.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = self.0.new_dtls(cert, now, version, mtu)?;
        let outcome = Arc::<Outcome>::default();
        LATEST.replace(Some(Arc::clone(&outcome)));
        Ok(Box::new(Tap { inner, outcome }))
    }

    fn is_test(&self) -> bool {
        self.0.is_test()
    }
}

#[derive(Debug)]
struct Tap {
    inner: Box<dyn DtlsInstance>,
    outcome: Arc<Outcome>,
}

impl Tap {
    /// Everything as it comes; notes the profile.
    fn pass<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let output = self.inner.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(_, profile) = &output {
            self.outcome.note(*profile);
        }
        output
    }
}

fn copied<'a>(bytes: &[u8], into: &'a mut [u8]) -> &'a [u8] {
    let room = &mut into[..bytes.len()];
    room.copy_from_slice(bytes);
    room
}

impl DtlsInstance for Tap {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        if !self.outcome.withholds() || self.outcome.profile().is_some() {
            return self.pass(buf);
        }
        // What comes behind keys that are kept comes in their place, in the same memory; so this is
        // polled into another one until then.
        let client = self.inner.is_active();
        let mut own = vec![0; buf.len()];
        match self.inner.poll_output(&mut own) {
            DtlsOutput::KeyingMaterial(material, profile) => {
                match self.outcome.pass(material, profile, client) {
                    Some(seen) => DtlsOutput::KeyingMaterial(seen, profile),
                    None => self.inner.poll_output(buf),
                }
            }
            DtlsOutput::Packet(bytes) => DtlsOutput::Packet(copied(bytes, buf)),
            DtlsOutput::PeerCert(bytes) => DtlsOutput::PeerCert(copied(bytes, buf)),
            DtlsOutput::ApplicationData(bytes) => DtlsOutput::ApplicationData(copied(bytes, buf)),
            DtlsOutput::BufferTooSmall { needed } => DtlsOutput::BufferTooSmall { needed },
            DtlsOutput::Timeout(at) => DtlsOutput::Timeout(at),
            DtlsOutput::Connected => DtlsOutput::Connected,
            // The last one there is.
            _ => DtlsOutput::CloseNotify,
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material(profile: SrtpProfile) -> KeyingMaterial {
        KeyingMaterial::new(&vec![7; profile.keying_material_len()])
    }

    #[test]
    fn the_stack_never_sees_keys_that_our_own_path_uses() {
        for profile in SrtpProfile::ALL.iter().copied() {
            let outcome = Outcome::default();
            outcome.withhold_keys();
            let seen = outcome.pass(material(profile), profile, true);
            assert!(seen.is_none(), "{profile}");
            let keys = outcome.take_keys().expect("keys");
            let own = keys.profile.expect("our own path speaks all of them");
            assert_eq!(own.material(), keys.material.len());
            assert!(keys.client && keys.material.iter().all(|byte| *byte == 7));
            assert!(outcome.take_keys().is_none(), "taken once");
        }
    }

    #[test]
    fn keys_that_our_own_path_does_not_want_are_the_stacks() {
        let gcm = SrtpProfile::AEAD_AES_256_GCM;
        let unwanted = Outcome::default();
        let seen = unwanted
            .pass(material(gcm), gcm, true)
            .expect("the stack's");
        assert!(seen.iter().all(|byte| *byte == 7));
        assert!(unwanted.take_keys().is_none());
        assert_eq!(unwanted.profile(), Some("AEAD_AES_256_GCM"));
    }
}
