//! The way to the media node that an offer names.

use std::net::{IpAddr, SocketAddr, UdpSocket};

/// The address from which packets to the offer's first UDP candidate leave this machine.
///
/// # Panics
/// When there is no such candidate, or no way to it.
pub fn local_address(sdp: &str) -> IpAddr {
    let remote = first_udp_candidate(sdp).expect("an offer with a UDP candidate");
    let any = if remote.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let probe = UdpSocket::bind(any).expect("a free UDP port");
    probe.connect(remote).expect("a route to the media node");
    probe.local_addr().expect("a bound socket").ip()
}

fn first_udp_candidate(sdp: &str) -> Option<SocketAddr> {
    sdp.lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"))
        .find_map(|line| {
            let parts: Vec<_> = line.split(' ').collect();
            parts
                .get(2)
                .filter(|kind| kind.eq_ignore_ascii_case("udp"))?;
            let ip: IpAddr = parts.get(4)?.parse().ok()?;
            Some(SocketAddr::new(ip, parts.get(5)?.parse().ok()?))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_udp_candidate_is_found_behind_a_tcp_one() {
        let sdp = "v=0\r\n\
            a=candidate:2 1 tcp 1 192.0.2.1 443 typ host tcptype passive\r\n\
            a=candidate:1 1 UDP 2 192.0.2.2 8443 typ host\r\n";
        let found = first_udp_candidate(sdp);
        assert_eq!(found, "192.0.2.2:8443".parse().ok());
        assert_eq!(first_udp_candidate("v=0\r\n"), None);
    }
}
