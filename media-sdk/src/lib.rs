//! MediaSDK: take part in a Lens conference from a native program, as its camera or as a viewer.
//!
//! A thin library that hides WebRTC and shows what is meaningful to peers. Encoded frames go in and
//! come out; signalling is the host's ([`INetwork`]). There is no async runtime: an [`Engine`] has
//! one thread for its network, and callbacks come on a queue of each [`Participant`]'s own.
//!
//! ```text
//! host program                    Engine (one thread, UDP, ICE-TCP)
//!   Participant::receive ───────▶ offers, rosters          ┐
//!   INetwork::send ◀───────────── answers, offer requests  │ any signalling
//!   Participant::push_frame ────▶ packets ─▶ media server  ┘
//!   Observer::on_frame ◀───────── packets ◀─ media server
//! ```
//!
//! What it promises:
//! - States run `New → Connecting → Connected ⇄ Reconnecting → Closed | Failed(code)`, and are
//!   never left once over. See [`State`].
//! - No method blocks on the network, none calls back on its caller's stack.
//! - `close()` may be called twice, from any thread and any callback. Nothing is called after it,
//!   and the observer is dropped once.
//! - A host that is slow, or panics, harms its own participant and no other.
//! - A new generation replaces the connection of the former one in the same participant, and no
//!   frame is given out twice.
//!
//! Start with [`Engine`], then [`Participant`] and [`Observer`]; the crate's README gets you to a
//! first frame. Inside, start with `core/mod.rs` (pure logic) and `driver/mod.rs` (sockets, threads).

/// The README's first program is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
extern crate self as lens_media_sdk;

pub mod code;
pub mod codec;
mod core;
mod driver;
pub mod engine;
pub mod error;
pub mod frame;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod message;
pub mod network;
pub mod observer;
pub mod participant;
mod shared;
#[cfg(test)]
mod simulation;
pub mod state;
pub mod stats;

pub use code::{Code, SdkCode};
pub use engine::{CallbackRunner, Callbacks, Engine, EngineConfig};
pub use error::MediaError;
pub use frame::{Codec, EncodedFrame, FrameInfo, FrameTransform, MediaKind, Rotation, Track};
pub use lens_protocol::ErrorCode;
pub use lens_protocol::conference::ParticipantOffer;
pub use lens_protocol::id::ParticipantId;
pub use lens_protocol::media::Role;
pub use lens_protocol::peer::{AnnotationShape, CommandOutcome};
pub use lens_protocol::signal::RosterEntry;
pub use message::{Annotation, Chat, Command, CommandId, CommandRequest, Facing};
pub use network::{INetwork, InboundSignal, OfferReason, OutboundBody, OutboundSignal, SignalId};
pub use observer::Observer;
pub use participant::{Participant, ParticipantConfig, WeakParticipant};
pub use state::State;
pub use stats::{Stats, Transport};
