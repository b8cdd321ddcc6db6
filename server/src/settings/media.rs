//! `[media]`: the streaming server of this process.

use std::net::{IpAddr, SocketAddr};

use lens_protocol::id::NodeId;
use lens_runtime::addresses::is_private;
use lens_runtime::config::Complaint;
use lens_sfu::config::{Advertised, Config, RtpPath, TcpDoor};
use serde::{Deserialize, Serialize};

/// Lowest port Chromium takes for media on a private or loopback address.
const LOWEST_PRIVATE_PORT: u16 = 1024;

/// Whether media may come by TCP (RFC 6544), for networks that block UDP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IceTcp {
    /// On the HTTPS port where this process has one, else on the media port.
    #[default]
    On,
    /// Not at all.
    Off,
}

/// Who protects and opens RTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rtp {
    /// Our own path, for all peers.
    #[default]
    Own,
    /// The media stack for everybody: several times the CPU and memory, should our own path ever
    /// be in doubt.
    Stack,
}

/// How a streaming server is reached and what it may carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaSettings {
    /// This node's name: 1 to 64 of `a-z 0-9 - _ .`.
    pub node: String,
    /// Placement label.
    pub region: Option<String>,
    /// UDP addresses. `0.0.0.0` and `[::]` stand for every interface address of their family.
    pub listen: Vec<SocketAddr>,
    /// What peers are told, when it differs from what is opened (port forwarding, 1:1 NAT).
    pub advertise: Vec<AdvertisedSetting>,
    /// Whether media may come by TCP.
    pub tcp: IceTcp,
    /// Threads that carry media, 1 to 64; one carries hundreds of conferences.
    pub workers: usize,
    /// Most participants on this node.
    pub max_participants: u32,
    /// Most conferences on this node, empty ones as well.
    pub max_conferences: u32,
    /// Most connections on this node that are not connected yet.
    pub max_connecting: u32,
    /// Forwarded megabits per second beyond which nobody new enters.
    pub max_mbps: u32,
    /// Who protects and opens RTP.
    pub rtp: Rtp,
}

/// One address told to peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdvertisedSetting {
    /// The address peers reach.
    pub address: IpAddr,
    /// Its UDP port, when it differs from the opened one.
    pub udp_port: Option<u16>,
    /// Its TCP port, when it differs from the opened one.
    pub tcp_port: Option<u16>,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self {
            node: "sfu-1".to_owned(),
            region: None,
            listen: vec![
                SocketAddr::from(([0; 4], 8443)),
                SocketAddr::from(([0; 16], 8443)),
            ],
            advertise: Vec::new(),
            tcp: IceTcp::On,
            workers: 1,
            max_participants: 1_000,
            max_conferences: 1_000,
            max_connecting: 1_000,
            max_mbps: 2_500,
            rtp: Rtp::Own,
        }
    }
}

impl MediaSettings {
    pub(super) fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let mut complain = |key: &str, sentence: &str| {
            complaints.push(Complaint::new(format!("media.{key}"), sentence));
        };
        if self.node.parse::<NodeId>().is_err() {
            complain("node", "use 1 to 64 of a-z, 0-9, '-', '_' and '.'");
        }
        if self.listen.is_empty() {
            complain("listen", "name at least one address");
        }
        if !(1..=lens_sfu::config::MAX_WORKERS).contains(&self.workers) {
            complain("workers", "use 1 to 64");
        }
        let caps = [
            ("max_participants", self.max_participants),
            ("max_conferences", self.max_conferences),
            ("max_connecting", self.max_connecting),
            ("max_mbps", self.max_mbps),
        ];
        for (cap, _) in caps.into_iter().filter(|(_, most)| *most == 0) {
            complain(cap, "use 1 or more");
        }
        let low = |port: u16| (1..LOWEST_PRIVATE_PORT).contains(&port);
        let dead = "Chromium ignores a media port below 1024 on a private or loopback address; use \
                    8443, or advertise a public address";
        if self.advertise.is_empty()
            && self
                .listen
                .iter()
                .any(|a| low(a.port()) && is_private(a.ip()))
        {
            complain("listen", dead);
        }
        let told = |a: &AdvertisedSetting| {
            let ports = [a.udp_port, a.tcp_port].into_iter().flatten();
            is_private(a.address) && ports.into_iter().any(low)
        };
        if self.advertise.iter().any(told) {
            complain("advertise", dead);
        }
        if self
            .advertise
            .iter()
            .any(|a| a.address.is_unspecified() || a.address.is_multicast())
        {
            complain("advertise", "name addresses that peers can reach");
        }
        complaints
    }

    /// The streaming server's own configuration. `shared_tcp` is the HTTPS door's port.
    pub fn config(&self, shared_tcp: Option<u16>) -> Config {
        let node = self
            .node
            .parse()
            .expect("checked when the settings were loaded");
        let advertised = |a: &AdvertisedSetting| Advertised {
            address: a.address,
            udp_port: a.udp_port,
            tcp_port: a.tcp_port,
        };
        Config {
            region: self.region.clone(),
            listen: self.listen.clone(),
            advertise: self.advertise.iter().map(advertised).collect(),
            tcp: match (self.tcp, shared_tcp) {
                (IceTcp::Off, _) => TcpDoor::Off,
                (IceTcp::On, Some(port)) => TcpDoor::Shared(port),
                (IceTcp::On, None) => TcpDoor::Own(None),
            },
            workers: self.workers,
            max_participants: self.max_participants,
            max_conferences: self.max_conferences,
            max_connecting: self.max_connecting,
            max_mbps: self.max_mbps,
            rtp_path: match self.rtp {
                Rtp::Own => RtpPath::Own,
                Rtp::Stack => RtpPath::Stack,
            },
            ..Config::new(node)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_of_zero_is_named() {
        let settings = MediaSettings {
            max_conferences: 0,
            max_connecting: 0,
            max_mbps: 0,
            ..MediaSettings::default()
        };
        let complaints = settings.check();
        let keys: Vec<&str> = complaints.iter().map(|it| it.key.as_str()).collect();
        let caps = [
            "media.max_conferences",
            "media.max_connecting",
            "media.max_mbps",
        ];
        assert_eq!(keys, caps);
    }

    #[test]
    fn ports_that_chromium_ignores_are_refused() {
        let listening = |address: &str| MediaSettings {
            listen: vec![address.parse().expect("an address")],
            ..MediaSettings::default()
        };
        assert_eq!(listening("192.168.1.5:443").check().len(), 1);
        assert!(listening("192.168.1.5:8443").check().is_empty());
        assert!(listening("203.0.113.5:443").check().is_empty());
        assert!(
            listening("127.0.0.1:0").check().is_empty(),
            "a free port is never that low"
        );
    }
}
