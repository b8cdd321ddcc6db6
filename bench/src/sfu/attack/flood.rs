//! Strangers: packets at a steady rate from many addresses, and what comes back to them.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::packets::Kind;
use crate::sfu::batch::send_all;

const SOURCES: usize = 64;
const TICK: Duration = Duration::from_millis(1);

/// What a flood did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// What the server sent to the strangers.
    pub(super) bytes_back: u64,
    pub(super) seconds: f64,
}

/// Sends `rate` packets a second of `kind` to `doors` in turn, until `stop`. `users` are the ICE
/// user names of sessions that run.
pub(super) fn run(
    ip: IpAddr,
    doors: &[SocketAddr],
    users: &[String],
    kind: Kind,
    rate: u32,
    stop: &AtomicBool,
) -> io::Result<Told> {
    let sources = (0..SOURCES).map(|_| {
        let socket = UdpSocket::bind((ip, 0))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    });
    let sources: Vec<UdpSocket> = sources.collect::<io::Result<_>>()?;
    let packets = kind.packets(users);
    let (began, mut told) = (Instant::now(), Told::default());
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = (began.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        let count = due.saturating_sub(told.packets);
        let batch: Vec<(SocketAddr, &[u8])> = (told.packets..told.packets + count)
            .map(|number| {
                let number = number as usize;
                let packet = &packets[number % packets.len()];
                (doors[number % doors.len()], packet.as_slice())
            })
            .collect();
        let source = &sources[turn % SOURCES];
        send_all(source, &batch)?;
        told.packets += count;
        told.bytes += batch.iter().map(|(_, it)| it.len() as u64).sum::<u64>();
        turn += 1;
        let next = &sources[turn % SOURCES];
        told.bytes_back += received(next);
        std::thread::sleep(TICK);
    }
    told.bytes_back += sources.iter().map(received).sum::<u64>();
    told.seconds = began.elapsed().as_secs_f64();
    Ok(told)
}

fn received(socket: &UdpSocket) -> u64 {
    let mut buffer = [0; 2_048];
    let mut bytes = 0;
    while let Ok(length) = socket.recv(&mut buffer) {
        bytes += length as u64;
    }
    bytes
}
