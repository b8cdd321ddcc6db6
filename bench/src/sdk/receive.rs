//! What the receive path adds between a picture's arrival at the socket and the observer's
//! `on_frame`, without the time that it waits on purpose.
//!
//! ```text
//! camera (a process) ──▶ server ──▶ relay, 10 ms, stamps ──▶ viewer (here) ──▶ on_frame, stamps
//! ```
//!
//! Counted from the later of two moments: the picture's last datagram arrives, and its time of
//! playing out, which is the fastest one's of late and the playout delay. Twice: with a playout delay
//! of nothing the first is the later one; with 20 ms the second is, so that timers are in it as well.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use lens_media_sdk::{
    EncodedFrame, Engine, EngineConfig, INetwork, InboundSignal, MediaKind, Observer, OutboundBody,
    OutboundSignal, Participant, ParticipantConfig, Role, State, Track,
};
use serde_json::Value;

use super::child::Host;
use super::relay::{Passed, Relay};
use crate::report::Report;
use crate::sfu::Lens;
use crate::statistics::Spread;

const TARGET_MS: f64 = 5.0;
/// How long the relay holds everything up, each way down.
const DELAY: Duration = Duration::from_millis(10);
/// From connected until what is given out counts.
const SETTLE: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(30);
/// Pictures by which the library judges which is the fastest (`media-sdk/src/core/playout.rs`).
const WINDOW: usize = 128;
/// A step in a media clock is less than this off, in microseconds.
const SAME_US: i64 = 100;

/// Measures `runs` windows of each kind.
pub(super) fn measure(
    bin: &Path,
    runs: u32,
    window: Duration,
    report: &mut Report,
) -> Result<(), String> {
    for playout_ms in [0, 20] {
        let mut delays = Vec::new();
        for _ in 0..runs {
            delays.extend(run(bin, window, Duration::from_millis(playout_ms))?);
        }
        let spread = Spread::of(delays);
        let high = spread.as_ref().map_or(f64::NAN, |it| it.percentile(99));
        let name = format!("receive path, playout {playout_ms} ms");
        report.row(&name, "ms", spread);
        report.target(&format!("{name}, p99"), "ms", high, TARGET_MS);
    }
    Ok(())
}

/// What was given out, and when.
type Given = Arc<Mutex<Vec<(u64, Instant)>>>;

/// One window: milliseconds that each picture took.
fn run(bin: &Path, window: Duration, playout: Duration) -> Result<Vec<f64>, String> {
    let mut server = Lens::start(bin, "")?;
    let conference = server.conference(2)?;
    let mut host = Host::start(false)?;
    let camera = host.join(&mut server, &conference, "camera")?;
    host.film(camera)?;
    let mut offer = server.offer(&conference, "viewer")?;
    let sdp = offer["sdp"].as_str().unwrap_or_default().to_owned();
    let media = media_address(&sdp).ok_or("the offer has no address on loopback")?;
    let relay = Relay::start(media, DELAY).map_err(|error| error.to_string())?;
    offer["sdp"] = redirected(&sdp, media, relay.address()).into();
    let given = Given::default();
    let viewer = Viewer::enter(&mut server, &offer, playout, Arc::clone(&given))?;
    std::thread::sleep(SETTLE + window);
    let from = Instant::now() - window;
    drop(viewer);
    let given = std::mem::take(&mut *given.lock().unwrap_or_else(PoisonError::into_inner));
    let pairs = pair(&relay.passed(), &given);
    let delays: Vec<f64> = late(&pairs, playout)
        .into_iter()
        .zip(&pairs)
        .filter(|(_, (passed, _))| passed.first >= from)
        .map(|(late_us, _)| late_us as f64 / 1_000.0)
        .collect();
    match delays.len() {
        0 => Err("no picture was matched".to_owned()),
        _ => Ok(delays),
    }
}

struct Viewer {
    participant: Participant,
    _engine: Engine,
}

impl Viewer {
    fn enter(
        server: &mut Lens,
        offer: &Value,
        playout: Duration,
        given: Given,
    ) -> Result<Self, String> {
        let mut config = EngineConfig::default();
        config.addresses = vec![[127, 0, 0, 1].into()];
        config.tcp = false;
        let engine = Engine::start(config).map_err(|error| error.to_string())?;
        let mut config = ParticipantConfig::new(Role::Viewer);
        (config.playout_min, config.playout_max) = (playout, playout);
        let (sender, told) = mpsc::channel();
        let network = Arc::new(Carrier(Mutex::new(sender.clone())));
        let observer = Watching {
            told: sender,
            given,
        };
        let participant = engine
            .create_participant(config, network, observer)
            .map_err(|error| error.to_string())?;
        let signal = InboundSignal::from_json(&offer.to_string());
        participant
            .receive(signal.map_err(|error| error.to_string())?)
            .map_err(|error| error.to_string())?;
        let viewer = Self {
            participant,
            _engine: engine,
        };
        loop {
            let told = told.recv_timeout(PATIENCE);
            match told.map_err(|_| "the viewer is not connected".to_owned())? {
                Told::Answer(id, sdp) => {
                    server.answer(offer, &sdp)?;
                    viewer.participant.signal_sent(id);
                }
                Told::State(State::Connected) => return Ok(viewer),
                Told::State(_) => {}
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.participant.close();
    }
}

enum Told {
    Answer(u64, String),
    State(State),
}

struct Carrier(Mutex<mpsc::Sender<Told>>);

impl INetwork for Carrier {
    fn send(&self, signal: OutboundSignal) {
        if let OutboundBody::Answer { sdp, .. } = signal.body {
            let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = sender.send(Told::Answer(signal.id, sdp));
        }
    }
}

struct Watching {
    told: mpsc::Sender<Told>,
    given: Given,
}

impl Observer for Watching {
    fn on_state(&mut self, state: State) {
        let _ = self.told.send(Told::State(state));
    }

    fn on_frame(&mut self, track: &Track, frame: &EncodedFrame<'_>) {
        let now = Instant::now();
        if track.kind == MediaKind::Video {
            let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
            given.push((frame.pts_us, now));
        }
    }
}

/// Finds each given picture among those that passed. The two clocks have one pace, and pictures
/// come unevenly: the offset that most of them have in common is that of the clocks.
fn pair(passed: &[Passed], given: &[(u64, Instant)]) -> Vec<(Passed, Instant)> {
    let whole: Vec<Passed> = passed.iter().copied().filter(|it| it.is_whole).collect();
    let signed = |pts: u64| i64::try_from(pts).unwrap_or(i64::MAX);
    let find = |wanted: i64| {
        let mut same = whole
            .iter()
            .filter(|it| (media_us(it) - wanted).abs() <= SAME_US);
        same.next().copied()
    };
    let Some((middle, _)) = given.get(given.len() / 2) else {
        return Vec::new();
    };
    let matched = |offset: i64| -> Vec<(Passed, Instant)> {
        let one = |(pts, at): &(u64, Instant)| Some((find(signed(*pts) - offset)?, *at));
        given.iter().filter_map(one).collect()
    };
    let offsets = whole.iter().map(|it| signed(*middle) - media_us(it));
    let all = offsets.map(matched);
    all.max_by_key(Vec::len).unwrap_or_default()
}

/// How many microseconds after its due time each picture was given out.
fn late(pairs: &[(Passed, Instant)], playout: Duration) -> Vec<i64> {
    let Some((first, _)) = pairs.first() else {
        return Vec::new();
    };
    let start = first.first;
    let us = |at: Instant| match at.checked_duration_since(start) {
        Some(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        None => -i64::try_from((start - at).as_micros()).unwrap_or(i64::MAX),
    };
    let playout = i64::try_from(playout.as_micros()).unwrap_or(i64::MAX);
    let transit = |(passed, _): &(Passed, Instant)| us(passed.first) - media_us(passed);
    let one = |index: usize, (passed, at): &(Passed, Instant)| {
        let known = &pairs[(index + 1).saturating_sub(WINDOW)..=index];
        let fastest = known.iter().map(transit).min().unwrap_or_default();
        let due = media_us(passed) + fastest + playout;
        us(*at) - due.max(us(passed.last))
    };
    let numbered = pairs.iter().enumerate();
    numbered.map(|(index, pair)| one(index, pair)).collect()
}

fn media_us(passed: &Passed) -> i64 {
    i64::from(passed.timestamp) * 100 / 9
}

/// The address of the offer's first candidate for datagrams, on loopback.
fn media_address(sdp: &str) -> Option<SocketAddr> {
    sdp.lines().find_map(|line| {
        let mut words = line.strip_prefix("a=candidate:")?.split(' ').skip(2);
        let carrier = words.next()?;
        let mut rest = words.skip(1);
        let ip: std::net::IpAddr = rest.next()?.parse().ok()?;
        let port: u16 = rest.next()?.parse().ok()?;
        let fits = carrier.eq_ignore_ascii_case("udp") && ip.is_loopback();
        fits.then(|| SocketAddr::new(ip, port))
    })
}

/// The offer with another port in its place.
fn redirected(sdp: &str, from: SocketAddr, to: SocketAddr) -> String {
    let (from, to) = (
        format!(" {} {} typ", from.ip(), from.port()),
        format!(" {} {} typ", to.ip(), to.port()),
    );
    sdp.replace(&from, &to)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Picture `n` at an uneven time, and when it passed.
    fn picture(start: Instant, n: u64, late_ms: u64) -> (Passed, u64) {
        // Without a period: shifted by one, it would be another place as good.
        let media_ms = n * 33 + (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61);
        let passed = Passed {
            ssrc: 1,
            timestamp: 4_000 + u32::try_from(media_ms).unwrap_or_default() * 90,
            first: start + MS(media_ms + late_ms),
            last: start + MS(media_ms + late_ms + 1),
            is_whole: true,
        };
        (passed, media_ms)
    }

    #[test]
    fn pictures_are_found_again_by_their_uneven_times() {
        let start = Instant::now();
        let all: Vec<(Passed, u64)> = (0..40).map(|n| picture(start, n, 0)).collect();
        let passed: Vec<Passed> = all.iter().map(|(passed, _)| *passed).collect();
        // The viewer came late and left early, and its clock began elsewhere.
        let seen = &all[7..30];
        let given: Vec<(u64, Instant)> = seen
            .iter()
            .map(|(_, ms)| (77_000 + ms * 1_000, start + MS(ms + 3)))
            .collect();
        let found = pair(&passed, &given);
        let expected: Vec<Passed> = seen.iter().map(|(passed, _)| *passed).collect();
        let found: Vec<Passed> = found.iter().map(|(passed, _)| *passed).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn waiting_on_purpose_does_not_count() {
        let start = Instant::now();
        let pairs: Vec<(Passed, Instant)> = [(0, 0), (1, 0), (2, 9), (3, 30)]
            .map(|(n, late_ms)| {
                let (passed, ms) = picture(start, n, late_ms);
                // Due 20 ms after the fastest would have come, or when it is there.
                let due = (ms + 20).max(ms + late_ms + 1);
                (passed, start + MS(due + 2))
            })
            .into();
        assert_eq!(late(&pairs, MS(20)), [2_000; 4]);
    }

    #[test]
    fn the_offer_is_sent_on_by_way_of_the_relay() {
        let sdp = "v=0\r\na=candidate:1 1 tcp 9 127.0.0.1 9000 typ host tcptype passive\r\n\
                   a=candidate:1 1 udp 9 127.0.0.1 9000 typ host\r\n";
        let media = media_address(sdp).expect("an address");
        assert_eq!(media, SocketAddr::from(([127, 0, 0, 1], 9_000)));
        let changed = redirected(sdp, media, SocketAddr::from(([127, 0, 0, 1], 7)));
        assert!(changed.contains("udp 9 127.0.0.1 7 typ host"), "{changed}");
    }
}
