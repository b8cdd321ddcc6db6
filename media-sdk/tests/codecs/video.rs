//! Pictures that carry their number in blocks of luma, through encoder and decoder. The same picture
//! as the browsers' (`tests/browser/lib/picture.mjs`).

use lens_media_sdk::codec::{H264Decoder, H264Encoder, I420, Nv12, VideoDecoder, VideoEncoder};
use lens_media_sdk::{Codec, MediaError, Rotation, SdkCode};

const WIDTH: usize = 320;
const HEIGHT: usize = 240;
const BITS: usize = 16;
const FPS: u32 = 30;

/// A picture in memory, with `gap` bytes behind each row.
struct Picture {
    planes: [Vec<u8>; 3],
    strides: [usize; 3],
    number: u32,
}

impl Picture {
    fn new(number: u32, gap: usize) -> Self {
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

    fn borrowed(&self) -> I420<'_> {
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
fn number_in(picture: &I420<'_>) -> Option<u32> {
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

/// Encodes a picture; what came of it.
fn encode(encoder: &mut impl VideoEncoder, picture: &I420<'_>, wanted: bool) -> Option<Frame> {
    let mut data = Vec::new();
    let encoded = encoder.encode(picture, wanted, &mut data);
    let keyframe = encoded.expect("a valid picture")?;
    Some(Frame { data, keyframe })
}

struct Frame {
    data: Vec<u8>,
    keyframe: bool,
}

/// The numbers of what is decoded.
fn decode(decoder: &mut impl VideoDecoder, data: &[u8]) -> Vec<Option<u32>> {
    let mut numbers = Vec::new();
    let mut show = |shown: &I420<'_>| {
        assert_eq!((shown.width, shown.height), (WIDTH as u32, HEIGHT as u32));
        // The middle of each chroma plane.
        for (plane, level) in [(1, 118_u8), (2, 138)] {
            let at = HEIGHT / 4 * shown.strides[plane] + WIDTH / 4;
            let found = shown.planes[plane][at];
            assert!(found.abs_diff(level) < 8, "plane {plane}: {found}");
        }
        numbers.push(number_in(shown));
    };
    decoder
        .decode(data, &mut show)
        .expect("what was just encoded");
    numbers
}

fn new_encoder(bps: u32) -> H264Encoder {
    H264Encoder::new(bps, FPS).expect("an encoder")
}

fn new_decoder() -> H264Decoder {
    H264Decoder::new().expect("a decoder")
}

#[test]
fn each_picture_comes_out_as_it_went_in_whatever_its_strides_and_layout() {
    for (gap, as_nv12) in [(0, false), (48, false), (0, true), (48, true)] {
        let (mut encoder, mut decoder) = (new_encoder(2_000_000), new_decoder());
        assert_eq!(
            (encoder.codec(), decoder.codec()),
            (Codec::H264, Codec::H264)
        );
        let mut seen = 0;
        for number in 4_090..4_120 {
            let picture = Picture::new(number, gap);
            let (mut nv12, mut i420) = (Vec::new(), Vec::new());
            let mut given = picture.borrowed();
            if as_nv12 {
                let camera: Nv12<'_> = given.to_nv12(&mut nv12).expect("valid");
                given = camera.to_i420(&mut i420).expect("valid");
            }
            let Some(frame) = encode(&mut encoder, &given, false) else {
                continue;
            };
            assert_eq!(frame.keyframe, seen == 0, "picture {number}");
            assert_eq!(frame.data[..4], [0, 0, 0, 1], "a byte stream (Annex B)");
            let numbers = decode(&mut decoder, &frame.data);
            assert_eq!(numbers, [Some(number)], "gap {gap}, NV12 {as_nv12}");
            seen += 1;
        }
        assert!(seen >= 25, "{seen} of 30 with gap {gap}");
    }
}

#[test]
fn a_keyframe_comes_when_one_is_wanted_and_a_decoder_can_begin_with_it() {
    let mut encoder = new_encoder(1_000_000);
    for number in 0..40 {
        let picture = Picture::new(number, 0);
        let frame = encode(&mut encoder, &picture.borrowed(), number == 30);
        if number == 30 {
            let frame = frame.expect("it is not skipped");
            assert!(frame.keyframe);
            assert_eq!(decode(&mut new_decoder(), &frame.data), [Some(30)]);
        } else if let Some(frame) = frame {
            assert_eq!(frame.keyframe, number == 0, "picture {number}");
        }
    }
}

/// Bytes of three seconds, after one for the encoder to settle.
fn bytes(encoder: &mut H264Encoder, from: u32) -> usize {
    let mut bytes = 0;
    for number in from..from + 4 * FPS {
        let picture = Picture::new(number, 0);
        let frame = encode(encoder, &picture.borrowed(), false);
        let Some(frame) = frame else { continue };
        assert!(!frame.keyframe || number == 0, "a change costs no keyframe");
        if number >= from + FPS {
            bytes += frame.data.len();
        }
    }
    bytes
}

#[test]
fn half_the_bitrate_makes_half_the_bytes_and_the_way_back_is_open() {
    let mut encoder = new_encoder(600_000);
    let full = bytes(&mut encoder, 0);
    encoder.set_rate(300_000, FPS);
    let half = bytes(&mut encoder, 4 * FPS);
    encoder.set_rate(600_000, FPS);
    let again = bytes(&mut encoder, 8 * FPS);
    let target = 600_000 / 8 * 3;
    assert!(
        (target * 7 / 10..target * 13 / 10).contains(&full),
        "{full}"
    );
    assert!(
        (full * 35 / 100..full * 65 / 100).contains(&half),
        "{half} of {full}"
    );
    assert!(
        (full * 7 / 10..full * 13 / 10).contains(&again),
        "{again} of {full}"
    );
}

#[test]
fn what_does_not_fit_is_refused_by_name_and_changes_nothing() {
    let mut encoder = new_encoder(1_000_000);
    let picture = Picture::new(7, 0);
    let good = picture.borrowed();
    let mut data = Vec::new();
    for (wrong, name) in [
        (I420 { width: 319, ..good }, "the picture's width"),
        (
            I420 {
                height: 239,
                ..good
            },
            "the picture's height",
        ),
        (
            I420 {
                strides: [WIDTH, WIDTH / 4, WIDTH / 2],
                ..good
            },
            "the stride of plane U",
        ),
    ] {
        match encoder.encode(&wrong, false, &mut data) {
            Err(MediaError::OutOfRange { what, .. }) => assert_eq!(what, name),
            other => panic!("{other:?}"),
        }
    }
    let frame = encode(&mut encoder, &good, false).expect("the first is not skipped");
    assert_eq!(decode(&mut new_decoder(), &frame.data), [Some(7)]);
}

#[test]
fn what_is_no_frame_is_an_error_and_the_next_keyframe_is_shown() {
    let mut decoder = new_decoder();
    let garbage: Vec<u8> = (0..2_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    let code = |result: Result<(), MediaError>| result.err().map(|error| error.code());
    let broken = [&[0, 0, 0, 1, 0x65][..], &garbage].concat();
    let shown = code(decoder.decode(&broken, &mut |_| panic!("nothing to show")));
    assert_eq!(shown, Some(SdkCode::CodecFailed.into()));
    let mut encoder = new_encoder(1_000_000);
    let frame = encode(&mut encoder, &Picture::new(9, 0).borrowed(), false);
    let frame = frame.expect("the first is not skipped");
    assert_eq!(decode(&mut decoder, &frame.data), [Some(9)]);
}

#[test]
fn another_size_begins_with_a_keyframe() {
    let mut encoder = new_encoder(1_000_000);
    let picture = Picture::new(3, 0);
    let large = picture.borrowed();
    let small = I420 {
        width: 160,
        height: 120,
        ..large
    };
    for (given, keyframe) in [(large, true), (large, false), (small, true), (small, false)] {
        let frame = encode(&mut encoder, &given, false);
        assert!(frame.is_none_or(|frame| frame.keyframe == keyframe));
    }
}
