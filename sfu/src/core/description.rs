//! A peer's answer or offer, judged and trimmed before the media stack sees it.
//!
//! The stack consumes its pending offer whatever it thinks of the answer, so everything that can
//! be checked is checked here, and a refused answer leaves the participant able to send a better
//! one. What an offer has to keep besides stands in [`super::offer`]. What an ICE-lite server has no use for is left out: candidates (peers are learnt from
//! their checks) and bandwidth lines (the stack takes one per section; browsers send two).

use lens_protocol::limits::{CANDIDATES, SDP_BYTES, SDP_MEDIA_SECTIONS};

use super::slots;
use crate::error::SfuError;
use lens_protocol::media::SlotKind;

/// Most lines in one section. Chromium's longest section, with every codec, has about 90.
const SECTION_LINES: usize = 400;
/// RFC 8839: user name fragments have 4 to 256 characters, passwords 22 to 256.
const UFRAG_CHARS: std::ops::RangeInclusive<usize> = 4..=256;
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 22..=256;

/// What an `m=` line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SectionKind {
    Audio,
    Video,
    Application,
}

/// One media section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) kind: SectionKind,
    pub(crate) mid: String,
}

/// A description that keeps all rules that can be seen in it alone.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    /// The trimmed text.
    pub(crate) sdp: String,
    /// Its sections, in order.
    pub(crate) sections: Vec<Section>,
}

impl Description {
    /// Judges `sdp` and trims it.
    pub(crate) fn parse(sdp: &str) -> Result<Self, SfuError> {
        if sdp.matches("a=candidate:").count() > CANDIDATES {
            return Err(SfuError::TooManyCandidates);
        }
        if sdp.len() > SDP_BYTES {
            return Err(SfuError::SdpTooLong);
        }
        let mut reader = Reader::default();
        for line in sdp.lines() {
            reader.line(line)?;
        }
        reader.finish()
    }

    /// Whether this answer has the sections of the offer with these slots and a data channel.
    pub(crate) fn fits(&self, kinds: &[SlotKind], mids: &[String]) -> Result<(), SfuError> {
        if self.sections.len() != kinds.len() + 1 {
            return Err(SfuError::InvalidSdp(
                "it has another number of m= lines than the offer",
            ));
        }
        for (section, (kind, mid)) in self.sections.iter().zip(kinds.iter().zip(mids)) {
            let expected = match slots::is_video(*kind) {
                true => SectionKind::Video,
                false => SectionKind::Audio,
            };
            if section.kind != expected {
                return Err(SfuError::InvalidSdp(
                    "an m= line is of another kind than the offer's",
                ));
            }
            if section.mid != *mid {
                return Err(SfuError::InvalidSdp("an a=mid is not the offer's"));
            }
        }
        match self.sections.last() {
            Some(last) if last.kind == SectionKind::Application => Ok(()),
            _ => Err(SfuError::InvalidSdp(
                "the last m= line is not the data channel",
            )),
        }
    }
}

#[derive(Default)]
struct Reader {
    text: String,
    sections: Vec<(SectionKind, Option<String>)>,
    lines_in_section: usize,
    version: bool,
    ufrag: bool,
    password: bool,
    fingerprint: bool,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), SfuError> {
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            return Ok(());
        }
        let Some((kind, value)) = line.split_once('=').filter(|(kind, _)| kind.len() == 1) else {
            return Err(SfuError::InvalidSdp("a line is not of the form x=value"));
        };
        self.lines_in_section += 1;
        if self.lines_in_section > SECTION_LINES {
            return Err(SfuError::InvalidSdp("a section has too many lines"));
        }
        let keep = match kind {
            "v" => {
                self.version = true;
                true
            }
            "m" => self.section(value)?,
            "a" => self.attribute(value)?,
            "o" | "s" | "t" | "c" => true,
            _ => false,
        };
        if keep {
            self.text.push_str(line);
            self.text.push_str("\r\n");
        }
        Ok(())
    }

    fn section(&mut self, value: &str) -> Result<bool, SfuError> {
        let kind = match value.split(' ').next() {
            Some("audio") => SectionKind::Audio,
            Some("video") => SectionKind::Video,
            Some("application") => SectionKind::Application,
            _ => return Err(SfuError::InvalidSdp("an m= line is of an unknown kind")),
        };
        if self.sections.len() == SDP_MEDIA_SECTIONS {
            return Err(SfuError::InvalidSdp("it has too many m= lines"));
        }
        self.sections.push((kind, None));
        self.lines_in_section = 0;
        Ok(true)
    }

    fn attribute(&mut self, value: &str) -> Result<bool, SfuError> {
        let (name, value) = value.split_once(':').unwrap_or((value, ""));
        match name {
            "candidate" | "end-of-candidates" | "remote-candidates" => return Ok(false),
            "ice-lite" => return Err(SfuError::InvalidSdp("both ends are ICE-lite")),
            "ice-ufrag" => self.ufrag |= credential(value, UFRAG_CHARS)?,
            "ice-pwd" => self.password |= credential(value, PASSWORD_CHARS)?,
            "fingerprint" => self.fingerprint = true,
            "setup" if !matches!(value, "active" | "passive" | "actpass") => {
                return Err(SfuError::InvalidSdp(
                    "a=setup is neither active nor passive",
                ));
            }
            "mid" => self.mid(value)?,
            _ => {}
        }
        Ok(true)
    }

    fn mid(&mut self, value: &str) -> Result<(), SfuError> {
        match self.sections.last_mut() {
            Some((_, mid @ None)) => {
                *mid = Some(value.to_owned());
                Ok(())
            }
            _ => Err(SfuError::InvalidSdp("an a=mid stands where none belongs")),
        }
    }

    fn finish(self) -> Result<Description, SfuError> {
        if !self.version {
            return Err(SfuError::InvalidSdp("it has no v= line"));
        }
        if !self.ufrag {
            return Err(SfuError::InvalidSdp("it has no a=ice-ufrag"));
        }
        if !self.password {
            return Err(SfuError::InvalidSdp("it has no a=ice-pwd"));
        }
        if !self.fingerprint {
            return Err(SfuError::InvalidSdp("it has no a=fingerprint"));
        }
        let sections = self.sections.into_iter().map(|(kind, mid)| {
            let mid = mid.ok_or(SfuError::InvalidSdp("an m= section has no a=mid"))?;
            Ok(Section { kind, mid })
        });
        Ok(Description {
            sections: sections.collect::<Result<_, SfuError>>()?,
            sdp: self.text,
        })
    }
}

fn credential(value: &str, length: std::ops::RangeInclusive<usize>) -> Result<bool, SfuError> {
    let ice_char = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    // RFC 8839 allows ice-char alone; some stacks use '-' and '_' as well.
    let tolerated = |byte: u8| ice_char(byte) || byte == b'-' || byte == b'_';
    if length.contains(&value.len()) && value.bytes().all(tolerated) {
        Ok(true)
    } else {
        Err(SfuError::InvalidSdp("an ICE credential is ill-formed"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(extra: &str) -> String {
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a d\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\nb=AS:1\r\nb=TIAS:2\r\na=mid:a\r\n\
             a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 AA\r\n\
             a=setup:active\r\n{extra}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n"
        )
    }

    #[test]
    fn candidates_and_bandwidth_are_left_out_and_the_rest_stays() {
        let candidate = "a=candidate:1 1 udp 2113937151 host.local 5000 typ host\r\n";
        let parsed = Description::parse(&answer(candidate)).expect("a good answer");
        assert!(!parsed.sdp.contains("candidate:"));
        assert!(!parsed.sdp.contains("b="));
        assert!(parsed.sdp.contains("a=setup:active\r\n"));
        let mids = ["a".to_owned()];
        assert!(parsed.fits(&[SlotKind::AudioUp], &mids).is_ok());
        assert!(parsed.fits(&[SlotKind::VideoUp], &mids).is_err());
        assert!(parsed.fits(&[], &[]).is_err());
        assert!(
            parsed
                .fits(&[SlotKind::AudioUp], &["b".to_owned()])
                .is_err()
        );
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        let good = answer("");
        for (broken, code) in [
            (good.replace("a=ice-ufrag:abcd\r\n", ""), "invalid_sdp"),
            (
                good.replace("a=ice-ufrag:abcd", "a=ice-ufrag:abc"),
                "invalid_sdp",
            ),
            (
                good.replace("a=fingerprint", "a=fingerpaint"),
                "invalid_sdp",
            ),
            (good.replace("a=mid:a\r\n", ""), "invalid_sdp"),
            (
                good.replace("a=setup:active", "a=setup:holdconn"),
                "invalid_sdp",
            ),
            (answer("a=ice-lite\r\n"), "invalid_sdp"),
            (answer("garbage\r\n"), "invalid_sdp"),
            (answer(&"a=x\r\n".repeat(500)), "invalid_sdp"),
            (
                answer(&"m=audio 9 X 1\r\na=mid:x\r\n".repeat(70)),
                "invalid_sdp",
            ),
            (
                answer(&"a=candidate:x\r\n".repeat(10_000)),
                "too_many_candidates",
            ),
            (
                answer(&format!("a=x:{}\r\n", "y".repeat(SDP_BYTES))),
                "payload_too_large",
            ),
            (
                answer(&"a=candidate:x\r\n".repeat(300)),
                "too_many_candidates",
            ),
            (String::new(), "invalid_sdp"),
        ] {
            let error = Description::parse(&broken).expect_err("a broken answer");
            assert_eq!(error.code().as_str(), code, "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "(?s).{0,2000}") {
            let _ = Description::parse(&text);
        }
    }
}
