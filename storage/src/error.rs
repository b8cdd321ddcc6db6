//! What a store can answer besides the thing asked for: one closed enum for all nouns.

use std::fmt;
use std::path::PathBuf;

use lens_protocol::{ErrorCode, Problem};

/// What every store method returns.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;

/// Why a store did not do what it was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The row to be changed is not there, or not in a state in which it can be found.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Another row, or a newer form of this one, stands in the way.
    #[error("{0}")]
    Conflict(Conflict),
    /// A newer release wrote this database.
    #[error(
        "the database has schema {found}, this release knows {known}: start the release that \
         wrote it, or restore a backup made before the upgrade"
    )]
    NewerSchema {
        /// The schema in the file.
        found: u32,
        /// The newest this build knows.
        known: u32,
    },
    /// A migration that was applied is not the one this build contains.
    #[error(
        "migration {number} of the database differs from the one in this release: the file was \
         written by a modified build; restore a backup or start that build"
    )]
    AlteredSchema {
        /// Which migration.
        number: u32,
    },
    /// The disk is full, or a quota is used up.
    #[error("the disk of the data directory is full: free some space; nothing was changed")]
    Full,
    /// The file or its directory cannot be written.
    #[error("the data directory cannot be written: check its owner, mode and mount")]
    ReadOnly,
    /// Another process kept the database locked longer than the waiting time.
    #[error("the database is locked by another process: is a second server or a copy running?")]
    Busy,
    /// The file is not a database, or a row in it cannot be read.
    #[error("the database is damaged ({0}): restore the newest backup")]
    Corrupt(String),
    /// The file or directory cannot be opened.
    #[error("{path} cannot be opened: {source}")]
    Open {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Anything else the backend reports.
    #[error("the store failed: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What stands in the way of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Conflict {
    /// An account has this e-mail.
    Email,
    /// A row with this id or digest is there already.
    Exists,
    /// A live invitation has this PIN: draw another.
    Pin,
    /// The session was changed since it was read: read it again, decide again.
    Revision,
    /// The invitation was redeemed before.
    Redeemed,
    /// An administrator exists, so there is no set-up any more.
    SetupDone,
    /// The account is disabled, locked or changed, so the login does not count.
    Account,
    /// It is the last administrator who can sign in.
    LastAdministrator,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email => "an account with this e-mail exists",
            Self::Exists => "a row with this id exists",
            Self::Pin => "a live invitation has this PIN",
            Self::Revision => "the session was changed in the meantime",
            Self::Redeemed => "the invitation was redeemed before",
            Self::SetupDone => "an administrator exists already",
            Self::Account => "the account is disabled, locked or changed",
            Self::LastAdministrator => "it is the last administrator who can sign in",
        })
    }
}

impl StorageError {
    /// Whether the error is this conflict.
    pub fn is_conflict(&self, conflict: Conflict) -> bool {
        matches!(self, Self::Conflict(found) if *found == conflict)
    }

    /// The code that tells a caller of the API about it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Conflict(conflict) => match conflict {
                Conflict::Email => ErrorCode::EmailTaken,
                Conflict::Redeemed => ErrorCode::InvitationTaken,
                Conflict::SetupDone => ErrorCode::SetupClosed,
                Conflict::Account => ErrorCode::BadCredentials,
                Conflict::LastAdministrator => ErrorCode::Forbidden,
                Conflict::Exists | Conflict::Pin | Conflict::Revision => ErrorCode::WrongState,
            },
            Self::Full => ErrorCode::StorageFull,
            _ => ErrorCode::StorageFailed,
        }
    }
}

impl From<StorageError> for Problem {
    /// The plain problem: what the backend said stays in the log, never in an answer.
    fn from(error: StorageError) -> Self {
        Problem::new(error.code())
    }
}

impl From<Conflict> for StorageError {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}
