//! A conference under any order of calls and news, and the moment it ends.

use lens_protocol::media::{MediaPolicy, ParticipantReport};
use proptest::prelude::*;

use super::*;
use crate::core::expiry::{deadline, due, next_look};

const START: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

fn room() -> Room {
    let id = ConferenceId::from_bytes([1; 16]);
    let owner = "website".parse().expect("a name");
    let place = ("sfu-1".parse().expect("a name"), 7);
    Room::new(id, owner, CreateConference::default(), place, START)
}

fn person(number: u8) -> ParticipantId {
    ParticipantId::from_bytes([number; 16])
}

fn wish(role: Role) -> Join {
    Join {
        role,
        display_name: "Ana".to_owned(),
        codecs: None,
    }
}

fn after_s(s: u64) -> Timestamp {
    START.plus(Duration::from_secs(s))
}

/// Reserves and fills a seat.
fn seat(room: &mut Room, number: u8, role: Role, now: Timestamp) -> Result<(), ErrorCode> {
    room.admit(person(number), &wish(role), now)?;
    let generation = room.next_generation(person(number))?;
    let negotiation = NegotiationId(u64::from(number));
    room.seated(person(number), generation, negotiation, Vec::new());
    Ok(())
}

#[test]
fn a_reserved_seat_counts_but_is_not_shown() {
    let mut room = room();
    assert_eq!(room.admit(person(1), &wish(Role::Camera), START), Ok(()));
    let second = room.admit(person(2), &wish(Role::Camera), START);
    assert_eq!(second, Err(ErrorCode::RoleTaken));
    assert!(room.view().participants.is_empty());
}

#[test]
fn a_seat_reserved_by_a_process_that_died_is_free_again_after_a_while() {
    let mut room = room();
    assert_eq!(room.admit(person(1), &wish(Role::Camera), START), Ok(()));
    let early = room.admit(person(2), &wish(Role::Camera), after_s(30));
    assert_eq!(early, Err(ErrorCode::RoleTaken));
    assert_eq!(
        room.admit(person(2), &wish(Role::Camera), after_s(31)),
        Ok(())
    );
    assert_eq!(room.seats.len(), 1);
}

#[test]
fn a_loss_is_noted_once_and_a_new_placement_has_the_next_epoch() {
    let mut room = room();
    assert_eq!(seat(&mut room, 1, Role::Camera, START), Ok(()));
    assert!(room.lose());
    assert!(!room.lose());
    assert_eq!(room.view().node, None);
    assert_eq!(room.seats[0].cause, Some(CauseCode::NodeLost));
    room.place("sfu-2".parse().expect("a name"), 1);
    assert_eq!(room.epoch, Epoch(2));
    assert!(room.lose());
}

#[test]
fn a_report_takes_back_a_loss_but_never_a_step() {
    let mut room = room();
    assert_eq!(seat(&mut room, 1, Role::Camera, START), Ok(()));
    room.answered(person(1));
    let reported = |answered, connected| RoomReport {
        conference: room.id,
        epoch: room.epoch,
        held: false,
        max_participants: 4,
        media: MediaPolicy::default(),
        memo: serde_json::Value::Null,
        participants: vec![ParticipantReport {
            participant: person(1),
            role: Role::Camera,
            generation: Generation(1),
            negotiation_id: NegotiationId(1),
            answered,
            connected,
            pause: Pause::default(),
            memo: serde_json::Value::Null,
            slots: Vec::new(),
        }],
    };
    let (old, new) = (reported(false, false), reported(true, true));
    assert!(room.agrees_with(&old) && room.refresh(&old).is_empty());
    assert_eq!(room.seats[0].state, ParticipantState::Connecting);
    assert!(room.lose());
    assert_eq!(room.refresh(&new).len(), 1);
    assert_eq!(room.seats[0].state, ParticipantState::Connected);
    assert!(!room.placement.lost && room.agrees_with(&new));
}

#[test]
fn each_end_comes_at_its_time_and_the_earliest_wins() {
    let mut room = room();
    assert_eq!(deadline(&room), (after_s(300), EndReason::Empty));
    assert_eq!(seat(&mut room, 1, Role::Viewer, START), Ok(()));
    assert_eq!(deadline(&room), (after_s(14_400), EndReason::MaxDuration));
    assert!(room.vacate(person(1), after_s(100)));
    assert_eq!(deadline(&room), (after_s(120), EndReason::Departed));
    assert_eq!(due(&room, after_s(119)), None);
    assert_eq!(due(&room, after_s(120)), Some(EndReason::Departed));
    assert_eq!(seat(&mut room, 2, Role::Viewer, after_s(110)), Ok(()));
    assert!(room.vacate(person(2), after_s(14_390)));
    assert_eq!(deadline(&room), (after_s(14_400), EndReason::MaxDuration));
    room.end(EndReason::MaxDuration, after_s(14_400));
    assert_eq!(due(&room, after_s(99_999)), None);
    assert_eq!(next_look(&room), after_s(14_400 + 3_600));
}

#[derive(Clone, Debug)]
enum Step {
    Join(u8, bool),
    Renew(u8),
    Answer(u8),
    News(u8, u32, bool),
    Leave(u8),
    Lose,
    Place,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 1..7u8;
    prop_oneof![
        (who.clone(), any::<bool>()).prop_map(|(who, camera)| Step::Join(who, camera)),
        who.clone().prop_map(Step::Renew),
        who.clone().prop_map(Step::Answer),
        (who.clone(), 0..4u32, any::<bool>()).prop_map(|(w, g, ok)| Step::News(w, g, ok)),
        who.prop_map(Step::Leave),
        Just(Step::Lose),
        Just(Step::Place),
        (0..200u64).prop_map(Step::Wait),
    ]
}

/// Does a step as the drivers would; says whether somebody's newest offer changed.
fn take(room: &mut Room, step: Step, now: &mut Timestamp) {
    match step {
        Step::Join(who, camera) if room.seat(person(who)).is_err() => {
            let role = if camera { Role::Camera } else { Role::Viewer };
            let _ = seat(room, who, role, *now);
        }
        Step::Join(..) => {}
        Step::Renew(who) => {
            if let Ok(generation) = room.next_generation(person(who)) {
                room.seated(person(who), generation, NegotiationId(0), Vec::new());
            }
        }
        Step::Answer(who) => room.answered(person(who)),
        Step::News(who, generation, good) => {
            let (participant, generation) = (person(who), Generation(generation));
            let news = match good {
                true => SfuEventKind::Connected {
                    participant,
                    generation,
                },
                false => SfuEventKind::Failed {
                    participant,
                    generation,
                    cause: CauseCode::Silent,
                },
            };
            let in_force = room.seat(participant).map(|seat| seat.generation);
            let told = room.apply(news).is_some();
            assert_eq!(told, in_force == Ok(generation));
        }
        Step::Leave(who) => {
            room.vacate(person(who), *now);
        }
        Step::Lose => {
            room.lose();
        }
        Step::Place => room.place("sfu-2".parse().expect("a name"), 1),
        Step::Wait(s) => *now = now.plus(Duration::from_secs(s)),
    }
}

proptest! {
    #[test]
    fn limits_hold_and_counters_only_rise_whatever_happens(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut room = room();
        let mut now = START;
        for step in steps {
            let before = room.clone();
            take(&mut room, step, &mut now);
            prop_assert!(room.seats.len() <= 4);
            let cameras = room.seats.iter().filter(|seat| seat.role == Role::Camera);
            prop_assert!(cameras.count() <= 1);
            prop_assert!(room.epoch >= before.epoch);
            for seat in &room.seats {
                prop_assert!(seat.generation <= seat.used_generation);
                let former = before.seats.iter().find(|one| one.id == seat.id);
                prop_assert!(former.is_none_or(|one| one.used_generation <= seat.used_generation));
            }
        }
    }

    #[test]
    fn it_ends_exactly_at_its_deadline_and_never_after_its_longest_duration(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut room = room();
        let mut now = START;
        for step in steps {
            take(&mut room, step, &mut now);
            let (at, reason) = deadline(&room);
            prop_assert!(at <= room.expires_at());
            prop_assert_eq!(due(&room, at.minus(Duration::from_millis(1))), None);
            prop_assert_eq!(due(&room, at), Some(reason));
            prop_assert_eq!(next_look(&room), at);
            if !room.seats.is_empty() {
                prop_assert_eq!(reason, EndReason::MaxDuration);
            }
        }
    }

    #[test]
    fn what_is_kept_is_read_back(steps in prop::collection::vec(step(), 0..30)) {
        let mut room = room();
        let mut now = START;
        for step in steps {
            take(&mut room, step, &mut now);
        }
        let text = serde_json::to_string(&room).expect("plain data");
        prop_assert_eq!(serde_json::from_str::<Room>(&text).ok(), Some(room));
    }
}
