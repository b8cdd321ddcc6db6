//! Over real sockets that are cut in the middle of anything, each message arrives once and in
//! order, both ways, on both carriers.

use std::sync::Arc;
use std::time::Duration;

use crate::support::events::EventsPeer;
use crate::support::relay::Relay;
use crate::support::{Events, LIMIT, Told, World, candidate, generous, numbered};
use lens_protocol::entropy::Entropy;
use lens_protocol::signal::ServerSignal;
use lens_runtime::entropy::SeededEntropy;
use lens_signaling::Identity;
use lens_signaling::client::{Client, ClientConfig, TcpDial};
use tokio::sync::watch;

const MESSAGES: u64 = 10_000;
const CUTS: u64 = 200;
const SEED: u64 = 20_261_122;

/// Cuts the relay at random moments until `CUTS` are done, spread over the messages' progress.
async fn cut_at_random(relay: &Relay, mut progress: watch::Receiver<u64>) {
    let mut random = SeededEntropy::new(SEED);
    for cut in 0..CUTS {
        let due = cut * MESSAGES / CUTS;
        progress
            .wait_for(|received| *received >= due)
            .await
            .expect("the reader lives");
        let mut byte = [0];
        random.fill(&mut byte);
        tokio::time::sleep(Duration::from_micros(u64::from(byte[0]) * 40)).await;
        relay.cut();
    }
}

/// The hub's side: sends all numbers, at most 100 ahead of what has arrived.
async fn send_down(world: &World, who: &str, mut progress: watch::Receiver<u64>) {
    world
        .host
        .until("the peer attaches", |told| !told.is_empty())
        .await;
    for number in 1..=MESSAGES {
        progress
            .wait_for(|got| *got + 100 >= number)
            .await
            .expect("the reader lives");
        assert_eq!(
            world
                .hub
                .send_identity(&Identity(who.into()), numbered(number)),
            1
        );
    }
}

fn all() -> Vec<u64> {
    (1..=MESSAGES).collect()
}

fn snapshots(told: &[Told]) -> usize {
    told.iter()
        .filter(|told| **told == Told::Attached(true))
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_websocket() {
    let world = World::new(generous()).await;
    let relay = Relay::to(world.address).await;
    let dial = Arc::new(TcpDial(relay.address));
    let (client, events) = Client::open(ClientConfig {
        dial,
        ..world.config("socket")
    });
    let mut events = Events(events);
    let (got, progress) = watch::channel(0);

    let read = async {
        let mut numbers = Vec::new();
        while (numbers.len() as u64) < MESSAGES {
            if let ServerSignal::Candidate { candidate, .. } = events.signal().await {
                numbers.push(candidate.parse::<u64>().expect("a number"));
                got.send_replace(numbers.len() as u64);
            }
        }
        numbers
    };
    let write = async {
        let sending = (1..=MESSAGES).map(|number| client.send(None, candidate(number)));
        futures_util::future::try_join_all(sending)
            .await
            .expect("all acknowledged");
    };
    let run = async {
        let (numbers, ..) = tokio::join!(
            read,
            write,
            send_down(&world, "socket", progress.clone()),
            cut_at_random(&relay, progress.clone()),
        );
        numbers
    };
    let numbers = tokio::time::timeout(LIMIT * 3, run)
        .await
        .expect("all arrives");
    assert!(numbers == all(), "the peer missed, doubled or disordered");
    assert!(
        world.host.numbers() == all(),
        "the host missed, doubled or disordered"
    );
    assert_eq!(snapshots(&world.host.seen()), 1, "every cut was resumed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_server_sent_events() {
    let world = World::new(generous()).await;
    let relay = Relay::to(world.address).await;
    let mut peer = EventsPeer::open(relay.address, world.address.to_string());
    let (got, progress) = watch::channel(0);

    let read = async {
        let mut numbers = Vec::new();
        while (numbers.len() as u64) < MESSAGES {
            numbers.push(peer.numbers.recv().await.expect("the peer lives"));
            got.send_replace(numbers.len() as u64);
        }
        numbers
    };
    let write = async {
        for number in 1..=MESSAGES {
            peer.send.send(candidate(number)).expect("the peer lives");
        }
        let last = Told::Received(MESSAGES.to_string());
        world
            .host
            .until("the last arrives", |told| {
                told.iter().rev().take(9).any(|told| *told == last)
            })
            .await;
    };
    let run = async {
        let (numbers, ..) = tokio::join!(
            read,
            write,
            send_down(&world, "events", progress.clone()),
            cut_at_random(&relay, progress.clone()),
        );
        numbers
    };
    let numbers = tokio::time::timeout(LIMIT * 3, run)
        .await
        .expect("all arrives");
    assert!(numbers == all(), "the peer missed, doubled or disordered");
    assert!(
        world.host.numbers() == all(),
        "the host missed, doubled or disordered"
    );
    assert_eq!(snapshots(&world.host.seen()), 1, "every cut was resumed");
}
