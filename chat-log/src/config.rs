//! How the record is written.

use serde::{Deserialize, Serialize};

/// The `[chat_log]` table of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatLogConfig {
    /// Name of this writer in the record; must differ between processes that write into one
    /// store.
    pub source: String,
    /// Most events in one commit. Higher values give more throughput and longer waits behind a
    /// full batch.
    pub batch_events: usize,
    /// Most requests waiting; beyond it callers are told to try again.
    pub queue_requests: usize,
}

impl Default for ChatLogConfig {
    fn default() -> Self {
        Self {
            source: "website".into(),
            batch_events: 256,
            queue_requests: 1_024,
        }
    }
}
