//! One question at every door: may this subject do this to this session?
//!
//! Deny by default: what no rule allows is denied. Groups with allow, deny and unset will refine
//! [`decide`] without moving the doors that ask it.

use lens_protocol::account::AccountRole;
use lens_protocol::id::{SessionId, TechnicianId};

/// Who asks, proved at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Nobody is signed in.
    Nobody,
    /// A technician or administrator with a live login.
    Technician {
        /// Who.
        id: TechnicianId,
        /// What the account may do.
        role: AccountRole,
    },
    /// The browser that redeemed a session's invitation.
    Customer {
        /// Of which session.
        session: SessionId,
    },
}

/// What is asked for. Actions about one session need its [`SessionFacts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Make a session.
    CreateSession,
    /// See that it exists, its state and people.
    ReadSession,
    /// Change its reference and customer name.
    DescribeSession,
    /// Start it and become its lead.
    StartSession,
    /// Join it to watch.
    WatchSession,
    /// Hold and resume it.
    HoldSession,
    /// Get new media offers for everybody in it.
    RestartSession,
    /// Close it with a reason.
    CloseSession,
    /// Issue a new invitation.
    IssueInvitation,
    /// Put out the customer or the invitation.
    PutOutCustomer,
    /// Read its log and chat.
    ReadLog,
    /// Read a connection's timeline.
    ReadTimeline,
    /// Write a chat line in it.
    WriteChat,
    /// Agree to or decline what is asked.
    GiveConsent,
    /// End it as its customer.
    LeaveSession,
    /// Get an offer for one's own participant in it.
    TakePart,
    /// Get a signalling ticket.
    IssueTicket,
    /// Manage accounts, keys and settings.
    Administer,
}

impl Action {
    /// Every action.
    pub const ALL: &'static [Self] = &[
        Self::CreateSession,
        Self::ReadSession,
        Self::DescribeSession,
        Self::StartSession,
        Self::WatchSession,
        Self::HoldSession,
        Self::RestartSession,
        Self::CloseSession,
        Self::IssueInvitation,
        Self::PutOutCustomer,
        Self::ReadLog,
        Self::ReadTimeline,
        Self::WriteChat,
        Self::GiveConsent,
        Self::LeaveSession,
        Self::TakePart,
        Self::IssueTicket,
        Self::Administer,
    ];
}

/// What a decision about a session rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionFacts {
    /// Which session.
    pub session: SessionId,
    /// Who made it.
    pub created_by: TechnicianId,
    /// Who leads it, once started.
    pub lead: Option<TechnicianId>,
    /// Whether the asking technician takes part in it now, leading or watching.
    pub takes_part: bool,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// Sign in first.
    SignIn,
    /// Not this subject.
    Deny,
    /// The session must look as if it did not exist.
    Hide,
}

impl Decision {
    /// Whether the door opens.
    pub fn is_allowed(self) -> bool {
        self == Self::Allow
    }
}

/// Decides. `facts` are of the session the action is about; an action about a session without
/// facts is denied.
pub fn decide(subject: Subject, action: Action, facts: Option<&SessionFacts>) -> Decision {
    match subject {
        Subject::Nobody => Decision::SignIn,
        Subject::Customer { session } => decide_for_customer(session, action, facts),
        Subject::Technician { id, role } => decide_for_technician(id, role, action, facts),
    }
}

fn decide_for_customer(own: SessionId, action: Action, facts: Option<&SessionFacts>) -> Decision {
    let Some(facts) = facts else {
        return allow_if(action == Action::IssueTicket);
    };
    if facts.session != own {
        return Decision::Hide;
    }
    allow_if(matches!(
        action,
        Action::ReadSession
            | Action::GiveConsent
            | Action::LeaveSession
            | Action::WriteChat
            | Action::TakePart
    ))
}

fn decide_for_technician(
    id: TechnicianId,
    role: AccountRole,
    action: Action,
    facts: Option<&SessionFacts>,
) -> Decision {
    let administrator = role == AccountRole::Administrator;
    let Some(facts) = facts else {
        return match action {
            Action::CreateSession | Action::IssueTicket => Decision::Allow,
            Action::Administer => allow_if(administrator),
            _ => Decision::Deny,
        };
    };
    let maker = facts.created_by == id;
    let leads = facts.lead == Some(id);
    match action {
        // One group: every technician sees every session, starts a waiting one and may watch; the
        // customer sees the name of each who does.
        Action::ReadSession
        | Action::StartSession
        | Action::WatchSession
        | Action::ReadLog
        | Action::ReadTimeline => Decision::Allow,
        // Who takes part may write and be heard.
        Action::WriteChat | Action::TakePart => allow_if(leads || facts.takes_part || maker),
        // The case is its lead's; before it has one, its maker's. An administrator can end it.
        Action::CloseSession => allow_if(leads || maker || administrator),
        Action::HoldSession | Action::RestartSession => allow_if(leads),
        Action::DescribeSession | Action::IssueInvitation | Action::PutOutCustomer => {
            allow_if(leads || (maker && facts.lead.is_none()))
        }
        Action::GiveConsent | Action::LeaveSession => Decision::Deny,
        Action::CreateSession | Action::IssueTicket => Decision::Allow,
        Action::Administer => allow_if(administrator),
    }
}

fn allow_if(condition: bool) -> Decision {
    if condition {
        Decision::Allow
    } else {
        Decision::Deny
    }
}

#[cfg(test)]
mod tests {
    use lens_protocol::Timestamp;

    use super::*;
    use crate::token::tests::Counting;

    struct Cast {
        maker: TechnicianId,
        lead: TechnicianId,
        other: TechnicianId,
        started: SessionFacts,
        waiting: SessionFacts,
        elsewhere: SessionId,
    }

    fn cast() -> Cast {
        let mut entropy = Counting(0);
        let now = Timestamp::from_unix_ms(1);
        let mut technician = || TechnicianId::generate(now, &mut entropy);
        let (maker, lead, other) = (technician(), technician(), technician());
        let session = SessionId::generate(now, &mut entropy);
        let elsewhere = SessionId::generate(now, &mut entropy);
        let waiting = SessionFacts {
            session,
            created_by: maker,
            lead: None,
            takes_part: false,
        };
        let started = SessionFacts {
            lead: Some(lead),
            ..waiting
        };
        Cast {
            maker,
            lead,
            other,
            started,
            waiting,
            elsewhere,
        }
    }

    fn technician(id: TechnicianId) -> Subject {
        Subject::Technician {
            id,
            role: AccountRole::Technician,
        }
    }

    fn allowed(subject: Subject, facts: Option<&SessionFacts>) -> Vec<Action> {
        let open = |action: &Action| decide(subject, *action, facts).is_allowed();
        Action::ALL.iter().copied().filter(open).collect()
    }

    #[test]
    fn nobody_is_asked_to_sign_in_for_everything() {
        let cast = cast();
        for action in Action::ALL {
            for facts in [None, Some(&cast.started)] {
                assert_eq!(decide(Subject::Nobody, *action, facts), Decision::SignIn);
            }
        }
    }

    #[test]
    fn a_customer_does_five_things_in_the_own_session_and_sees_no_other() {
        use Action::{GiveConsent, LeaveSession, ReadSession, TakePart, WriteChat};
        let cast = cast();
        let customer = Subject::Customer {
            session: cast.started.session,
        };
        let own = [ReadSession, WriteChat, GiveConsent, LeaveSession, TakePart];
        assert_eq!(allowed(customer, Some(&cast.started)), own);
        let stranger = Subject::Customer {
            session: cast.elsewhere,
        };
        for action in Action::ALL {
            assert_eq!(
                decide(stranger, *action, Some(&cast.started)),
                Decision::Hide
            );
        }
    }

    #[test]
    fn a_started_case_is_its_leads() {
        use Action::{CloseSession, HoldSession, PutOutCustomer, RestartSession};
        let cast = cast();
        let lead = allowed(technician(cast.lead), Some(&cast.started));
        let other = allowed(technician(cast.other), Some(&cast.started));
        for action in [HoldSession, RestartSession, CloseSession, PutOutCustomer] {
            assert!(lead.contains(&action), "lead lacks {action:?}");
            assert!(!other.contains(&action), "another may {action:?}");
        }
        let maker = allowed(technician(cast.maker), Some(&cast.started));
        assert!(maker.contains(&CloseSession) && !maker.contains(&PutOutCustomer));
    }

    #[test]
    fn a_waiting_case_is_started_by_anybody_and_described_by_its_maker() {
        let cast = cast();
        let other = technician(cast.other);
        assert!(decide(other, Action::StartSession, Some(&cast.waiting)).is_allowed());
        assert_eq!(
            decide(other, Action::DescribeSession, Some(&cast.waiting)),
            Decision::Deny
        );
        let maker = technician(cast.maker);
        assert!(decide(maker, Action::DescribeSession, Some(&cast.waiting)).is_allowed());
    }

    #[test]
    fn a_watcher_writes_once_taking_part() {
        let cast = cast();
        let other = technician(cast.other);
        assert_eq!(
            decide(other, Action::WriteChat, Some(&cast.started)),
            Decision::Deny
        );
        let joined = SessionFacts {
            takes_part: true,
            ..cast.started
        };
        assert!(decide(other, Action::WriteChat, Some(&joined)).is_allowed());
    }

    #[test]
    fn only_an_administrator_administers() {
        let cast = cast();
        assert_eq!(
            decide(technician(cast.lead), Action::Administer, None),
            Decision::Deny
        );
        let chief = Subject::Technician {
            id: cast.lead,
            role: AccountRole::Administrator,
        };
        assert!(decide(chief, Action::Administer, None).is_allowed());
    }

    #[test]
    fn without_facts_nothing_about_a_session_is_allowed() {
        let cast = cast();
        let open = allowed(technician(cast.maker), None);
        assert_eq!(open, [Action::CreateSession, Action::IssueTicket]);
    }
}

#[cfg(test)]
#[path = "permission_table.rs"]
mod table;
