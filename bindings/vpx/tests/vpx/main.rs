//! Pictures through libvpx and back, and what it makes of bytes that no encoder made. Without the
//! feature `system` there is nothing to test.

#![cfg(feature = "system")]

mod hostile;
mod independent;
mod pictures;
mod rate;
mod shim;
mod support;
