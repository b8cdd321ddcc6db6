//! A camera's encoder: frames of the rate that its estimate and the server allow.

use std::time::{Duration, Instant};

use super::frames::{PAYLOAD, Piece};

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
const FRAME: Duration = Duration::from_nanos(33_333_333);
const FRAME_TICKS: u32 = 3_000;

/// A packet to be sent.
pub(super) struct Shot {
    pub(super) number: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) payload: Vec<u8>,
}

pub(super) struct Camera {
    /// Packets of every frame; `None` for a rate that follows the estimates.
    fixed: Option<u16>,
    pub(super) frame: u32,
    pub(super) keyframes: u32,
    number: u64,
    limit: Option<f64>,
    ceiling: Option<f64>,
    wants_keyframe: bool,
    credit: f64,
    began: Option<Instant>,
    next: Option<Instant>,
}

impl Camera {
    /// A camera whose frames count from `frame`.
    pub(super) fn new(frame: u32, fixed: Option<u16>) -> Self {
        Self {
            fixed,
            frame,
            keyframes: 0,
            number: 1_000,
            limit: None,
            ceiling: None,
            wants_keyframe: true,
            credit: 0.0,
            began: None,
            next: None,
        }
    }

    pub(super) fn want_keyframe(&mut self) {
        self.wants_keyframe = true;
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
        let keyframe = std::mem::take(&mut self.wants_keyframe);
        self.keyframes += u32::from(keyframe);
        let bytes = match self.fixed {
            Some(packets) => usize::from(packets) * PAYLOAD,
            None => self.size(keyframe, now - began),
        };
        let count = bytes.div_ceil(PAYLOAD).max(1);
        let shots = (0..count).map(|place| {
            let piece = Piece {
                frame: self.frame,
                place: place as u16,
                count: count as u16,
                keyframe,
                taken,
            };
            self.number += 1;
            let rest = bytes.saturating_sub(place * PAYLOAD);
            Shot {
                number: self.number,
                timestamp: self.frame.wrapping_mul(FRAME_TICKS),
                marker: place + 1 == count,
                payload: piece.write(rest.min(PAYLOAD)),
            }
        });
        shots.collect()
    }

    /// Frames after a keyframe are smaller until it is paid for.
    fn size(&mut self, keyframe: bool, passed: Duration) -> usize {
        let video = (self.rate(passed) - VOICE_BPS).max(LEAST) * PAYLOAD_SHARE;
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
