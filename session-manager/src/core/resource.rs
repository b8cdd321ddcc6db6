//! The connection of a client that made its own offer, as an HTTP resource: its entity tag, and what
//! a `PATCH` may say about it (RFC 9725 §4.3, RFC 8840).
//!
//! | `If-Match` | answer |
//! |---|---|
//! | missing | `precondition_required` |
//! | `*` | `ice_restart_refused`: a restart needs a new answer, which is a new connection here |
//! | another tag | `precondition_failed` |
//! | the tag | candidates, accepted and ignored: the node learns addresses from checks |

use lens_protocol::id::{Generation, NegotiationId};
use lens_protocol::limits::CANDIDATES;
use lens_protocol::{ErrorCode, Problem};

/// The entity tag of a connection, with its quotes.
pub fn etag(generation: Generation, negotiation: NegotiationId) -> String {
    format!("\"{}-{}\"", generation.0, negotiation.0)
}

/// Whether a `PATCH` with this `If-Match` may be taken for the connection with the tag `current`.
pub fn judge(if_match: Option<&str>, current: &str) -> Result<(), ErrorCode> {
    match if_match.map(str::trim) {
        None | Some("") => Err(ErrorCode::PreconditionRequired),
        Some("*") => Err(ErrorCode::IceRestartRefused),
        // A weak tag never matches (RFC 9110 §13.1.1).
        Some(tags) if tags.split(',').any(|tag| tag.trim() == current) => Ok(()),
        Some(_) => Err(ErrorCode::PreconditionFailed),
    }
}

/// Checks an SDP fragment (RFC 8840 §9), which is then ignored.
pub fn fragment(text: &str) -> Result<(), Problem> {
    let is_line = |line: &str| {
        let mut chars = line.chars();
        chars.next().is_some_and(|kind| kind.is_ascii_lowercase()) && chars.next() == Some('=')
    };
    let mut lines = text.lines().filter(|line| !line.is_empty());
    if !lines.all(is_line) {
        let detail = "a line of the fragment is not of the form x=value";
        return Err(Problem::new(ErrorCode::InvalidSdp).with_detail(detail));
    }
    if text.matches("a=candidate:").count() > CANDIDATES {
        return Err(ErrorCode::TooManyCandidates.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tag_of_the_connection_itself_is_a_match() {
        let tag = etag(Generation(1), NegotiationId(7));
        assert_eq!(tag, "\"1-7\"");
        for (if_match, judged) in [
            (None, Err(ErrorCode::PreconditionRequired)),
            (Some(" "), Err(ErrorCode::PreconditionRequired)),
            (Some("*"), Err(ErrorCode::IceRestartRefused)),
            (Some("\"1-8\""), Err(ErrorCode::PreconditionFailed)),
            (Some("W/\"1-7\""), Err(ErrorCode::PreconditionFailed)),
            (Some("1-7"), Err(ErrorCode::PreconditionFailed)),
            (Some("\"1-7\""), Ok(())),
            (Some("\"x\", \"1-7\""), Ok(())),
        ] {
            assert_eq!(judge(if_match, &tag), judged, "{if_match:?}");
        }
    }

    #[test]
    fn a_fragment_is_lines_with_few_candidates() {
        let candidate = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
        let few = format!("a=ice-ufrag:abcd\r\n\r\nm=audio 9 X 0\r\na=mid:0\r\n{candidate}");
        assert_eq!(fragment(&few), Ok(()));
        assert_eq!(fragment(""), Ok(()));
        let code = |text: &str| fragment(text).err().map(|problem| problem.code);
        assert_eq!(code("candidate"), Some(ErrorCode::InvalidSdp));
        let many = candidate.repeat(21);
        assert_eq!(code(&many), Some(ErrorCode::TooManyCandidates));
    }
}
