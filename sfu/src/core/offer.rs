//! A client's own offer (WHIP, WHEP): which of its sections get a slot, and the whole answer.
//!
//! ```text
//! client's offer ─▶ Offer::parse ─▶ sections with a slot, one way each ─▶ stack ─▶ its answer
//!                        └─ sections without one ─▶ port 0 ─▶ Offer::whole ◀───────────┘
//! ```
//!
//! A camera has a slot for one picture and one voice that it sends, a viewer for one picture and
//! N−1 voices that it receives. Everything else is rejected (RFC 3264 §6) and never reaches the
//! stack: data channels, a second picture, sections of the other direction, simulcast layers.

use lens_protocol::media::{Role, SlotKind, VideoCodec};

use super::description::{Description, Section, SectionKind};
use super::slots;
use crate::error::SfuError;

/// What the stack keeps of an `a=mid`, and writes as header extension.
const MID_CHARS: usize = 16;
/// The protocol of every section that can have a slot, over UDP or TCP (RFC 8834, RFC 5764 §8).
const PROTOCOL: &str = "TLS/RTP/SAVPF";
/// What a section says of its transport.
const TRANSPORT: [&str; 5] = [
    "ice-ufrag:",
    "ice-pwd:",
    "fingerprint:",
    "setup:",
    "rtcp-mux",
];
/// What is said anew, or not at all, about a section that has a slot.
const DROPPED: [&str; 9] = [
    "sendrecv",
    "sendonly",
    "recvonly",
    "inactive",
    "msid",
    "rid",
    "simulcast",
    "bundle-only",
    "ssrc-group:SIM",
];

/// An offer whose sections have found their slots.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    /// What the stack answers: the sections with a slot.
    pub(crate) sdp: String,
    /// Their slots, in order.
    pub(crate) kinds: Vec<SlotKind>,
    /// The `a=mid` of each.
    pub(crate) mids: Vec<String>,
    /// Each section of the offer in order: the rejection of one without a slot.
    outline: Vec<Option<String>>,
}

impl Offer {
    /// Judges `sdp` and gives its sections the slots of `role` in a conference of `size`.
    ///
    /// `NoCommonCodec` when none gets one.
    pub(crate) fn parse(
        sdp: &str,
        role: Role,
        size: u8,
        codecs: &[VideoCodec],
    ) -> Result<Self, SfuError> {
        let described = Description::parse(sdp)?;
        let (session, blocks) = split(&described.sdp);
        let mut free = slots_of(role, size);
        let mut offer = Self {
            sdp: String::new(),
            kinds: Vec::new(),
            mids: Vec::new(),
            outline: Vec::new(),
        };
        let mut taken = String::new();
        for (section, block) in described.sections.iter().zip(&blocks) {
            let block = Block { section, block };
            let fitting = free.iter().position(|kind| block.fits(*kind, codecs));
            let Some(place) = fitting else {
                offer.outline.push(Some(block.rejection()));
                continue;
            };
            let kind = free.remove(place);
            block.judge()?;
            offer.outline.push(None);
            offer.kinds.push(kind);
            taken.push_str(&block.for_stack(&offer.kinds));
            offer.mids.push(section.mid.clone());
        }
        if offer.kinds.is_empty() {
            return Err(SfuError::NoCommonCodec);
        }
        offer.sdp = head(&session, &offer.mids)? + &taken;
        Ok(offer)
    }

    /// The answer to the whole offer, from the stack's answer to what it was shown.
    pub(crate) fn whole(&self, answer: &str) -> Result<String, SfuError> {
        let (session, blocks) = split(answer);
        if blocks.len() != self.kinds.len() {
            let wrong = "the stack answered another number of sections";
            return Err(SfuError::Stack(wrong.to_owned()));
        }
        // Some clients (aiortc) want it in every section, rejected or not.
        let of_transport = |line: &&str| {
            TRANSPORT
                .iter()
                .any(|name| line.starts_with(&format!("a={name}")))
        };
        let transport = blocks
            .iter()
            .take(1)
            .flatten()
            .copied()
            .filter(of_transport);
        let transport = join(&transport.collect::<Vec<_>>());
        let mut whole = join(&session);
        let mut answered = blocks.iter();
        for rejected in &self.outline {
            match rejected {
                Some(text) => whole.extend([text, transport.as_str()]),
                None => {
                    whole.push_str(&answered.next().map(|block| join(block)).unwrap_or_default())
                }
            }
        }
        Ok(whole)
    }
}

/// The slots of whoever makes its own offer: screens stay free, and a viewer's voice has no one
/// who was told of it.
fn slots_of(role: Role, size: u8) -> Vec<SlotKind> {
    let wanted = |kind: &SlotKind| match role {
        Role::Camera => matches!(kind, SlotKind::VideoUp | SlotKind::AudioUp),
        Role::Viewer => matches!(kind, SlotKind::VideoDown | SlotKind::AudioDown),
    };
    let mut kinds = slots::layout(role, size);
    kinds.retain(wanted);
    kinds
}

/// One section of the offer with its lines.
struct Block<'a> {
    section: &'a Section,
    block: &'a [&'a str],
}

impl<'a> Block<'a> {
    /// Whether a slot of this kind can carry the section: media, direction, a codec.
    fn fits(&self, kind: SlotKind, codecs: &[VideoCodec]) -> bool {
        let media = match slots::is_video(kind) {
            true => SectionKind::Video,
            false => SectionKind::Audio,
        };
        let against = match slots::is_up(kind) {
            true => "recvonly",
            false => "sendonly",
        };
        let [_, port, protocol, ..] = self.fields()[..] else {
            return false;
        };
        // RFC 8843 §6: port 0 is no rejection in a section that exists in the bundle only.
        let open = port != "0" || self.has("bundle-only");
        let way = !self.has(against) && !self.has("inactive");
        self.section.kind == media
            && open
            && way
            && protocol.ends_with(PROTOCOL)
            && self.encodings().any(|name| carried(name, media, codecs))
    }

    /// Rules that every section with a slot has to keep.
    fn judge(&self) -> Result<(), SfuError> {
        if !self.has("rtcp-mux") {
            return Err(SfuError::InvalidSdp("a section has no a=rtcp-mux"));
        }
        let mid = &self.section.mid;
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !(1..=MID_CHARS).contains(&mid.len()) || !mid.bytes().all(word) {
            return Err(SfuError::InvalidSdp(
                "an a=mid has other than 1 to 16 letters and digits",
            ));
        }
        Ok(())
    }

    /// The section as the stack is shown it: open, in the direction of the last of `kinds` alone,
    /// named so that the answer names the stream alike.
    fn for_stack(&self, kinds: &[SlotKind]) -> String {
        let Some((kind, before)) = kinds.split_last() else {
            return String::new();
        };
        let fields = self.fields();
        let (media, rest) = (fields.first(), fields.get(2..));
        let rest = rest.unwrap_or_default().join(" ");
        let mut text = format!("m={} 9 {rest}\r\n", media.copied().unwrap_or_default());
        let kept = self.block.iter().skip(1).filter(|line| {
            let value = line.strip_prefix("a=");
            !value.is_some_and(|value| DROPPED.iter().any(|name| is_named(value, name)))
        });
        for line in kept {
            text.push_str(line);
            text.push_str("\r\n");
        }
        let direction = match slots::is_up(*kind) {
            true => "sendonly",
            false => "recvonly",
        };
        let voice = kinds.iter().filter(|k| **k == SlotKind::AudioDown).count();
        let (stream, index) = (slots::stream(*kind, voice), before.len());
        text + &format!("a={direction}\r\na=msid:{stream} {stream}-{index}\r\n")
    }

    fn rejection(&self) -> String {
        let fields = self.fields();
        let media = fields.first().copied().unwrap_or_default();
        let rest = fields.get(2..).unwrap_or_default().join(" ");
        let mid = &self.section.mid;
        format!("m={media} 0 {rest}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=inactive\r\n")
    }

    /// The fields of the `m=` line: media, port, protocol, formats.
    fn fields(&self) -> Vec<&'a str> {
        let line = self.block.first().and_then(|line| line.strip_prefix("m="));
        line.map(|value| value.split(' ').collect())
            .unwrap_or_default()
    }

    fn has(&self, name: &str) -> bool {
        let mut attributes = self.block.iter().filter_map(|line| line.strip_prefix("a="));
        attributes.any(|value| is_named(value, name))
    }

    /// The encoding names of the section's `a=rtpmap` lines.
    fn encodings(&self) -> impl Iterator<Item = &'a str> {
        let maps = self
            .block
            .iter()
            .filter_map(|line| line.strip_prefix("a=rtpmap:"));
        maps.filter_map(|value| value.split_once(' ')?.1.split('/').next())
    }
}

fn is_named(value: &str, name: &str) -> bool {
    value
        .strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ' ']))
}

fn carried(name: &str, media: SectionKind, codecs: &[VideoCodec]) -> bool {
    let codec = match name.to_ascii_uppercase().as_str() {
        "OPUS" => return media == SectionKind::Audio,
        "VP8" => return media == SectionKind::Video,
        "H264" => VideoCodec::H264,
        "VP9" => VideoCodec::Vp9,
        "AV1" => VideoCodec::Av1,
        _ => return false,
    };
    media == SectionKind::Video && codecs.contains(&codec)
}

/// The session part as the stack is shown it, with the sections that have a slot as its bundle.
fn head(session: &[&str], mids: &[String]) -> Result<String, SfuError> {
    let group = |line: &&&str| line.starts_with("a=group:BUNDLE");
    let bundled = session.iter().filter(group).any(|line| {
        let members: Vec<&str> = line.split(' ').skip(1).collect();
        mids.iter().all(|mid| members.contains(&mid.as_str()))
    });
    // One transport for everything (RFC 9725 §4.4.1).
    if !bundled && mids.len() > 1 {
        return Err(SfuError::InvalidSdp(
            "its sections are not in one BUNDLE group",
        ));
    }
    let kept = session.iter().filter(|line| !line.starts_with("a=group:"));
    let kept: Vec<&str> = kept.copied().collect();
    Ok(join(&kept) + &format!("a=group:BUNDLE {}\r\n", mids.join(" ")))
}

/// The session part and the media sections of a text, as lines.
fn split(text: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let (mut session, mut blocks) = (Vec::new(), Vec::<Vec<&str>>::new());
    for line in text.lines() {
        if line.starts_with("m=") {
            blocks.push(Vec::new());
        }
        blocks.last_mut().unwrap_or(&mut session).push(line);
    }
    (session, blocks)
}

fn join(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [*line, "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &str = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
        a=fingerprint:sha-256 AA\r\na=setup:actpass\r\na=rtcp-mux\r\n";

    fn section(media: &str, mid: &str, way: &str, map: &str) -> String {
        format!(
            "m={media} 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na={way}\r\n\
             {BODY}a=rtpmap:96 {map}\r\n"
        )
    }

    fn offer(mids: &str, sections: &[String]) -> String {
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mids}\r\n{}",
            sections.concat()
        )
    }

    fn parse(sdp: &str, role: Role) -> Result<Offer, SfuError> {
        Offer::parse(sdp, role, 3, &[VideoCodec::Vp8])
    }

    #[test]
    fn sections_get_the_slots_of_the_role_and_the_rest_is_rejected() {
        use SlotKind::{AudioUp, VideoUp};
        let channel =
            format!("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n{BODY}");
        let sdp = offer(
            "a v w d",
            &[
                section("audio", "a", "sendrecv", "opus/48000/2"),
                section("video", "v", "sendonly", "VP8/90000"),
                section("video", "w", "sendonly", "VP8/90000"),
                channel,
            ],
        );
        let offer = parse(&sdp, Role::Camera).expect("an offer");
        assert_eq!(offer.kinds, [AudioUp, VideoUp]);
        assert_eq!(offer.mids, ["a", "v"]);
        assert!(
            offer.sdp.contains("a=group:BUNDLE a v\r\n"),
            "{}",
            offer.sdp
        );
        assert_eq!(offer.sdp.matches("a=sendonly\r\n").count(), 2);
        assert!(!offer.sdp.contains("sendrecv"));
        let whole = offer.whole("v=0\r\nm=audio 9 A\r\na=setup:passive\r\nm=video 9 V\r\n");
        let whole = whole.expect("two sections were answered");
        let lines: Vec<&str> = whole.lines().filter(|l| l.starts_with("m=")).collect();
        assert_eq!(
            lines,
            [
                "m=audio 9 A",
                "m=video 9 V",
                "m=video 0 UDP/TLS/RTP/SAVPF 96",
                "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            ]
        );
        assert_eq!(
            whole.matches("a=inactive\r\na=setup:passive\r\n").count(),
            2
        );
        assert!(offer.whole("v=0\r\nm=audio 9 A\r\n").is_err());
    }

    #[test]
    fn a_viewer_receives_one_picture_and_as_many_voices_as_there_are_others() {
        let voices = ["1", "2", "3"].map(|mid| section("audio", mid, "recvonly", "OPUS/48000/2"));
        let mut sections = vec![section("video", "0", "recvonly", "VP8/90000")];
        sections.extend(voices);
        let offer = parse(&offer("0 1 2 3", &sections), Role::Viewer).expect("an offer");
        assert_eq!(offer.mids, ["0", "1", "2"]);
        assert!(offer.sdp.contains("a=msid:camera camera-0\r\n"));
        assert!(offer.sdp.contains("a=msid:camera camera-1\r\n"));
        assert!(offer.sdp.contains("a=msid:voice-2 voice-2-2\r\n"));
    }

    #[test]
    fn simulcast_and_what_was_in_the_bundle_only_become_one_open_section() {
        let layers = section("video", "v", "sendonly", "VP8/90000").replace(" 9 ", " 0 ")
            + "a=bundle-only\r\na=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n\
               a=ssrc-group:FID 1 2\r\n";
        let offer = parse(&offer("v", &[layers]), Role::Camera).expect("an offer");
        assert!(offer.sdp.contains("m=video 9 "));
        assert!(!offer.sdp.contains("rid:") && !offer.sdp.contains("simulcast"));
        assert!(offer.sdp.contains("a=ssrc-group:FID 1 2\r\n"));
    }

    #[test]
    fn what_cannot_be_carried_is_named() {
        let camera = |sections: &[String]| {
            let refused = parse(&offer("a v", sections), Role::Camera);
            refused.expect_err("a bad offer").to_string()
        };
        let none = "the offer has no section that can be carried";
        let good = section("video", "v", "sendonly", "VP8/90000");
        for nothing in [
            section("video", "v", "sendonly", "H265/90000"),
            section("video", "v", "sendonly", "H264/90000"),
            section("video", "v", "recvonly", "VP8/90000"),
            section("video", "v", "inactive", "VP8/90000"),
            good.replace(" 9 ", " 0 "),
            good.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        ] {
            assert_eq!(camera(std::slice::from_ref(&nothing)), none, "{nothing}");
        }
        assert!(camera(&[good.replace("a=rtcp-mux\r\n", "")]).contains("rtcp-mux"));
        assert!(camera(&[good.replace("mid:v", "mid:v-1")]).contains("a=mid"));
        let apart = offer(
            "v",
            &[section("audio", "a", "sendonly", "opus/48000/2"), good],
        );
        let apart = parse(&apart, Role::Camera).expect_err("two transports");
        assert!(apart.to_string().contains("BUNDLE"));
    }

    proptest! {
        #[test]
        fn no_section_breaks_the_reader(
            lines in prop::collection::vec("m=(audio|video|application)( [0-9A-Z/]{0,6}){0,4}", 1..5),
            attributes in prop::collection::vec("a=(rtpmap|rid|msid|simulcast|[a-z]{1,9})[: ].{0,12}", 0..5),
        ) {
            let sections: Vec<String> = lines.iter().enumerate().map(|(mid, line)| {
                let more = attributes.join("\r\n");
                format!("{line}\r\na=mid:{mid}\r\n{BODY}a=rtpmap:96 VP8/90000\r\n{more}\r\n")
            }).collect();
            if let Ok(offer) = parse(&offer("0 1 2 3 4", &sections), Role::Camera) {
                prop_assert!((1..=2).contains(&offer.kinds.len()));
            }
        }
    }
}
