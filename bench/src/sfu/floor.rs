//! What the kernel and the cipher alone take to relay a packet: the floor under every server.
//!
//! Full queues, one flow, loopback: a server that wakes for a few packets at a time cannot reach it.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use lens_runtime::udp::{BatchSocket, Receiver, Sender};

use super::batch::send_all;
use crate::statistics::Spread;

const HEADER: usize = 12;
const PACKET: usize = HEADER + 1_100 + 16;
/// Fits a socket's buffer on an untouched system.
const QUEUE: usize = 64;
const ROUNDS: usize = 600;

/// Microseconds for each packet, by the median of many full queues.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    /// Read in batches, written one by one.
    pub(crate) single: f64,
    /// Read in batches, written in batches: `recvmmsg` and `sendmmsg`.
    pub(crate) mmsg: f64,
    /// Read in batches, written in runs: one datagram that the kernel cuts.
    pub(crate) gso: f64,
}

/// What carries packets out.
enum Way {
    Sender(Sender),
    /// Packets of one size, one behind the other.
    Batch(Vec<u8>),
    /// They are read, and that is all.
    Nothing,
}

/// Microseconds to read a packet in a batch and do nothing with it.
pub(super) fn receive() -> Result<f64, String> {
    relay(Way::Nothing).map_err(|error| error.to_string())
}

/// Measures all three.
pub(crate) fn measure() -> Result<Floor, String> {
    let words = |error: io::Error| error.to_string();
    Ok(Floor {
        single: relay(Way::Sender(Sender::without_runs())).map_err(words)?,
        mmsg: relay(Way::Batch(Vec::with_capacity(QUEUE * PACKET))).map_err(words)?,
        gso: relay(Way::Sender(Sender::default())).map_err(words)?,
    })
}

fn relay(mut way: Way) -> io::Result<f64> {
    let bind = || UdpSocket::bind("127.0.0.1:0");
    let (source, sink) = (bind()?, bind()?);
    sink.set_read_timeout(Some(Duration::from_millis(100)))?;
    let relay = BatchSocket::new(bind()?)?;
    let (own, to) = (relay.io().local_addr()?, sink.local_addr()?);
    let key = || {
        let key = UnboundKey::new(&AES_256_GCM, &[7; 32]);
        key.map(LessSafeKey::new).map_err(io::Error::other)
    };
    let key = key()?;
    let mut packet = vec![3; PACKET];
    seal(&key, &mut packet);
    let mut receiver = Receiver::default();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        for _ in 0..QUEUE {
            source.send_to(&packet, own)?;
        }
        let began = Instant::now();
        let count = turn(&relay, to, &key, &mut receiver, &mut way)?;
        rounds.push(began.elapsed().as_secs_f64() * 1e6 / count.max(1) as f64);
        let mut buffer = [0; 2_048];
        if !matches!(way, Way::Nothing) {
            for _ in 0..count {
                sink.recv(&mut buffer)?;
            }
        }
    }
    Ok(Spread::of(rounds).map_or(f64::NAN, |it| it.median()))
}

fn turn(
    relay: &BatchSocket<UdpSocket>,
    to: SocketAddr,
    key: &LessSafeKey,
    receiver: &mut Receiver,
    way: &mut Way,
) -> io::Result<usize> {
    let mut count = 0;
    while receiver.receive(relay).is_ok() {
        for datagram in receiver.datagrams() {
            let room = match way {
                Way::Sender(sender) => sender.reserve(to, datagram.bytes.len()),
                Way::Batch(batch) => {
                    let end = batch.len();
                    batch.resize(end + PACKET, 0);
                    &mut batch[end..]
                }
                Way::Nothing => {
                    count += 1;
                    continue;
                }
            };
            room.copy_from_slice(datagram.bytes);
            let (header, body) = room.split_at_mut(HEADER);
            let opened = key.open_in_place(nonce(), Aad::from(&*header), body);
            if opened.is_ok() {
                seal(key, room);
                count += 1;
            }
        }
        match way {
            Way::Sender(sender) => {
                sender.flush(relay);
            }
            Way::Batch(batch) => {
                let packets: Vec<_> = batch.chunks_exact(PACKET).map(|it| (to, it)).collect();
                send_all(relay.io(), &packets)?;
                drop(packets);
                batch.clear();
            }
            Way::Nothing => {}
        }
    }
    Ok(count)
}

fn seal(key: &LessSafeKey, packet: &mut [u8]) {
    let (header, rest) = packet.split_at_mut(HEADER);
    let body = rest.len() - 16;
    let (body, tag) = rest.split_at_mut(body);
    let sealed = key.seal_in_place_separate_tag(nonce(), Aad::from(&*header), body);
    if let Ok(sealed) = sealed {
        tag.copy_from_slice(sealed.as_ref());
    }
}

/// The same each time: nothing secret is protected here, and only time is measured.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}
