//! One connection's sockets: datagrams of both address families on one port, and TCP beside them.

use std::io::{self, IoSliceMut, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mio::net::{TcpStream, UdpSocket};
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};

use super::framing::{Framer, Unframer};

/// Reads of one system call, and room for each: what the kernel may merge (UDP_GRO).
const SLOTS: usize = 4;
const SLOT: usize = 64 * 1024;
/// Bytes the kernel keeps for us while the thread does something else: a large picture, twice.
const BUFFER: usize = 512 * 1024;

/// Memory for reading, one for an engine.
pub(super) struct Reading {
    bytes: Vec<u8>,
    metas: [RecvMeta; SLOTS],
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            bytes: vec![0; SLOT * SLOTS],
            metas: [RecvMeta::default(); SLOTS],
        }
    }
}

/// A UDP socket on all addresses of this machine.
pub(super) struct Udp {
    io: UdpSocket,
    state: UdpSocketState,
    port: u16,
    is_v6: bool,
}

/// A datagram that was read: from, to (our address), bytes.
pub(super) type Read3 = (SocketAddr, Option<IpAddr>, Vec<u8>);

impl Udp {
    /// A socket on a free port, of both families where the system has both.
    pub(super) fn open() -> io::Result<Self> {
        match Self::bind(Domain::IPV6, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))) {
            Ok(socket) => Ok(socket),
            Err(_) => Self::bind(Domain::IPV4, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
        }
    }

    fn bind(domain: Domain, address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        socket.set_nonblocking(true)?;
        // The system may give less; then it is less.
        let _ = socket.set_recv_buffer_size(BUFFER);
        let _ = socket.set_send_buffer_size(BUFFER);
        socket.bind(&address.into())?;
        let io = UdpSocket::from_std(socket.into());
        Ok(Self {
            state: UdpSocketState::new(UdpSockRef::from(&io))?,
            port: io.local_addr()?.port(),
            is_v6: address.is_ipv6(),
            io,
        })
    }

    pub(super) const fn io(&mut self) -> &mut UdpSocket {
        &mut self.io
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) const fn carries(&self, address: IpAddr) -> bool {
        self.is_v6 || address.is_ipv4()
    }

    /// Reads what has come into `into`; false when there is nothing more: fewer than were asked for came,
    /// and whatever comes now is told of anew.
    pub(super) fn read(&self, reading: &mut Reading, into: &mut Vec<Read3>) -> bool {
        let mut slots = reading.bytes.chunks_exact_mut(SLOT);
        let mut slots: [IoSliceMut<'_>; SLOTS] =
            std::array::from_fn(|_| IoSliceMut::new(slots.next().unwrap_or_default()));
        let io = UdpSockRef::from(&self.io);
        let count = match self.state.recv(io, &mut slots, &mut reading.metas) {
            Ok(count) => count,
            // What became of something sent before is no news of what came.
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        };
        let reads = reading.metas.iter().zip(reading.bytes.chunks_exact(SLOT));
        for (meta, slot) in reads.take(count) {
            let from = SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port());
            let to = meta.dst_ip.map(|ip| ip.to_canonical());
            let whole = &slot[..meta.len.min(SLOT)];
            let datagrams = whole.chunks(meta.stride.max(1));
            into.extend(datagrams.map(|bytes| (from, to, bytes.to_vec())));
        }
        count == SLOTS
    }

    /// Most datagrams that one call of the system takes.
    pub(super) fn most_at_once(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Sends a datagram, or several of length `segment` one behind the other, of which the last may
    /// be shorter. What cannot leave is lost, as the network's are.
    pub(super) fn send(
        &self,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        segment: Option<usize>,
    ) {
        let transmit = quinn_udp::Transmit {
            destination: self.mapped(to),
            ecn: None,
            contents: bytes,
            segment_size: segment,
            src_ip: Some(from.ip()),
        };
        let _ = self.state.try_send(UdpSockRef::from(&self.io), &transmit);
    }

    fn mapped(&self, address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(ip) if self.is_v6 => {
                SocketAddr::new(ip.to_ipv6_mapped().into(), address.port())
            }
            _ => address,
        }
    }
}

/// A TCP connection that we make.
pub(super) struct Tcp {
    io: TcpStream,
    pub(super) remote: SocketAddr,
    /// Our address, once it is there.
    pub(super) local: Option<SocketAddr>,
    incoming: Unframer,
    outgoing: Framer,
}

impl Tcp {
    pub(super) fn dial(remote: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            io: TcpStream::connect(remote)?,
            remote,
            local: None,
            incoming: Unframer::default(),
            outgoing: Framer::default(),
        })
    }

    pub(super) const fn io(&mut self) -> &mut TcpStream {
        &mut self.io
    }

    /// Whether it is there now, for the first time; an error when it never will be.
    pub(super) fn has_opened(&mut self) -> io::Result<bool> {
        if self.local.is_some() {
            return Ok(false);
        }
        if let Some(error) = self.io.take_error()? {
            return Err(error);
        }
        match self.io.peer_addr() {
            Ok(_) => {
                // Small packets, each due at once.
                let _ = self.io.set_nodelay(true);
                self.local = Some(self.io.local_addr()?);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads what has come; false when the other end has closed.
    pub(super) fn read(&mut self, into: &mut Vec<Vec<u8>>) -> bool {
        let mut bytes = [0; 16 * 1024];
        loop {
            match self.io.read(&mut bytes) {
                Ok(0) => return false,
                Ok(count) => self.incoming.push(bytes.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        into.extend(std::iter::from_fn(|| self.incoming.poll()));
        true
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.outgoing.push(bytes);
        self.flush();
    }

    /// Writes what the system takes; an error shows at the next read.
    pub(super) fn flush(&mut self) {
        while !self.outgoing.waiting().is_empty() {
            match self.io.write(self.outgoing.waiting()) {
                Ok(count) if count > 0 => self.outgoing.written(count),
                _ => return,
            }
        }
    }
}

/// Addresses of this machine's interfaces. Link-local ones of IPv6 are left out: they mean nothing
/// without their interface.
pub(super) fn addresses(wanted: &[IpAddr]) -> Vec<IpAddr> {
    if !wanted.is_empty() {
        return wanted.to_vec();
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    addresses.retain(|ip| !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()));
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_read_to_its_end_and_no_further() {
        let udp = Udp::open().expect("a socket");
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, udp.port()));
        let sender = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("another");
        for number in 0..10 {
            sender.send_to(&[number], to).expect("sent");
        }
        let (mut reading, mut read, mut calls) = (Reading::default(), Vec::new(), 1);
        while udp.read(&mut reading, &mut read) {
            calls += 1;
        }
        let numbers: Vec<u8> = read.iter().map(|(_, _, bytes)| bytes[0]).collect();
        assert_eq!(numbers, (0..10).collect::<Vec<u8>>());
        assert_eq!(calls, 3, "four, four and two");
    }
}
