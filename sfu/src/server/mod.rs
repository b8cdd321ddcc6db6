//! The streaming server's sockets, threads and its control handle.

mod control;
mod directory;
mod events;
mod handle;
mod sockets;
mod tcp;
mod worker;

pub use handle::SfuHandle;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use lens_protocol::entropy::{Entropy, random_bytes};
use lens_runtime::clock::Clock;
use lens_runtime::entropy::SystemEntropy;

use crate::config::Config;
use crate::core::occupancy::{Limits, Occupancy};
use crate::core::shard::{Shard, ShardConfig};
use crate::error::SfuError;
use crate::metrics::Metrics;
use handle::Node;
use sockets::Opened;
use worker::{Equipment, Port, Seat, Worker};

/// The streaming server of one node.
#[derive(Debug)]
pub struct Sfu;

impl Sfu {
    /// Opens the media addresses and starts the workers.
    ///
    /// The node runs until [`SfuHandle::stop`] or until the last handle is dropped.
    ///
    /// # Errors
    /// `Config` when values contradict each other, `Bind` when an address cannot be opened.
    pub fn start(config: Config, clock: Arc<dyn Clock>) -> Result<SfuHandle, SfuError> {
        config.check()?;
        let opened = sockets::open(&config)?;
        let addresses = opened.addresses();
        let doors = opened.doors.clone();
        let node = Node::new(config, addresses, doors, new_life(), clock);
        let ports = start_workers(&node, opened)?;
        Ok(node.into_handle(ports))
    }
}

/// A number that differs at each start; below 2^53, so that any JSON reader keeps it whole.
fn new_life() -> u64 {
    u64::from_be_bytes(random_bytes(&mut SystemEntropy::default())) >> 11
}

fn start_workers(
    node: &Node,
    opened: Opened,
) -> Result<Vec<(Port, thread::JoinHandle<()>)>, SfuError> {
    let seats: Vec<(Port, Seat)> = (0..node.config.workers)
        .map(|_| worker::port())
        .collect::<Result<_, _>>()?;
    let ports: Vec<Port> = seats.iter().map(|(port, _)| port.clone()).collect();
    let mut listeners = Some(opened.tcp);
    let mut running = Vec::new();
    for (index, ((port, seat), udp)) in (0..).zip(seats.into_iter().zip(opened.udp)) {
        let equipment = Equipment {
            index,
            udp,
            tcp: listeners.take().unwrap_or_default(),
            ports: ports.clone(),
            shard: Shard::new(shard_config(node, index), Instant::now()),
            clock: Arc::clone(&node.clock),
            log: Arc::clone(&node.log),
            metrics: node.metrics.clone(),
            tcp_first_check: node.config.timeouts.tcp_first_check,
        };
        let worker = Worker::new(seat, equipment)?;
        let thread = thread::Builder::new()
            .name(format!("lens-media-{index}"))
            .spawn(move || run(index, worker))?;
        running.push((port, thread));
    }
    Ok(running)
}

fn run(index: u8, worker: Worker) {
    let outcome = catch_unwind(AssertUnwindSafe(|| worker.run()));
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(worker = index, %error, "a media worker stopped"),
        // From now on every call for this worker says that the media node is lost.
        Err(_) => tracing::error!(worker = index, "a media worker broke"),
    }
}

fn shard_config(node: &Node, worker: u8) -> ShardConfig {
    let entropy: Box<dyn Entropy> = Box::new(SystemEntropy::default());
    ShardConfig {
        worker,
        names: node.names.clone(),
        doors: node.doors.iter().map(|door| door.face).collect(),
        timeouts: node.config.timeouts,
        occupancy: Arc::clone(&node.occupancy),
        entropy,
        fault: node.config.fault.clone(),
    }
}

fn occupancy(config: &Config) -> Arc<Occupancy> {
    Arc::new(Occupancy::new(Limits {
        participants: config.max_participants,
        connecting: config.max_connecting,
        mbps: config.max_mbps,
    }))
}

fn metrics() -> Metrics {
    Metrics::default()
}
