//! Conditions, each with what has to come of it.

use std::time::Duration;

use lens_protocol::media::{MediaPolicy, Simulcast};
use str0m_netem::{Bitrate, DataSize, NetemConfig, Probability, RandomLoss};

use super::figures::Figures;
use super::frames::Seen;
use super::{Seeds, World};

const SECOND: Duration = Duration::from_secs(1);
const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];
/// Packets of a frame that make about 2 Mbit/s.
const FIXED: Option<u16> = Some(8);

/// A clean way of this delay.
fn clean(delay_ms: u64) -> NetemConfig {
    NetemConfig::new().latency(Duration::from_millis(delay_ms))
}

fn lossy(delay_ms: u64, share: f32) -> NetemConfig {
    clean(delay_ms).loss(RandomLoss::new(Probability::new(share)))
}

/// A way that carries so much, with a queue of 300 ms.
fn narrow(delay_ms: u64, kbps: u64) -> NetemConfig {
    let queue = DataSize::bytes((kbps * 1_000 / 8 * 3 / 10) as i64);
    let jitter = Duration::from_millis(2);
    clean(delay_ms)
        .jitter(jitter)
        .link(Bitrate::kbps(kbps), queue)
}

/// A camera and a viewer behind these links, each way.
fn pair(seed: u64, fixed: Option<u16>, camera: NetemConfig, viewer: NetemConfig) -> World {
    let mut world = World::new(Seeds::all(seed), MediaPolicy::default());
    world.fixed = fixed;
    world.join(0, 1, (camera, camera));
    world.join(1, 1, (viewer, viewer));
    world.connect();
    world
}

/// What a viewer sees in the next so many seconds; frames taken in the second after are not judged.
fn watch(world: &mut World, viewer: usize, seconds: u32) -> Seen {
    let (from, before) = (world.now, world.camera().frame);
    world.run(SECOND * seconds);
    let (to, taken) = (world.now, world.camera().frame - before);
    world.run(SECOND);
    let viewer = &world.clients[viewer];
    viewer.decoder.judge(from, to, taken as usize)
}

#[test]
fn a_run_is_the_same_twice_and_follows_from_every_seed() {
    let run = |seeds: Seeds| {
        let mut world = World::new(seeds, MediaPolicy::default());
        let way = lossy(25, 0.05).jitter(Duration::from_millis(3));
        for number in 0..3 {
            world.join(number, 1, (way, way));
        }
        world.connect();
        world.run(5 * SECOND);
        assert!(world.trace.len() > 1_000, "something happens");
        std::mem::take(&mut world.trace)
    };
    let seeds = Seeds::all(5);
    let first = run(seeds);
    assert_eq!(first.first_difference(&run(seeds)), None);
    let others = [
        Seeds { shard: 99, ..seeds },
        Seeds {
            credentials: 99,
            ..seeds
        },
        Seeds { dtls: 99, ..seeds },
        Seeds { stack: 99, ..seeds },
        Seeds { links: 99, ..seeds },
    ];
    for other in others {
        let difference = first.first_difference(&run(other));
        assert!(difference.is_some(), "{other:?} changes nothing");
    }
}

#[test]
fn a_tenth_of_all_packets_lost() {
    let mut figures = Figures::new("loss");
    // 50 ms of round trip in all.
    for (name, camera, viewer) in [
        ("uplink", lossy(25, 0.1), clean(0)),
        ("downlink", clean(0), lossy(25, 0.1)),
        ("both", lossy(12, 0.1), lossy(13, 0.1)),
    ] {
        for seed in SEEDS {
            let mut world = pair(seed, FIXED, camera, viewer);
            world.run(2 * SECOND);
            let seen = watch(&mut world, 1, 60);
            figures.note(&format!("{name} {seed}"), &seen);
            assert!(seen.in_time >= 0.99, "{name}, seed {seed}: {seen:?}");
        }
    }
    figures.compare();
}

#[test]
fn a_step_of_what_the_viewer_s_way_carries() {
    let mut figures = Figures::new("step");
    for seed in SEEDS {
        let mut world = pair(seed, None, clean(5), narrow(20, 2_000));
        world.run(20 * SECOND);
        for (name, kbps) in [("down", 1_000), ("up", 2_000)] {
            world.relink(1, (clean(20), narrow(20, kbps)));
            world.run(10 * SECOND);
            let before = world.passed[1];
            let seen = watch(&mut world, 1, 10);
            let used = (world.passed[1] - before) as f64 * 8.0 / 11.0 / (kbps * 1_000) as f64;
            figures.note(&format!("{name} {seed} used {used:.3}"), &seen);
            assert!(used >= 0.85, "{name}, seed {seed}: {used}");
            // 25 ms of way, a frame's own length, and no queue of 100 ms.
            let late = Duration::from_millis(160);
            assert!(seen.delay_p95 <= late, "{name}, seed {seed}: {seen:?}");
        }
    }
    figures.compare();
}

#[test]
fn narrow_ways() {
    let mut figures = Figures::new("narrow");
    for (name, camera, viewer) in [
        ("uplink 150", narrow(20, 150), clean(5)),
        ("uplink 500", narrow(20, 500), clean(5)),
        ("downlink 150", clean(5), narrow(20, 150)),
        ("downlink 500", clean(5), narrow(20, 500)),
    ] {
        for seed in SEEDS {
            let mut world = pair(seed, None, camera, viewer);
            world.run(5 * SECOND);
            let seen = watch(&mut world, 1, 60);
            figures.note(&format!("{name} {seed}"), &seen);
            assert!(seen.frozen <= 0.05, "{name}, seed {seed}: {seen:?}");
            assert!(seen.pictures >= 10 * 60, "{name}, seed {seed}: {seen:?}");
        }
    }
    figures.compare();
}

#[test]
fn a_slow_viewer_among_others_hears_everything_and_slows_nobody_down() {
    let mut figures = Figures::new("slow_viewer");
    for seed in SEEDS {
        let mut world = World::new(Seeds::all(seed), MediaPolicy::default());
        world.join(0, 1, (clean(5), clean(5)));
        world.join(1, 1, (clean(5), narrow(20, 300)));
        world.join(2, 1, (clean(5), clean(5)));
        world.connect();
        world.run(10 * SECOND);
        world.clients[1].voices.clear();
        let fast = watch(&mut world, 2, 60);
        let voices = &mut world.clients[1].voices;
        voices.sort_unstable();
        let (heard, late) = (voices.len(), voices[voices.len() * 95 / 100]);
        figures.note(
            &format!("fast {seed} slow hears {heard} p95 {late:?}"),
            &fast,
        );
        assert!(fast.in_time >= 0.99, "seed {seed}: {fast:?}");
        assert!(heard >= 3_000, "seed {seed}: {heard} of 3,050");
        assert!(late <= Duration::from_millis(150), "seed {seed}: {late:?}");
        let pictures = world.clients[1].decoder.pictures.len();
        assert!(pictures >= 10, "seed {seed}: {pictures}");
        assert!(world.shard.facts.thinned > 10_000, "most of it is left out");
    }
    figures.compare();
}

#[test]
fn layers_give_each_viewer_what_its_way_carries() {
    let mut figures = Figures::new("simulcast");
    for seed in SEEDS {
        let policy = MediaPolicy {
            simulcast: Simulcast::Always,
            ..MediaPolicy::default()
        };
        let mut world = World::new(Seeds::all(seed), policy);
        world.join(0, 1, (clean(5), clean(5)));
        world.join(1, 1, (clean(5), narrow(20, 300)));
        world.join(2, 1, (clean(5), clean(5)));
        world.connect();
        world.run(10 * SECOND);
        let from = world.now;
        let fast = watch(&mut world, 2, 60);
        let decoder = &world.clients[1].decoder;
        let slow = decoder.judge(from, world.now - SECOND, 60 * 30);
        let small = decoder.share(from, 0);
        let large = world.clients[2].decoder.share(from, 2);
        figures.note(&format!("slow {seed} small {small:.4}"), &slow);
        figures.note(&format!("fast {seed} large {large:.4}"), &fast);
        assert!(slow.pictures >= 25 * 60, "seed {seed}: {slow:?}");
        assert!(slow.frozen < 0.05, "seed {seed}: {slow:?}");
        assert!(small >= 0.99, "seed {seed}: {small}");
        assert!(
            fast.in_time >= 0.99 && large >= 0.99,
            "seed {seed}: {fast:?}, {large}"
        );
        world.relink(1, (clean(5), narrow(20, 4_000)));
        let wide = world.now;
        world.run(20 * SECOND);
        let decoder = &world.clients[1].decoder;
        let up = decoder.first(wide, 2).expect("it becomes large");
        let after = decoder.judge(wide, world.now - SECOND, 19 * 30);
        let stays = decoder.share(up, 2);
        figures.note(
            &format!("wider {seed} large after {up:?}", up = up - wide),
            &after,
        );
        assert!(up - wide <= 10 * SECOND, "seed {seed}: {:?}", up - wide);
        assert!(
            after.frozen < 0.05 && stays >= 0.95,
            "seed {seed}: {after:?}, {stays}"
        );
    }
    figures.compare();
}

#[test]
fn a_scalable_stream_is_cut_to_what_each_viewers_way_carries_and_it_shows() {
    let mut figures = Figures::new("scalable");
    for seed in SEEDS {
        let mut world = World::new(Seeds::all(seed), MediaPolicy::default());
        world.scalable = true;
        world.join(0, 1, (clean(5), clean(5)));
        world.join(1, 1, (clean(5), narrow(20, 300)));
        world.join(2, 1, (clean(5), clean(5)));
        world.join(3, 1, (clean(5), clean(5)));
        world.connect();
        world.wish(3, r#"{"max_height":300}"#);
        world.run(10 * SECOND);
        let from = world.now;
        let fast = watch(&mut world, 2, 60);
        let judge = |world: &World, viewer: usize| {
            let decoder = &world.clients[viewer].decoder;
            decoder.judge(from, world.now - SECOND, 60 * 30)
        };
        let (slow, small) = (judge(&world, 1), judge(&world, 3));
        let share = |viewer: usize, layer| world.clients[viewer].decoder.share(from, layer);
        let shares = [share(1, 0), share(2, 2), share(3, 1)];
        figures.note(
            &format!("slow {seed} of the smallest {:.4}", shares[0]),
            &slow,
        );
        figures.note(
            &format!("fast {seed} of the largest {:.4}", shares[1]),
            &fast,
        );
        figures.note(
            &format!("small {seed} of the second {:.4}", shares[2]),
            &small,
        );
        assert!(slow.pictures >= 14 * 60, "seed {seed}: {slow:?}");
        assert!(slow.frozen < 0.05, "seed {seed}: {slow:?}");
        assert!(
            fast.in_time >= 0.99 && small.in_time >= 0.99,
            "seed {seed}: {fast:?} {small:?}"
        );
        assert!(
            shares.iter().all(|it| *it >= 0.99),
            "seed {seed}: {shares:?}"
        );
        // Nothing got lost there, and what was left out leaves no gap.
        let indices = &world.clients[3].parts.indices;
        let ends = indices.first().zip(indices.last());
        let spread = ends.map(|(first, last)| last - first + 1);
        assert_eq!(spread, Some(indices.len() as u64), "seed {seed}");
        // More is wished for and comes with a keyframe.
        world.wish(3, r#"{"max_height":700}"#);
        world.run(SECOND);
        let since = world.now;
        world.run(SECOND);
        assert!(
            world.clients[3].decoder.share(since, 2) >= 1.0,
            "seed {seed}"
        );
        world.relink(1, (clean(5), narrow(20, 4_000)));
        let wide = world.now;
        world.run(20 * SECOND);
        let decoder = &world.clients[1].decoder;
        let up = decoder.first(wide, 2).expect("it becomes large");
        figures.line(&format!("wider {seed} large after {:?}", up - wide));
        assert!(up - wide <= 10 * SECOND, "seed {seed}: {:?}", up - wide);
    }
    figures.compare();
}

/// A camera of three sizes and one viewer, both on good ways, after five seconds.
fn watched_in_three_sizes() -> World {
    let policy = MediaPolicy {
        simulcast: Simulcast::Always,
        ..MediaPolicy::default()
    };
    let mut world = World::new(Seeds::all(1), policy);
    world.join(0, 1, (clean(5), clean(5)));
    world.join(1, 1, (clean(5), clean(5)));
    world.connect();
    world.run(5 * SECOND);
    world
}

#[test]
fn a_viewer_gets_no_larger_layer_than_it_shows_and_a_larger_one_within_a_second() {
    let mut world = watched_in_three_sizes();
    // The simulator's pictures tell no size: 720 lines, and halves of that.
    for (message, layer) in [
        ("{}", 2),
        (r#"{"max_height":300}"#, 1),
        (r#"{"max_height":0}"#, 0),
        (r#"{"max_height":9999}"#, 0),
        (r#"{"max_height":700}"#, 2),
    ] {
        world.wish(1, message);
        world.run(SECOND);
        let since = world.now;
        world.run(SECOND);
        let share = world.clients[1].decoder.share(since, layer);
        assert!(share >= 1.0, "{message}: {share} of layer {layer}");
    }
    let seen = watch(&mut world, 1, 1);
    assert!(seen.in_time >= 0.99, "{seen:?}");
}

#[test]
fn wishes_beyond_ten_a_second_are_dropped_and_the_last_good_one_stays() {
    let mut world = watched_in_three_sizes();
    for (number, layer) in [(10, 1), (11, 1)] {
        let before = world.shard.facts.messages_dropped;
        for _ in 1..10 {
            world.wish(1, r#"{"max_height":700}"#);
        }
        world.wish(1, r#"{"max_height":300}"#);
        for _ in 10..number {
            world.wish(1, r#"{"max_height":90}"#);
        }
        let dropped = world.shard.facts.messages_dropped - before;
        assert_eq!(dropped, number - 10, "of {number}");
        world.run(SECOND);
        let since = world.now;
        world.run(SECOND);
        let share = world.clients[1].decoder.share(since, layer);
        assert!(share >= 1.0, "{number} wishes: {share} of layer {layer}");
    }
}

#[test]
fn a_camera_that_changes_its_network_is_seen_again_within_a_second() {
    let mut figures = Figures::new("switch");
    let mut gaps = Vec::new();
    for seed in 1..=20 {
        let mut world = pair(seed, None, clean(25), clean(25));
        world.run(5 * SECOND);
        // The old network is gone; a new generation is asked for and comes a round trip later.
        let dead = lossy(0, 1.0);
        world.relink(0, (dead, dead));
        let gone = world.now;
        world.run(Duration::from_millis(100));
        world.join(0, 2, (clean(25), clean(25)));
        world.run(3 * SECOND);
        let pictures = &world.clients[1].decoder.pictures;
        let back = pictures.iter().find(|it| it.0 > 2_000_000);
        gaps.push(back.expect("seen again").2 - gone);
    }
    gaps.sort_unstable();
    let p95 = gaps[gaps.len() * 95 / 100];
    figures.line(&format!("p50 {:?} p95 {p95:?}", gaps[gaps.len() / 2]));
    assert!(p95 <= SECOND, "{gaps:?}");
    figures.compare();
}
