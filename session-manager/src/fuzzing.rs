//! Door for the fuzz target over offers and answers (tests/fuzz): it takes a stranger's bytes and
//! panics when rewriting breaks a promise.
//!
//! No part of the product: compiled for this crate's tests, which replay the committed corpus, and
//! by `cargo xtask fuzz`.

use lens_protocol::media::{MediaAddress, VideoCodec};

use crate::core::offer::lines::{Document, Section};
use crate::core::offer::{Rules, check_answer, rewrite};

/// Its name, and what takes an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target of this crate, by name; its corpus is in `tests/fuzz/corpus/`.
pub const TARGETS: &[Target] = &[("offer", offer)];

/// Input: the rules, a bit each (1 byte), then an SDP.
fn offer(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    judge_as_answer(text);
    let Ok(same) = rewrite(text, &Rules::default()) else {
        return;
    };
    assert_eq!(same.sdp, text, "without a rule nothing changes");
    let rules = rules(*choice);
    let Ok(rewritten) = rewrite(text, &rules) else {
        return;
    };
    assert_eq!(rewritten.mids, same.mids, "sections stay in their order");
    let document = Document::parse(&rewritten.sdp).expect("it was read before it was given");
    hold(&document, &rules);
    let again = rewrite(&rewritten.sdp, &rules).expect("what was given can be taken");
    assert_eq!(again, rewritten, "a second rewriting changes nothing");
}

/// An answer that is taken is taken with the sections it has, and no others.
fn judge_as_answer(text: &str) {
    if check_answer(text, None).is_err() {
        return;
    }
    let mids = Document::parse(text).expect("it was read").mids();
    let mut more = mids.clone();
    more.push("one-more".to_owned());
    assert!(check_answer(text, Some(&more)).is_err());
}

fn rules(choice: u8) -> Rules {
    let wanted = |bit: u8| choice & bit != 0;
    let address = |last, tcp: bool| MediaAddress {
        udp: ([192, 0, 2, last], 8443).into(),
        tcp: tcp.then_some(([192, 0, 2, last], 8443).into()),
    };
    let codecs = match choice >> 6 {
        0 => vec![VideoCodec::Vp8],
        1 => vec![VideoCodec::H264, VideoCodec::Vp8],
        2 => vec![VideoCodec::Av1, VideoCodec::Vp9, VideoCodec::H264],
        _ => vec![],
    };
    Rules {
        addresses: wanted(1).then(|| vec![address(1, true), address(2, wanted(32))]),
        codecs: wanted(2).then_some(codecs),
        max_video_kbps: wanted(4).then_some(2_500),
        hide_origin: wanted(8),
    }
}

/// What each rule promises of the text it made.
fn hold(document: &Document, rules: &Rules) {
    if let Some(addresses) = &rules.addresses {
        let most = addresses.len() + addresses.iter().filter(|it| it.tcp.is_some()).count();
        let mut some = document.media.is_empty();
        for section in document.sections() {
            let candidates: Vec<&str> = section.attributes("candidate").collect();
            let known = candidates.iter().all(|it| it.contains(" 192.0.2."));
            assert!(known, "an address that the node does not advertise");
            assert!(candidates.is_empty() || candidates.len() == most);
            assert!(!section.has_attribute("remote-candidates"));
            some |= !candidates.is_empty();
        }
        assert!(some, "nobody could reach the node");
    }
    if rules.max_video_kbps.is_some() {
        let limited = document.media.iter().filter(|it| is_received_video(it));
        for section in limited {
            let lines = section.lines().iter();
            let limits: Vec<&str> = lines.filter_map(|line| line.value_of('b')).collect();
            assert_eq!(limits, ["TIAS:2500000"]);
        }
    }
    if rules.hide_origin {
        assert!(!document.session.has_attribute("tool"));
    }
}

fn is_received_video(section: &Section) -> bool {
    let closed = ["sendonly", "inactive"];
    section.media() == "video"
        && !section.is_rejected()
        && closed.iter().all(|name| !section.has_attribute(name))
}

#[cfg(test)]
#[path = "../../tests/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kept_input_finds_every_promise_held() {
        replay::all(TARGETS);
    }
}
