//! The rules of one rewriting, and their order.

use lens_protocol::media::{MediaAddress, VideoCodec};

use super::lines::{Document, Section};
use super::{SdpFault, candidates, codecs, validate};

/// What is changed in an offer. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Where peers reach the node: the only candidates.
    pub addresses: Option<Vec<MediaAddress>>,
    /// Video codecs in order; others are taken out.
    pub codecs: Option<Vec<VideoCodec>>,
    /// Most kilobits per second of video from the peer: `b=TIAS` in the video sections in which
    /// the node receives (RFC 3890).
    pub max_video_kbps: Option<u32>,
    /// Hide which software made the offer and where.
    pub hide_origin: bool,
}

/// A rewritten offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The text for the peer.
    pub sdp: String,
    /// The `a=mid` of each section in order; the answer has to have the same.
    pub mids: Vec<String>,
}

/// Rewrites `offer`. Both the text taken and the text given pass the typed reader.
pub fn rewrite(offer: &str, rules: &Rules) -> Result<Rewritten, SdpFault> {
    let mut document = validate::read(offer)?;
    if let Some(allowed) = &rules.codecs {
        codecs::order_and_prune(&mut document, allowed)?;
    }
    if let Some(addresses) = &rules.addresses {
        candidates::replace(&mut document, addresses)?;
    }
    if let Some(kbps) = rules.max_video_kbps {
        limit_video(&mut document, kbps);
    }
    if rules.hide_origin {
        hide_origin(&mut document.session);
    }
    let sdp = document.to_string();
    let mids = validate::read(&sdp)?.mids();
    Ok(Rewritten { sdp, mids })
}

/// Exactly one `b=` line in each video section the node receives in: str0m and some peers refuse
/// two.
fn limit_video(document: &mut Document, kbps: u32) {
    let line = format!("b=TIAS:{}", u64::from(kbps) * 1_000);
    let receives = |section: &Section| {
        !section.has_attribute("sendonly") && !section.has_attribute("inactive")
    };
    for section in &mut document.media {
        if section.media() == "video" && !section.is_rejected() && receives(section) {
            section.retain(|line| line.value_of('b').is_none());
            // RFC 8866 §5: m=, i=, c=, then b=.
            let behind = |line: &super::lines::Line| {
                ['m', 'i', 'c']
                    .iter()
                    .all(|kind| line.value_of(*kind).is_none())
            };
            let place = section.lines().iter().position(behind);
            section.insert(place.unwrap_or(usize::MAX), [line.clone()]);
        }
    }
}

/// Keeps the session's id and version in `o=` (RFC 8829 §5.2.1) and nothing else that names a
/// program or a host.
fn hide_origin(session: &mut Section) {
    session.retain(|line| !line.is_attribute("tool") && line.value_of('i').is_none());
    for line in session.lines_mut() {
        if let Some(origin) = line.value_of('o') {
            let mut fields = origin.split(' ').skip(1);
            let id = fields.next().unwrap_or("0");
            let version = fields.next().unwrap_or("0");
            let text = format!("o=- {id} {version} IN IP4 0.0.0.0");
            line.set_text(text);
        } else if line.value_of('s').is_some() {
            line.set_text("s=-".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=str0m-0.25.0 11 2 IN IP4 10.0.0.7\r\ns=str0m\r\n\
        b=AS:9\r\nt=0 0\r\na=tool:str0m\r\na=group:BUNDLE 0 1 2\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\nb=AS:5\r\nb=TIAS:7\r\na=mid:0\r\n\
        a=rtpmap:96 VP8/90000\r\na=recvonly\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n\
        a=rtpmap:96 VP8/90000\r\na=sendonly\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\nb=AS:64\r\na=mid:2\r\na=x-lens:1\r\n";

    #[test]
    fn without_a_rule_nothing_changes() {
        let same = rewrite(OFFER, &Rules::default()).expect("valid");
        assert_eq!(same.sdp, OFFER);
        assert_eq!(same.mids, ["0", "1", "2"]);
    }

    #[test]
    fn layers_that_are_asked_for_stay_whatever_is_pruned() {
        let layers = "a=rid:h recv\r\na=rid:m recv\r\na=rid:l recv\r\na=simulcast:recv h;~m;~l\r\n";
        let offer = OFFER
            .replace("RTP/SAVPF 96\r\n", "RTP/SAVPF 96 98\r\n")
            .replace(
                "a=recvonly\r\n",
                &format!("a=rtpmap:98 H264/90000\r\na=recvonly\r\n{layers}"),
            )
            .replace("a=sendonly", "a=rtpmap:98 H264/90000\r\na=sendonly");
        let rules = Rules {
            codecs: Some(vec![VideoCodec::Vp8]),
            max_video_kbps: Some(2_500),
            hide_origin: true,
            ..Rules::default()
        };
        let text = rewrite(&offer, &rules).expect("valid").sdp;
        assert!(text.contains(&format!("a=recvonly\r\n{layers}")), "{text}");
        assert!(!text.contains("H264"));
    }

    #[test]
    fn a_layer_of_a_codec_that_is_pruned_is_offered_without_it() {
        let offer = OFFER
            .replace("RTP/SAVPF 96\r\n", "RTP/SAVPF 96 98\r\n")
            .replace(
                "a=recvonly\r\n",
                "a=rtpmap:98 H264/90000\r\na=recvonly\r\na=rid:h recv pt=98,96;max-width=640\r\n\
                 a=rid:m recv pt=98\r\na=rid:l recv max-width=160;pt=96\r\na=simulcast:recv h;m;l\r\n",
            )
            .replace("a=sendonly", "a=rtpmap:98 H264/90000\r\na=sendonly");
        let rules = Rules {
            codecs: Some(vec![VideoCodec::Vp8]),
            ..Rules::default()
        };
        let text = rewrite(&offer, &rules).expect("valid").sdp;
        let expected = "a=rid:h recv pt=96;max-width=640\r\na=rid:l recv max-width=160;pt=96\r\n\
            a=simulcast:recv h;l\r\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_video_limit_is_the_one_bandwidth_line_where_the_node_receives() {
        let rules = Rules {
            max_video_kbps: Some(2_500),
            ..Rules::default()
        };
        let text = rewrite(OFFER, &rules).expect("valid").sdp;
        assert!(
            text.contains("c=IN IP4 0.0.0.0\r\nb=TIAS:2500000\r\na=mid:0\r\n"),
            "{text}"
        );
        assert_eq!(text.matches("TIAS").count(), 1);
        assert!(text.contains("b=AS:64\r\na=mid:2"));
        assert!(!text.contains("b=AS:5\r\n"));
    }

    #[test]
    fn the_origin_tells_neither_program_nor_host() {
        let rules = Rules {
            hide_origin: true,
            ..Rules::default()
        };
        let text = rewrite(OFFER, &rules).expect("valid").sdp;
        assert!(
            text.starts_with("v=0\r\no=- 11 2 IN IP4 0.0.0.0\r\ns=-\r\nb=AS:9\r\n"),
            "{text}"
        );
        assert!(!text.contains("str0m") && !text.contains("10.0.0.7"));
        assert!(text.ends_with("a=x-lens:1\r\n"));
    }
}
