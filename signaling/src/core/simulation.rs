//! Both ends of a channel in one simulated world ([`super::simulation_world`]): nothing is lost,
//! nothing comes twice, order is kept, whatever happens to the connections.

use std::time::{Duration, Instant};

use lens_protocol::id::Seq;
use lens_protocol::signal::ServerSignal;

use super::channel::{ChannelCore, Idle, Received, Transmit};
use super::frame;
use super::simulation_world::World;
use crate::config::HubConfig;
use crate::error::Closed;

fn generous() -> HubConfig {
    HubConfig {
        burst: 100_000,
        messages_per_s: 100_000,
        ..HubConfig::default()
    }
}

/// Seeds that found something stay here for good.
const SEEDS: [u64; 8] = [1, 2, 3, 7, 42, 1_000, 20_261_122, 0xDEAD_BEEF];

#[test]
fn ten_thousand_messages_each_way_over_two_hundred_cuts_arrive_once_and_in_order() {
    const MESSAGES: u64 = 10_000;
    const CUTS: u64 = 200;
    for seed in SEEDS {
        let mut world = World::new(seed, &generous());
        world.rough = true;
        world.connect();
        let (mut down, mut up, mut cuts, mut steps) = (0, 0, 0, 0);
        let mut reconnect_at = None;
        while (world.peer_got.len() as u64) < MESSAGES
            || (world.host_got.len() as u64) < MESSAGES
            || world.peer.oldest_waiting().is_some()
            || cuts < CUTS
        {
            // A share of the messages for each cut, so that the cuts spread over the whole run.
            let share = (MESSAGES / CUTS * (cuts + 3)).min(MESSAGES);
            if down < share && world.on_the_way_down() < 200 && world.below(3) > 0 {
                down += 1;
                world.push_down();
            }
            if up < share && world.below(3) > 0 {
                up += 1;
                world.push_up(up);
            }
            if world.wire.is_some() && cuts < CUTS && world.below(40) == 0 {
                world.cut();
                cuts += 1;
                reconnect_at = Some(world.now + Duration::from_millis(world.below(500)));
            }
            if world.wire.is_none() && reconnect_at.is_none_or(|at| at <= world.now) {
                world.connect();
            }
            world.step();
            steps += 1;
            assert!(steps < 200_000, "seed {seed}: something never arrives");
        }
        assert_eq!(cuts, CUTS, "seed {seed}");
        assert_eq!(
            world.snapshots, 1,
            "seed {seed}: only the first connection starts over"
        );
        // The world was as rough as it says.
        assert!(
            world.duplicates > 500 && world.gaps > 5,
            "seed {seed}: {} duplicates, {} gaps",
            world.duplicates,
            world.gaps
        );
        assert_acknowledged_soon(&mut world, MESSAGES + 1);
    }
}

/// Over a quiet connection an acknowledgement comes by itself, long before a ping could carry it.
fn assert_acknowledged_soon(world: &mut World, number: u64) {
    world.rough = false;
    if world.wire.is_none() {
        world.connect();
    }
    world.run_for(Duration::from_secs(1));
    world.push_up(number);
    world.run_for(Duration::from_secs(1));
    assert!(
        world.peer.oldest_waiting().is_none(),
        "{number} was dealt with, and nobody said so"
    );
}

#[test]
fn a_cut_is_resumed_exactly_when_the_window_holds_what_was_missed() {
    const WINDOW: u64 = 8;
    let config = HubConfig {
        window_messages: WINDOW as usize,
        ..generous()
    };
    for seed in SEEDS {
        let mut world = World::new(seed, &config);
        world.rough = true;
        world.connect();
        let mut resumed = 0;
        for round in 1..=500 {
            world.push_up(round);
            for _ in 0..world.below(40) {
                if world.below(3) == 0 {
                    world.push_down();
                }
                world.step();
            }
            world.cut();
            for _ in 0..world.below(WINDOW + 4) {
                world.push_down();
            }
            let before = world.snapshots;
            if let Some(missed) = world.connect() {
                let fresh = world.snapshots > before;
                assert_eq!(fresh, missed > WINDOW, "seed {seed}: {missed} were missed");
                resumed += u64::from(!fresh);
            }
        }
        assert!(
            resumed > 50 && world.snapshots > 50,
            "seed {seed}: {resumed} resumed, {} not",
            world.snapshots
        );
        assert_acknowledged_soon(&mut world, 501);
        assert_eq!(world.host_got.len(), 501, "seed {seed}");
        assert_eq!(world.on_the_way_down(), 0, "seed {seed}");
    }
}

#[test]
fn a_peer_that_was_away_for_too_much_or_too_long_gets_a_snapshot_and_goes_on() {
    let away: [(&str, u64, u64); 2] = [("too many", 300, 1), ("too long", 1, 61)];
    for (why, messages, seconds) in away {
        let mut world = World::new(5, &generous());
        world.connect();
        world.push_up(1);
        world.run_for(Duration::from_millis(300));
        world.cut();
        world.ghosts.clear();
        for _ in 0..messages {
            world.push_down();
        }
        world.now += Duration::from_secs(seconds);
        world.connect();
        world.push_down();
        world.push_up(2);
        world.run_for(Duration::from_millis(300));
        assert_eq!(world.snapshots, 2, "{why}");
        assert_eq!(
            world.peer_got,
            [messages + 1],
            "{why}: the snapshot stands for what was missed"
        );
        assert_eq!(
            world.host_got,
            [1, 2],
            "{why}: the peer's own messages are not doubled"
        );
    }
}

#[test]
fn a_new_life_of_the_hub_starts_over_and_gets_what_was_not_acknowledged() {
    let mut world = World::new(6, &generous());
    world.connect();
    for number in 1..=3 {
        world.push_up(number);
    }
    world.run_for(Duration::from_millis(300));
    world.cut();
    world.ghosts.clear();
    world.push_up(4);
    world.hub = ChannelCore::new(world.now, "life-2".into(), &generous());
    world.connect();
    world.run_for(Duration::from_millis(300));
    assert_eq!(world.host_got, [1, 2, 3, 4]);
    assert_eq!(world.snapshots, 2);
    assert!(world.peer.oldest_waiting().is_none(), "all is acknowledged");
}

#[test]
fn a_carrier_that_does_not_read_is_closed_and_the_peer_starts_from_a_snapshot() {
    let config = HubConfig {
        window_messages: 4,
        queue_messages: 8,
        ..generous()
    };
    let mut world = World::new(8, &config);
    world.connect();
    let link = world.wire.as_ref().expect("connected").attached.link;
    for _ in 1..=8 {
        world.push_down();
    }
    assert_eq!(
        world.hub.poll_transmit(world.now, link),
        Transmit::End(Closed::Overflow),
        "the snapshot and seven fit, the eighth does not"
    );
    world.cut();
    world.connect();
    assert_eq!(world.snapshots, 2);
}

#[test]
fn a_snapshot_that_was_never_delivered_is_still_owed() {
    let now = Instant::now();
    let mut hub = ChannelCore::new(now, "life".into(), &generous());
    let first = hub.attach(now, None);
    hub.push(now, frame::body_of(None, &ServerSignal::Ping));
    assert!(hub.detach(now, first.link));
    let second = hub.attach(now, Some(Seq(0)));
    assert!(
        second.fresh,
        "the peer knows the life but has seen nothing of it"
    );
    hub.snapshot(now, first, vec!["\"kind\":\"late\"}".into()]);
    hub.snapshot(now, second, vec!["\"kind\":\"snapshot\"}".into()]);
    let frames: Vec<_> = std::iter::from_fn(|| match hub.poll_transmit(now, second.link) {
        Transmit::Frame(text) => Some(text),
        _ => None,
    })
    .collect();
    assert_eq!(frames.len(), 2, "welcome and one snapshot: {frames:?}");
    assert!(frames[1].contains("\"snapshot\""));
}

#[test]
fn messages_pushed_while_the_host_makes_a_snapshot_follow_it() {
    let now = Instant::now();
    let mut hub = ChannelCore::new(now, "life".into(), &generous());
    let attached = hub.attach(now, None);
    assert!(
        matches!(hub.poll_transmit(now, attached.link), Transmit::Frame(_)),
        "welcome"
    );
    hub.push(now, "\"kind\":\"after\"}".into());
    assert!(matches!(
        hub.poll_transmit(now, attached.link),
        Transmit::Wait(_)
    ));
    hub.snapshot(now, attached, vec!["\"kind\":\"before\"}".into()]);
    for (seq, kind) in [(1, "before"), (2, "after")] {
        let Transmit::Frame(text) = hub.poll_transmit(now, attached.link) else {
            panic!("{kind} is missing");
        };
        assert_eq!(
            text,
            format!(r#"{{"v":1,"seq":{seq},"ack":0,"kind":"{kind}"}}"#)
        );
    }
}

#[test]
fn acknowledgements_go_out_by_themselves_soon_and_only_when_there_is_news() {
    let config = HubConfig {
        ack_delay: Duration::from_millis(20),
        ..generous()
    };
    let now = Instant::now();
    let mut hub = ChannelCore::new(now, "life".into(), &config);
    let attached = hub.attach(now, None);
    hub.snapshot(now, attached, Vec::new());
    assert!(
        matches!(hub.poll_transmit(now, attached.link), Transmit::Frame(_)),
        "welcome"
    );
    let chat = r#"{"v":1,"seq":1,"kind":"candidate","candidate":"x"}"#;
    let received = hub.receive(now, attached.link, frame::read(chat).expect("an envelope"));
    assert!(matches!(received, Received::Deliver { seq: Seq(1), .. }));
    let due = now + Duration::from_millis(20);
    hub.handled(now, Seq(1), None, Ok(()));
    assert_eq!(hub.poll_transmit(now, attached.link), Transmit::Wait(due));
    let Transmit::Frame(text) = hub.poll_transmit(due, attached.link) else {
        panic!("an acknowledgement is due");
    };
    assert_eq!(text, r#"{"v":1,"seq":0,"ack":1,"kind":"ack"}"#);
    assert!(matches!(hub.poll_transmit(due, attached.link), Transmit::Wait(at) if at > due));
}

#[test]
fn unknown_kinds_and_bad_fields_use_up_their_number_and_a_gap_ends_the_carrier() {
    let now = Instant::now();
    let mut hub = ChannelCore::new(now, "life".into(), &generous());
    let link = hub.attach(now, None).link;
    let mut receive = |text: &str| hub.receive(now, link, frame::read(text).expect("an envelope"));
    let unknown = receive(r#"{"v":1,"seq":1,"kind":"telepathy"}"#);
    assert!(matches!(unknown, Received::Nothing(Idle::Unknown)));
    let invalid = receive(r#"{"v":1,"seq":2,"kind":"answer"}"#);
    assert!(matches!(invalid, Received::Nothing(Idle::Invalid)));
    let uncounted = receive(r#"{"v":1,"seq":0,"kind":"end_of_candidates"}"#);
    assert!(matches!(uncounted, Received::Close(Closed::Unreadable)));
    let gap = receive(r#"{"v":1,"seq":4,"kind":"end_of_candidates"}"#);
    assert!(matches!(gap, Received::Close(Closed::Gap)));
    assert_eq!(hub.accepted(), Seq(2));
}
