//! Every state against every event, as one table, and the stories the table cannot tell.

use std::time::Duration;

use lens_protocol::entropy::Entropy;
use lens_protocol::id::{
    ConferenceId, Generation, InvitationId, ParticipantId, SessionId, TechnicianId,
};
use lens_protocol::session::{
    Capability, CloseReason, EndedBy, InvitationView, SessionState, TechnicianRef, Trouble,
};
use lens_protocol::signal::{CameraState, Presence};
use lens_protocol::{ErrorCode, Timestamp};

use super::event::{Event, Place, Shown};
use super::session::{Consent, Rules, Session};

struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn at(s: u64) -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000).plus(Duration::from_secs(s))
}

fn technician(number: u8, name: &str) -> TechnicianRef {
    TechnicianRef {
        id: TechnicianId::generate(at(0), &mut Counting(number)),
        name: name.to_owned(),
    }
}

fn anna() -> TechnicianRef {
    technician(1, "Anna Berg")
}

fn ben() -> TechnicianRef {
    technician(2, "Ben Cole")
}

fn participant(number: u8) -> ParticipantId {
    ParticipantId::generate(at(0), &mut Counting(number))
}

fn place(number: u8, generation: u32) -> Place {
    Place {
        participant: participant(number),
        generation: Generation(generation),
    }
}

const CAMERA: u8 = 10;
const LEAD: u8 = 11;
const WATCHER: u8 = 12;

fn conference() -> ConferenceId {
    ConferenceId::generate(at(0), &mut Counting(7))
}

fn invitation() -> InvitationView {
    InvitationView {
        id: InvitationId::generate(at(0), &mut Counting(8)),
        expires_at: at(1200),
    }
}

fn started(by: TechnicianRef) -> Event {
    Event::Started {
        by,
        conference: conference(),
        customer: place(CAMERA, 1),
        viewer: place(LEAD, 1),
    }
}

fn shown(locale: &str) -> Shown {
    Shown {
        locale: locale.to_owned(),
        text_sha256: "00".repeat(32),
        name: "Anna Berg".to_owned(),
    }
}

fn consented() -> Event {
    Event::Consented {
        consent: Consent {
            capabilities: vec![Capability::Camera],
            version: 1,
        },
        shown: shown("en"),
    }
}

fn failed(number: u8, generation: u32) -> Event {
    Event::MediaFailed {
        place: place(number, generation),
        cause: "silent".to_owned(),
    }
}

/// The event each column of the table stands for.
fn event(name: &str) -> Event {
    match name {
        "describe" => Event::Described {
            by: anna(),
            reference: Some("4711".to_owned()),
            customer_name: None,
        },
        "invite" => Event::Invited {
            by: anna(),
            invitation: invitation(),
        },
        "redeem" => Event::Redeemed {
            device: "iPhone, Safari".to_owned(),
            by: "pin",
        },
        "consent" => consented(),
        "decline" => Event::Declined,
        "leave" => Event::Left,
        "start" => started(anna()),
        "join" => Event::Joined {
            by: ben(),
            place: place(WATCHER, 1),
        },
        "unwatch" => Event::StoppedWatching { by: ben() },
        "restart" => Event::Restarted {
            by: anna(),
            conference: conference(),
            places: vec![
                (participant(CAMERA), place(CAMERA, 2)),
                (participant(LEAD), place(LEAD, 2)),
            ],
        },
        "offered" => Event::Offered(place(CAMERA, 2)),
        "hold" => Event::Held { by: anna() },
        "resume" => Event::Resumed { by: anna() },
        "put_out" => Event::PutOut { by: anna() },
        "close" => Event::Closed {
            by: anna(),
            reason: CloseReason::Solved,
            note: None,
        },
        "online" => Event::CustomerOnline { new_page: false },
        "reload" => Event::CustomerOnline { new_page: true },
        "offline" => Event::CustomerOffline,
        "presence" => Event::Presence(Presence {
            camera: CameraState::Paused,
            muted: true,
            facing: None,
        }),
        "connected" => Event::MediaConnected(place(CAMERA, 1)),
        "failed" => failed(CAMERA, 1),
        "lead_failed" => failed(LEAD, 1),
        "picture" => Event::FirstPicture,
        "node_lost" => Event::NodeLost { node: None },
        "duration" => Event::DurationReached,
        "time" => Event::Time,
        other => panic!("no event {other}"),
    }
}

fn after(events: &[&str]) -> Session {
    let mut session = Session::new(SessionId::generate(at(0), &mut Counting(9)), anna(), at(0));
    for name in events {
        let outcome = match *name {
            "a minute" => session.apply(at(160), &Rules::default(), Event::Time),
            name => session.apply(at(100), &Rules::default(), event(name)),
        };
        outcome.unwrap_or_else(|code| panic!("{name} was refused with {code}"));
    }
    session
}

const WAITING: &[&str] = &["invite", "redeem", "online", "consent"];

fn in_state(name: &str) -> Session {
    let live = [WAITING, &["start", "connected"]].concat();
    let session = match name {
        "created" => after(&["invite"]),
        "connecting" => after(&WAITING[..3]),
        "waiting" => after(WAITING),
        "active" => after(&live),
        "on_hold" => after(&[&live[..], &["hold"]].concat()),
        "reconnecting" => after(&[&live[..], &["failed"]].concat()),
        "offline" => after(&[&live[..], &["failed", "a minute"]].concat()),
        "timed_out" => after(&[&live[..], &["duration"]].concat()),
        "closed" => after(&[&live[..], &["close"]].concat()),
        "aborted" => after(&[&live[..], &["leave"]].concat()),
        other => panic!("no state {other}"),
    };
    assert_eq!(word(session.state), name, "the way into {name}");
    session
}

fn word(state: SessionState) -> String {
    let json = serde_json::to_value(state).expect("plain enum");
    json.as_str().expect("a word").to_owned()
}

/// `-` is: accepted, state unchanged. A state: accepted, and it is that now. Else: the refusal.
const STATES: &[&str] = &[
    "created",
    "connecting",
    "waiting",
    "active",
    "on_hold",
    "reconnecting",
    "offline",
    "closed",
];

#[rustfmt::skip]
const TABLE: &[(&str, [&str; 8])] = &[
    //               created                 connecting           waiting           active             on_hold            reconnecting       offline            closed
    ("describe",    ["-",                    "-",                 "-",              "-",               "-",               "-",               "-",               "session_closed"]),
    ("invite",      ["-",                    "wrong_state",       "wrong_state",    "wrong_state",     "wrong_state",     "wrong_state",     "wrong_state",     "session_closed"]),
    ("redeem",      ["connecting",           "invitation_taken",  "invitation_taken", "invitation_taken", "invitation_taken", "invitation_taken", "invitation_taken", "invitation_not_found"]),
    ("consent",     ["wrong_state",          "waiting",           "-",              "-",               "-",               "-",               "-",               "session_closed"]),
    ("decline",     ["wrong_state",          "aborted",           "aborted",        "aborted",         "aborted",         "aborted",         "aborted",         "session_closed"]),
    ("leave",       ["wrong_state",          "aborted",           "aborted",        "aborted",         "aborted",         "aborted",         "aborted",         "session_closed"]),
    ("start",       ["consent_missing",      "consent_missing",   "active",         "already_started", "already_started", "already_started", "already_started", "session_closed"]),
    ("join",        ["wrong_state",          "wrong_state",       "wrong_state",    "-",               "-",               "-",               "-",               "session_closed"]),
    ("unwatch",     ["-",                    "-",                 "-",              "-",               "-",               "-",               "-",               "session_closed"]),
    ("restart",     ["wrong_state",          "wrong_state",       "wrong_state",    "-",               "-",               "active",          "active",          "session_closed"]),
    ("offered",     ["wrong_state",          "wrong_state",       "wrong_state",    "-",               "-",               "-",               "-",               "session_closed"]),
    ("hold",        ["wrong_state",          "wrong_state",       "wrong_state",    "on_hold",         "-",               "-",               "-",               "session_closed"]),
    ("resume",      ["wrong_state",          "wrong_state",       "wrong_state",    "-",               "active",          "-",               "-",               "session_closed"]),
    ("put_out",     ["-",                    "created",           "created",        "created",         "created",         "created",         "created",         "session_closed"]),
    ("close",       ["closed",               "closed",            "closed",         "closed",          "closed",          "closed",          "closed",          "session_closed"]),
    ("online",      ["-",                    "-",                 "-",              "-",               "-",               "-",               "reconnecting",    "-"]),
    ("reload",      ["-",                    "-",                 "-",              "reconnecting",    "reconnecting",    "-",               "reconnecting",    "-"]),
    ("offline",     ["-",                    "-",                 "-",              "-",               "-",               "-",               "-",               "-"]),
    ("presence",    ["-",                    "-",                 "-",              "-",               "-",               "-",               "-",               "-"]),
    ("connected",   ["-",                    "-",                 "-",              "-",               "-",               "active",          "active",          "-"]),
    ("failed",      ["-",                    "-",                 "-",              "reconnecting",    "reconnecting",    "-",               "-",               "-"]),
    ("lead_failed", ["-",                    "-",                 "-",              "reconnecting",    "reconnecting",    "-",               "-",               "-"]),
    ("picture",     ["-",                    "-",                 "-",              "-",               "-",               "-",               "-",               "-"]),
    ("node_lost",   ["-",                    "-",                 "-",              "reconnecting",    "reconnecting",    "-",               "reconnecting",    "-"]),
    ("duration",    ["timed_out",            "timed_out",         "timed_out",      "timed_out",       "timed_out",       "timed_out",       "timed_out",       "-"]),
    ("time",        ["-",                    "-",                 "-",              "-",               "-",               "-",               "-",               "-"]),
];

#[test]
fn every_state_answers_every_event_as_the_table_says() {
    let mut cells = 0;
    for (name, row) in TABLE {
        for (state, expected) in STATES.iter().zip(row) {
            let mut session = in_state(state);
            let before = session.clone();
            let now = if *state == "offline" {
                at(160)
            } else {
                at(100)
            };
            let found = match session.apply(now, &Rules::default(), event(name)) {
                Ok(_) if session.state == before.state => "-".to_owned(),
                Ok(_) => word(session.state),
                Err(code) => {
                    assert_eq!(session, before, "{name} in {state} changed something");
                    code.to_string()
                }
            };
            assert_eq!(found, *expected, "{name} in {state}");
            cells += 1;
        }
    }
    assert_eq!(cells, 26 * 8);
}

#[test]
fn ended_sessions_answer_alike_whichever_way_they_ended() {
    for (name, row) in TABLE {
        for state in ["timed_out", "aborted"] {
            let mut session = in_state(state);
            let found = session.apply(at(100), &Rules::default(), event(name));
            match found {
                Ok(facts) => assert!(facts.is_empty() && row[7] == "-", "{name} in {state}"),
                Err(code) => assert_eq!(code.as_str(), row[7], "{name} in {state}"),
            }
            assert_eq!(word(session.state), state);
        }
    }
}

#[test]
fn the_table_holds_every_state() {
    let all: Vec<_> = STATES.iter().chain(&["timed_out", "aborted"]).collect();
    assert_eq!(all.len(), 10);
    for state in all {
        in_state(state);
    }
}

#[test]
fn a_session_never_shown_to_anybody_times_out_and_an_attended_one_does_not() {
    let mut session = after(&["invite"]);
    let facts = session.apply(at(1200), &Rules::default(), Event::Time);
    assert_eq!(facts.expect("taken")[0].kind, "invitation.expired");
    assert_eq!(session.deadline(&Rules::default()), Some(at(7200)));
    session
        .apply(at(7200), &Rules::default(), Event::Time)
        .expect("taken");
    assert_eq!(session.ended_by, Some(EndedBy::Timeout));

    let mut attended = in_state("waiting");
    attended
        .apply(at(90_000), &Rules::default(), Event::Time)
        .expect("taken");
    assert_eq!(attended.state, SessionState::Waiting);
    assert_eq!(attended.deadline(&Rules::default()), None);
}

#[test]
fn away_for_a_minute_is_offline_and_half_an_hour_later_timed_out() {
    let mut session = in_state("reconnecting");
    let rules = Rules::default();
    assert_eq!(session.deadline(&rules), Some(at(160)));
    session.apply(at(159), &rules, Event::Time).expect("taken");
    assert_eq!(session.state, SessionState::Reconnecting);
    session.apply(at(160), &rules, Event::Time).expect("taken");
    assert_eq!(session.state, SessionState::Offline);
    assert_eq!(session.deadline(&rules), Some(at(160 + 1800)));
    session
        .apply(at(160 + 1800), &rules, Event::Time)
        .expect("taken");
    assert_eq!(session.state, SessionState::TimedOut);
    assert_eq!(session.conference, None);
}

#[test]
fn a_hold_outlives_a_cut_and_a_resume_works_during_it() {
    let mut session = in_state("on_hold");
    let rules = Rules::default();
    session
        .apply(at(110), &rules, event("failed"))
        .expect("taken");
    session
        .apply(at(111), &rules, event("connected"))
        .expect("taken");
    assert_eq!(
        session.state,
        SessionState::OnHold,
        "nobody sees the customer by reconnecting"
    );
    session
        .apply(at(112), &rules, event("failed"))
        .expect("taken");
    session
        .apply(at(113), &rules, event("resume"))
        .expect("taken");
    session
        .apply(at(114), &rules, event("connected"))
        .expect("taken");
    assert_eq!(session.state, SessionState::Active);
}

#[test]
fn what_a_replaced_generation_does_says_nothing() {
    let mut session = in_state("active");
    session
        .apply(at(101), &Rules::default(), event("offered"))
        .expect("taken");
    session
        .apply(at(101), &Rules::default(), event("failed"))
        .expect("taken");
    assert_eq!(
        session.state,
        SessionState::Active,
        "generation 2 is on its way"
    );
    session
        .apply(at(102), &Rules::default(), failed(CAMERA, 2))
        .expect("taken");
    assert_eq!(session.trouble, Some(Trouble::Customer));
}

#[test]
fn trouble_names_the_node_before_the_customer_before_the_technician() {
    let mut session = in_state("active");
    let rules = Rules::default();
    for (name, trouble) in [
        ("lead_failed", Trouble::Technician),
        ("failed", Trouble::Customer),
        ("node_lost", Trouble::Node),
    ] {
        session.apply(at(101), &rules, event(name)).expect("taken");
        assert_eq!(session.trouble, Some(trouble), "after {name}");
    }
    session
        .apply(at(102), &rules, event("restart"))
        .expect("taken");
    assert_eq!(
        (session.state, session.trouble),
        (SessionState::Active, None)
    );
}

#[test]
fn started_while_the_customer_is_away_it_reconnects_until_they_are_back() {
    let mut session = after(&["invite", "redeem", "online", "consent", "offline", "start"]);
    assert_eq!(session.trouble, Some(Trouble::Customer));
    session
        .apply(at(101), &Rules::default(), event("online"))
        .expect("taken");
    assert_eq!(session.state, SessionState::Active);
}

#[test]
fn a_changed_consent_text_asks_again_before_a_start() {
    let mut session = in_state("waiting");
    let newer = Rules {
        consent_version: 2,
        ..Rules::default()
    };
    assert_eq!(session.agreed(&newer), None);
    assert_eq!(
        session.apply(at(101), &newer, started(anna())),
        Err(ErrorCode::ConsentMissing)
    );
    assert_eq!(
        session.apply(at(101), &newer, consented()),
        Err(ErrorCode::ConsentChanged)
    );
}

#[test]
fn a_consent_without_camera_is_none() {
    let mut session = in_state("connecting");
    let voice = Event::Consented {
        consent: Consent {
            capabilities: vec![Capability::Voice],
            version: 1,
        },
        shown: shown("de"),
    };
    assert_eq!(
        session.apply(at(101), &Rules::default(), voice),
        Err(ErrorCode::InvalidValue)
    );
}

#[test]
fn an_expired_invitation_is_worth_nothing_even_before_the_clock_ticked() {
    let mut session = in_state("created");
    let late = session.apply(at(1200), &Rules::default(), event("redeem"));
    assert_eq!(late, Err(ErrorCode::InvitationNotFound));
}

#[test]
fn who_starts_twice_leads_already_and_who_comes_second_is_told() {
    let session = in_state("active");
    assert_eq!(session.may_start(&anna(), &Rules::default()), Ok(false));
    assert_eq!(
        session.may_start(&ben(), &Rules::default()),
        Err(ErrorCode::AlreadyStarted)
    );
}

#[test]
fn a_watcher_comes_and_goes_and_the_lead_stays() {
    let mut session = in_state("active");
    let rules = Rules::default();
    let facts = session
        .apply(at(101), &rules, event("join"))
        .expect("taken");
    assert_eq!(facts[0].kind, "watcher.joined");
    assert_eq!(super::view::people(&session).len(), 3);
    assert!(
        session
            .apply(at(102), &rules, event("join"))
            .expect("again")
            .is_empty()
    );
    session
        .apply(at(103), &rules, event("unwatch"))
        .expect("taken");
    assert_eq!(super::view::people(&session).len(), 2);
    let lead = Event::StoppedWatching { by: anna() };
    assert_eq!(
        session.apply(at(104), &rules, lead),
        Err(ErrorCode::WrongState)
    );
}

#[test]
fn putting_out_forgets_the_customer_and_the_invitation_and_keeps_the_case() {
    let mut session = in_state("active");
    let facts = session
        .apply(at(101), &Rules::default(), event("put_out"))
        .expect("taken");
    assert_eq!(facts[0].kind, "customer.put_out");
    assert!(session.customer.is_none() && session.conference.is_none() && session.lead.is_none());
    session
        .apply(at(102), &Rules::default(), event("invite"))
        .expect("reissue");
    session
        .apply(at(103), &Rules::default(), event("redeem"))
        .expect("the right one");
    assert_eq!(session.state, SessionState::Connecting);
    assert_eq!(
        session.agreed(&Rules::default()),
        None,
        "the first one's consent is not theirs"
    );
}

#[test]
fn presence_is_written_down_when_it_changes() {
    let mut session = in_state("active");
    let facts = session
        .apply(at(101), &Rules::default(), event("presence"))
        .expect("taken");
    let kinds: Vec<_> = facts.iter().map(|fact| fact.kind).collect();
    assert_eq!(kinds, ["camera.paused", "voice.muted"]);
    let again = session.apply(at(101), &Rules::default(), event("presence"));
    assert_eq!(again, Ok(vec![]));
}

#[test]
fn agreeing_is_written_down_with_what_was_shown() {
    let mut session = in_state("connecting");
    let facts = session
        .apply(at(101), &Rules::default(), consented())
        .expect("taken");
    assert_eq!(facts[0].kind, "consent.given");
    assert_eq!(facts[0].body["shown_name"], "Anna Berg");
}
