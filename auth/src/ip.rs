//! Address lists: from where an account or key may be used.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::AuthError;

/// Ranges from which something is allowed; an empty list allows every address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(Vec<IpNet>);

impl AllowList {
    /// Reads ranges such as `192.0.2.0/24` or single addresses. [`AuthError::InvalidRange`].
    pub fn parse<'a>(ranges: impl IntoIterator<Item = &'a str>) -> Result<Self, AuthError> {
        let parse = |text: &str| {
            let text = text.trim();
            let range = text
                .parse()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            range.map_err(|_| AuthError::InvalidRange(text.to_owned()))
        };
        ranges
            .into_iter()
            .map(parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether `address` may. An IPv4 address written as IPv6 (`::ffff:192.0.2.1`) counts as IPv4.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.is_empty() || self.0.iter().any(|range| range.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(ranges: &[&str], address: &str) -> bool {
        let list = AllowList::parse(ranges.iter().copied()).expect("valid ranges");
        list.allows(address.parse().expect("an address"))
    }

    #[test]
    fn a_mapped_address_counts_as_what_it_maps() {
        assert!(allows(&["192.0.2.0/24"], "::ffff:192.0.2.7"));
        assert!(!allows(&["192.0.2.0/24"], "::ffff:198.51.100.7"));
    }

    #[test]
    fn an_empty_list_allows_everybody_and_a_list_only_its_own() {
        assert!(allows(&[], "203.0.113.9"));
        assert!(allows(&["203.0.113.9", "2001:db8::/32"], "2001:db8::1"));
        assert!(!allows(&["203.0.113.9"], "203.0.113.10"));
    }

    #[test]
    fn what_is_no_range_is_named() {
        let refused = AllowList::parse(["10.0.0.0/99"]);
        assert_eq!(refused, Err(AuthError::InvalidRange("10.0.0.0/99".into())));
    }
}
