//! TLS for the HTTPS door: the certificate (the operator's, or one we sign ourselves), and what is
//! spoken: TLS 1.3 with AES-256-GCM first; 1.2 only when the configuration allows it.
//!
//! The certificate is read again when its files change or on SIGHUP; connections that run keep the
//! one they began with. A replacement that cannot be used is refused with a warning and the former
//! one stays.

mod self_signed;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use lens_protocol::Timestamp;
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};

use crate::clock::{Clock, SystemClock};
use crate::config::Complaint;
use crate::shutdown::Shutdown;

/// How often files are looked at. Renewals happen every few weeks; a lower value only costs
/// wake-ups.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Which certificate, and which versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// PEM file with the certificate and its chain. Without it one is made and signed by itself.
    pub certificate: Option<PathBuf>,
    /// PEM file with the certificate's private key.
    pub key: Option<PathBuf>,
    /// Further host names and addresses for the self-signed certificate; it always has localhost,
    /// the machine's name and its addresses.
    pub names: Vec<String>,
    /// Also speak TLS 1.2 (ECDHE with AEAD only). Default false.
    pub allow_tls12: bool,
}

impl TlsSettings {
    /// What is wrong with them; keys begin with `prefix`.
    pub fn check(&self, prefix: &str) -> Vec<Complaint> {
        let complaint =
            |key: &str, sentence: &str| vec![Complaint::new(format!("{prefix}.{key}"), sentence)];
        match (&self.certificate, &self.key) {
            (Some(_), None) => complaint("certificate", "name its private key in `key` too"),
            (None, Some(_)) => complaint("key", "name its certificate in `certificate` too"),
            _ => Vec::new(),
        }
    }
}

/// Why there is no certificate to show. Each is a sentence that names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or is not PEM.
    #[error("the TLS file {path} cannot be used: {reason}")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Key and certificate belong to different pairs.
    #[error("the TLS key {key} does not belong to the certificate {certificate}")]
    Mismatch {
        /// Which key.
        key: PathBuf,
        /// Which certificate.
        certificate: PathBuf,
    },
    /// The self-signed certificate could not be made or kept.
    #[error("the self-signed certificate in {path} cannot be made: {reason}")]
    Make {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The certificate in force and where it came from.
pub struct TlsIdentity {
    settings: TlsSettings,
    certificate_file: PathBuf,
    key_file: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("certificate", &self.certificate_file)
            .finish()
    }
}

impl TlsIdentity {
    /// Loads the operator's certificate, or loads or makes the self-signed one under
    /// `data_dir/tls`. `addresses` go into the latter.
    pub fn load(
        settings: &TlsSettings,
        data_dir: &Path,
        addresses: &[IpAddr],
        now: Timestamp,
    ) -> Result<Arc<Self>, TlsError> {
        let (certificate_file, key_file) = match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ => self_signed::ensure(&data_dir.join("tls"), &settings.names, addresses, now)?,
        };
        let current = RwLock::new(Arc::new(read(&certificate_file, &key_file)?));
        Ok(Arc::new(Self {
            settings: settings.clone(),
            certificate_file,
            key_file,
            current,
        }))
    }

    /// What the door speaks with this certificate: HTTP/2 and HTTP/1.1 by ALPN.
    pub fn server_config(self: &Arc<Self>) -> Arc<ServerConfig> {
        let versions: &[&rustls::SupportedProtocolVersion] = if self.settings.allow_tls12 {
            &[&version::TLS13, &version::TLS12]
        } else {
            &[&version::TLS13]
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(aes_256_first()))
            .with_protocol_versions(versions)
            .expect("the provider has suites for TLS 1.3 and 1.2")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Resolver(Arc::clone(self))));
        config.ignore_client_order = true;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// SHA-256 of the certificate in force, as lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        let current = self.in_force();
        let leaf = current.cert.first().map(AsRef::as_ref).unwrap_or_default();
        digest(&SHA256, leaf)
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Whether we signed it ourselves, so that browsers will warn.
    pub fn is_self_signed(&self) -> bool {
        self.settings.certificate.is_none()
    }

    /// Reads the files again and puts them in force.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = Arc::new(read(&self.certificate_file, &self.key_file)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Reloads on SIGHUP and when a file changes, until shutdown.
    pub fn watch(self: &Arc<Self>, shutdown: &Shutdown) -> io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let identity = Arc::clone(self);
        let stop = shutdown.token();
        shutdown.spawn(async move {
            let mut seen = identity.stamp();
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = hangup.recv() => {}
                    () = tokio::time::sleep(LOOK_EVERY) => if identity.stamp() == seen { continue },
                }
                seen = identity.stamp();
                match identity.reload() {
                    Ok(()) => tracing::info!("TLS certificate read again"),
                    Err(error) => {
                        tracing::warn!(%error, "the former TLS certificate stays in force")
                    }
                }
            }
        });
        Ok(())
    }

    fn in_force(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn stamp(&self) -> [Option<SystemTime>; 2] {
        let changed = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
        [changed(&self.certificate_file), changed(&self.key_file)]
    }
}

#[derive(Debug)]
struct Resolver(Arc<TlsIdentity>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.in_force())
    }
}

/// The provider with AES-256-GCM before ChaCha20 before AES-128-GCM, in both versions.
fn aes_256_first() -> CryptoProvider {
    let mut provider = provider::default_provider();
    provider
        .cipher_suites
        .sort_by_key(|suite| match suite.suite() {
            CipherSuite::TLS13_AES_256_GCM_SHA384
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => 0,
            CipherSuite::TLS13_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 2,
            _ => 1,
        });
    provider
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let unusable = |path: &Path, reason: String| TlsError::Unusable {
        path: path.to_owned(),
        reason,
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(unusable(certificate, "it holds no certificate".to_owned()));
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error.to_string()))?;
    let signing = provider::default_provider()
        .key_provider
        .load_private_key(private)
        .map_err(|error| unusable(key, error.to_string()))?;
    let pair = CertifiedKey::new(chain, signing);
    match pair.keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            let (key, certificate) = (key.to_owned(), certificate.to_owned());
            Err(TlsError::Mismatch { key, certificate })
        }
        Err(rustls::Error::InconsistentKeys(_)) | Ok(()) => Ok(pair),
        Err(error) => Err(unusable(certificate, error.to_string())),
    }
}

/// The system's clock, for the one caller that makes certificates outside a driver.
pub fn now() -> Timestamp {
    SystemClock.now()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("lens-tls-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).expect("writable");
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn load(dir: &Path, address: &str, now: Timestamp) -> Arc<TlsIdentity> {
        let address = address.parse().expect("an address");
        TlsIdentity::load(&TlsSettings::default(), dir, &[address], now).expect("made")
    }

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_certificate_is_kept_until_an_address_is_missing_or_it_runs_out() {
        let dir = Scratch::new("kept");
        let first = load(&dir.0, "192.0.2.1", now()).sha256();
        assert_eq!(load(&dir.0, "192.0.2.1", now().plus(DAY)).sha256(), first);
        let moved = load(&dir.0, "192.0.2.2", now()).sha256();
        assert_ne!(moved, first);
        assert_eq!(
            load(&dir.0, "192.0.2.1", now()).sha256(),
            moved,
            "old names are kept"
        );
        assert_ne!(
            load(&dir.0, "192.0.2.1", now().plus(DAY * 380)).sha256(),
            moved
        );
    }

    #[test]
    fn a_replacement_is_taken_and_a_broken_one_refused() {
        let (dir, other) = (Scratch::new("reload"), Scratch::new("other"));
        let identity = load(&dir.0, "192.0.2.1", now());
        let first = identity.sha256();
        let foreign = load(&other.0, "192.0.2.1", now());
        std::fs::copy(&foreign.certificate_file, &identity.certificate_file).expect("copied");
        assert!(matches!(identity.reload(), Err(TlsError::Mismatch { .. })));
        assert_eq!(identity.sha256(), first);
        std::fs::copy(&foreign.key_file, &identity.key_file).expect("copied");
        identity.reload().expect("a pair again");
        assert_eq!(identity.sha256(), foreign.sha256());
    }

    #[test]
    fn aes_256_comes_first_in_both_versions() {
        let suites = aes_256_first().cipher_suites;
        let first = |tls13: bool| {
            let found = suites
                .iter()
                .find(|suite| (suite.tls13().is_some()) == tls13);
            format!("{:?}", found.expect("has both versions").suite())
        };
        assert!(first(true).contains("AES_256_GCM") && first(false).contains("AES_256_GCM"));
    }
}
