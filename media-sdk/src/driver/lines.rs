//! Log lines of a participant: milestones (info), steps (debug), and what went wrong.
//!
//! Names no id, address, SDP or text of people's: `participant` is its number in this engine. Frames
//! and packets are counted in `Stats` and get no line; a host that follows `debug` sees a handful a
//! second at most.

use tracing::{debug, info, warn};

use crate::core::{Event, Input, SignalReport};
use crate::network::InboundSignal;
use crate::state::State;

/// What the host says to a participant.
pub(super) fn input(participant: u64, input: &Input<'_>) {
    match input {
        Input::Signal(signal) => {
            debug!(participant, kind = kind_of(signal), "a signal arrived");
        }
        Input::Report(id, SignalReport::Sent) => debug!(participant, id, "a signal was sent"),
        Input::Report(id, SignalReport::Failed { retryable }) => {
            warn!(participant, id, retryable, "a signal could not be carried");
        }
        Input::Report(id, SignalReport::Refused(code)) => {
            let code = code.as_str();
            warn!(participant, id, code, "the server refused a signal");
        }
        Input::RequestOffer(reason) => {
            debug!(
                participant,
                reason = reason.as_str(),
                "the host wants an offer"
            );
        }
        Input::NetworkChanged => debug!(participant, "the network changed"),
        Input::Leave(_) => info!(participant, "it leaves"),
        _ => {}
    }
}

/// What a participant tells its host.
pub(super) fn event(participant: u64, event: &Event) {
    match event {
        Event::State(state) => self::state(participant, *state),
        Event::Send(signal) => {
            let (kind, id, attempt) = (signal.kind(), signal.id, signal.attempt);
            debug!(
                participant,
                kind, id, attempt, "a signal for the host to carry"
            );
        }
        Event::Generation(generation) => info!(participant, generation, "a generation took over"),
        Event::Roster(roster) => debug!(participant, others = roster.len(), "who takes part"),
        Event::Track(track) => debug!(participant, kind = track.kind.as_str(), "a track began"),
        Event::TrackEnd(track) => debug!(participant, kind = track.kind.as_str(), "a track ended"),
        Event::Bitrate {
            target_bps,
            max_fps,
        } => debug!(participant, target_bps, max_fps, "what the encoder may use"),
        Event::KeyframeRequest => debug!(participant, "a keyframe is asked for"),
        Event::CaptureStopped => warn!(participant, "capture stopped: 60 s without connection"),
        Event::TalkReady(_) => debug!(participant, "another one hears"),
        Event::Command(request) => {
            debug!(
                participant,
                command = request.command.as_str(),
                "a command came"
            );
        }
        Event::CommandReply(id, outcome) => {
            debug!(
                participant,
                id,
                outcome = outcome.as_str(),
                "a command was answered"
            );
        }
        Event::Frame(..)
        | Event::Chat(_)
        | Event::Annotation(..)
        | Event::AnnotationClear(..)
        | Event::KeyMessage(..) => {}
    }
}

/// Where it stands now.
pub(super) fn state(participant: u64, state: State) {
    match state.code() {
        Some(code) => {
            let (code, sentence) = (code.as_str(), code.sentence());
            warn!(participant, code, "it has failed: {sentence}");
        }
        None => info!(participant, state = state.as_str(), "it is {state}"),
    }
}

/// What other ends wrote as a kind stays out.
const fn kind_of(signal: &InboundSignal) -> &'static str {
    match signal {
        InboundSignal::Offer(_) => "offer",
        InboundSignal::Roster(_) => "roster",
        InboundSignal::Command { .. } => "command",
        InboundSignal::KeyMessage { .. } => "key_message",
        InboundSignal::Bye { .. } => "bye",
        InboundSignal::Unknown { .. } => "unknown",
    }
}
