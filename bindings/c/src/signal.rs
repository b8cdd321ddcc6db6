//! Signals in words of the C header.

use lens_media_sdk::{OfferReason, OutboundBody};

use crate::last_error::Refusal;

/// What a signal says: one of `LENS_SIGNAL_*`, or 0 for a kind of a newer library, which is carried
/// like the others.
pub type lens_signal_kind = i32;
/// The answer to an offer.
pub const LENS_SIGNAL_ANSWER: lens_signal_kind = 1;
/// Asks the server for a new generation.
pub const LENS_SIGNAL_OFFER_REQUEST: lens_signal_kind = 2;
/// Answers a command that came by signalling.
pub const LENS_SIGNAL_COMMAND_REPLY: lens_signal_kind = 3;
/// Key agreement between peers.
pub const LENS_SIGNAL_KEY_MESSAGE: lens_signal_kind = 4;
/// The participant leaves for good.
pub const LENS_SIGNAL_BYE: lens_signal_kind = 5;

pub(crate) const fn kind_of(body: &OutboundBody) -> lens_signal_kind {
    match body {
        OutboundBody::Answer { .. } => LENS_SIGNAL_ANSWER,
        OutboundBody::OfferRequest { .. } => LENS_SIGNAL_OFFER_REQUEST,
        OutboundBody::CommandReply { .. } => LENS_SIGNAL_COMMAND_REPLY,
        OutboundBody::KeyMessage { .. } => LENS_SIGNAL_KEY_MESSAGE,
        OutboundBody::Bye { .. } => LENS_SIGNAL_BYE,
        _ => 0,
    }
}

/// Why a new generation is asked for: one of `LENS_OFFER_*`.
pub type lens_offer_reason = i32;
/// The program was started anew.
pub const LENS_OFFER_RELOAD: lens_offer_reason = 1;
/// A person wants it.
pub const LENS_OFFER_RESTART: lens_offer_reason = 2;
/// The network changed.
pub const LENS_OFFER_NETWORK: lens_offer_reason = 3;
/// The connection broke.
pub const LENS_OFFER_FAILED: lens_offer_reason = 4;

pub(crate) fn offer_reason(reason: lens_offer_reason) -> Result<OfferReason, Refusal> {
    match reason {
        LENS_OFFER_RELOAD => Ok(OfferReason::Reload),
        LENS_OFFER_RESTART => Ok(OfferReason::Restart),
        LENS_OFFER_NETWORK => Ok(OfferReason::Network),
        LENS_OFFER_FAILED => Ok(OfferReason::Failed),
        _ => Err(Refusal::argument("reason is none of LENS_OFFER_*")),
    }
}
