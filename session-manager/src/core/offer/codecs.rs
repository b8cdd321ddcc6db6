//! Order and pruning of video codecs.
//!
//! A payload type is taken out with everything that names it: its place in `m=`, its `rtpmap`,
//! `fmtp` and `rtcp-fb`, in layers that name it ([`super::layers`]), and the retransmission type whose `apt` points at it (RFC 4588 §8.1).

use std::collections::HashSet;

use lens_protocol::media::VideoCodec;

use super::SdpFault;
use super::layers;
use super::lines::{Document, Line, Section};

/// Puts the video codecs of every video section into the order of `allowed` and takes out those
/// that are not in it.
///
/// Formats that are no codec (redundancy, forward error correction) stay, behind the codecs.
/// `NoCodec` when a section would have none left.
pub fn order_and_prune(document: &mut Document, allowed: &[VideoCodec]) -> Result<(), SdpFault> {
    for (index, section) in document.media.iter_mut().enumerate() {
        if section.media() == "video" && !section.is_rejected() {
            let kept = kept_formats(section, allowed);
            if kept.codecs == 0 {
                return Err(SdpFault::NoCodec { section: index });
            }
            apply(section, &kept.formats);
        }
    }
    Ok(())
}

struct Kept {
    formats: Vec<String>,
    codecs: usize,
}

enum Format<'a> {
    Codec(VideoCodec),
    Retransmission(Option<&'a str>),
    OtherCodec,
    NoCodec,
}

fn kept_formats(section: &Section, allowed: &[VideoCodec]) -> Kept {
    let fields = section.media_fields();
    let formats = fields.get(3..).unwrap_or_default();
    // Once each: repeated ones would multiply with their retransmissions.
    let mut known = HashSet::new();
    let judged: Vec<(&str, Format<'_>)> = formats
        .iter()
        .filter(|format| known.insert(**format))
        .map(|format| (*format, judge(section, format)))
        .collect();
    let mut kept = Kept {
        formats: Vec::new(),
        codecs: 0,
    };
    for wanted in allowed {
        for (format, _) in judged
            .iter()
            .filter(|(_, kind)| matches!(kind, Format::Codec(codec) if codec == wanted))
        {
            kept.codecs += 1;
            kept.formats.push((*format).to_owned());
            let of_this = judged.iter().filter(
                |(_, kind)| matches!(kind, Format::Retransmission(Some(apt)) if apt == format),
            );
            kept.formats
                .extend(of_this.map(|(rtx, _)| (*rtx).to_owned()));
        }
    }
    let rest = judged
        .iter()
        .filter(|(_, kind)| matches!(kind, Format::NoCodec));
    kept.formats
        .extend(rest.map(|(format, _)| (*format).to_owned()));
    kept
}

fn judge<'a>(section: &'a Section, format: &str) -> Format<'a> {
    let Some(name) = section
        .attributes("rtpmap")
        .filter_map(|value| value.split_once(' '))
        .find(|(pt, _)| *pt == format)
        .and_then(|(_, encoding)| encoding.split('/').next())
    else {
        return Format::NoCodec;
    };
    match name.to_ascii_uppercase().as_str() {
        "VP8" => Format::Codec(VideoCodec::Vp8),
        "H264" => Format::Codec(VideoCodec::H264),
        "VP9" => Format::Codec(VideoCodec::Vp9),
        "AV1" => Format::Codec(VideoCodec::Av1),
        "RTX" => Format::Retransmission(associated(section, format)),
        "RED" | "ULPFEC" | "FLEXFEC-03" => Format::NoCodec,
        _ => Format::OtherCodec,
    }
}

fn associated<'a>(section: &'a Section, rtx: &str) -> Option<&'a str> {
    let parameters = section
        .attributes("fmtp")
        .filter_map(|value| value.split_once(' '))
        .find(|(pt, _)| *pt == rtx)?
        .1;
    parameters
        .split(';')
        .find_map(|parameter| parameter.trim().strip_prefix("apt="))
        .map(str::trim)
}

fn apply(section: &mut Section, kept: &[String]) {
    let fields = section.media_fields();
    let head = fields.get(..3).unwrap_or_default().join(" ");
    let dropped: Vec<String> = fields
        .get(3..)
        .unwrap_or_default()
        .iter()
        .filter(|format| !kept.iter().any(|pt| pt == *format))
        .map(|format| (*format).to_owned())
        .collect();
    let media = format!("m={head} {}", kept.join(" "));
    if let Some(line) = section.lines_mut().next() {
        line.set_text(media);
    }
    section.retain(|line| !names_one_of(line, &dropped));
    layers::prune(section, &dropped);
}

fn names_one_of(line: &Line, dropped: &[String]) -> bool {
    ["rtpmap", "fmtp", "rtcp-fb"].iter().any(|attribute| {
        line.attribute(attribute)
            .and_then(|value| value.split(' ').next())
            .is_some_and(|pt| dropped.iter().any(|gone| gone == pt))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, subsequence};

    use super::*;

    const OFFER: &str = "v=0\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101 102 103 104\r\na=mid:0\r\n\
        a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:* ccm fir\r\n\
        a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n\
        a=rtpmap:98 H264/90000\r\na=fmtp:98 packetization-mode=1;profile-level-id=42e01f\r\n\
        a=rtpmap:99 rtx/90000\r\na=fmtp:99 rtx-time=3000; apt=98\r\n\
        a=rtpmap:100 h264/90000\r\na=rtpmap:101 VP9/90000\r\na=fmtp:101 profile-id=0\r\n\
        a=rtpmap:102 H265/90000\r\na=rtcp-fb:102 nack pli\r\na=rtpmap:103 red/90000\r\n\
        a=x-google-flag:conference 98\r\n";

    fn formats(allowed: &[VideoCodec]) -> (String, String) {
        let mut document = Document::parse(OFFER).expect("small");
        order_and_prune(&mut document, allowed).expect("some codec");
        let media = document.media[0].lines()[0].text().to_owned();
        (media, document.to_string())
    }

    #[test]
    fn codecs_come_in_the_asked_order_each_followed_by_its_retransmission() {
        let (media, text) = formats(&[VideoCodec::H264, VideoCodec::Vp8]);
        assert_eq!(media, "m=video 9 UDP/TLS/RTP/SAVPF 98 99 100 96 97 103 104");
        assert!(!text.contains(":101 ") && !text.contains(":102 "), "{text}");
        assert!(text.contains("a=x-google-flag:conference 98\r\n"));
        assert!(text.contains("a=rtcp-fb:* ccm fir\r\n"));
    }

    #[test]
    fn a_pruned_codec_takes_all_its_lines_and_its_retransmission_along() {
        let (media, text) = formats(&[VideoCodec::Vp8]);
        assert_eq!(media, "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104");
        for gone in [
            "rtpmap:98",
            "fmtp:98",
            "rtpmap:99",
            "fmtp:99",
            "H265",
            "h264",
        ] {
            assert!(!text.contains(gone), "{gone} stayed: {text}");
        }
    }

    #[test]
    fn a_payload_type_that_is_named_twice_stands_once() {
        let twice = OFFER.replace(" 96 97 98", " 96 97 96 97 96 97 98");
        let mut document = Document::parse(&twice).expect("small");
        order_and_prune(&mut document, &[VideoCodec::Vp8]).expect("some codec");
        let media = document.media[0].lines()[0].text();
        assert_eq!(media, "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104");
    }

    #[test]
    fn a_section_is_not_left_without_a_codec() {
        let mut document = Document::parse(OFFER).expect("small");
        let none = order_and_prune(&mut document, &[VideoCodec::Av1]);
        assert_eq!(none, Err(SdpFault::NoCodec { section: 0 }));
    }

    #[test]
    fn audio_is_not_touched() {
        let audio = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n";
        let mut document = Document::parse(audio).expect("small");
        order_and_prune(&mut document, &[VideoCodec::Vp8]).expect("no video");
        assert_eq!(document.to_string(), audio);
    }

    proptest! {
        #[test]
        fn every_payload_type_left_is_described_and_no_other(
            mut allowed in subsequence(
                vec![VideoCodec::H264, VideoCodec::Vp9], 0..=2),
            place in any::<Index>(),
        ) {
            allowed.insert(place.index(allowed.len() + 1), VideoCodec::Vp8);
            let mut document = Document::parse(OFFER).expect("small");
            order_and_prune(&mut document, &allowed).expect("VP8 is there");
            let section = &document.media[0];
            let fields = section.media_fields();
            for (pt, _) in section.attributes("rtpmap").filter_map(|value| value.split_once(' ')) {
                prop_assert!(fields[3..].contains(&pt));
            }
            for apt in section.attributes("fmtp").filter_map(|value| value.split("apt=").nth(1)) {
                prop_assert!(fields[3..].contains(&apt));
            }
        }
    }
}
