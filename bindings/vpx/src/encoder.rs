//! Pictures to frames.

use crate::clock::Clock;
use crate::error::Error;
use crate::ffi::{Rate, RawEncoder};
use crate::picture::Picture;

/// Least that is asked of libvpx, in kbit/s; below, it only skips pictures.
const LEAST_KBPS: u32 = 30;
/// Most: libvpx multiplies with a thousand in 32 bits.
const MOST_KBPS: u32 = 1_000_000;

/// Makes VP8 in one pass, without delay, at a constant bitrate; on one thread, the caller's. Pictures
/// that would exceed the bitrate are skipped.
#[derive(Debug)]
pub struct Encoder {
    raw: Option<Running>,
    rate: Rate,
    /// The rate has changed since libvpx was told.
    changed: bool,
}

/// An encoder for pictures of one size, and their time.
#[derive(Debug)]
struct Running {
    raw: RawEncoder,
    sides: [u32; 2],
    clock: Clock,
}

impl Encoder {
    /// An encoder for so many bits and pictures a second. Libvpx is asked when the first picture comes,
    /// and says its size.
    pub fn new(target_bps: u32, max_fps: u32) -> Self {
        Self {
            raw: None,
            rate: rate(target_bps, max_fps),
            changed: false,
        }
    }

    /// Other bits and pictures a second, from the next picture on, without a keyframe.
    pub fn set_rate(&mut self, target_bps: u32, max_fps: u32) {
        let rate = rate(target_bps, max_fps);
        self.changed |= self.rate != rate;
        self.rate = rate;
    }

    /// Encodes a picture, captured at `pts_us` microseconds, into `output`, which it clears first;
    /// returns whether it became a keyframe, or none when it was skipped. It becomes one when `keyframe`
    /// says so, and when the one before had another size, or failed.
    ///
    /// # Errors
    /// [`Error::Library`], after which the next picture begins anew.
    pub fn encode(
        &mut self,
        picture: &Picture<'_>,
        pts_us: u64,
        keyframe: bool,
        output: &mut Vec<u8>,
    ) -> Result<Option<bool>, Error> {
        output.clear();
        // Put back below, unless it failed.
        let mut running = self.fitting([picture.width(), picture.height()])?;
        let (at_us, lasts_us) = running.clock.tick(pts_us, self.rate.fps);
        let made = running.raw.encode(picture, at_us, lasts_us, keyframe)?;
        let made = made.map(|frame| {
            output.extend_from_slice(frame);
            crate::header::is_key(frame)
        });
        self.raw = Some(running);
        Ok(made)
    }

    /// The encoder for pictures of this size, which knows the rate.
    fn fitting(&mut self, sides: [u32; 2]) -> Result<Running, Error> {
        let former = self.raw.take().filter(|running| running.sides == sides);
        let changed = std::mem::take(&mut self.changed);
        let Some(mut running) = former else {
            // Libvpx could be told of a smaller size, and makes a keyframe then too; of a larger not.
            return Ok(Running {
                raw: RawEncoder::new(sides, self.rate)?,
                sides,
                clock: Clock::default(),
            });
        };
        if changed {
            running.raw.set_rate(self.rate)?;
        }
        Ok(running)
    }
}

fn rate(target_bps: u32, max_fps: u32) -> Rate {
    Rate {
        kbps: (target_bps / 1_000).clamp(LEAST_KBPS, MOST_KBPS),
        fps: max_fps.clamp(1, 1_000),
    }
}
