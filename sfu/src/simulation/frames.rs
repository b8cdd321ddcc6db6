//! Frames as packets, and what a viewer can make of them.

use std::collections::BTreeMap;
use std::time::Duration;

/// Payload bytes of a packet at most.
pub(super) const PAYLOAD: usize = 1_100;
/// Bytes in front of the filling, behind the VP8 descriptor: the frame header, and what follows.
const HEAD: usize = 1 + 4 + 2 + 2 + 8;
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
    /// Which layer it is of; 0 for a camera that has none.
    pub(super) layer: u8,
    /// The picture id of 15 bits, from a camera that has layers.
    pub(super) picture: Option<u16>,
    /// When the frame was taken.
    pub(super) taken: Duration,
}

impl Piece {
    /// As a payload of `length` bytes that says VP8.
    pub(super) fn write(&self, length: usize) -> Vec<u8> {
        let starts = self.place == 0;
        let mut payload = vec![u8::from(starts) << 4];
        if let Some(picture) = self.picture {
            let [high, low] = picture.to_be_bytes();
            payload[0] |= 0x80;
            payload.extend([0x80, 0x80 | high, low]);
        }
        let descriptor = payload.len();
        payload.push(u8::from(!(self.keyframe && starts)));
        payload.extend(self.frame.to_be_bytes());
        payload.extend((self.place | u16::from(self.keyframe) << 15).to_be_bytes());
        payload.extend((self.count | u16::from(self.layer) << 14).to_be_bytes());
        payload.extend((self.taken.as_micros() as u64).to_be_bytes());
        payload.resize(length.max(descriptor + HEAD), 7);
        payload
    }

    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let (picture, rest) = match payload {
            [first, _, high, low, rest @ ..] if first & 0x80 != 0 => {
                (Some(u16::from_be_bytes([high & 0x7F, *low])), rest)
            }
            [_, rest @ ..] => (None, rest),
            [] => return None,
        };
        let (head, _) = rest.split_at_checked(HEAD)?;
        let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
        Some(Self {
            frame: u32::from_be_bytes(head[1..5].try_into().ok()?),
            place: word(5) & 0x7FFF,
            count: word(7) & 0x3FFF,
            keyframe: word(5) & 0x8000 != 0,
            layer: (word(7) >> 14) as u8,
            picture,
            taken: Duration::from_micros(u64::from_be_bytes(head[9..17].try_into().ok()?)),
        })
    }
}

/// A viewer's decoder: it shows a frame once all its packets are there, and all since the keyframe.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    parts: BTreeMap<u32, Parts>,
    shown: Option<u32>,
    /// Frame, when it was taken, when it was shown, its layer.
    pub(super) pictures: Vec<(u32, Duration, Duration, u8)>,
    /// The newest picture id, with its turns.
    newest: Option<u32>,
    last: Option<Duration>,
    /// Whether something waits that is decoded elsewhere.
    waits: bool,
    asked: Option<Duration>,
}

#[derive(Debug)]
struct Parts {
    missing: Vec<u16>,
    frame: u32,
    keyframe: bool,
    layer: u8,
    taken: Duration,
}

impl Decoder {
    pub(super) fn take(&mut self, payload: &[u8], now: Duration) {
        let Some(piece) = Piece::read(payload) else {
            return;
        };
        let number = self.number(&piece);
        if self.shown.is_some_and(|shown| number <= shown) {
            return;
        }
        let parts = self.parts.entry(number).or_insert_with(|| Parts {
            missing: (0..piece.count).collect(),
            frame: piece.frame,
            keyframe: piece.keyframe,
            layer: piece.layer,
            taken: piece.taken,
        });
        parts.missing.retain(|place| *place != piece.place);
        self.last = Some(now);
        while self.show(now) {}
    }

    /// Something came that is decoded elsewhere, and whether some of it cannot be.
    pub(super) fn came(&mut self, now: Duration, waits: bool) {
        (self.last, self.waits) = (Some(now), waits);
    }

    /// What frames are ordered by: picture ids, where there are some, as decoders do.
    fn number(&mut self, piece: &Piece) -> u32 {
        let Some(picture) = piece.picture else {
            return piece.frame;
        };
        let newest = self.newest.unwrap_or(0x8000 + u32::from(picture));
        let ahead = u32::from(picture).wrapping_sub(newest) & 0x7FFF;
        let number = match ahead < 0x4000 {
            true => newest + ahead,
            false => newest + ahead - 0x8000,
        };
        self.newest = Some(newest.max(number));
        number
    }

    fn show(&mut self, now: Duration) -> bool {
        let next = self.shown.map(|shown| shown + 1);
        let whole = |frame: &u32, parts: &Parts| {
            parts.missing.is_empty() && (Some(*frame) == next || parts.keyframe)
        };
        let found = self.parts.iter().find(|(frame, parts)| whole(frame, parts));
        let found = found.map(|(number, parts)| (*number, parts.frame, parts.taken, parts.layer));
        let Some((number, frame, taken, layer)) = found else {
            return false;
        };
        self.parts = self.parts.split_off(&(number + 1));
        self.shown = Some(number);
        self.pictures.push((frame, taken, now, layer));
        true
    }

    /// Whether a keyframe is to be asked for: frames come, and none can be shown.
    pub(super) fn is_stuck(&mut self, now: Duration) -> bool {
        let shown = self.pictures.last().map_or(Duration::ZERO, |it| it.2);
        let comes = self.last.is_some_and(|last| last + STUCK > now);
        let waits = self.waits || !self.parts.is_empty();
        let pause = self.asked.is_none_or(|asked| asked + STUCK < now);
        let stuck = comes && pause && waits && shown + STUCK < now;
        if stuck {
            self.asked = Some(now);
        }
        stuck
    }

    /// Which share of the pictures shown since a moment were of this layer.
    pub(super) fn share(&self, since: Duration, layer: u8) -> f64 {
        let since: Vec<_> = self.pictures.iter().filter(|it| it.2 >= since).collect();
        let of_it = since.iter().filter(|it| it.3 == layer).count();
        of_it as f64 / since.len().max(1) as f64
    }

    /// When the first picture of this layer was shown after a moment.
    pub(super) fn first(&self, after: Duration, layer: u8) -> Option<Duration> {
        let mut shown = self
            .pictures
            .iter()
            .filter(|it| it.2 >= after && it.3 == layer);
        shown.next().map(|it| it.2)
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
