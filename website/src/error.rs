//! Why the website cannot start. Answers to requests are [`lens_protocol::Problem`]s.

use lens_auth::AuthError;
use lens_storage::StorageError;

/// Why [`crate::Website::start`] gave up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store did not answer.
    #[error("the website cannot read its store: {0}")]
    Storage(#[from] StorageError),
    /// The configured cost of password hashing is impossible.
    #[error("passwords cannot be hashed as configured: {0}")]
    Hashing(#[from] AuthError),
    /// No public URL is configured.
    #[error("no public URL is configured: set at least one, such as https://help.example")]
    NoPublicUrl,
}
