//! Many datagrams in one call, without runs: each is a packet of its own to whoever receives it.

use std::io::{self, IoSlice};
use std::net::{SocketAddr, UdpSocket};

use rustix::net::addr::SocketAddrArg;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, sendmmsg};

/// Sends each packet to its address, in as few calls as the kernel allows.
pub(super) fn send_all(socket: &UdpSocket, packets: &[(SocketAddr, &[u8])]) -> io::Result<()> {
    let addresses: Vec<_> = packets.iter().map(|(to, _)| to.as_any()).collect();
    let slices: Vec<_> = packets
        .iter()
        .map(|(_, packet)| [IoSlice::new(packet)])
        .collect();
    let mut control: Vec<_> = packets
        .iter()
        .map(|_| SendAncillaryBuffer::default())
        .collect();
    let mut messages: Vec<MMsgHdr<'_>> = addresses
        .iter()
        .zip(&slices)
        .zip(&mut control)
        .map(|((to, slice), control)| MMsgHdr::new_with_addr(to, slice, control))
        .collect();
    let mut left = messages.as_mut_slice();
    while !left.is_empty() {
        let sent = sendmmsg(socket, left, SendFlags::empty())?;
        left = &mut left[sent..];
    }
    Ok(())
}
