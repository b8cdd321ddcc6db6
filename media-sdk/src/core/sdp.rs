//! The few lines of an offer that the library reads itself; the media stack reads the rest.

use std::net::{IpAddr, SocketAddr};

use super::Carrier;

/// Candidates of an offer, of either carrier, each once (RFC 8839 §5.1, RFC 6544 §4.5).
pub(super) fn candidates(sdp: &str) -> Vec<(Carrier, SocketAddr)> {
    let mut found = Vec::new();
    for line in sdp.lines() {
        let Some(candidate) = line.strip_prefix("a=candidate:").and_then(candidate) else {
            continue;
        };
        if !found.contains(&candidate) {
            found.push(candidate);
        }
    }
    found
}

fn candidate(value: &str) -> Option<(Carrier, SocketAddr)> {
    let fields: Vec<&str> = value.split_ascii_whitespace().collect();
    let [_, _, transport, _, address, port, ..] = fields[..] else {
        return None;
    };
    let carrier = match transport.to_ascii_lowercase().as_str() {
        "udp" => Carrier::Udp,
        // Only a passive end waits for us to call.
        "tcp" if fields.windows(2).any(|pair| pair == ["tcptype", "passive"]) => Carrier::Tcp,
        _ => return None,
    };
    let address: IpAddr = address.parse().ok()?;
    Some((carrier, SocketAddr::new(address, port.parse().ok()?)))
}

/// The bandwidth limit of the section `mid`, in bits per second (RFC 8866 §5.8, RFC 3890).
pub(super) fn limit_bps(sdp: &str, mid: &str) -> Option<u32> {
    let wanted = format!("a=mid:{mid}");
    let mut limit = None;
    let mut is_section = false;
    for line in sdp.lines() {
        if line.starts_with("m=") {
            if is_section {
                break;
            }
            limit = None;
        }
        is_section |= line == wanted;
        if let Some(kbps) = line.strip_prefix("b=AS:") {
            limit = kbps
                .parse::<u32>()
                .ok()
                .map(|kbps| kbps.saturating_mul(1_000));
        } else if let Some(bps) = line.strip_prefix("b=TIAS:") {
            limit = bps.parse().ok();
        }
    }
    limit.filter(|_| is_section)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\nm=audio 9 X\r\nb=AS:40\r\na=mid:0\r\n\
        a=candidate:1 1 udp 1 192.0.2.1 8443 typ host ufrag x\r\n\
        a=candidate:2 1 TCP 1 2001:db8::1 443 typ host tcptype passive\r\n\
        a=candidate:3 1 tcp 1 192.0.2.1 9 typ host tcptype active\r\n\
        a=candidate:4 1 udp 1 host.local 9 typ host\r\n\
        m=video 9 X\r\nb=TIAS:2500000\r\na=mid:1\r\n\
        a=candidate:1 1 udp 1 192.0.2.1 8443 typ host ufrag x\r\nm=video 9 X\r\na=mid:2\r\n";

    #[test]
    fn candidates_that_can_be_called_are_found_once() {
        let expected = [
            (Carrier::Udp, "192.0.2.1:8443".parse().expect("an address")),
            (
                Carrier::Tcp,
                "[2001:db8::1]:443".parse().expect("an address"),
            ),
        ];
        assert_eq!(candidates(OFFER), expected);
    }

    #[test]
    fn a_limit_belongs_to_its_section_alone() {
        assert_eq!(limit_bps(OFFER, "0"), Some(40_000));
        assert_eq!(limit_bps(OFFER, "1"), Some(2_500_000));
        assert_eq!(limit_bps(OFFER, "2"), None);
        assert_eq!(limit_bps(OFFER, "3"), None);
    }
}
