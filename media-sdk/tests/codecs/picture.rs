//! Pictures that carry their number in blocks of luma. The same picture as the browsers'
//! (`tests/browser/lib/picture.mjs`).

use lens_media_sdk::Rotation;
use lens_media_sdk::codec::I420;

/// In pixels.
pub(crate) const WIDTH: usize = 320;
/// In pixels.
pub(crate) const HEIGHT: usize = 240;
const BITS: usize = 16;
/// Pictures a second.
pub(crate) const FPS: u32 = 30;

/// A picture in memory, with `gap` bytes behind each row.
pub(crate) struct Picture {
    planes: [Vec<u8>; 3],
    strides: [usize; 3],
    number: u32,
}

impl Picture {
    /// Number `number` of a stream.
    pub(crate) fn new(number: u32, gap: usize) -> Self {
        let mut luma = vec![0xEE; (WIDTH + gap) * HEIGHT];
        for (y, row) in luma.chunks_mut(WIDTH + gap).enumerate() {
            for (x, sample) in row.iter_mut().take(WIDTH).enumerate() {
                *sample = level(number, x, y);
            }
        }
        let chroma = |value| {
            let row = [vec![value; WIDTH / 2], vec![0xEE; gap]].concat();
            row.repeat(HEIGHT / 2)
        };
        Self {
            planes: [luma, chroma(118), chroma(138)],
            strides: [WIDTH + gap, WIDTH / 2 + gap, WIDTH / 2 + gap],
            number,
        }
    }

    /// As codecs take it.
    pub(crate) fn borrowed(&self) -> I420<'_> {
        I420 {
            width: WIDTH as u32,
            height: HEIGHT as u32,
            planes: [&self.planes[0], &self.planes[1], &self.planes[2]],
            strides: self.strides,
            rotation: Rotation::Upright,
            pts_us: u64::from(self.number) * 1_000_000 / u64::from(FPS),
        }
    }
}

/// Blocks of 16 × 32 from (32, 32) on: three rows of sixteen. Beside them moves something, so that
/// the encoder has work.
fn level(number: u32, x: usize, y: usize) -> u8 {
    let (column, row) = (x.wrapping_sub(32) / 16, y.wrapping_sub(32) / 32);
    if x < 32 || y < 32 || column >= BITS || row > 2 {
        let moved = x * 7 + y * 13 + number as usize * 5;
        return 60 + ((moved * moved) >> 3 & 0x7F) as u8;
    }
    let bit = number >> (BITS - 1 - column) & 1 == 1;
    let white = match row {
        0 => column % 2 == 0,
        1 => bit,
        _ => !bit,
    };
    if white { 225 } else { 30 }
}

/// The number in a picture; none when it cannot be read.
pub(crate) fn number_in(picture: &I420<'_>) -> Option<u32> {
    let middle = |row: usize, column: usize| {
        let lines = 40 + row * 32..56 + row * 32;
        let columns = 36 + column * 16..44 + column * 16;
        let samples = lines.flat_map(|y| columns.clone().map(move |x| (x, y)));
        let sum: usize = samples
            .map(|(x, y)| usize::from(picture.planes[0][y * picture.strides[0] + x]))
            .sum();
        sum / (16 * 8)
    };
    let mut number = 0;
    for column in 0..BITS {
        let is_white = |row| middle(row, column) > 128;
        if is_white(0) != (column % 2 == 0) || is_white(1) == is_white(2) {
            return None;
        }
        number = number * 2 + u32::from(is_white(1));
    }
    Some(number)
}
