//! Peers that agree on an SRTP profile other than browsers do: what the stack seals our own path
//! opens, and the other way round.

use std::time::{Duration, Instant};

use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, KeyingMaterial,
    ProtocolVersion, SrtpProfile,
};
use str0m::crypto::{CryptoError, from_feature_flags};

use super::wired_tests::Wires;
use crate::core::peer::Identity;

/// Real DTLS whose handshakes come out at another profile, whatever they agree on.
#[derive(Debug)]
struct OtherProfile;

#[derive(Debug)]
struct Other(Box<dyn DtlsInstance>);

impl DtlsProvider for OtherProfile {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let real = from_feature_flags().dtls_provider;
        let inner = real.new_dtls(certificate, now, version, mtu)?;
        Ok(Box::new(Other(inner)))
    }
}

impl DtlsInstance for Other {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        match self.0.poll_output(buf) {
            // What is exported for less is the beginning of what is exported for more.
            DtlsOutput::KeyingMaterial(material, _) => {
                let profile = SrtpProfile::AES128_CM_SHA1_80;
                let length = profile.keying_material_len();
                DtlsOutput::KeyingMaterial(KeyingMaterial::new(&material[..length]), profile)
            }
            other => other,
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}

#[test]
fn peers_that_know_counter_mode_only_go_our_own_path() {
    static DTLS: OtherProfile = OtherProfile;
    let identity = Identity::over(&DTLS).expect("a certificate");
    let mut wires = Wires::connected_by(&identity, 1, 2);
    wires.pass(Duration::from_millis(50));
    for link in wires.shard.links.iter() {
        assert_eq!(link.peer.srtp_profile(), Some("AES128_CM_SHA1_80"));
    }
    // What comes before or after everything else cannot be missed, and is not lost. Losses make the
    // other end write RTCP.
    for (lose_every, frames) in [(0, 1), (10, 58), (0, 1)] {
        wires.lose_every = lose_every;
        for _ in 0..frames {
            wires.frame();
            for _ in 0..11 {
                wires.pass(Duration::from_millis(3));
            }
        }
    }
    for _ in 0..300 {
        wires.pass(Duration::from_millis(3));
    }
    for mut numbers in wires.heard() {
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 60 * 8, "everything came in the end");
    }
    assert!(wires.shard.facts.repaired > 50, "by our own path");
    assert_eq!(wires.asked(), 0);
    wires.ask();
    assert_eq!(wires.asked(), 1, "our RTCP is understood");
}
