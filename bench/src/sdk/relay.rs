//! A relay between a participant and the server, which holds each datagram up for the same time
//! and notes when pictures left for the participant: by the RTP header, which is not encrypted.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A picture of one stream, on its way to the participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) ssrc: u32,
    /// In 90,000ths of a second.
    pub(super) timestamp: u32,
    /// Right before its first datagram left.
    pub(super) first: Instant,
    /// Right before its last datagram left.
    pub(super) last: Instant,
    /// Whether that one bore the marker.
    pub(super) is_whole: bool,
}

/// The relay. It ends when it is dropped.
pub(super) struct Relay {
    address: SocketAddr,
    passed: Arc<Mutex<Vec<Passed>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// How long a read waits before it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);
/// More than any datagram has.
const LARGEST: usize = 2_048;

impl Relay {
    /// Starts one in front of `server`.
    pub(super) fn start(server: SocketAddr, delay: Duration) -> std::io::Result<Self> {
        let here = UdpSocket::bind("127.0.0.1:0")?;
        let there = UdpSocket::bind("127.0.0.1:0")?;
        there.connect(server)?;
        for socket in [&here, &there] {
            socket.set_read_timeout(Some(LOOK))?;
        }
        let mut relay = Self {
            address: here.local_addr()?,
            passed: Arc::default(),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        let peer = Arc::new(Mutex::new(None));
        let (up, down) = (there.try_clone()?, here.try_clone()?);
        let (stop, known) = (Arc::clone(&relay.stop), Arc::clone(&peer));
        relay.spawn(move || {
            read(&here, &stop, |from, bytes| {
                *lock(&known) = Some(from);
                let _ = up.send(bytes);
            });
        });
        let (sender, held) = mpsc::channel::<(Instant, Vec<u8>)>();
        let stop = Arc::clone(&relay.stop);
        relay.spawn(move || {
            read(&there, &stop, |_, bytes| {
                let _ = sender.send((Instant::now() + delay, bytes.to_vec()));
            });
        });
        let passed = Arc::clone(&relay.passed);
        relay.spawn(move || {
            for (due, bytes) in held {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if let Some(to) = *lock(&peer) {
                    note(&mut lock(&passed), &bytes, Instant::now());
                    let _ = down.send_to(&bytes, to);
                }
            }
        });
        Ok(relay)
    }

    /// Where participants find it.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has passed so far.
    pub(super) fn passed(&self) -> Vec<Passed> {
        lock(&self.passed).clone()
    }

    fn spawn(&mut self, body: impl FnOnce() + Send + 'static) {
        self.threads.push(std::thread::spawn(body));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(socket: &UdpSocket, stop: &AtomicBool, mut take: impl FnMut(SocketAddr, &[u8])) {
    let mut bytes = [0; LARGEST];
    while !stop.load(Ordering::Acquire) {
        if let Ok((length, from)) = socket.recv_from(&mut bytes) {
            take(from, bytes.get(..length).unwrap_or_default());
        }
    }
}

/// Notes a datagram if it is of RTP (RFC 3550 §5.1, RFC 7983).
fn note(passed: &mut Vec<Passed>, bytes: &[u8], now: Instant) {
    let Some(header) = bytes.first_chunk::<12>() else {
        return;
    };
    let is_rtcp = (192..=223).contains(&header[1]);
    if header[0] >> 6 != 2 || is_rtcp {
        return;
    }
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let (timestamp, ssrc, marker) = (word(4), word(8), header[1] & 0x80 != 0);
    let known = passed
        .iter_mut()
        .rev()
        .take(8)
        .find(|it| (it.ssrc, it.timestamp) == (ssrc, timestamp));
    match known {
        Some(known) => {
            known.last = now;
            known.is_whole |= marker;
        }
        None => passed.push(Passed {
            ssrc,
            timestamp,
            first: now,
            last: now,
            is_whole: marker,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(marker: u8, timestamp: u8, ssrc: u8) -> Vec<u8> {
        let mut bytes = vec![0x80, 96 | marker, 0, 1, 0, 0, 0, timestamp, 0, 0, 0, ssrc];
        bytes.extend([0; 20]);
        bytes
    }

    #[test]
    fn a_picture_is_noted_with_its_first_and_its_last_datagram() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut passed = Vec::new();
        note(&mut passed, &datagram(0, 1, 7), at(0));
        note(&mut passed, &datagram(0, 9, 8), at(1));
        note(&mut passed, &datagram(0x80, 1, 7), at(2));
        note(&mut passed, &datagram(0, 2, 7), at(3));
        // A report, and a check.
        note(
            &mut passed,
            &[0x80, 200, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7],
            at(4),
        );
        note(&mut passed, &[0; 40], at(5));
        let seen: Vec<_> = passed
            .iter()
            .map(|it| (it.ssrc, it.timestamp, it.last, it.is_whole))
            .collect();
        assert_eq!(
            seen,
            [
                (7, 1, at(2), true),
                (8, 9, at(1), false),
                (7, 2, at(3), false)
            ]
        );
        assert_eq!(passed[0].first, at(0));
    }
}
