//! One task per node listens to it; another does what follows from that.
//!
//! They are two because what follows waits for conferences' turns, and a conference may be waiting
//! for this very node: the listener has to go on to find out that the node is gone.

use std::sync::Arc;
use std::time::Duration;

use lens_protocol::media::SfuEvents;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::nodes::{Inbox, Job, NodeLink};
use super::{Inner, reconcile};
use crate::config::NodeTimes;

/// Most rounds in which the events from before this life are skipped. A node keeps a few thousand.
const SKIPPED_ROUNDS: usize = 64;

pub(super) fn start(inner: &Arc<Inner>, inboxes: Vec<Inbox>) {
    for (link, inbox) in inner.nodes.links().iter().zip(inboxes) {
        let stopping = inner.shutdown.token();
        let times = inner.config.nodes;
        let listener = Listener {
            link: link.clone(),
            times,
            position: None,
        };
        inner
            .shutdown
            .spawn(until(stopping.clone(), listener.run()));
        let follower = follow(inner.clone(), link.clone(), inbox);
        inner.shutdown.spawn(until(stopping, follower));
    }
}

async fn until(stopping: CancellationToken, task: impl Future<Output = ()>) {
    tokio::select! {
        () = stopping.cancelled() => {}
        () = task => {}
    }
}

async fn follow(inner: Arc<Inner>, link: Arc<NodeLink>, mut inbox: Inbox) {
    while let Some(job) = inbox.recv().await {
        reconcile::apply(&inner, &link, job).await;
    }
}

/// Where in the node's events we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    life: u64,
    after: u64,
}

struct Listener {
    link: Arc<NodeLink>,
    times: NodeTimes,
    position: Option<Position>,
}

enum Heard {
    /// All is well.
    Events,
    /// Only the report tells how things stand: another life, or events were missed.
    Gap,
    /// No answer.
    Nothing,
}

impl Listener {
    async fn run(mut self) {
        loop {
            if self.meet().await.is_none() {
                self.link.lose();
                sleep(self.times.retry_every).await;
                continue;
            }
            self.listen().await;
        }
    }

    /// Finds the end of the node's events, then asks for its report: what happened before is in
    /// the report, what happens after will be heard. None when the node does not answer.
    async fn meet(&mut self) -> Option<()> {
        let after = self.position.map_or(0, |position| position.after);
        let mut batch = self.poll(after, Duration::ZERO).await?;
        let goes_on = self
            .position
            .is_some_and(|known| known.life == batch.life && !batch.gap);
        if goes_on {
            let events = std::mem::take(&mut batch.events);
            self.link.post(Job::Events { events });
        }
        for _ in 0..SKIPPED_ROUNDS {
            if batch.events.is_empty() {
                break;
            }
            batch = self.poll(batch.next, Duration::ZERO).await?;
        }
        self.position = Some(Position {
            life: batch.life,
            after: batch.next,
        });
        self.report().await
    }

    /// Listens until the node has to be met anew.
    async fn listen(&mut self) {
        let mut reported = Instant::now();
        while let Some(position) = self.position {
            match self.hear(position).await {
                Heard::Events => {}
                Heard::Gap => return,
                Heard::Nothing => {
                    if self.link.is_lost().await {
                        return;
                    }
                    sleep(self.times.retry_every).await;
                }
            }
            if !self.link.is_up() {
                return;
            }
            if reported.elapsed() >= self.times.report_every {
                if self.report().await.is_none() && self.link.is_lost().await {
                    return;
                }
                reported = Instant::now();
            }
        }
    }

    async fn hear(&mut self, position: Position) -> Heard {
        let Some(batch) = self.poll(position.after, self.times.poll_wait).await else {
            return Heard::Nothing;
        };
        if batch.life != position.life || batch.gap {
            return Heard::Gap;
        }
        self.position = Some(Position {
            after: batch.next,
            ..position
        });
        if !batch.events.is_empty() {
            let events = batch.events;
            self.link.post(Job::Events { events });
        }
        Heard::Events
    }

    async fn poll(&self, after: u64, wait: Duration) -> Option<SfuEvents> {
        let asked = timeout(
            self.times.poll_timeout,
            self.link.control.events(after, wait),
        );
        asked.await.ok()?.ok()
    }

    async fn report(&self) -> Option<()> {
        let asked = timeout(self.times.poll_timeout, self.link.control.report());
        let report = asked.await.ok()?.ok()?;
        self.link.heard(report).then_some(())
    }
}
