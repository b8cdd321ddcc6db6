//! Signals: their kinds, those that arrived, and what became of ours.

use std::ffi::c_char;

use lens_media_sdk::{InboundSignal, OfferReason, OutboundBody};

use crate::abi::{lens_status, text};
use crate::handles::guard;
use crate::last_error::Refusal;
use crate::participant::{find, lens_participant};
use crate::version::server_code;

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

/// Takes a signal that arrived for the participant: `length` bytes of UTF-8, a JSON object with
/// `kind` as the server sent it. An object without `kind` is taken for an offer, as the HTTP API
/// answers a join. Duplicates, late ones and unknown kinds are harmless.
///
/// `LENS_STATUS_INVALID_ARGUMENT` when it is no such object; `LENS_STATUS_CLOSED`.
///
/// # Safety
/// `json` points to `length` readable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_participant_receive(
    participant: lens_participant,
    json: *const c_char,
    length: usize,
) -> lens_status {
    guard(|| {
        let found = find(participant)?;
        // SAFETY: the caller's promise.
        let json = unsafe { text(json, length, "json") }?;
        Ok(found.receive(InboundSignal::from_json(json)?)?)
    })
}

/// Reports that a signal (its `id` in `send`) reached the server. Harmless when late or closed.
#[unsafe(no_mangle)]
pub extern "C" fn lens_participant_signal_sent(
    participant: lens_participant,
    id: u64,
) -> lens_status {
    guard(|| {
        find(participant)?.signal_sent(id);
        Ok(())
    })
}

/// Reports that a signal could not be carried. With `retryable` other than 0 the library tries again
/// after a pause; with 0 the participant fails with `LENS_STATUS_SIGNALLING_FAILED` where it cannot
/// go on without. Harmless when late or closed.
#[unsafe(no_mangle)]
pub extern "C" fn lens_participant_signal_failed(
    participant: lens_participant,
    id: u64,
    retryable: i32,
) -> lens_status {
    guard(|| {
        find(participant)?.signal_failed(id, retryable != 0);
        Ok(())
    })
}

/// Reports that the server refused a signal, with its code: one of `LENS_STATUS_SERVER_*`, which
/// `lens_status_from_name` finds by name. The library knows what follows from each. Better than
/// `lens_participant_signal_failed` where the code is at hand.
///
/// `LENS_STATUS_INVALID_ARGUMENT` for a number that is no code of the server's.
#[unsafe(no_mangle)]
pub extern "C" fn lens_participant_signal_refused(
    participant: lens_participant,
    id: u64,
    code: lens_status,
) -> lens_status {
    guard(|| {
        let found = find(participant)?;
        let code = server_code(code);
        let code = code.ok_or_else(|| Refusal::argument("code is none of LENS_STATUS_SERVER_*"))?;
        found.signal_refused(id, code);
        Ok(())
    })
}

/// Asks the server for a new generation. `reason` is one of `LENS_OFFER_*`.
#[unsafe(no_mangle)]
pub extern "C" fn lens_participant_request_offer(
    participant: lens_participant,
    reason: lens_offer_reason,
) -> lens_status {
    guard(|| Ok(find(participant)?.request_offer(offer_reason(reason)?)?))
}
