//! Between columns and the types of [`lens_protocol`].

use lens_protocol::id::{
    ApiKeyId, ConferenceId, ConsentId, EventId, InvitationId, SessionId, TechnicianId,
};
use lens_protocol::{SecretDigest, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::{Result, StorageError};

/// An identifier that is kept as its 16 bytes.
pub(super) trait BlobId: Sized {
    /// From the 16 bytes.
    fn from_blob(bytes: [u8; 16]) -> Self;
    /// To the 16 bytes.
    fn blob(&self) -> &[u8];
}

macro_rules! blob_ids {
    ($($id:ident),+ $(,)?) => {$(
        impl BlobId for $id {
            fn from_blob(bytes: [u8; 16]) -> Self {
                Self::from_bytes(bytes)
            }

            fn blob(&self) -> &[u8] {
                self.as_bytes().as_slice()
            }
        }
    )+};
}

blob_ids!(
    ApiKeyId,
    ConferenceId,
    ConsentId,
    EventId,
    InvitationId,
    SessionId,
    TechnicianId,
);

/// Columns of a row by name; what cannot be read is `Corrupt`.
pub(super) struct Columns<'r>(pub(super) &'r SqliteRow);

impl Columns<'_> {
    pub(super) fn text(&self, name: &str) -> Result<String> {
        Ok(self.0.try_get(name)?)
    }

    pub(super) fn maybe_text(&self, name: &str) -> Result<Option<String>> {
        Ok(self.0.try_get(name)?)
    }

    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        Ok(self.0.try_get(name)?)
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        Ok(self.0.try_get::<i64, _>(name)? != 0)
    }

    /// A counter kept bit for bit.
    pub(super) fn count(&self, name: &str) -> Result<u64> {
        Ok(self.0.try_get::<i64, _>(name)?.cast_unsigned())
    }

    pub(super) fn small(&self, name: &str) -> Result<u32> {
        let value = self.0.try_get::<i64, _>(name)?;
        u32::try_from(value).map_err(|_| corrupt(name))
    }

    pub(super) fn time(&self, name: &str) -> Result<Timestamp> {
        Ok(Timestamp::from_unix_ms(self.0.try_get(name)?))
    }

    pub(super) fn maybe_time(&self, name: &str) -> Result<Option<Timestamp>> {
        let ms: Option<i64> = self.0.try_get(name)?;
        Ok(ms.map(Timestamp::from_unix_ms))
    }

    pub(super) fn id<I: BlobId>(&self, name: &str) -> Result<I> {
        Ok(I::from_blob(self.array(name)?))
    }

    pub(super) fn maybe_id<I: BlobId>(&self, name: &str) -> Result<Option<I>> {
        let bytes: Option<&[u8]> = self.0.try_get(name)?;
        bytes
            .map(|bytes| bytes.try_into().map(I::from_blob))
            .transpose()
            .map_err(|_| corrupt(name))
    }

    pub(super) fn digest(&self, name: &str) -> Result<SecretDigest> {
        Ok(SecretDigest::from_bytes(self.array(name)?))
    }

    pub(super) fn array<const N: usize>(&self, name: &str) -> Result<[u8; N]> {
        let bytes: &[u8] = self.0.try_get(name)?;
        bytes.try_into().map_err(|_| corrupt(name))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let text: &str = self.0.try_get(name)?;
        serde_json::from_str(text).map_err(|_| corrupt(name))
    }

    /// A plain enum kept by its name on the wire.
    pub(super) fn word<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        from_word(self.text(name)?, name)
    }

    pub(super) fn maybe_word<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.maybe_text(name)?
            .map(|text| from_word(text, name))
            .transpose()
    }
}

/// A plain enum's name on the wire.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => unreachable!("a plain enum is a string in JSON"),
    }
}

/// A value as JSON text.
pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("wire types have string keys and no failing parts")
}

/// What a row that cannot be read is called; the value itself is not quoted.
pub(super) fn corrupt(column: &str) -> StorageError {
    StorageError::Corrupt(format!("column {column} has a value of no known form"))
}

fn from_word<T: DeserializeOwned>(text: String, column: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(text)).map_err(|_| corrupt(column))
}
