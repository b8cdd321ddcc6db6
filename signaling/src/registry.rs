//! Which channels there are, by identity, and the worker that calls the host for each.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures_util::FutureExt;
use lens_protocol::id::{Seq, SessionId};
use lens_protocol::signal::{ByeReason, PeerSignal};
use lens_protocol::{ErrorCode, Problem};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::core::channel::{Attached, ChannelCore};
use crate::core::frame;
use crate::host::{Channel, Host, Identity};
use crate::hub::Shared;

/// Something the host has to be told. Bounded by [`crate::HubConfig::host_backlog`]: the carrier
/// is not read while that many messages wait.
#[derive(Debug)]
pub(crate) enum Call {
    Attached(Attached),
    Received {
        birth: u64,
        seq: Seq,
        session: Option<SessionId>,
        signal: PeerSignal,
    },
    Detached,
    Gone,
}

/// One channel's place in the hub.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) channel: Channel,
    pub(crate) calls: UnboundedSender<Call>,
    state: Mutex<State>,
}

/// What is behind an entry's lock. Held for moments, never across an await.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) core: ChannelCore,
    /// Which life of the channel this is, so that late answers of the host meet the right one.
    pub(crate) birth: u64,
    /// Wakes the present carrier.
    pub(crate) wake: Arc<Notify>,
}

impl Entry {
    pub(crate) fn new(channel: Channel, core: ChannelCore, birth: u64) -> (Arc<Self>, Calls) {
        let (calls, receiver) = unbounded_channel();
        let state = Mutex::new(State {
            core,
            birth,
            wake: Arc::default(),
        });
        (
            Arc::new(Self {
                channel,
                calls,
                state,
            }),
            Calls(receiver),
        )
    }

    /// The state, also after a panic elsewhere: its methods leave no half-done change behind.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a call for the host. Callers hold the state's lock, so that calls keep its order.
    pub(crate) fn call(&self, call: Call) {
        // Fails only at shutdown, when the host is not called any more.
        let _ = self.calls.send(call);
    }

    /// Ends the channel; its carrier still delivers what is queued.
    pub(crate) fn close(&self, reason: Option<ByeReason>) {
        let mut state = self.state();
        if !state.core.is_ending() {
            state.core.close(Instant::now(), reason);
            self.call(Call::Gone);
        }
        state.wake.notify_one();
    }
}

/// All channels.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<HashMap<Identity, Vec<Arc<Entry>>>>);

impl Registry {
    pub(crate) fn lock(&self) -> MutexGuard<'_, HashMap<Identity, Vec<Arc<Entry>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, channel: &Channel) -> Option<Arc<Entry>> {
        let map = self.lock();
        let entries = map.get(&channel.identity)?;
        entries
            .iter()
            .find(|entry| entry.channel == *channel)
            .cloned()
    }

    pub(crate) fn of(&self, identity: &Identity) -> Vec<Arc<Entry>> {
        self.lock().get(identity).cloned().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Entry>> {
        self.lock().values().flatten().cloned().collect()
    }

    /// Takes an ended channel out, unless its peer is back already. True when it is out.
    fn remove(&self, entry: &Arc<Entry>, calls: &Calls) -> bool {
        let mut map = self.lock();
        if !entry.state().core.is_ending() || !calls.0.is_empty() {
            return false;
        }
        let identity = &entry.channel.identity;
        if let Some(entries) = map.get_mut(identity) {
            entries.retain(|other| !Arc::ptr_eq(other, entry));
            if entries.is_empty() {
                map.remove(identity);
            }
        }
        true
    }
}

/// The receiving end of an entry's calls.
#[derive(Debug)]
pub(crate) struct Calls(UnboundedReceiver<Call>);

/// Calls the host for one channel, in order, until the channel is gone or the process stops.
pub(crate) async fn work(hub: Arc<Shared>, entry: Arc<Entry>, mut calls: Calls) {
    let stop = hub.shutdown.token();
    loop {
        let ends_at = entry
            .state()
            .core
            .ends_at()
            .map(tokio::time::Instant::from_std);
        let expiry = async {
            match ends_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            call = calls.0.recv() => {
                let (Some(call), Some(host)) = (call, hub.host.get()) else { return };
                let gone = matches!(call, Call::Gone);
                perform(&hub, &entry, host.as_ref(), call).await;
                if gone && hub.registry.remove(&entry, &calls) {
                    hub.metrics.channels.dec();
                    return;
                }
            }
            () = expiry => {
                let mut state = entry.state();
                if state.core.expire(Instant::now()) {
                    entry.call(Call::Gone);
                }
            }
        }
    }
}

async fn perform(hub: &Shared, entry: &Entry, host: &dyn Host, call: Call) {
    let channel = &entry.channel;
    match call {
        Call::Attached(attached) => {
            let messages = guarded(host.attached(channel, attached.fresh)).await;
            let bodies = messages.unwrap_or_default().into_iter();
            let bodies = bodies
                .map(|out| frame::body_of(out.session, &out.signal))
                .collect();
            let mut state = entry.state();
            state.core.snapshot(Instant::now(), attached, bodies);
            state.wake.notify_one();
        }
        Call::Received {
            birth,
            seq,
            session,
            signal,
        } => {
            let outcome = guarded(host.received(channel, session, signal)).await;
            let outcome = outcome.unwrap_or_else(|| Err(Problem::new(ErrorCode::Internal)));
            hub.metrics.received.inc();
            if let Err(problem) = &outcome {
                hub.metrics.refused.inc();
                tracing::debug!(%channel, code = %problem.code, "message of {channel} refused");
            }
            let mut state = entry.state();
            if state.birth == birth {
                state.core.handled(Instant::now(), seq, session, outcome);
                state.wake.notify_one();
            }
        }
        Call::Detached => _ = guarded(host.detached(channel)).await,
        Call::Gone => _ = guarded(host.gone(channel)).await,
    }
}

/// A host that panics over one message must not end the channel's worker.
async fn guarded<T>(call: impl Future<Output = T>) -> Option<T> {
    let result = AssertUnwindSafe(call).catch_unwind().await;
    if result.is_err() {
        tracing::error!("the signalling host panicked");
    }
    result.ok()
}
