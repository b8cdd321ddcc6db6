//! Who may call what. Anything not in [`permit`]'s table is denied.

use lens_protocol::id::{ConferenceId, ParticipantId};
use lens_protocol::media::ClientProtocol;
use lens_protocol::{ErrorCode, Problem};

use crate::client::{Caller, Grant, Scope};

/// A call, as far as rights are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `POST /v1/conferences`.
    Create,
    /// `GET /v1/conferences`.
    ListConferences,
    /// `GET /v1/conferences/{id}`.
    ReadConference,
    /// `DELETE /v1/conferences/{id}`.
    Delete,
    /// `PUT …/hold`.
    Hold,
    /// `POST …/participants`.
    Join,
    /// `POST …/participants/{pid}/offer`.
    Offer,
    /// `PUT …/participants/{pid}/answer`.
    Answer,
    /// `PATCH …/participants/{pid}/ice`.
    Candidates,
    /// `PUT …/participants/{pid}/pause`.
    Pause,
    /// `DELETE …/participants/{pid}`.
    Leave,
    /// `POST …/whip`.
    Whip,
    /// `POST …/whep`.
    Whep,
    /// `PATCH …/whip/{pid}`, `PATCH …/whep/{pid}`.
    Trickle,
    /// `DELETE …/whip/{pid}`, `DELETE …/whep/{pid}`.
    HangUp,
    /// `POST …/client-tokens`.
    IssueClientToken,
    /// `GET …/participants/{pid}/timeline`.
    Timeline,
    /// `GET /v1/events`.
    Events,
    /// `GET /v1/nodes`.
    Nodes,
    /// `POST /v1/nodes/{id}/drain`.
    Drain,
}

impl Call {
    /// Every call, in the order of the API.
    pub const ALL: [Self; 20] = [
        Self::Create,
        Self::ListConferences,
        Self::ReadConference,
        Self::Delete,
        Self::Hold,
        Self::Join,
        Self::Offer,
        Self::Answer,
        Self::Candidates,
        Self::Pause,
        Self::Leave,
        Self::Whip,
        Self::Whep,
        Self::Trickle,
        Self::HangUp,
        Self::IssueClientToken,
        Self::Timeline,
        Self::Events,
        Self::Nodes,
        Self::Drain,
    ];

    /// The scope an API key needs for it.
    pub const fn scope(self) -> Scope {
        match self {
            Self::Create | Self::Delete | Self::Hold => Scope::ConferencesWrite,
            Self::ListConferences | Self::ReadConference | Self::Timeline | Self::Events => {
                Scope::ConferencesRead
            }
            Self::Join
            | Self::Offer
            | Self::Answer
            | Self::Candidates
            | Self::Pause
            | Self::Leave
            | Self::Whip
            | Self::Whep
            | Self::Trickle
            | Self::HangUp
            | Self::IssueClientToken => Scope::ParticipantsWrite,
            Self::Nodes => Scope::NodesRead,
            Self::Drain => Scope::NodesWrite,
        }
    }

    /// The call that brings a client's own offer.
    pub const fn bringing(protocol: ClientProtocol) -> Self {
        match protocol {
            ClientProtocol::Whip => Self::Whip,
            ClientProtocol::Whep => Self::Whep,
        }
    }

    /// Whether a client that came this way may do it for itself with its client token.
    fn is_own_of(self, protocol: ClientProtocol) -> bool {
        self == Self::bringing(protocol) || matches!(self, Self::Trickle | Self::HangUp)
    }

    /// Whether a participant may do it for itself with its media token.
    const fn is_own(self) -> bool {
        matches!(
            self,
            Self::Offer | Self::Answer | Self::Candidates | Self::Pause | Self::Leave
        )
    }
}

/// Decides a call on `target`, the conference and participant it names, if any.
///
/// `forbidden` when the right is missing, `token_wrong_conference` when a token is used
/// outside its own participant.
pub fn permit(
    caller: &Caller,
    call: Call,
    target: Option<(ConferenceId, ParticipantId)>,
) -> Result<(), Problem> {
    match &caller.grant {
        Grant::Owner => Ok(()),
        Grant::Scopes(scopes) if scopes.contains(&call.scope()) => Ok(()),
        Grant::Scopes(_) => Err(ErrorCode::Forbidden.into()),
        Grant::Participant {
            conference,
            participant,
        } => own(call.is_own(), target, (*conference, *participant)),
        Grant::Client {
            conference,
            participant,
            protocol,
            ..
        } => own(
            call.is_own_of(*protocol),
            target,
            (*conference, *participant),
        ),
    }
}

fn own(
    granted: bool,
    target: Option<(ConferenceId, ParticipantId)>,
    holder: (ConferenceId, ParticipantId),
) -> Result<(), Problem> {
    match target {
        _ if !granted => Err(ErrorCode::Forbidden.into()),
        Some(target) if target == holder => Ok(()),
        _ => Err(ErrorCode::TokenWrongConference.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFERENCE: ConferenceId = ConferenceId::from_bytes([1; 16]);
    const PARTICIPANT: ParticipantId = ParticipantId::from_bytes([2; 16]);

    fn caller(grant: Grant) -> Caller {
        Caller {
            owner: "somebody".parse().expect("a name"),
            grant,
        }
    }

    fn allowed(grant: &Grant) -> Vec<Call> {
        let target = Some((CONFERENCE, PARTICIPANT));
        let may = |call: &Call| permit(&caller(grant.clone()), *call, target).is_ok();
        Call::ALL.into_iter().filter(may).collect()
    }

    #[test]
    fn each_grant_allows_exactly_its_calls() {
        use Call::{
            Answer, Candidates, Create, Delete, Drain, Events, HangUp, Hold, IssueClientToken,
            Join, Leave, ListConferences, Nodes, Offer, Pause, ReadConference, Timeline, Trickle,
            Whep, Whip,
        };
        let scopes = |list: &[Scope]| Grant::Scopes(list.to_vec());
        let own = Grant::Participant {
            conference: CONFERENCE,
            participant: PARTICIPANT,
        };
        assert_eq!(allowed(&Grant::Owner), Call::ALL);
        assert_eq!(allowed(&scopes(&[])), []);
        assert_eq!(
            allowed(&scopes(&[Scope::ConferencesWrite])),
            [Create, Delete, Hold]
        );
        assert_eq!(
            allowed(&scopes(&[Scope::ConferencesRead])),
            [ListConferences, ReadConference, Timeline, Events]
        );
        assert_eq!(
            allowed(&scopes(&[Scope::ParticipantsWrite])),
            [
                Join,
                Offer,
                Answer,
                Candidates,
                Pause,
                Leave,
                Whip,
                Whep,
                Trickle,
                HangUp,
                IssueClientToken
            ]
        );
        assert_eq!(allowed(&scopes(&[Scope::NodesRead])), [Nodes]);
        assert_eq!(allowed(&scopes(&[Scope::NodesWrite])), [Drain]);
        assert_eq!(allowed(&own), [Offer, Answer, Candidates, Pause, Leave]);
        let client = |protocol| Grant::Client {
            conference: CONFERENCE,
            participant: PARTICIPANT,
            protocol,
            display_name: "Ana".to_owned(),
        };
        let whip = allowed(&client(ClientProtocol::Whip));
        assert_eq!(whip, [Whip, Trickle, HangUp]);
        let whep = allowed(&client(ClientProtocol::Whep));
        assert_eq!(whep, [Whep, Trickle, HangUp]);
    }

    #[test]
    fn a_media_token_is_good_for_its_own_participant_only() {
        let own = caller(Grant::Participant {
            conference: CONFERENCE,
            participant: PARTICIPANT,
        });
        let other = ConferenceId::from_bytes([9; 16]);
        let wrong = [
            Some((other, PARTICIPANT)),
            Some((CONFERENCE, ParticipantId::from_bytes([9; 16]))),
            None,
        ];
        for target in wrong {
            let refused = permit(&own, Call::Answer, target).expect_err("another's");
            assert_eq!(refused.code, ErrorCode::TokenWrongConference);
        }
        let join = permit(&own, Call::Join, None).expect_err("not granted");
        assert_eq!(join.code, ErrorCode::Forbidden);
    }
}
