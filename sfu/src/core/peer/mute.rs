//! The DTLS of an object that makes SDP and nothing else: it never speaks and is never spoken to.
//!
//! A real one for each offer would cost time, memory and keys that nobody uses.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};
use str0m::crypto::{CryptoError, CryptoProvider, from_feature_flags};

/// The stack's own cryptography without DTLS.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static MUTE: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let mute = MUTE.get_or_init(|| {
        let mut provider = from_feature_flags();
        provider.dtls_provider = &MuteProvider;
        Arc::new(provider)
    });
    Arc::clone(mute)
}

#[derive(Debug)]
struct MuteProvider;

impl DtlsProvider for MuteProvider {
    /// Its certificate is the one that the transport shows.
    fn generate_certificate(&self) -> Option<DtlsCert> {
        None
    }

    fn new_dtls(
        &self,
        _: &DtlsCert,
        now: Instant,
        _: DtlsVersion,
        _: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        Ok(Box::new(Mute { now, active: false }))
    }
}

#[derive(Debug)]
struct Mute {
    now: Instant,
    active: bool,
}

impl DtlsInstance for Mute {
    fn set_active(&mut self, active: bool) {
        self.active = active;
    }

    fn handle_packet(&mut self, _: &[u8]) -> Result<(), DtlsImplError> {
        Ok(())
    }

    fn poll_output<'a>(&mut self, _: &'a mut [u8]) -> DtlsOutput<'a> {
        // Nobody polls it; an hour is as good as never.
        DtlsOutput::Timeout(self.now + Duration::from_secs(3_600))
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.now = now;
        Ok(())
    }

    fn send_application_data(&mut self, _: &[u8]) -> Result<usize, DtlsImplError> {
        Ok(0)
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        None
    }

    fn is_closed(&self) -> bool {
        true
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        Ok(())
    }
}
