//! One noun, one type: identifiers that cannot be mixed up.
//!
//! Row-like things have a UUIDv7 (RFC 9562): sortable by birth, never a secret. Counters that
//! fence or order things are newtypes over integers; who raises which one stands in
//! `docs/ARCHITECTURE.md` ("Who counts what").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::entropy::{Entropy, random_bytes};
use crate::time::Timestamp;

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = String, format = "uuid")]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier, born at `now`, with 74 random bits from `entropy`.
            pub fn generate(now: Timestamp, entropy: &mut dyn Entropy) -> Self {
                let ms = u64::try_from(now.unix_ms()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(ms, &random_bytes(entropy)).into_uuid())
            }

            /// The identifier with these 16 bytes, as a store keeps it.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes, big-endian, as a store keeps them.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.parse().map(Self).map_err(|_| InvalidId)
            }
        }
    )+};
}

/// A text that is no identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an id, as 0199d1f2-0000-7000-8000-000000000000")]
pub struct InvalidId;

uuid_ids! {
    /// One support case, from create to close.
    SessionId,
    /// The media room of a session, on one streaming server at a time.
    ConferenceId,
    /// One connected endpoint of a conference.
    ParticipantId,
    /// A person with an account: technician or administrator.
    TechnicianId,
    /// One invitation: a PIN and a link, until redeemed, put out or expired.
    InvitationId,
    /// One consent row.
    ConsentId,
    /// One chat line.
    MessageId,
    /// One entry of a session log.
    EventId,
    /// One API key (the public half; the secret is a [`crate::SecretText`]).
    ApiKeyId,
    /// One request, quoted in problem answers and log lines.
    TraceId,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident($int:ty, $most:tt)),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            ToSchema,
        )]
        #[serde(transparent)]
        #[schema(minimum = 0, maximum = $most)]
        pub struct $name(pub $int);

        impl $name {
            /// The next value.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

counters! {
    /// Which PeerConnection of a participant this is. Raised by the Session Manager; a new one
    /// replaces the former.
    Generation(u32, 4_294_967_295_u64),
    /// Which offer of the SFU an answer belongs to. Raised by the SFU, unique per node and life.
    NegotiationId(u64, 9_007_199_254_740_991_u64),
    /// Which placement of a conference is in force. Raised by the Session Manager; the SFU refuses
    /// calls with an older one (fencing).
    Epoch(u64, 9_007_199_254_740_991_u64),
    /// Position of a message in one direction of a signalling channel. Raised by its sender.
    Seq(u64, 9_007_199_254_740_991_u64),
}

/// Name of a streaming server, given by its operator: 1 to 64 of `a-z 0-9 - _ .`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z0-9._-]{1,64}$")]
pub struct NodeId(String);

/// Who owns a conference: the website itself, or the API key that made it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z0-9._-]{1,64}$")]
pub struct OwnerId(String);

/// A name that breaks the rule of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 64 characters of a-z, 0-9, '-', '_' and '.'")]
pub struct InvalidName;

macro_rules! names {
    ($($name:ident),+) => {$(
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
                if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
                    Ok(Self(text))
                } else {
                    Err(InvalidName)
                }
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

names!(NodeId, OwnerId);

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(u8);

    impl Entropy for Counting {
        fn fill(&mut self, bytes: &mut [u8]) {
            for byte in bytes {
                self.0 = self.0.wrapping_add(1);
                *byte = self.0;
            }
        }
    }

    #[test]
    fn identifiers_sort_by_birth_and_say_version_seven() {
        let mut entropy = Counting(0);
        let early = SessionId::generate(Timestamp::from_unix_ms(1_000), &mut entropy);
        let late = SessionId::generate(Timestamp::from_unix_ms(2_000), &mut entropy);
        assert!(early < late);
        assert_eq!(early.to_string().as_bytes()[14], b'7');
        assert_eq!(early.to_string().parse::<SessionId>().ok(), Some(early));
    }

    #[test]
    fn a_node_name_takes_no_spaces_capitals_or_nothing() {
        for bad in ["", "Node", "a b", "a/b", &"x".repeat(65)] {
            assert!(bad.parse::<NodeId>().is_err(), "{bad:?} was taken");
        }
        assert!("sfu-1.fra".parse::<NodeId>().is_ok());
    }
}
