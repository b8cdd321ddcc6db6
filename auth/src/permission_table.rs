//! Every answer of [`decide`], written out: a changed rule shows here as a changed cell.

use lens_protocol::Timestamp;
use lens_protocol::account::AccountRole;
use lens_protocol::id::{SessionId, TechnicianId};

use super::{Action, Decision, SessionFacts, Subject, decide};
use crate::token::tests::Counting;

/// `+` allow, `.` deny, `s` sign in first, `h` hide. The three blocks: no session, a session that
/// waits, one that was started. Columns of a block: nobody, its customer, another customer, its
/// maker, its lead, a technician who watches it, another technician, an administrator.
const TABLE: &str = "
                     none      waiting   started
    CreateSession    s..+++++  s.h+++++  s.h+++++
    ReadSession      s.......  s+h+++++  s+h+++++
    DescribeSession  s.......  s.h+....  s.h.+...
    StartSession     s.......  s.h+++++  s.h+++++
    WatchSession     s.......  s.h+++++  s.h+++++
    HoldSession      s.......  s.h.....  s.h.+...
    RestartSession   s.......  s.h.....  s.h.+...
    CloseSession     s.......  s.h+...+  s.h++..+
    IssueInvitation  s.......  s.h+....  s.h.+...
    PutOutCustomer   s.......  s.h+....  s.h.+...
    ReadLog          s.......  s.h+++++  s.h+++++
    ReadTimeline     s.......  s.h+++++  s.h+++++
    WriteChat        s.......  s+h+....  s+h+++..
    GiveConsent      s.......  s+h.....  s+h.....
    LeaveSession     s.......  s+h.....  s+h.....
    TakePart         s.......  s+h+....  s+h+++..
    IssueTicket      s+++++++  s.h+++++  s.h+++++
    Administer       s......+  s.h....+  s.h....+
";

struct Cast {
    maker: TechnicianId,
    lead: TechnicianId,
    watcher: TechnicianId,
    other: TechnicianId,
    session: SessionId,
    elsewhere: SessionId,
}

impl Cast {
    fn new() -> Self {
        let mut entropy = Counting(0);
        let now = Timestamp::from_unix_ms(1);
        let mut technician = || TechnicianId::generate(now, &mut entropy);
        let (maker, lead, watcher, other) =
            (technician(), technician(), technician(), technician());
        Self {
            maker,
            lead,
            watcher,
            other,
            session: SessionId::generate(now, &mut entropy),
            elsewhere: SessionId::generate(now, &mut entropy),
        }
    }

    fn subjects(&self) -> [Subject; 8] {
        let technician = |id| Subject::Technician {
            id,
            role: AccountRole::Technician,
        };
        [
            Subject::Nobody,
            Subject::Customer {
                session: self.session,
            },
            Subject::Customer {
                session: self.elsewhere,
            },
            technician(self.maker),
            technician(self.lead),
            technician(self.watcher),
            technician(self.other),
            Subject::Technician {
                id: self.other,
                role: AccountRole::Administrator,
            },
        ]
    }

    /// The session as the asking subject has to do with it.
    fn facts(&self, subject: Subject, started: bool) -> SessionFacts {
        let watches = matches!(subject, Subject::Technician { id, .. } if id == self.watcher);
        SessionFacts {
            session: self.session,
            created_by: self.maker,
            lead: started.then_some(self.lead),
            takes_part: started && watches,
        }
    }
}

#[test]
fn every_decision_is_the_one_in_the_table() {
    let rows: Vec<Vec<&str>> = TABLE
        .lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|words: &Vec<&str>| words.len() == 4)
        .collect();
    let listed: Vec<String> = rows.iter().map(|row| row[0].to_owned()).collect();
    let actions: Vec<String> = Action::ALL.iter().map(|a| format!("{a:?}")).collect();
    assert_eq!(
        listed, actions,
        "the table lists every action once, in order"
    );
    for (row, action) in rows.iter().zip(Action::ALL) {
        assert_eq!(decisions(*action), row[1..], "{action:?}");
    }
}

fn decisions(action: Action) -> [String; 3] {
    let cast = Cast::new();
    [None, Some(false), Some(true)].map(|started| {
        let cell = |subject: Subject| {
            let facts = started.map(|started| cast.facts(subject, started));
            match decide(subject, action, facts.as_ref()) {
                Decision::Allow => '+',
                Decision::Deny => '.',
                Decision::SignIn => 's',
                Decision::Hide => 'h',
            }
        };
        cast.subjects().into_iter().map(cell).collect()
    })
}
