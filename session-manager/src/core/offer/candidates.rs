//! Candidates of an offer: exactly what the node advertises (RFC 8839, RFC 6544).

use std::net::SocketAddr;

use lens_protocol::media::MediaAddress;

use super::SdpFault;
use super::lines::{Document, Section};

/// RFC 8445 §5.1.2.2: type preference of a host candidate.
const HOST_PREFERENCE: u32 = 126;
/// Type preference of TCP host candidates: below every UDP one, so that a peer takes TCP only
/// when UDP is blocked (RFC 6544 §4.2).
const TCP_PREFERENCE: u32 = 90;

/// Replaces all candidates by those of `addresses`, in the sections that had any; in the first
/// section when none had.
///
/// Addresses elsewhere (`c=`, `a=rtcp:`) become the unspecified one, because the candidate list
/// is the only place a peer shall learn an address from. `NoAddress` when no address is usable.
pub fn replace(document: &mut Document, addresses: &[MediaAddress]) -> Result<(), SdpFault> {
    let candidates = candidate_lines(addresses);
    if candidates.is_empty() {
        return Err(SdpFault::NoAddress);
    }
    let none_had_any = !document.media.iter().any(|s| s.has_attribute("candidate"));
    document.session.retain(|line| !is_candidate_line(line));
    for (index, section) in document.media.iter_mut().enumerate() {
        let place = section.lines().iter().position(is_candidate_line);
        let wanted = section.has_attribute("candidate") || (none_had_any && index == 0);
        section.retain(|line| !is_candidate_line(line));
        if wanted {
            let end = std::iter::once("a=end-of-candidates".to_owned());
            let lines = candidates.iter().cloned().chain(end);
            section.insert(place.unwrap_or(usize::MAX), lines);
        }
    }
    document.sections_mut().for_each(blank_addresses);
    Ok(())
}

pub(super) fn is_candidate_line(line: &super::lines::Line) -> bool {
    ["candidate", "end-of-candidates", "remote-candidates"]
        .iter()
        .any(|name| line.is_attribute(name))
}

fn candidate_lines(addresses: &[MediaAddress]) -> Vec<String> {
    let usable = |address: &SocketAddr| address.port() != 0 && !address.ip().is_unspecified();
    let mut lines = Vec::new();
    for (rank, udp) in addresses.iter().map(|address| address.udp).enumerate() {
        if usable(&udp) {
            lines.push(line(rank, "udp", HOST_PREFERENCE, udp));
        }
    }
    for (rank, tcp) in addresses.iter().map(|address| address.tcp).enumerate() {
        if let Some(tcp) = tcp.filter(usable) {
            lines.push(line(rank, "tcp", TCP_PREFERENCE, tcp) + " tcptype passive");
        }
    }
    lines
}

/// One candidate. The earlier in the node's list, the higher its local preference. Foundations
/// differ for each address and transport (RFC 8445 §5.1.1.3).
fn line(rank: usize, transport: &str, preference: u32, address: SocketAddr) -> String {
    let rank = u32::try_from(rank).unwrap_or(u32::MAX).min(0xFFFE);
    let priority = (preference << 24) | ((0xFFFF - rank) << 8) | 255;
    let foundation = 1 + 2 * rank + u32::from(transport == "tcp");
    let ip = address.ip().to_canonical();
    let port = address.port();
    format!("a=candidate:{foundation} 1 {transport} {priority} {ip} {port} typ host")
}

fn blank_addresses(section: &mut Section) {
    for line in section.lines_mut() {
        if line.value_of('c').is_some() {
            line.set_text("c=IN IP4 0.0.0.0".to_owned());
        } else if line.attribute("rtcp").is_some() {
            line.set_text("a=rtcp:9 IN IP4 0.0.0.0".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(udp: &str, tcp: Option<&str>) -> MediaAddress {
        MediaAddress {
            udp: udp.parse().expect("an address"),
            tcp: tcp.map(|text| text.parse().expect("an address")),
        }
    }

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 10.1.2.3\r\na=mid:0\r\n\
        a=candidate:1 1 udp 1 10.1.2.3 9999 typ srflx raddr 192.168.0.7 rport 7\r\n\
        a=candidate:2 1 udp 1 10.1.2.4 9999 typ host\r\na=end-of-candidates\r\na=sendonly\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\n";

    #[test]
    fn the_candidates_are_the_advertised_ones_and_nothing_else() {
        let mut document = Document::parse(OFFER).expect("small");
        let advertised = [
            address("203.0.113.5:8443", Some("203.0.113.5:8443")),
            address("[2001:db8::5]:8443", None),
            address("192.168.1.5:8443", None),
        ];
        replace(&mut document, &advertised).expect("usable addresses");
        let candidates: Vec<_> = document.media[0].attributes("candidate").collect();
        assert_eq!(
            candidates,
            [
                "1 1 udp 2130706431 203.0.113.5 8443 typ host",
                "3 1 udp 2130706175 2001:db8::5 8443 typ host",
                "5 1 udp 2130705919 192.168.1.5 8443 typ host",
                "2 1 tcp 1526726655 203.0.113.5 8443 typ host tcptype passive",
            ]
        );
        let text = document.to_string();
        assert!(
            !text.contains("10.1.2") && !text.contains("raddr"),
            "{text}"
        );
        assert_eq!(text.matches("a=end-of-candidates\r\n").count(), 1);
        assert!(!document.media[1].has_attribute("candidate"));
        assert!(text.ends_with("a=sendonly\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\n"));
    }

    #[test]
    fn an_offer_without_candidates_gets_them_in_its_first_section() {
        let bare = "v=0\r\nm=audio 9 X 1\r\na=mid:0\r\nm=audio 9 X 1\r\na=mid:1\r\n";
        let mut document = Document::parse(bare).expect("small");
        replace(&mut document, &[address("192.0.2.1:9", None)]).expect("usable");
        assert!(document.media[0].has_attribute("end-of-candidates"));
        assert!(!document.media[1].has_attribute("candidate"));
    }

    #[test]
    fn a_node_without_a_usable_address_makes_no_offer() {
        let mut document = Document::parse(OFFER).expect("small");
        let unusable = [address("0.0.0.0:8443", None), address("192.0.2.1:0", None)];
        assert_eq!(replace(&mut document, &unusable), Err(SdpFault::NoAddress));
        assert_eq!(replace(&mut document, &[]), Err(SdpFault::NoAddress));
    }
}
