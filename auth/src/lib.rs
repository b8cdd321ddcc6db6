//! Who may do what: passwords, lockout, tokens, link secrets, PINs and permissions.
//!
//! Pure: time and randomness are arguments, nothing is stored, sent or logged here. Hashing a
//! password takes about 0.2 s of a core: the caller moves it off its event loop and bounds how
//! many run at once.
//!
//! Start with [`permission::decide`], which every door asks, and [`token`] for what credentials
//! look like.

pub mod device;
pub mod email;
pub mod error;
pub mod ip;
pub mod link;
pub mod lockout;
pub mod password;
pub mod permission;
pub mod pin;
pub mod token;

pub use error::AuthError;
pub use permission::{Action, Decision, SessionFacts, Subject, decide};
