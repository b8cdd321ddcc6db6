//! One suite per noun that every backend has to pass.

pub(crate) mod conferences;
pub(crate) mod idempotency;
