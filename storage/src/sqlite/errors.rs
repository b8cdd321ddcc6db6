//! From SQLite's result codes to [`StorageError`]: <https://www.sqlite.org/rescode.html>.

use crate::error::{Conflict, StorageError};

const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_READONLY: i32 = 8;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_NOTADB: i32 = 26;
/// The WAL index could not be grown: on Linux, no space.
const SQLITE_IOERR_SHMSIZE: i32 = 10 | (19 << 8);

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(|database| database.code())
            .and_then(|code| code.parse::<i32>().ok());
        match (&error, code) {
            (_, Some(SQLITE_IOERR_SHMSIZE)) => Self::Full,
            (_, Some(code)) => match code & 0xff {
                SQLITE_FULL => Self::Full,
                SQLITE_READONLY => Self::ReadOnly,
                SQLITE_BUSY | SQLITE_LOCKED => Self::Busy,
                SQLITE_CORRUPT | SQLITE_NOTADB => Self::Corrupt(error.to_string()),
                _ => Self::Backend(Box::new(error)),
            },
            (sqlx::Error::PoolTimedOut, None) => Self::Busy,
            (sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_), None) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Backend(Box::new(error)),
        }
    }
}

/// The error of an insert, or the conflict that `rules` names for the column found taken.
/// SQLite names it as `table.column` in its message; the first rule that occurs there wins.
pub(super) fn or_conflict(error: sqlx::Error, rules: &[(&str, Conflict)]) -> StorageError {
    let Some(database) = error.as_database_error() else {
        return error.into();
    };
    if !database.is_unique_violation() {
        return error.into();
    }
    let found = rules
        .iter()
        .find(|(column, _)| database.message().contains(column));
    match found {
        Some((_, conflict)) => StorageError::Conflict(*conflict),
        None => StorageError::Conflict(Conflict::Exists),
    }
}
