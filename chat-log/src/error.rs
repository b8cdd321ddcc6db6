//! What recording can answer besides "kept".

use lens_protocol::{ErrorCode, Problem};
use lens_storage::StorageError;

/// Why something was not recorded or read. Nothing was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatLogError {
    /// The store refused.
    #[error("the session log was not written: {0}")]
    Storage(#[from] StorageError),
    /// The batch this was in was refused; the server's log has the cause.
    #[error("the session log was not written: {0}")]
    Batch(String, ErrorCode),
    /// An event with the same number stands in the record already: two writers share a source.
    #[error("another writer uses this source name: give each process its own chat_log.source")]
    Clash,
    /// Too many requests wait.
    #[error("the session log is busy: try again shortly")]
    Busy,
    /// The service is shutting down.
    #[error("the session log has stopped: the server is shutting down")]
    Stopped,
}

impl From<ChatLogError> for Problem {
    fn from(error: ChatLogError) -> Self {
        match error {
            ChatLogError::Storage(error) => Problem::new(error.code()),
            ChatLogError::Batch(_, code) => Problem::new(code),
            ChatLogError::Clash => Problem::new(ErrorCode::StorageFailed),
            ChatLogError::Busy | ChatLogError::Stopped => {
                Problem::new(ErrorCode::Unavailable).retry_after_s(1)
            }
        }
    }
}
