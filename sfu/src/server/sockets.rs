//! Which addresses are opened, and what peers are told of them.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use lens_protocol::media::MediaAddress;
use socket2::{Domain, Protocol, Socket, Type};

use crate::config::{Advertised, Config, TcpDoor};
use crate::error::SfuError;

/// Kernel buffers of a media socket: 2 MiB hold 10 ms at 1.6 Gbit/s. The kernel may grant less.
const SOCKET_BUFFER: usize = 2 * 1024 * 1024;
/// Connections waiting to be accepted.
const BACKLOG: i32 = 256;
/// Most doors: a host with dozens of virtual interfaces would bloat every offer.
const MOST_DOORS: usize = 16;

/// An opened media address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Door {
    /// Where it is bound.
    pub(crate) local: SocketAddr,
    /// What peers are told.
    pub(crate) face: MediaAddress,
}

/// Everything that was opened.
pub(crate) struct Opened {
    pub(crate) doors: Vec<Door>,
    /// One list for each worker, in the doors' order.
    pub(crate) udp: Vec<Vec<UdpSocket>>,
    /// One for each door, when the server listens itself.
    pub(crate) tcp: Vec<Option<TcpListener>>,
}

impl Opened {
    /// What peers are told, each address once.
    pub(crate) fn addresses(&self) -> Vec<MediaAddress> {
        let mut seen = BTreeSet::new();
        let faces = self.doors.iter().map(|door| door.face);
        faces
            .filter(|face| seen.insert((face.udp, face.tcp)))
            .collect()
    }
}

/// Opens all media addresses of `config`.
pub(crate) fn open(config: &Config) -> Result<Opened, SfuError> {
    let mut opened = Opened {
        doors: Vec::new(),
        udp: (0..config.workers).map(|_| Vec::new()).collect(),
        tcp: Vec::new(),
    };
    let wanted = wanted(config)?;
    let locals: Vec<IpAddr> = wanted.iter().map(|wanted| wanted.address.ip()).collect();
    for wanted in &wanted {
        let Some(face) = face(config, wanted.address.ip(), &locals) else {
            continue;
        };
        match open_door_anew(config, wanted.address, face, &mut opened) {
            // An interface address that cannot be bound yet (IPv6 still probing) is left out.
            Err(error) if wanted.found && error.kind() == io::ErrorKind::AddrNotAvailable => {}
            Err(source) => {
                let address = wanted.address;
                return Err(SfuError::Bind { address, source });
            }
            Ok(()) => {}
        }
    }
    if opened.doors.is_empty() {
        let sentence = "No media address could be opened. Check listen and advertise: \
                        each advertised address needs an opened one of its family.";
        return Err(SfuError::Config(sentence.to_owned()));
    }
    Ok(opened)
}

#[derive(Clone, Copy)]
struct Wanted {
    address: SocketAddr,
    /// Found on an interface rather than configured.
    found: bool,
}

/// The addresses to open: configured ones as they are, unspecified ones spread over the
/// interfaces, loopback last.
fn wanted(config: &Config) -> Result<Vec<Wanted>, SfuError> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for listen in &config.listen {
        let found = listen.ip().is_unspecified();
        let addresses = match found {
            true => interfaces(listen.is_ipv4())?,
            false => vec![listen.ip()],
        };
        for ip in addresses {
            let address = SocketAddr::new(ip, listen.port());
            if !wanted.iter().any(|known| known.address == address) {
                wanted.push(Wanted { address, found });
            }
        }
    }
    wanted.truncate(MOST_DOORS);
    Ok(wanted)
}

fn interfaces(ipv4: bool) -> Result<Vec<IpAddr>, SfuError> {
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()?
        .into_iter()
        .filter(|interface| interface.is_oper_up())
        .map(|interface| interface.ip())
        .filter(|ip| ip.is_ipv4() == ipv4 && !link_local(ip))
        .collect();
    addresses.sort_by_key(|ip| (ip.is_loopback(), *ip));
    addresses.dedup();
    Ok(addresses)
}

fn link_local(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// What peers are told of an opened address; `None` when nothing is advertised in its family.
///
/// With 1:1 NAT or port forwarding the opened address is a private one that stands for the
/// advertised one of its family.
fn face(config: &Config, local: IpAddr, locals: &[IpAddr]) -> Option<Advertised> {
    if config.advertise.is_empty() {
        return Some(Advertised {
            address: local,
            udp_port: None,
            tcp_port: None,
        });
    }
    let family = || {
        let advertised = config.advertise.iter();
        advertised.filter(|a| a.address.is_ipv4() == local.is_ipv4())
    };
    let itself = family().find(|advertised| advertised.address == local);
    let outside = || family().find(|advertised| !locals.contains(&advertised.address));
    itself.or_else(outside).copied()
}

fn open_door(
    config: &Config,
    wanted: SocketAddr,
    face: Advertised,
    opened: &mut Opened,
) -> io::Result<()> {
    let shared = config.workers > 1;
    let first = udp(wanted, shared)?;
    let local = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..config.workers {
        sockets.push(udp(local, shared)?);
    }
    let (listener, tcp_port) = match config.tcp {
        TcpDoor::Off => (None, None),
        TcpDoor::Shared(port) => (None, Some(port)),
        TcpDoor::Own(port) => {
            let port = port.unwrap_or(local.port());
            let listener = tcp(SocketAddr::new(local.ip(), port))?;
            let port = listener.local_addr()?.port();
            (Some(listener), Some(port))
        }
    };
    let tcp_port = tcp_port.map(|port| face.tcp_port.unwrap_or(port));
    opened.doors.push(Door {
        local,
        face: MediaAddress {
            udp: SocketAddr::new(face.address, face.udp_port.unwrap_or(local.port())),
            tcp: tcp_port.map(|port| SocketAddr::new(face.address, port)),
        },
    });
    for (worker, socket) in opened.udp.iter_mut().zip(sockets) {
        worker.push(socket);
    }
    opened.tcp.push(listener);
    Ok(())
}

/// With port 0 the system picks a UDP port whose TCP twin somebody else may have: then another.
fn open_door_anew(
    config: &Config,
    address: SocketAddr,
    face: Advertised,
    opened: &mut Opened,
) -> io::Result<()> {
    const TRIES: usize = 16;
    for _ in 1..TRIES {
        match open_door(config, address, face, opened) {
            Err(error) if address.port() == 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            outcome => return outcome,
        }
    }
    open_door(config, address, face, opened)
}

fn udp(address: SocketAddr, shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    #[cfg(unix)]
    socket.set_reuse_port(shared)?;
    #[cfg(not(unix))]
    let _ = shared;
    // The kernel may cap these; media works with less.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let mut config = Config::new("sfu-1".parse().expect("a name"));
        config.listen = vec!["127.0.0.1:0".parse().expect("an address")];
        config
    }

    #[test]
    fn port_0_reports_the_port_that_was_taken_for_both_carriers() {
        let opened = open(&config()).expect("loopback opens");
        let [address] = opened.addresses()[..] else {
            panic!("one address, got {:?}", opened.addresses());
        };
        assert_ne!(address.udp.port(), 0);
        assert_eq!(address.tcp, Some(address.udp));
    }

    #[test]
    fn workers_share_a_port() {
        let config = Config {
            workers: 3,
            ..config()
        };
        let opened = open(&config).expect("loopback opens");
        let ports: BTreeSet<u16> = opened
            .udp
            .iter()
            .flatten()
            .map(|socket| socket.local_addr().expect("bound").port())
            .collect();
        assert_eq!(ports.len(), 1);
    }

    #[test]
    fn an_unspecified_address_opens_every_interface() {
        let mut config = config();
        config.listen = vec!["0.0.0.0:0".parse().expect("an address")];
        let opened = open(&config).expect("interfaces open");
        assert!(
            opened
                .doors
                .iter()
                .all(|door| !door.local.ip().is_unspecified())
        );
        assert!(
            opened
                .doors
                .iter()
                .any(|door| door.local.ip().is_loopback())
        );
    }

    #[test]
    fn behind_a_nat_peers_are_told_the_outer_address() {
        let mut config = config();
        config.tcp = TcpDoor::Shared(8443);
        config.advertise = vec![Advertised {
            address: "203.0.113.7".parse().expect("an address"),
            udp_port: Some(443),
            tcp_port: Some(443),
        }];
        let opened = open(&config).expect("loopback opens");
        let outer: SocketAddr = "203.0.113.7:443".parse().expect("an address");
        let expected = MediaAddress {
            udp: outer,
            tcp: Some(outer),
        };
        assert_eq!(opened.addresses(), [expected]);
    }

    #[test]
    fn a_taken_port_and_an_unreachable_family_are_named() {
        let taken = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let mut config = config();
        config.listen = vec![taken.local_addr().expect("bound")];
        assert!(matches!(open(&config), Err(SfuError::Bind { .. })));
        config.advertise = vec![Advertised {
            address: "2001:db8::1".parse().expect("an address"),
            udp_port: None,
            tcp_port: None,
        }];
        assert!(matches!(open(&config), Err(SfuError::Config(_))));
    }
}
