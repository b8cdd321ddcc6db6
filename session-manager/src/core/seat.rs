//! One participant's place in a conference.

use lens_protocol::Timestamp;
use lens_protocol::conference::{Join, Participant, ParticipantState};
use lens_protocol::id::{Generation, NegotiationId, ParticipantId};
use lens_protocol::media::{CauseCode, ClientProtocol, ParticipantReport, Pause, Role, VideoCodec};
use serde::{Deserialize, Serialize};

use super::memo::SeatMemo;

/// What somebody is called whose name got lost.
const NAMELESS: &str = "?";

/// A participant's place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Whose.
    pub id: ParticipantId,
    /// Its role.
    pub role: Role,
    /// Its name.
    pub display_name: String,
    /// Its own codec order.
    pub codecs: Option<Vec<VideoCodec>>,
    /// When it joined.
    pub joined_at: Timestamp,
    /// Reserved: the node has not made its first offer yet.
    pub reserved: bool,
    /// The generation in force.
    pub generation: Generation,
    /// The highest generation ever asked for.
    pub used_generation: Generation,
    /// The offer in force.
    pub negotiation: NegotiationId,
    /// The sections of the offer in force; unknown after a rebuild.
    pub mids: Option<Vec<String>>,
    /// Where its connection stands.
    pub state: ParticipantState,
    /// Why it failed.
    pub cause: Option<CauseCode>,
    /// What of its media is paused.
    #[serde(default)]
    pub pause: Pause,
    /// How it came in, when it made its own offer: no newer generation can reach it.
    #[serde(default)]
    pub protocol: Option<ClientProtocol>,
}

impl Seat {
    pub(super) fn reserve(id: ParticipantId, join: &Join, now: Timestamp) -> Self {
        Self {
            id,
            role: join.role,
            display_name: join.display_name.clone(),
            codecs: join.codecs.clone(),
            joined_at: now,
            reserved: true,
            generation: Generation(0),
            used_generation: Generation(0),
            negotiation: NegotiationId(0),
            mids: None,
            state: ParticipantState::Offered,
            cause: None,
            pause: Pause::default(),
            protocol: None,
        }
    }

    /// The seat a node reports. One whose memo cannot be read keeps its place without a name:
    /// nobody is put out for that.
    pub(super) fn adopt(report: &ParticipantReport, now: Timestamp) -> Self {
        let memo = SeatMemo::read(&report.memo)
            .unwrap_or_else(|| SeatMemo::new(NAMELESS.to_owned(), None, now));
        Self {
            id: report.participant,
            role: report.role,
            display_name: memo.display_name,
            codecs: memo.codecs,
            joined_at: memo.joined_at,
            reserved: false,
            generation: report.generation,
            used_generation: report.generation,
            negotiation: report.negotiation_id,
            mids: None,
            state: state_of(report),
            cause: None,
            pause: report.pause,
            protocol: memo.protocol,
        }
    }

    /// Whether a report, which may be a little old, tells something new: a connection only goes
    /// forward, and only the loss of the node is taken back.
    pub(super) fn may_become(&self, reported: ParticipantState) -> bool {
        let step = |state| match state {
            ParticipantState::Offered => 0,
            ParticipantState::Connecting => 1,
            ParticipantState::Connected => 2,
            ParticipantState::Failed => 3,
        };
        self.cause == Some(CauseCode::NodeLost) || step(reported) > step(self.state)
    }

    /// What the node keeps of it.
    pub fn memo(&self) -> SeatMemo {
        SeatMemo::new(
            self.display_name.clone(),
            self.codecs.clone(),
            self.joined_at,
        )
        .by(self.protocol)
    }

    pub(super) fn view(&self) -> Participant {
        Participant {
            id: self.id,
            role: self.role,
            display_name: self.display_name.clone(),
            generation: self.generation,
            state: self.state,
            cause: self.cause,
            joined_at: self.joined_at,
            pause: self.pause,
            protocol: self.protocol,
        }
    }
}

pub(super) fn state_of(report: &ParticipantReport) -> ParticipantState {
    match (report.connected, report.answered) {
        (true, _) => ParticipantState::Connected,
        (false, true) => ParticipantState::Connecting,
        (false, false) => ParticipantState::Offered,
    }
}
