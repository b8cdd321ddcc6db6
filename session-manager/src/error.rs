//! Why the service does not start. What callers are answered is a
//! [`Problem`](lens_protocol::Problem).

use std::path::PathBuf;

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The key of media tokens can be neither read nor made.
    #[error("the media token key {path} cannot be used: {source}")]
    KeyFile {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file of the key holds something else.
    #[error("{path} holds no Ed25519 key: move it away, and a new one is made at the next start")]
    KeyForm {
        /// Which file.
        path: PathBuf,
    },
    /// The key file can be read by others.
    #[error("{path} can be read by others: run chmod 600 on it")]
    KeyMode {
        /// Which file.
        path: PathBuf,
    },
    /// The same streaming server is named twice, or none is.
    #[error("at least one streaming server is needed")]
    NoNodes,
}
