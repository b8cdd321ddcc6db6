//! Frames as packets, and what a viewer can make of them.

use std::collections::BTreeMap;
use std::time::Duration;

/// Payload bytes of a packet at most.
pub(super) const PAYLOAD: usize = 1_100;
/// Bytes in front of the filling: the VP8 descriptor, the frame header, and what follows.
const HEAD: usize = 2 + 4 + 2 + 2 + 8;
/// A frame is of use when it can be shown this long after it was taken.
const IN_TIME: Duration = Duration::from_millis(250);
/// A picture that has stood this long is frozen.
const FROZEN: Duration = Duration::from_millis(200);
/// A decoder that could show nothing for so long asks for a keyframe.
const STUCK: Duration = Duration::from_millis(400);

/// One packet of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) frame: u32,
    pub(super) place: u16,
    pub(super) count: u16,
    pub(super) keyframe: bool,
    /// When the frame was taken.
    pub(super) taken: Duration,
}

impl Piece {
    /// As a payload of `length` bytes that says VP8.
    pub(super) fn write(&self, length: usize) -> Vec<u8> {
        let starts = self.place == 0;
        let mut payload = vec![u8::from(starts) << 4, u8::from(!(self.keyframe && starts))];
        payload.extend(self.frame.to_be_bytes());
        payload.extend((self.place | u16::from(self.keyframe) << 15).to_be_bytes());
        payload.extend(self.count.to_be_bytes());
        payload.extend((self.taken.as_micros() as u64).to_be_bytes());
        payload.resize(length.max(HEAD), 7);
        payload
    }

    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let (head, _) = payload.split_at_checked(HEAD)?;
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        Some(Self {
            frame: u32::from_be_bytes(head[2..6].try_into().ok()?),
            place: word(6) & 0x7FFF,
            count: word(8),
            keyframe: word(6) & 0x8000 != 0,
            taken: Duration::from_micros(u64::from_be_bytes(head[10..18].try_into().ok()?)),
        })
    }
}

/// A viewer's decoder: it shows a frame once all its packets are there, and all since the keyframe.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    parts: BTreeMap<u32, Parts>,
    shown: Option<u32>,
    /// Frame, when it was taken, when it was shown.
    pub(super) pictures: Vec<(u32, Duration, Duration)>,
    last: Option<Duration>,
    asked: Option<Duration>,
}

#[derive(Debug)]
struct Parts {
    missing: Vec<u16>,
    keyframe: bool,
    taken: Duration,
}

impl Decoder {
    pub(super) fn take(&mut self, payload: &[u8], now: Duration) {
        let Some(piece) = Piece::read(payload) else {
            return;
        };
        if self.shown.is_some_and(|shown| piece.frame <= shown) {
            return;
        }
        let parts = self.parts.entry(piece.frame).or_insert_with(|| Parts {
            missing: (0..piece.count).collect(),
            keyframe: piece.keyframe,
            taken: piece.taken,
        });
        parts.missing.retain(|place| *place != piece.place);
        self.last = Some(now);
        while self.show(now) {}
    }

    fn show(&mut self, now: Duration) -> bool {
        let next = self.shown.map(|shown| shown + 1);
        let whole = |frame: &u32, parts: &Parts| {
            parts.missing.is_empty() && (Some(*frame) == next || parts.keyframe)
        };
        let found = self.parts.iter().find(|(frame, parts)| whole(frame, parts));
        let Some((frame, taken)) = found.map(|(frame, parts)| (*frame, parts.taken)) else {
            return false;
        };
        self.parts = self.parts.split_off(&(frame + 1));
        self.shown = Some(frame);
        self.pictures.push((frame, taken, now));
        true
    }

    /// Whether a keyframe is to be asked for: frames come, and none can be shown.
    pub(super) fn is_stuck(&mut self, now: Duration) -> bool {
        let shown = self.pictures.last().map_or(Duration::ZERO, |it| it.2);
        let comes = self.last.is_some_and(|last| last + STUCK > now);
        let pause = self.asked.is_none_or(|asked| asked + STUCK < now);
        let stuck = comes && pause && !self.parts.is_empty() && shown + STUCK < now;
        if stuck {
            self.asked = Some(now);
        }
        stuck
    }

    /// Pictures taken from one moment to another, by how they were shown.
    pub(super) fn judge(&self, from: Duration, to: Duration, taken: usize) -> Seen {
        let within = self.pictures.iter().filter(|it| it.1 >= from && it.1 < to);
        let mut delays: Vec<Duration> = within.map(|it| it.2 - it.1).collect();
        delays.sort_unstable();
        let in_time = delays.iter().filter(|it| **it <= IN_TIME).count();
        let mut shown: Vec<Duration> = self.pictures.iter().map(|it| it.2).collect();
        shown.retain(|at| *at >= from && *at < to);
        shown.insert(0, from);
        shown.push(to);
        let pauses = shown.windows(2).map(|pair| pair[1] - pair[0]);
        let frozen: Duration = pauses.filter(|pause| *pause > FROZEN).sum();
        Seen {
            in_time: in_time as f64 / taken.max(1) as f64,
            pictures: delays.len(),
            delay_p95: delays
                .get(delays.len().saturating_sub(1) * 95 / 100)
                .copied()
                .unwrap_or_default(),
            frozen: frozen.as_secs_f64() / (to - from).as_secs_f64(),
        }
    }
}

/// What a viewer saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    /// Share of the frames that were taken which could be shown in time.
    pub(super) in_time: f64,
    pub(super) pictures: usize,
    pub(super) delay_p95: Duration,
    /// Share of the time in which the picture stood.
    pub(super) frozen: f64,
}
