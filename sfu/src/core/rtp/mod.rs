//! RTP, RTCP and SRTP as a forwarder needs them: no media stack, no sockets, no clock.
//!
//! A packet's way: [`header`] is read, [`reception`] says whether it is new, [`srtp`] opens it into
//! the [`ring`] of its stream; for each receiver a header is written, [`sending`] gives the index
//! its one use, [`srtp`] seals it. Beside it go reports ([`rtcp`]), what we tell a sender of its
//! [`arrivals`], and what a receiver has [`told`] us of ours. A frame of a scalable stream says in
//! its [`descriptor`] what it is.

pub(crate) mod arrivals;
pub(crate) mod descriptor;
pub(crate) mod header;
pub(crate) mod index;
pub(crate) mod reception;
pub(crate) mod ring;
pub(crate) mod rtcp;
pub(crate) mod sending;
pub(crate) mod srtp;
pub(crate) mod told;

/// Seconds from 1900, where NTP counts from, to 1970.
pub(crate) const NTP_TO_UNIX: u64 = 2_208_988_800;
