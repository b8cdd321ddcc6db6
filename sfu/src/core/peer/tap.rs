//! Learns which SRTP profile a DTLS handshake chose, by standing between the media stack and its
//! DTLS implementation.
//!
//! The stack keeps the outcome to itself, but takes its cryptography as public trait objects. The
//! DTLS instance made here passes everything through and notes the profile as it goes by. Keys
//! are neither kept nor copied.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};
use str0m::crypto::{CryptoError, CryptoProvider, from_feature_flags};

/// Where a handshake's SRTP profile appears once it is known.
pub(super) type ProfileCell = Arc<OnceLock<String>>;

thread_local! {
    /// The cell of the DTLS instance made last on this thread: building a peer makes exactly one,
    /// on the thread that builds it.
    static LATEST: RefCell<Option<ProfileCell>> = const { RefCell::new(None) };
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

/// Takes the cell of the instance that was just made on this thread.
pub(super) fn take_latest() -> ProfileCell {
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
        let profile = ProfileCell::default();
        LATEST.replace(Some(Arc::clone(&profile)));
        Ok(Box::new(Tap { inner, profile }))
    }

    fn is_test(&self) -> bool {
        self.0.is_test()
    }
}

#[derive(Debug)]
struct Tap {
    inner: Box<dyn DtlsInstance>,
    profile: ProfileCell,
}

impl DtlsInstance for Tap {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let output = self.inner.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(_, profile) = &output {
            let name = profile.to_string();
            let name = name.strip_prefix("SRTP_").unwrap_or(&name);
            let _ = self.profile.set(name.to_owned());
        }
        output
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
