//! Clients' own offers (WHIP, WHEP): checked for size and grammar, and passed on without addresses.

use super::candidates::is_candidate_line;
use super::{SdpFault, validate};

/// Checks a client's offer and leaves out its candidates, however many: the media node learns a
/// peer's addresses from its checks. Everything else is the node's to judge.
pub fn check_offer(sdp: &str) -> Result<String, SdpFault> {
    let mut document = validate::read(sdp)?;
    if document.media.is_empty() {
        return Err(SdpFault::Missing {
            section: 0,
            attribute: "mid",
        });
    }
    for section in document.sections_mut() {
        section.retain(|line| !is_candidate_line(line));
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use lens_protocol::limits::SDP_BYTES;

    use super::*;

    const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

    #[test]
    fn an_offer_loses_its_candidates_and_nothing_else() {
        let section = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n";
        let candidates = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n".repeat(40);
        let sdp = format!("{HEAD}{section}{candidates}a=end-of-candidates\r\na=sendonly\r\n");
        let kept = check_offer(&sdp);
        assert_eq!(kept, Ok(format!("{HEAD}{section}a=sendonly\r\n")));
    }

    #[test]
    fn each_flaw_is_named() {
        let sections = "m=audio 9 X 0\r\n".repeat(65);
        let long = format!("{HEAD}a=x:{}\r\n", "y".repeat(SDP_BYTES));
        for (sdp, fault) in [
            ("hello".to_owned(), SdpFault::Grammar),
            (long, SdpFault::TooLarge),
            (format!("{HEAD}{sections}"), SdpFault::TooManySections),
        ] {
            assert_eq!(check_offer(&sdp), Err(fault));
        }
        assert!(matches!(check_offer(HEAD), Err(SdpFault::Missing { .. })));
    }
}
