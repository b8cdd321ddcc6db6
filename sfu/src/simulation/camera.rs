//! A camera's encoder: frames of the rate that its estimate and the server allow.

use std::time::{Duration, Instant};

use lens_protocol::media::Simulcast;

use super::frames::{PAYLOAD, Piece};
use super::svc;

/// What is sent at most, as browsers do at 720p, and at least.
const MOST: f64 = 2_500_000.0;
const LEAST: f64 = 50_000.0;
/// Where it begins, and how it rises each second as long as nothing shows a limit.
const FIRST: f64 = 300_000.0;
const RISE: f64 = 2.0;
/// What voice takes of the rate, with its headers.
const VOICE_BPS: f64 = 60_000.0;
/// What headers and repairs take.
const PAYLOAD_SHARE: f64 = 0.93;
/// A keyframe is so many times as large as another frame.
const KEYFRAME: f64 = 4.0;
/// What the smaller layers take, as the SDK asks for; the largest gets the rest.
const SMALLER: [f64; 2] = [500_000.0, 150_000.0];
/// Each layer counts pictures and time from somewhere else.
const APART: (u16, u32) = (9_000, 1 << 30);
const FRAME: Duration = Duration::from_nanos(33_333_333);
const FRAME_TICKS: u32 = 3_000;

/// A packet to be sent.
pub(super) struct Shot {
    pub(super) number: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    /// Which of the camera's slots it belongs to.
    pub(super) place: usize,
    pub(super) payload: Vec<u8>,
    /// The dependency descriptor, of a camera whose stream is scalable.
    pub(super) descriptor: Option<Vec<u8>>,
}

pub(super) struct Camera {
    /// Packets of every frame; `None` for a rate that follows the estimates.
    fixed: Option<u16>,
    pub(super) frame: u32,
    pub(super) keyframes: u32,
    /// The largest picture's first.
    encoders: Vec<Encoder>,
    limit: Option<f64>,
    ceiling: Option<f64>,
    began: Option<Instant>,
    next: Option<Instant>,
    /// Pictures since the keyframe, of a camera whose stream is scalable.
    scalable: Option<u32>,
}

/// What makes one layer.
struct Encoder {
    number: u64,
    wants_keyframe: bool,
    credit: f64,
}

impl Camera {
    /// A camera whose frames count from `frame`.
    pub(super) fn new(frame: u32, fixed: Option<u16>, simulcast: Simulcast) -> Self {
        let layers = match simulcast {
            Simulcast::Never => 1,
            Simulcast::Auto | Simulcast::Always => 1 + SMALLER.len(),
        };
        let encoder = |_| Encoder {
            number: 1_000,
            wants_keyframe: true,
            credit: 0.0,
        };
        Self {
            fixed,
            frame,
            keyframes: 0,
            encoders: (0..layers).map(encoder).collect(),
            limit: None,
            ceiling: None,
            began: None,
            next: None,
            scalable: None,
        }
    }

    /// One stream that holds all sizes.
    pub(super) fn scalable(mut self) -> Self {
        self.scalable = Some(0);
        self
    }

    pub(super) fn is_scalable(&self) -> bool {
        self.scalable.is_some()
    }

    pub(super) fn is_layered(&self) -> bool {
        self.encoders.len() > 1
    }

    /// A keyframe of the layer in this place of its slots.
    pub(super) fn want_keyframe(&mut self, place: usize) {
        self.encoders[place].wants_keyframe = true;
    }

    /// What its own way carries.
    pub(super) fn limit(&mut self, bps: u64) {
        self.limit = Some(bps as f64);
    }

    /// What the server asks it not to exceed.
    pub(super) fn ceiling(&mut self, bps: u64) {
        self.ceiling = Some(bps as f64);
    }

    /// Bits per second that it may send.
    pub(super) fn rate(&self, now: Duration) -> f64 {
        let risen = FIRST * RISE.powf(now.as_secs_f64());
        let limit = self.limit.unwrap_or(risen);
        limit.min(self.ceiling.unwrap_or(MOST)).clamp(LEAST, MOST)
    }

    /// The packets of the next frame, when it is time for one. `taken` is the moment.
    pub(super) fn shoot(&mut self, now: Instant, taken: Duration) -> Vec<Shot> {
        if self.next.is_some_and(|next| next > now) {
            return Vec::new();
        }
        let began = *self.began.get_or_insert(now);
        self.next = Some(self.next.unwrap_or(now) + FRAME);
        self.frame += 1;
        if let Some(since) = self.scalable {
            return self.encode_all(since, now - began, taken);
        }
        let shares = self.shares(now - began);
        let shots = (0..self.encoders.len()).rev().flat_map(|place| {
            let share = shares[place];
            self.encode(place, share, taken)
        });
        shots.collect()
    }

    /// A picture of a scalable stream: its sizes one after the other.
    fn encode_all(&mut self, since: u32, passed: Duration, taken: Duration) -> Vec<Shot> {
        let rate = (self.rate(passed) - VOICE_BPS).max(LEAST) * PAYLOAD_SHARE;
        let encoder = &mut self.encoders[0];
        let keyframe = std::mem::take(&mut encoder.wants_keyframe);
        self.keyframes += u32::from(keyframe);
        let since = if keyframe { 0 } else { since };
        self.scalable = Some(since + 1);
        let mut shots = Vec::new();
        for (layer, share) in (0_u8..).zip(svc::SHARES) {
            let larger = if keyframe { KEYFRAME } else { 1.0 };
            let bytes = (rate * share * FRAME.as_secs_f64() / 8.0 * larger) as usize;
            let count = bytes.div_ceil(PAYLOAD).max(1);
            for part in 0..count {
                let piece = Piece {
                    frame: self.frame,
                    place: part as u16,
                    count: count as u16,
                    keyframe,
                    layer,
                    picture: None,
                    taken,
                };
                let ends = (part == 0, part + 1 == count);
                let mut payload = piece.write(bytes.saturating_sub(part * PAYLOAD).min(PAYLOAD));
                payload[0] = svc::head(keyframe && layer == 0 && part == 0);
                encoder.number += 1;
                shots.push(Shot {
                    number: encoder.number,
                    timestamp: self.frame.wrapping_mul(FRAME_TICKS),
                    marker: ends.1 && usize::from(layer) + 1 == svc::SHARES.len(),
                    place: 0,
                    payload,
                    descriptor: Some(svc::descriptor(self.frame, layer, since, ends)),
                });
            }
        }
        shots
    }

    /// Payload bits per second of each layer; small ones first.
    fn shares(&self, passed: Duration) -> Vec<f64> {
        let mut rest = (self.rate(passed) - VOICE_BPS).max(LEAST) * PAYLOAD_SHARE;
        let mut shares = vec![0.0; self.encoders.len()];
        for (place, share) in shares.iter_mut().enumerate().rev() {
            let wanted = place.checked_sub(1).map_or(rest, |place| SMALLER[place]);
            *share = wanted.min(rest);
            rest -= *share;
        }
        shares
    }

    fn encode(&mut self, place: usize, video: f64, taken: Duration) -> Vec<Shot> {
        // No encoder makes anything of so little.
        if video < LEAST / 2.0 {
            return Vec::new();
        }
        let layers = self.encoders.len();
        let encoder = &mut self.encoders[place];
        let keyframe = std::mem::take(&mut encoder.wants_keyframe);
        self.keyframes += u32::from(keyframe);
        let bytes = match self.fixed {
            Some(packets) => usize::from(packets) * PAYLOAD,
            None => encoder.size(keyframe, video),
        };
        let count = bytes.div_ceil(PAYLOAD).max(1);
        let (pictures, ticks) = APART;
        let picture = (self.frame as u16).wrapping_add(place as u16 * pictures) & 0x7FFF;
        let shots = (0..count).map(|part| {
            let piece = Piece {
                frame: self.frame,
                place: part as u16,
                count: count as u16,
                keyframe,
                layer: (layers - 1 - place) as u8,
                picture: (layers > 1).then_some(picture),
                taken,
            };
            encoder.number += 1;
            let rest = bytes.saturating_sub(part * PAYLOAD);
            let timestamp = self.frame.wrapping_mul(FRAME_TICKS);
            Shot {
                number: encoder.number,
                timestamp: timestamp.wrapping_add(place as u32 * ticks),
                marker: part + 1 == count,
                place,
                payload: piece.write(rest.min(PAYLOAD)),
                descriptor: None,
            }
        });
        shots.collect()
    }
}

impl Encoder {
    /// Frames after a keyframe are smaller until it is paid for.
    fn size(&mut self, keyframe: bool, video: f64) -> usize {
        let share = video * FRAME.as_secs_f64() / 8.0;
        self.credit += share;
        let size = match keyframe {
            true => share * KEYFRAME,
            false => self.credit.clamp(share * 0.6, share),
        };
        self.credit = (self.credit - size).clamp(-share * KEYFRAME, share);
        size as usize
    }
}
