//! Stores within one process: for what may be lost with it.

mod conferences;
mod idempotency;

pub use conferences::MemoryConferences;
pub use idempotency::MemoryIdempotency;
