//! The MediaSDK's signals over this crate's WebSocket client: a ready-made `INetwork`.
//!
//! ```text
//! Participant ── send ──▶ SignalingNetwork ──▶ Client ──▶ hub
//!             ◀─ receive ── run ◀───────────── events ◀──
//! ```
//!
//! Reconnecting and sending again after a cut are the client's work; a refusal is reported with the
//! server's code, from which the library knows what follows.

use std::sync::{Arc, Mutex, PoisonError};

use lens_media_sdk::{INetwork, InboundSignal, OutboundSignal, Participant, WeakParticipant};
use lens_protocol::id::SessionId;
use lens_protocol::signal::{ByeReason, PeerSignal, ServerSignal};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::client::{Client, ClientConfig, Event};
use crate::error::ClientError;

/// Carries one participant's signals.
pub struct SignalingNetwork {
    client: Client,
    session: Option<SessionId>,
    runtime: Handle,
    participant: Mutex<Option<WeakParticipant>>,
}

impl std::fmt::Debug for SignalingNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignalingNetwork").finish_non_exhaustive()
    }
}

/// What came that is not the participant's: chat on record, the session's state, snapshots.
pub type Others = mpsc::UnboundedReceiver<ServerSignal>;

impl SignalingNetwork {
    /// Opens a channel; needs a tokio runtime. A console's channel names its session, a customer's
    /// needs none. Give the network to a participant and then [`attach`](Self::attach) it.
    /// `channel` names the channel (16 to 64 of `A-Z a-z 0-9 - _`) where others have to know it.
    pub fn open(
        config: ClientConfig,
        session: Option<SessionId>,
        channel: Option<String>,
    ) -> (Arc<Self>, Others) {
        let (client, events) = match channel {
            Some(channel) => Client::open_named(config, channel),
            None => Client::open(config),
        };
        let network = Arc::new(Self {
            client,
            session,
            runtime: Handle::current(),
            participant: Mutex::new(None),
        });
        let (others, received) = mpsc::unbounded_channel();
        let weak = Arc::downgrade(&network);
        tokio::spawn(async move {
            let mut events = events;
            while let Some(event) = events.recv().await {
                // The last handle of the network is gone: nobody waits for signals.
                let Some(network) = weak.upgrade() else {
                    return;
                };
                network.deliver(event, &others);
            }
        });
        (network, received)
    }

    /// Says whose signals these are. Signals that come before are not kept: attach before the first
    /// offer can come.
    pub fn attach(&self, participant: &Participant) {
        let mut known = self
            .participant
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Some(participant.downgrade());
    }

    /// Sends a signal that is not the participant's, such as presence or chat.
    ///
    /// # Errors
    /// When the server refused it, or the channel has ended.
    pub async fn say(&self, signal: PeerSignal) -> Result<(), ClientError> {
        self.client.send(self.session, signal).await
    }

    fn participant(&self) -> Option<Participant> {
        let known = self
            .participant
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.as_ref()?.upgrade()
    }

    fn deliver(&self, event: Event, others: &mpsc::UnboundedSender<ServerSignal>) {
        match event {
            Event::Signal { session, signal } => {
                let is_ours = match (self.session, session) {
                    (Some(own), Some(other)) => own == other,
                    _ => true,
                };
                if !is_ours {
                    return;
                }
                match inbound(*signal) {
                    Ok(signal) => {
                        if let Some(participant) = self.participant() {
                            let _ = participant.receive(signal);
                        }
                    }
                    // Whoever does not listen does not want to know.
                    Err(other) => drop(others.send(*other)),
                }
            }
            Event::Ended(_) => {
                if let Some(participant) = self.participant() {
                    let reason = "closed".to_owned();
                    let _ = participant.receive(InboundSignal::Bye { reason });
                }
            }
            Event::Open { .. } | Event::Lost => {}
        }
    }
}

impl INetwork for SignalingNetwork {
    fn send(&self, signal: OutboundSignal) {
        let Some(participant) = self.participant() else {
            return;
        };
        let sending = self.client.queue(self.session, signal.to_peer_signal());
        self.runtime.spawn(async move {
            match sending.await {
                Ok(()) => participant.signal_sent(signal.id),
                Err(ClientError::NotTaken(code) | ClientError::Refused(code)) => {
                    participant.signal_refused(signal.id, code);
                }
                Err(ClientError::Ended(_) | ClientError::Closed) => {
                    participant.signal_failed(signal.id, false);
                }
            }
        });
    }
}

/// The participant's part of what the server says; the rest is given back.
fn inbound(signal: ServerSignal) -> Result<InboundSignal, Box<ServerSignal>> {
    Ok(match signal {
        ServerSignal::Offer(offer) => InboundSignal::Offer(offer),
        ServerSignal::Roster(roster) => InboundSignal::Roster(roster),
        ServerSignal::Command {
            id,
            command,
            arguments,
        } => InboundSignal::Command {
            id,
            command,
            arguments: match arguments {
                Value::Object(arguments) => arguments,
                _ => serde_json::Map::new(),
            },
        },
        ServerSignal::KeyMessage { from, payload } => InboundSignal::KeyMessage { from, payload },
        ServerSignal::Bye { reason } => InboundSignal::Bye {
            reason: match reason {
                ByeReason::ShuttingDown => "shutting_down".to_owned(),
                _ => "closed".to_owned(),
            },
        },
        other => return Err(Box::new(other)),
    })
}
