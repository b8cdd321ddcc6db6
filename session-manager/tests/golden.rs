//! Offers of a real streaming server and answers of real peers, byte for byte.

use lens_protocol::media::{MediaAddress, MediaPolicy, VideoCodec};
use lens_session_manager::core::offer::lines::Document;
use lens_session_manager::core::offer::{Rules, SdpFault, check_answer, rewrite};
use proptest::prelude::*;

const CAMERA_RAW: &str = include_str!("golden/offer-camera.raw.sdp");
const CAMERA: &str = include_str!("golden/offer-camera.sdp");
const VIEWER_RAW: &str = include_str!("golden/offer-viewer.raw.sdp");
const VIEWER: &str = include_str!("golden/offer-viewer.sdp");
const ANSWERS: [(&str, &str, &str); 6] = [
    (
        "Chromium, camera",
        CAMERA,
        include_str!("golden/answer-camera.chromium.sdp"),
    ),
    (
        "Chromium, viewer",
        VIEWER,
        include_str!("golden/answer-viewer.chromium.sdp"),
    ),
    (
        "Firefox, camera",
        CAMERA,
        include_str!("golden/answer-camera.firefox.sdp"),
    ),
    (
        "Firefox, viewer",
        VIEWER,
        include_str!("golden/answer-viewer.firefox.sdp"),
    ),
    (
        "webrtc-rs, camera",
        CAMERA,
        include_str!("golden/answer-camera.webrtc-rs.sdp"),
    ),
    (
        "webrtc-rs, viewer",
        VIEWER,
        include_str!("golden/answer-viewer.webrtc-rs.sdp"),
    ),
];

fn product_rules() -> Rules {
    let media = MediaPolicy::default();
    Rules {
        addresses: Some(vec![MediaAddress {
            udp: "192.0.2.10:8443".parse().expect("an address"),
            tcp: Some("192.0.2.10:8443".parse().expect("an address")),
        }]),
        codecs: Some(media.video_codecs),
        max_video_kbps: Some(media.max_video_kbps),
        hide_origin: true,
    }
}

fn mids(sdp: &str) -> Vec<String> {
    Document::parse(sdp).expect("small").mids()
}

#[test]
fn the_servers_offers_become_the_golden_ones() {
    for (raw, golden) in [(CAMERA_RAW, CAMERA), (VIEWER_RAW, VIEWER)] {
        let rewritten = rewrite(raw, &product_rules()).expect("a real offer");
        assert_eq!(rewritten.sdp, golden);
        assert_eq!(rewritten.mids, mids(raw));
        assert!(!golden.contains("str0m") && !golden.contains("raddr"));
    }
}

#[test]
fn rewriting_twice_changes_nothing_more() {
    for golden in [CAMERA, VIEWER] {
        let again = rewrite(golden, &product_rules()).expect("a real offer");
        assert_eq!(again.sdp, golden);
    }
}

#[test]
fn a_pruned_offer_names_no_codec_that_was_taken_out() {
    let rules = Rules {
        codecs: Some(vec![VideoCodec::Vp8]),
        ..product_rules()
    };
    for raw in [CAMERA_RAW, VIEWER_RAW] {
        let pruned = rewrite(raw, &rules).expect("a real offer").sdp;
        for gone in ["H264", "VP9", "AV1", "apt=108", ":108 ", ":45 "] {
            assert!(!pruned.contains(gone), "{gone} is still there");
        }
        assert!(pruned.contains("a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 transport-cc\r\n"));
        assert!(pruned.contains("a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"));
    }
}

#[test]
fn real_answers_are_taken_for_their_offers_and_no_others() {
    for (who, offer, answer) in ANSWERS {
        assert_eq!(check_answer(answer, Some(&mids(offer))), Ok(()), "{who}");
        let other = if offer == CAMERA { VIEWER } else { CAMERA };
        let crossed = check_answer(answer, Some(&mids(other)));
        let count = matches!(crossed, Err(SdpFault::SectionCount { .. }));
        assert!(count, "{who}: {crossed:?}");
    }
}

#[test]
fn real_answers_pass_the_editor_byte_for_byte() {
    for (who, _, answer) in ANSWERS {
        let same = rewrite(answer, &Rules::default()).expect("a real answer");
        assert_eq!(same.sdp, answer, "{who}");
    }
}

/// A real description with lines repeated, dropped, swapped and spoiled.
fn spoiled() -> impl Strategy<Value = String> {
    let sources = prop::sample::select(vec![
        CAMERA_RAW,
        VIEWER_RAW,
        ANSWERS[0].2,
        ANSWERS[2].2,
        ANSWERS[4].2,
    ]);
    let edits = prop::collection::vec(
        (any::<prop::sample::Index>(), 0..5u8, "[ -~é]{0,12}"),
        0..12,
    );
    (sources, edits).prop_map(|(source, edits)| {
        let mut lines: Vec<String> = source.lines().map(str::to_owned).collect();
        for (index, edit, text) in edits {
            let at = index.index(lines.len());
            match edit {
                0 => lines.insert(at, lines[at].clone()),
                1 => drop(lines.remove(at)),
                2 => lines.insert(at, format!("a=x-{text}")),
                3 => lines[at].push_str(&text),
                _ => lines.swap(at, 0),
            }
        }
        lines.join("\r\n") + "\r\n"
    })
}

proptest! {
    #[test]
    fn without_a_rule_whatever_is_taken_is_given_back_byte_for_byte(text in spoiled()) {
        if let Ok(same) = rewrite(&text, &Rules::default()) {
            prop_assert_eq!(same.sdp, text);
        }
    }

    #[test]
    fn unknown_attributes_survive_all_rules_in_their_order(
        names in prop::collection::vec("[a-z]{3,8}", 1..6),
    ) {
        let unknown: Vec<String> = names.iter().map(|name| format!("a=x-{name}:é {name}")).collect();
        let marked = CAMERA_RAW.replace("a=rtcp-mux\r\n", &format!("{}\r\na=rtcp-mux\r\n", unknown.join("\r\n")));
        let rewritten = rewrite(&marked, &product_rules()).expect("a real offer").sdp;
        let block = format!("{}\r\na=rtcp-mux\r\n", unknown.join("\r\n"));
        prop_assert_eq!(rewritten.matches(&block).count(), 4);
    }

    #[test]
    fn what_the_rules_make_of_anything_has_exactly_the_advertised_candidates(text in spoiled()) {
        if let Ok(rewritten) = rewrite(&text, &product_rules()) {
            let candidates: Vec<&str> =
                rewritten.sdp.lines().filter(|line| line.starts_with("a=candidate:")).collect();
            prop_assert!(!candidates.is_empty());
            for candidate in candidates {
                let ours = candidate.contains(" 192.0.2.10 8443 typ host");
                prop_assert!(ours && !candidate.contains("raddr"), "{}", candidate);
            }
            let sections = rewritten.sdp.split("\r\nm=").skip(1);
            for section in sections.filter(|section| section.contains("TIAS")) {
                prop_assert_eq!(section.matches("\r\nb=").count(), 1);
            }
        }
    }

    #[test]
    fn no_spoiled_answer_makes_the_check_panic(text in spoiled()) {
        let _ = check_answer(&text, Some(&mids(CAMERA)));
    }
}
