//! A picture that moves, how alike two are, and how many bytes a second take.

#![allow(dead_code, unreachable_pub, reason = "an example uses a part")]

use lens_vpx::{Decoder, Encoder, Picture};

pub const FPS: u32 = 30;
/// Set in the environment of the run in valgrind.
pub const IN_VALGRIND: &str = "LENS_VPX_IN_VALGRIND";

/// Whether this is that run, in which everything takes thirty times as long.
pub fn in_valgrind() -> bool {
    std::env::var_os(IN_VALGRIND).is_some()
}

/// A picture in memory, with `gap` bytes of 238 between rows and none behind the last one: valgrind
/// sees whoever reads on.
pub struct Moving {
    sides: [u32; 2],
    planes: [Box<[u8]>; 3],
    strides: [usize; 2],
}

impl Moving {
    /// Number `n` of a stream: slopes that wander, and a box that is elsewhere each time.
    pub fn new(sides: [u32; 2], n: u32, gap: usize) -> Self {
        let n = n as usize;
        let luma = |x: usize, y: usize| {
            let (left, top) = (n * 3 % 200, n * 2 % 90);
            let inside = (left..left + 40).contains(&x) && (top..top + 40).contains(&y);
            if inside {
                return 220 - (x / 4 % 2 * 60) as u8;
            }
            wave(x * 2 + n * 3) / 2 + wave(y * 3 + n) / 4 + 20
        };
        let strides = [wide(sides, 0) + gap, wide(sides, 1) + gap];
        let plane = |index: usize, sample: &dyn Fn(usize, usize) -> u8| {
            let row = |y: usize| {
                let samples = (0..wide(sides, index)).map(move |x| sample(x, y));
                samples.chain(std::iter::repeat_n(238, gap))
            };
            let samples = (0..high(sides, index)).flat_map(row);
            let length = strides[index.min(1)] * high(sides, index) - gap;
            samples.take(length).collect::<Box<[u8]>>()
        };
        let planes = [
            plane(0, &luma),
            plane(1, &|x, y| wave(x + n) / 4 + 90 + (y / 8 % 4) as u8),
            plane(2, &|x, y| wave(y + n) / 4 + 100 + (x / 8 % 4) as u8),
        ];
        Self {
            sides,
            planes,
            strides,
        }
    }

    /// Adds something to each sample of luma.
    pub fn shake(&mut self, mut grain: impl FnMut() -> u8) {
        let luma = self.planes[0].iter_mut();
        luma.for_each(|sample| *sample = sample.saturating_add(grain()));
    }

    pub fn borrowed(&self) -> Picture<'_> {
        let planes = [&self.planes[0][..], &self.planes[1], &self.planes[2]];
        Picture::new(self.sides, planes, self.strides).expect("it fits")
    }
}

/// Noise: it takes all the bits that it is given.
pub fn noise(sides: [u32; 2], seed: u64) -> Moving {
    let mut noise = Moving::new(sides, 0, 0);
    let mut random = fastrand::Rng::with_seed(seed);
    noise.planes[0].fill_with(|| random.u8(..));
    noise
}

/// Up and down between 0 and 255.
fn wave(at: usize) -> u8 {
    let at = at % 510;
    at.min(510 - at) as u8
}

fn wide(sides: [u32; 2], plane: usize) -> usize {
    (sides[0] as usize).div_ceil(plane.min(1) + 1)
}

fn high(sides: [u32; 2], plane: usize) -> usize {
    (sides[1] as usize).div_ceil(plane.min(1) + 1)
}

/// Peak signal to noise of the worst plane, in dB.
pub fn psnr(one: &Picture<'_>, other: &Picture<'_>) -> f64 {
    let sides = |picture: &Picture<'_>| (picture.width(), picture.height());
    assert_eq!(sides(one), sides(other));
    let of = |plane| {
        let rows = one.rows(plane).zip(other.rows(plane));
        let pairs = rows.flat_map(|(one, other)| one.iter().zip(other));
        let (count, squares) = pairs.fold((0.0, 0.0), |(count, squares), (one, other)| {
            let apart = f64::from(one.abs_diff(*other));
            (count + 1.0, squares + apart * apart)
        });
        10.0 * (255.0 * 255.0 * count / f64::max(squares, 1e-9)).log10()
    };
    (0..3).map(of).fold(f64::INFINITY, f64::min)
}

/// Of a frame, as RFC 6386 §9.1 has it.
pub fn is_keyframe(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 1 == 0)
}

/// When picture `n` was captured.
pub fn at(n: u32) -> u64 {
    u64::from(n) * 1_000_000 / u64::from(FPS)
}

/// Encodes a picture; none when it was skipped.
pub fn encode(encoder: &mut Encoder, picture: &Moving, n: u32, wanted: bool) -> Option<Vec<u8>> {
    let mut frame = Vec::new();
    let encoded = encoder.encode(&picture.borrowed(), at(n), wanted, &mut frame);
    let keyframe = encoded.expect("a picture that fits")?;
    assert_eq!(keyframe, is_keyframe(&frame), "it says so of itself: {n}");
    Some(frame)
}

/// Some frames of a stream, the first a keyframe.
pub fn frames(sides: [u32; 2], bps: u32, count: u32) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(bps, FPS);
    let frames =
        (0..count).filter_map(|n| encode(&mut encoder, &Moving::new(sides, n, 0), n, false));
    frames.collect()
}

/// How alike a frame's picture is to what it was made of, in dB.
pub fn likeness(decoder: &mut Decoder, frame: &[u8], made_of: &Moving) -> f64 {
    let shown = decoder.decode(frame).expect("what was just encoded");
    psnr(&shown.expect("a picture"), &made_of.borrowed())
}
