//! Signing in and out, the first set-up, and the passwords they need.

pub(crate) mod hashing;
pub(crate) mod login;
pub(crate) mod password;
pub(crate) mod setup;
pub(crate) mod technician;
