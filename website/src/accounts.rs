//! Signing in and out, the first set-up, the passwords they need, and the record of all that.

pub(crate) mod devices;
pub(crate) mod hashing;
pub(crate) mod login;
pub(crate) mod password;
pub(crate) mod record;
pub(crate) mod setup;
pub(crate) mod technician;
