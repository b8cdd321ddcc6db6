//! What a process says once every door is open: a greeting for people, or one JSON line.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use lens_protocol::media::MediaAddress;
use serde::Serialize;

/// Facts about a process that is ready. `--ready-json` prints them as one line.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Ready {
    /// Always true.
    pub ready: bool,
    /// Of the binary.
    pub version: &'static str,
    /// Of the process.
    pub pid: u32,
    /// `all`, `front`, `session-manager` or `sfu`.
    pub role: &'static str,
    /// Where technicians sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console_url: Option<String>,
    /// Where customers type their PIN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_url: Option<String>,
    /// The same, for phones on the same network.
    pub lan_urls: Vec<String>,
    /// One-time link that makes the first administrator; a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_url: Option<String>,
    /// Where media is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaDoors>,
    /// Metrics, health, calls between roles.
    pub operator_url: String,
    /// Where everything is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<String>,
    /// SHA-256 of the certificate, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_sha256: Option<String>,
    /// Whether browsers will warn about the certificate.
    pub self_signed: bool,
}

/// Media addresses as peers are told them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct MediaDoors {
    /// UDP.
    pub udp: Vec<SocketAddr>,
    /// ICE-TCP.
    pub tcp: Vec<SocketAddr>,
}

impl MediaDoors {
    /// From a node's advertised list.
    pub(crate) fn of(addresses: &[MediaAddress]) -> Self {
        Self {
            udp: addresses.iter().map(|address| address.udp).collect(),
            tcp: addresses.iter().filter_map(|address| address.tcp).collect(),
        }
    }
}

/// URLs of the door at `bound` by the machine's addresses, for phones nearby.
pub(crate) fn lan_urls(bound: SocketAddr, addresses: &[IpAddr]) -> Vec<String> {
    let ip = bound.ip().to_canonical();
    let listed: Vec<IpAddr> = if ip.is_unspecified() {
        addresses
            .iter()
            .copied()
            .filter(|a| bound.is_ipv6() || a.is_ipv4())
            .collect()
    } else if ip.is_loopback() {
        Vec::new()
    } else {
        vec![ip]
    };
    let url = |ip: IpAddr| {
        let url = format!("https://{}", SocketAddr::new(ip, bound.port()));
        url.strip_suffix(":443").map_or(url.clone(), str::to_owned)
    };
    listed.into_iter().map(url).collect()
}

impl Ready {
    /// The JSON line, without line break.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }

    /// The greeting.
    pub(crate) fn greeting(&self) -> String {
        let mut text = format!("\nLens {} is ready (role {}).\n\n", self.version, self.role);
        let mut line = |label: &str, value: &str| {
            let _ = writeln!(text, "  {label:<12} {value}");
        };
        if let Some(url) = &self.console_url {
            line("Console", url);
        }
        if let Some(url) = &self.customer_url {
            line("Customers", url);
        }
        for (n, url) in self.lan_urls.iter().enumerate() {
            line(if n == 0 { "On a phone" } else { "" }, url);
        }
        if let Some(media) = &self.media {
            let listed: Vec<String> = media.udp.iter().map(SocketAddr::to_string).collect();
            let tcp = if media.tcp.is_empty() {
                ""
            } else {
                ", and TCP"
            };
            line("Media", &format!("UDP {}{tcp}", listed.join(" ")));
        }
        line("Operator", &format!("{}/metrics", self.operator_url));
        if let Some(dir) = &self.data_dir {
            line("Data", dir);
        }
        text.push('\n');
        text.push_str(&self.what_next());
        text
    }

    fn what_next(&self) -> String {
        let mut text = String::new();
        if self.console_url.is_none() {
            return text;
        }
        match &self.setup_url {
            Some(url) => {
                text.push_str("Next: open this link once to make the first administrator.\n");
                let _ = write!(text, "\n  {url}\n\n");
            }
            None => text.push_str("Next: sign in to the console and start a session.\n"),
        }
        if self.self_signed {
            text.push_str(
                "The certificate is self-signed: browsers warn once, and then let you go on.\n",
            );
            if let Some(sha256) = &self.certificate_sha256 {
                let _ = writeln!(text, "SHA-256 {sha256}");
            }
        }
        text.push_str("Stop with Ctrl-C. `lens --help` shows what else there is.\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(bound: &str) -> Vec<String> {
        let addresses = ["192.0.2.7", "2001:db8::7"].map(|a| a.parse().expect("an address"));
        lan_urls(bound.parse().expect("an address"), &addresses)
    }

    #[test]
    fn a_phone_is_given_addresses_it_can_reach() {
        assert_eq!(
            urls("[::]:8443"),
            ["https://192.0.2.7:8443", "https://[2001:db8::7]:8443"]
        );
        assert_eq!(urls("0.0.0.0:443"), ["https://192.0.2.7"]);
        assert_eq!(urls("192.0.2.9:8443"), ["https://192.0.2.9:8443"]);
        assert!(urls("127.0.0.1:8443").is_empty());
    }

    #[test]
    fn the_greeting_shows_the_set_up_link_while_there_is_one() {
        let mut ready = Ready {
            console_url: Some("https://localhost:8443/console".to_owned()),
            setup_url: Some("https://localhost:8443/setup#token".to_owned()),
            ..Ready::default()
        };
        assert!(
            ready
                .greeting()
                .contains("  https://localhost:8443/setup#token\n")
        );
        ready.setup_url = None;
        assert!(!ready.greeting().contains("setup"));
        assert!(!ready.json().contains("setup_url"));
    }
}
