//! How a streaming server is set up: names, addresses, caps, times.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use lens_protocol::id::{NodeId, ParticipantId};

use crate::caps::Cap;
use crate::error::SfuError;

/// Fewest participants a conference can be made for: a camera and a viewer.
pub const MIN_ROOM: u8 = 2;
/// Most workers. The worker's number stands in two hexadecimal digits of each ICE user name.
pub const MAX_WORKERS: usize = 64;

/// Set-up of one streaming server.
#[derive(Clone, Debug)]
pub struct Config {
    /// The node's name.
    pub node: NodeId,
    /// Placement label, reported as it is.
    pub region: Option<String>,
    /// UDP addresses to open. An unspecified address (`0.0.0.0`, `[::]`) opens one socket on each
    /// interface address of its family; port 0 takes a free port and reports it.
    pub listen: Vec<SocketAddr>,
    /// What peers are told, when it differs from what is opened (port forwarding, 1:1 NAT).
    /// Empty: exactly the opened addresses.
    pub advertise: Vec<Advertised>,
    /// Where ICE-TCP connections come from.
    pub tcp: TcpDoor,
    /// Threads that carry media. One carries hundreds of one-to-one conferences; a conference
    /// lives on one worker. 1 to [`MAX_WORKERS`].
    pub workers: usize,
    /// Most participants on this node.
    pub max_participants: u32,
    /// Most conferences on this node, empty ones as well.
    pub max_conferences: u32,
    /// Most connections on this node that are not connected yet: an offer is out, or ICE and DTLS
    /// are under way. Lower spares the node when everybody comes at once, and sends some of them
    /// away for a moment.
    pub max_connecting: u32,
    /// Forwarded megabits per second beyond which nobody new enters. Whoever is there stays.
    pub max_mbps: u32,
    /// Times after which a connection is given up.
    pub timeouts: Timeouts,
    /// Who protects and opens RTP.
    pub rtp_path: RtpPath,
    /// Lets a test break one peer's step. Never set by the product.
    #[doc(hidden)]
    pub fault: Option<FaultHook>,
}

/// Who protects and opens RTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RtpPath {
    /// Our own path, for all peers. Takes a fraction of the stack's CPU and memory.
    #[default]
    Own,
    /// The media stack for everybody.
    Stack,
}

/// One address told to peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertised {
    /// The address. Its family decides which opened sockets it stands for.
    pub address: IpAddr,
    /// The UDP port, when it differs from the opened one.
    pub udp_port: Option<u16>,
    /// The TCP port, when it differs from the opened one.
    pub tcp_port: Option<u16>,
}

/// Where ICE-TCP connections come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpDoor {
    /// No ICE-TCP.
    Off,
    /// The server listens itself, on each media address with this port; `None` means the UDP port.
    Own(Option<u16>),
    /// Another listener on this port tells STUN framing from TLS and hands sockets over by
    /// [`crate::SfuHandle::accept_tcp`].
    Shared(u16),
}

/// Times after which a connection is given up.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the offer to its answer. Shorter values cut off people who hesitate at the browser's
    /// camera question.
    pub answer: Duration,
    /// From the answer to finished DTLS.
    pub connect: Duration,
    /// Without any packet from a connected peer. Firefox sends its ICE checks 4 to 6 s apart, so a
    /// value below 7 s ends idle Firefox viewers.
    pub silence: Duration,
    /// Without an ICE check from a connected peer (RFC 7675 asks for consent at least every 30 s).
    pub consent: Duration,
    /// From accepting a TCP connection to its first valid ICE check.
    pub tcp_first_check: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(60),
            connect: Duration::from_secs(15),
            silence: Duration::from_secs(8),
            consent: Duration::from_secs(15),
            tcp_first_check: Duration::from_secs(5),
        }
    }
}

impl Config {
    /// A node named `node` with everything at its default: all interfaces, UDP and TCP 8443.
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            region: None,
            listen: vec![
                SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8443),
                SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 8443),
            ],
            advertise: Vec::new(),
            tcp: TcpDoor::Own(None),
            workers: 1,
            max_participants: 1_000,
            max_conferences: 1_000,
            max_connecting: 1_000,
            max_mbps: 2_500,
            timeouts: Timeouts::default(),
            rtp_path: RtpPath::default(),
            fault: None,
        }
    }

    /// Judges the values before any port opens.
    pub fn check(&self) -> Result<(), SfuError> {
        let complain = |sentence: &str| Err(SfuError::Config(sentence.to_owned()));
        if self.listen.is_empty() {
            return complain("No media address is configured. Name at least one to listen on.");
        }
        if !(1..=MAX_WORKERS).contains(&self.workers) {
            return complain("The number of media workers is outside 1 to 64.");
        }
        if let Some(name) = self.caps_of_zero().next() {
            return Err(SfuError::Config(format!(
                "{name} of the media node is 0: it could carry nobody."
            )));
        }
        if self.hidden_from_chromium() {
            return complain(
                "A private media address has a port below 1024, which Chromium ignores without a \
                 word. Use a port such as 8443, or advertise a public address.",
            );
        }
        let unusable = |ip: IpAddr| ip.is_unspecified() || ip.is_multicast();
        if self.advertise.iter().any(|a| unusable(a.address)) {
            return complain("An advertised media address must be one that peers can reach.");
        }
        Ok(())
    }
}

impl Config {
    fn caps_of_zero(&self) -> impl Iterator<Item = Cap> {
        let caps = [
            (Cap::Participants, self.max_participants),
            (Cap::Conferences, self.max_conferences),
            (Cap::Connecting, self.max_connecting),
            (Cap::Bitrate, self.max_mbps),
        ];
        let zero = caps.into_iter().filter(|(_, most)| *most == 0);
        zero.map(|(cap, _)| cap)
    }

    /// Whether what peers are told has a private address with a privileged port.
    fn hidden_from_chromium(&self) -> bool {
        let low = |port: u16| (1..1_024).contains(&port);
        let listened = self.listen.iter().filter(|_| self.advertise.is_empty());
        let listened = listened.map(|address| (address.ip(), address.port()));
        let advertised = self.advertise.iter().flat_map(|advertised| {
            let ports = advertised.udp_port.into_iter().chain(advertised.tcp_port);
            ports.map(|port| (advertised.address, port))
        });
        let mut told = listened.chain(advertised);
        told.any(|(address, port)| low(port) && is_private(address))
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Called before each step of a peer with its participant; panics when the test wants a fault.
#[doc(hidden)]
#[derive(Clone)]
pub struct FaultHook(pub Arc<dyn Fn(ParticipantId) + Send + Sync>);

impl fmt::Debug for FaultHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultHook")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &str) -> Config {
        let mut config = Config::new("sfu-1".parse().expect("a name"));
        config.listen = vec![listen.parse().expect("an address")];
        config
    }

    #[test]
    fn what_could_never_work_is_refused_with_a_sentence() {
        assert!(config("0.0.0.0:8443").check().is_ok());
        assert!(config("203.0.113.7:443").check().is_ok());
        assert!(config("192.168.1.5:443").check().is_err());
        let broken: [fn(&mut Config); 8] = [
            |config| config.listen.clear(),
            |config| config.workers = 0,
            |config| config.workers = MAX_WORKERS + 1,
            |config| config.max_participants = 0,
            |config| config.max_conferences = 0,
            |config| config.max_connecting = 0,
            |config| config.max_mbps = 0,
            |config| {
                config.advertise = vec![Advertised {
                    address: "10.0.0.1".parse().expect("an address"),
                    udp_port: Some(443),
                    tcp_port: None,
                }];
            },
        ];
        for (index, break_it) in broken.into_iter().enumerate() {
            let mut config = config("0.0.0.0:8443");
            break_it(&mut config);
            assert!(config.check().is_err(), "number {index}");
        }
    }
}
