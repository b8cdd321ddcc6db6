//! What the generator itself costs: cameras wired to viewers, with no server between them.

use std::net::IpAddr;
use std::sync::mpsc;
use std::time::Duration;

use super::load::{Client, Load};
use super::{CONNECT, ONE_IN};

/// Highest cost of a datagram, microseconds: above it a full core of the generator is met too soon.
pub(super) const MOST_US: f64 = 3.0;
const PAIRS: u32 = 50;

/// Microseconds of processor time for each datagram sent or received, by [`PAIRS`] rooms.
pub(super) fn measure(voice: bool) -> Result<f64, String> {
    let mut load = Load::new(ONE_IN, voice).map_err(|error| error.to_string())?;
    let (sender, coming) = mpsc::channel();
    for room in 0..PAIRS {
        for client in Client::pair(IpAddr::from([127, 0, 0, 1]), room)? {
            // The receiver is held below.
            let _ = sender.send(client);
        }
    }
    drop(sender);
    load.gather(&coming, 2 * PAIRS as usize, CONNECT)?;
    load.settle(Duration::from_secs(1))?;
    Ok(load.window(Duration::from_secs(3))?.us_per_datagram)
}
