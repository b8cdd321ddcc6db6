//! The streaming server without its sockets, threads and clocks.
//!
//! Start at [`shard`]: what one media worker knows and does. It is fed datagrams, commands and
//! moments, and hands out datagrams and notices. A [`room`] holds participants, a participant's
//! connection is a [`link`], a link's transport is a [`peer`].
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

pub(crate) mod arena;
pub(crate) mod budget;
pub(crate) mod codec;
pub(crate) mod demux;
pub(crate) mod description;
pub(crate) mod estimate;
pub(crate) mod forward;
pub(crate) mod framing;
pub(crate) mod gaps;
pub(crate) mod gauge;
pub(crate) mod keyframe;
pub(crate) mod layers;
pub(crate) mod link;
pub(crate) mod occupancy;
pub(crate) mod offer;
pub(crate) mod pacer;
pub(crate) mod path;
pub(crate) mod peer;
pub(crate) mod room;
pub(crate) mod rtp;
pub(crate) mod scalable;
pub(crate) mod shard;
pub(crate) mod sizes;
pub(crate) mod slots;
pub(crate) mod stun;
pub(crate) mod timeline;
pub(crate) mod vp8;
