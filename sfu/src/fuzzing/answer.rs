//! Answers: what is taken is trimmed once and for all, and no reader behind it breaks on it.
//!
//! Input: an SDP.

use lens_protocol::limits::{SDP_BYTES, SDP_MEDIA_SECTIONS};
use lens_protocol::media::Role;

use crate::core::description::Description;
use crate::core::{peer, slots};

pub(super) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(answer) = Description::parse(text) else {
        return;
    };
    assert!(answer.sections.len() <= SDP_MEDIA_SECTIONS);
    assert!(answer.sdp.len() <= 2 * SDP_BYTES, "it grows by line ends");
    for line in answer.sdp.lines() {
        let left_out = ["a=candidate", "a=end-of-candidates", "b="];
        assert!(left_out.iter().all(|start| {
            let rest = line.strip_prefix(start);
            rest.is_none_or(|rest| *start != "b=" && !rest.is_empty() && !rest.starts_with(':'))
        }));
    }
    let again = Description::parse(&answer.sdp).expect("what was trimmed keeps the rules");
    assert_eq!(
        (&again.sdp, &again.sections),
        (&answer.sdp, &answer.sections)
    );
    for role in [Role::Camera, Role::Viewer] {
        let kinds = slots::layout(role, 2);
        let mids: Vec<String> = answer.sections.iter().map(|it| it.mid.clone()).collect();
        if answer.fits(&kinds, &mids).is_ok() {
            assert_eq!(answer.sections.len(), kinds.len() + 1);
        }
    }
    let _ = peer::parse_answer(&answer.sdp);
}
