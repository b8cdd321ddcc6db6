//! Whose request this is, by network address, for rate limits only.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ipnet::IpNet;

/// Request extension: the other end of the TCP connection. The door sets it on every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// Request extension: networks whose `X-Forwarded-For` is believed. None by default.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Arc<[IpNet]>);

impl TrustedProxies {
    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }
}

/// The caller's address: the connection's other end, or, when that is a trusted proxy, the
/// nearest address in `X-Forwarded-For` that is not one itself.
///
/// Unspecified (`0.0.0.0`) when the router is called without a connection, as tests do. Never log
/// it. IPv4 inside IPv6 is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The key for rate limits: an IPv4 address, or the /64 of an IPv6 one, because one customer
    /// commonly owns a whole /64.
    pub fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => {
                let bits = address.to_bits() & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from_bits(bits))
            }
        }
    }

    fn of(parts: &Parts) -> Self {
        let Some(PeerAddress(peer)) = parts.extensions.get() else {
            return Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        };
        let peer = peer.ip().to_canonical();
        let Some(proxies) = parts.extensions.get::<TrustedProxies>() else {
            return Self(peer);
        };
        if !proxies.contains(peer) {
            return Self(peer);
        }
        let forwarded = parts.headers.get_all("x-forwarded-for").iter();
        let hops: Vec<&str> = forwarded
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let mut nearest = peer;
        for hop in hops.iter().rev() {
            let Ok(address) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            nearest = address.to_canonical();
            if !proxies.contains(nearest) {
                break;
            }
        }
        Self(nearest)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn seen(peer: &str, forwarded: &str) -> String {
        let (mut parts, ()) = Request::get("/")
            .header("x-forwarded-for", forwarded)
            .body(())
            .expect("valid request")
            .into_parts();
        parts
            .extensions
            .insert(PeerAddress(peer.parse().expect("an address")));
        let proxies = ["10.0.0.0/8".parse().expect("a network")];
        parts.extensions.insert(TrustedProxies(Arc::from(proxies)));
        ClientAddress::of(&parts).0.to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(seen("203.0.113.9:1", "198.51.100.1"), "203.0.113.9");
    }

    #[test]
    fn a_proxy_is_believed_up_to_the_first_address_that_is_no_proxy() {
        assert_eq!(
            seen("10.0.0.1:1", "192.0.2.66, 198.51.100.1, 10.0.0.2"),
            "198.51.100.1"
        );
        assert_eq!(seen("[::ffff:10.0.0.1]:1", "198.51.100.1"), "198.51.100.1");
        assert_eq!(seen("10.0.0.1:1", "garbage"), "10.0.0.1");
    }

    #[test]
    fn neighbours_in_one_ipv6_network_share_a_limit() {
        let near = ClientAddress("2001:db8::1".parse().expect("an address"));
        let far = ClientAddress("2001:db8::ffff:2".parse().expect("an address"));
        assert_eq!(near.network(), far.network());
    }
}
