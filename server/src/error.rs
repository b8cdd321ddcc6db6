//! Why `lens` could not do what it was asked: one sentence and an exit code.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use lens_runtime::config::ConfigError;
use lens_runtime::data_dir::DataDirError;
use lens_runtime::tls::TlsError;
use lens_session_manager::StartError;
use lens_sfu::error::SfuError;
use lens_storage::StorageError;

/// Everything that ends `lens` with an exit code other than 0.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error("{0}")]
    DataDir(#[from] DataDirError),
    /// There is no certificate to show.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// The store cannot be used.
    #[error("the store in the data directory cannot be used: {0}")]
    Storage(#[from] StorageError),
    /// The streaming server cannot start.
    #[error("the media server cannot start: {0}")]
    Media(SfuError),
    /// The Session Manager cannot start.
    #[error("the Session Manager cannot start: {0}")]
    Manager(#[from] StartError),
    /// The website cannot start.
    #[error("{0}")]
    Website(#[from] lens_website::StartError),
    /// A port cannot be opened.
    #[error("{door} cannot be opened on {address}: {reason}. {advice}")]
    Door {
        /// Which door.
        door: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// A file named on the command line cannot be used.
    #[error("{path}: {reason}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// What was asked for cannot be done; the sentence says why and what to do.
    #[error("{0}")]
    Refused(String),
}

impl From<SfuError> for ServerError {
    fn from(error: SfuError) -> Self {
        match error {
            SfuError::Bind { address, source } => {
                Self::door("the media door", address, "--media", &source)
            }
            other => Self::Media(other),
        }
    }
}

impl ServerError {
    /// The error for a port that cannot be opened; `flag` chooses another.
    pub fn door(door: &'static str, address: SocketAddr, flag: &str, error: &io::Error) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("Stop the program that has it, or choose another port with {flag}.")
            }
            io::ErrorKind::PermissionDenied => format!(
                "Ports below 1024 need a privilege (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or choose another with {flag}."
            ),
            _ => format!("Choose another address with {flag}."),
        };
        Self::Door {
            door,
            address,
            reason: error.to_string(),
            advice,
        }
    }

    /// The process's exit code: 2 for a configuration or command that cannot be used, 1 else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 2,
            _ => 1,
        }
    }
}
