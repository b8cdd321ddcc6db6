//! Answers: checked for what the streaming server needs, passed on as they are.

use lens_protocol::limits::CANDIDATES;

use super::lines::{Document, Section};
use super::{SdpFault, validate};

/// Longest ICE user name fragment and password (RFC 8839 §5.4).
const ICE_CHARS: usize = 256;

/// Checks an answer against the `a=mid`s of its offer, in order; without them the section count
/// is not judged here.
///
/// Size, grammar, one section for each offered one, ICE credentials, fingerprint and DTLS role in
/// each section that is not rejected (or once for the session), at most 20 candidates.
pub fn check_answer(sdp: &str, offered: Option<&[String]>) -> Result<(), SdpFault> {
    let document = validate::read(sdp)?;
    let candidates = document
        .sections()
        .map(|section| section.attributes("candidate").count())
        .sum::<usize>();
    if candidates > CANDIDATES {
        return Err(SdpFault::TooManyCandidates);
    }
    if let Some(offered) = offered {
        check_sections(&document, offered)?;
    }
    if document.media.iter().all(Section::is_rejected) {
        return Err(SdpFault::Missing {
            section: 0,
            attribute: "mid",
        });
    }
    let open = document.media.iter().enumerate();
    for (index, section) in open.filter(|(_, section)| !section.is_rejected()) {
        check_transport(index, section, &document.session)?;
    }
    Ok(())
}

fn check_sections(document: &Document, offered: &[String]) -> Result<(), SdpFault> {
    if document.media.len() != offered.len() {
        return Err(SdpFault::SectionCount {
            offered: offered.len(),
            answered: document.media.len(),
        });
    }
    for (index, (section, mid)) in document.media.iter().zip(offered).enumerate() {
        // A rejected section may leave its mid out (RFC 8829 §5.3.1).
        let answered = section.attribute("mid");
        let excused = answered.is_none() && section.is_rejected();
        if !excused && answered != Some(mid) {
            return Err(SdpFault::Mid { section: index });
        }
    }
    Ok(())
}

fn check_transport(index: usize, section: &Section, session: &Section) -> Result<(), SdpFault> {
    let value = |name: &'static str| section.attribute(name).or_else(|| session.attribute(name));
    let needed = |attribute: &'static str, good: fn(&str) -> bool| {
        value(attribute)
            .filter(|text| good(text))
            .ok_or(SdpFault::Missing {
                section: index,
                attribute,
            })
    };
    needed("ice-ufrag", |text| is_ice_text(text, 4))?;
    needed("ice-pwd", |text| is_ice_text(text, 22))?;
    needed("fingerprint", |text| text.contains(' '))?;
    match value("setup") {
        Some("active" | "passive") => Ok(()),
        _ => Err(SdpFault::Setup { section: index }),
    }
}

fn is_ice_text(text: &str, least: usize) -> bool {
    let ice_char = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    // Firefox and Chromium keep to ice-char; others put - _ = into it, which harms nobody.
    let taken = |byte: u8| ice_char(byte) || b"-_=".contains(&byte);
    (least..=ICE_CHARS).contains(&text.len()) && text.bytes().all(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> String {
        let transport = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n\
            a=fingerprint:sha-256 AA:BB\r\na=setup:active\r\n";
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n{transport}a=candidate:1 1 udp 1 \
             192.0.2.1 9 typ host\r\nm=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\n"
        )
    }

    fn mids() -> Vec<String> {
        vec!["0".to_owned(), "1".to_owned()]
    }

    #[test]
    fn a_sound_answer_is_taken_with_and_without_its_offer_at_hand() {
        assert_eq!(check_answer(&answer(), Some(&mids())), Ok(()));
        assert_eq!(check_answer(&answer(), None), Ok(()));
    }

    #[test]
    fn each_flaw_is_named() {
        let missing = |attribute| SdpFault::Missing {
            section: 0,
            attribute,
        };
        let cases = [
            ("a=ice-ufrag:abcd\r\n", "", missing("ice-ufrag")),
            ("a=ice-ufrag:abcd", "a=ice-ufrag:a b", missing("ice-ufrag")),
            (
                "a=ice-pwd:abcdefghijklmnopqrstuv",
                "a=ice-pwd:short",
                missing("ice-pwd"),
            ),
            (
                "a=fingerprint:sha-256 AA:BB\r\n",
                "",
                missing("fingerprint"),
            ),
            (
                "a=setup:active",
                "a=setup:actpass",
                SdpFault::Setup { section: 0 },
            ),
            ("a=mid:0", "a=mid:9", SdpFault::Mid { section: 0 }),
            (
                "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\n",
                "",
                SdpFault::SectionCount {
                    offered: 2,
                    answered: 1,
                },
            ),
            ("v=0", "v=zero", SdpFault::Grammar),
        ];
        for (find, replace, fault) in cases {
            let broken = answer().replace(find, replace);
            assert_eq!(
                check_answer(&broken, Some(&mids())),
                Err(fault),
                "{find} → {replace}"
            );
        }
    }

    #[test]
    fn an_answer_that_rejects_everything_is_refused() {
        let rejected = answer().replace("m=video 9", "m=video 0");
        assert!(check_answer(&rejected, Some(&mids())).is_err());
    }

    #[test]
    fn ten_thousand_candidates_are_refused_by_size_and_twenty_one_by_count() {
        let candidate = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
        let many = answer() + &candidate.repeat(10_000);
        assert_eq!(check_answer(&many, None), Err(SdpFault::TooLarge));
        let some = answer() + &candidate.repeat(20);
        assert_eq!(check_answer(&some, None), Err(SdpFault::TooManyCandidates));
    }
}
