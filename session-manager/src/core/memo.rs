//! What a node keeps for us, so that the conference table can be rebuilt from its report.
//!
//! Opaque to the node. A conference whose memo has a form this release does not know is left
//! alone: it goes on, unmanaged, until a release that knows it comes or it ends.

use lens_protocol::Timestamp;
use lens_protocol::conference::CreateConference;
use lens_protocol::id::OwnerId;
use lens_protocol::media::{ClientProtocol, VideoCodec};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The form written today. Readers take this one and no other.
const FORM: u32 = 1;

/// Of a conference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMemo {
    form: u32,
    /// Who made it.
    pub owner: OwnerId,
    /// Its limits and policy, external id included.
    pub settings: CreateConference,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Of a participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatMemo {
    form: u32,
    /// Its name.
    pub display_name: String,
    /// Its own codec order.
    pub codecs: Option<Vec<VideoCodec>>,
    /// When it joined.
    pub joined_at: Timestamp,
    /// How it came in, when it made its own offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<ClientProtocol>,
}

impl RoomMemo {
    /// A memo of these facts.
    pub fn new(owner: OwnerId, settings: CreateConference, created_at: Timestamp) -> Self {
        Self {
            form: FORM,
            owner,
            settings,
            created_at,
        }
    }

    /// As the node keeps it.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("plain data with text keys")
    }

    /// Reads what a node kept; none for another form.
    pub fn read(value: &Value) -> Option<Self> {
        let memo = Self::deserialize(value).ok()?;
        (memo.form == FORM).then_some(memo)
    }
}

impl SeatMemo {
    /// A memo of these facts.
    pub fn new(
        display_name: String,
        codecs: Option<Vec<VideoCodec>>,
        joined_at: Timestamp,
    ) -> Self {
        Self {
            form: FORM,
            display_name,
            codecs,
            joined_at,
            protocol: None,
        }
    }

    /// The same of somebody who came in this way.
    #[must_use]
    pub fn by(self, protocol: Option<ClientProtocol>) -> Self {
        Self { protocol, ..self }
    }

    /// As the node keeps it.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("plain data with text keys")
    }

    /// Reads what a node kept; none for another form.
    pub fn read(value: &Value) -> Option<Self> {
        let memo = Self::deserialize(value).ok()?;
        (memo.form == FORM).then_some(memo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memo_is_read_back_and_a_foreign_form_is_not() {
        let at = Timestamp::from_unix_ms(1_000);
        let owner = "website".parse().expect("a name");
        let memo = RoomMemo::new(owner, CreateConference::default(), at);
        let mut kept = memo.to_value();
        assert_eq!(RoomMemo::read(&kept), Some(memo));
        kept["form"] = 2.into();
        assert_eq!(RoomMemo::read(&kept), None);
        assert_eq!(SeatMemo::read(&Value::Null), None);
    }
}
