//! What this crate refuses, as one closed list.

use lens_protocol::{ErrorCode, Problem};

/// Why a credential or name was refused. None of these says which account it was about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The e-mail has no form an account could have.
    #[error("this is not an e-mail address")]
    InvalidEmail,
    /// The password is too short, too long or too easy to guess.
    #[error("{advice}")]
    WeakPassword {
        /// What to do better, in a sentence.
        advice: String,
    },
    /// A stored hash cannot be read: the store was changed by hand.
    #[error("the stored password hash cannot be read; set a new password")]
    UnreadableHash,
    /// The hashing parameters are outside what argon2id takes.
    #[error("the argon2id parameters are out of range: {0}")]
    HashParameters(String),
    /// A token, key or link half has the wrong shape.
    #[error("this credential has the wrong shape")]
    MalformedCredential,
    /// An address rule is no CIDR range.
    #[error("'{0}' is no address range such as 192.0.2.0/24")]
    InvalidRange(String),
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let code = match &error {
            AuthError::InvalidEmail | AuthError::InvalidRange(_) => ErrorCode::InvalidValue,
            AuthError::WeakPassword { .. } => ErrorCode::WeakPassword,
            AuthError::MalformedCredential => ErrorCode::TokenInvalid,
            AuthError::UnreadableHash | AuthError::HashParameters(_) => ErrorCode::Internal,
        };
        Problem::new(code).with_detail(error.to_string())
    }
}
