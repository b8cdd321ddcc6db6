//! The addresses of this machine, as a phone on the same network would reach it.

use std::net::{IpAddr, Ipv6Addr};

/// Interfaces of containers and virtual machines: their addresses lead nowhere for a phone.
const VIRTUAL: [&str; 5] = ["docker", "br-", "veth", "virbr", "cni"];

/// Addresses other machines may reach: no loopback, no link-local; IPv4 first.
///
/// Addresses of container bridges come only when there is no other.
pub fn reachable() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let (bridges, real): (Vec<_>, Vec<_>) = interfaces
        .into_iter()
        .map(|interface| (interface.name.clone(), interface.ip()))
        .filter(|(_, address)| !address.is_loopback() && !is_link_local(*address))
        .partition(|(name, _)| VIRTUAL.iter().any(|start| name.starts_with(start)));
    let chosen = if real.is_empty() { bridges } else { real };
    let mut addresses: Vec<IpAddr> = chosen.into_iter().map(|(_, address)| address).collect();
    addresses.sort_by_key(|address| (address.is_ipv6(), *address));
    addresses.dedup();
    addresses
}

/// The machine's name, when it has one that can stand in a certificate.
pub fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())?;
    let name = name.trim().to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let usable = !name.is_empty() && name.len() <= 253 && name.chars().all(plain);
    (usable && name != "localhost").then_some(name)
}

/// Whether `address` is meant for a private network: loopback, RFC 1918, unique local, link-local
/// or the shared space of RFC 6598.
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || is_v6_link_local(v6),
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => is_v6_link_local(v6),
    }
}

fn is_v6_link_local(address: Ipv6Addr) -> bool {
    address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_public_addresses_are_told_apart() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.9",
            "100.64.0.1",
            "::1",
            "fd00::1",
        ] {
            assert!(
                is_private(private.parse().expect("an address")),
                "{private}"
            );
        }
        for public in ["0.0.0.0", "8.8.8.8", "100.128.0.1", "::", "2001:db8::1"] {
            assert!(!is_private(public.parse().expect("an address")), "{public}");
        }
    }

    #[test]
    fn loopback_is_never_offered_to_others() {
        assert!(reachable().iter().all(|address| !address.is_loopback()));
    }
}
