//! Where a datagram came from and goes to, and when.

use std::net::SocketAddr;
use std::time::Instant;

use lens_protocol::Timestamp;

/// One moment on both clocks, read once per turn by the driver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// For intervals.
    pub(crate) instant: Instant,
    /// For people.
    pub(crate) wall: Timestamp,
}

/// How bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Carrier {
    /// One datagram each.
    Udp,
    /// ICE-TCP, RFC 4571 frames.
    Tcp,
}

/// A way to a peer: one of our doors and the peer's address behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Path {
    /// Index of our door.
    pub(crate) door: u8,
    /// How bytes travel.
    pub(crate) carrier: Carrier,
    /// The peer's transport address.
    pub(crate) remote: SocketAddr,
}
