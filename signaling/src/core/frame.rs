//! Envelopes as text: reading a peer's frame, writing the hub's.
//!
//! A message to many channels is serialised once; only the counters in front of it differ.

use std::sync::Arc;

use lens_protocol::id::{Seq, SessionId};
use lens_protocol::signal::{PeerSignal, ServerSignal, VERSION};
use lens_protocol::{ErrorCode, Problem};
use serde::Serialize;
use serde_json::Value;

/// Everything of an envelope behind the counters, closing brace included.
pub(crate) type Body = Arc<str>;

/// A peer's frame that is an envelope. Its body may still be unusable.
#[derive(Debug)]
pub(crate) struct PeerFrame {
    /// Position; 0 for uncounted kinds.
    pub(crate) seq: Seq,
    /// Highest `seq` the peer has dealt with.
    pub(crate) ack: Option<Seq>,
    /// The session it belongs to.
    pub(crate) session: Option<SessionId>,
    /// The message, or what the peer is told about it.
    pub(crate) body: Result<PeerSignal, Problem>,
}

/// A frame that is no envelope at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoEnvelope;

/// Reads a frame. Costs at most one pass over it and one tree of it.
pub(crate) fn read(text: &str) -> Result<PeerFrame, NoEnvelope> {
    let value: Value = serde_json::from_str(text).map_err(|_| NoEnvelope)?;
    read_value(value)
}

/// Reads an envelope that stands within other JSON (a `POST` may carry an array of them).
pub(crate) fn read_value(value: Value) -> Result<PeerFrame, NoEnvelope> {
    let Value::Object(mut map) = value else {
        return Err(NoEnvelope);
    };
    if map
        .remove("v")
        .and_then(|v| v.as_u64())
        .is_none_or(|v| v == 0)
        || !map.contains_key("kind")
    {
        return Err(NoEnvelope);
    }
    let seq = counter(map.remove("seq"))?.unwrap_or_default();
    let ack = counter(map.remove("ack"))?;
    let session = match map.remove("session") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| invalid("session")),
        Some(_) => Err(invalid("session")),
    };
    let body = serde_json::from_value(Value::Object(map)).map_err(|_| invalid("kind or a field"));
    Ok(match session {
        Ok(session) => PeerFrame {
            seq,
            ack,
            session,
            body,
        },
        Err(problem) => PeerFrame {
            seq,
            ack,
            session: None,
            body: Err(problem),
        },
    })
}

/// The part of an envelope that is the same for every receiver.
pub(crate) fn body_of(session: Option<SessionId>, signal: &ServerSignal) -> Body {
    #[derive(Serialize)]
    struct Rest<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
        #[serde(flatten)]
        signal: &'a ServerSignal,
    }
    let text = serde_json::to_string(&Rest { session, signal }).expect("signals are plain data");
    Body::from(&text[1..])
}

/// The envelope as text.
pub(crate) fn write(seq: Seq, ack: Seq, body: &str) -> String {
    format!("{{\"v\":{VERSION},\"seq\":{seq},\"ack\":{ack},{body}")
}

fn counter(value: Option<Value>) -> Result<Option<Seq>, NoEnvelope> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(|n| Some(Seq(n))).ok_or(NoEnvelope),
    }
}

/// Never quotes the value: it may be a ticket, an SDP or chat.
fn invalid(what: &str) -> Problem {
    Problem::new(ErrorCode::InvalidValue)
        .with_detail(format!("{what} is not as the envelope describes it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_stand_before_the_shared_body() {
        let body = body_of(None, &ServerSignal::Ping);
        assert_eq!(
            write(Seq(0), Seq(3), &body),
            r#"{"v":1,"seq":0,"ack":3,"kind":"ping"}"#
        );
    }

    #[test]
    fn text_that_is_no_envelope_is_told_from_a_bad_field_in_one() {
        let none = [
            "",
            "7",
            "[]",
            "{}",
            r#"{"v":1}"#,
            r#"{"v":0,"kind":"pong"}"#,
            "{\"v\":1,",
        ];
        for text in none {
            assert!(read(text).is_err(), "{text} was read");
        }
        for text in [
            r#"{"v":1,"kind":"pong","seq":-1}"#,
            r#"{"v":1,"kind":"pong","ack":"x"}"#,
        ] {
            assert!(read(text).is_err(), "{text} was read");
        }
        let bad_fields = [
            r#"{"v":1,"seq":4,"kind":"chat","text":7}"#,
            r#"{"v":1,"seq":4,"kind":"pong","session":"x"}"#,
            r#"{"v":1,"seq":4,"kind":7}"#,
        ];
        for text in bad_fields {
            let frame = read(text).expect("an envelope");
            assert_eq!(frame.seq, Seq(4));
            assert!(frame.body.is_err(), "{text} was taken");
        }
    }

    #[test]
    fn a_bad_field_is_not_quoted_back() {
        let frame = read(r#"{"v":1,"seq":1,"kind":"answer","sdp":["canary"]}"#);
        let problem = frame
            .expect("an envelope")
            .body
            .expect_err("sdp is no text");
        assert!(!problem.to_string().contains("canary"));
    }

    #[test]
    fn a_newer_version_is_read_with_what_it_adds_left_aside() {
        let frame = read(r#"{"v":2,"seq":1,"kind":"pong","colour":"red"}"#).expect("an envelope");
        assert!(matches!(frame.body, Ok(PeerSignal::Pong)));
    }
}
