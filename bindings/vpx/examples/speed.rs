//! What a picture costs: milliseconds of one core for encoding and for decoding it.
//! `cargo run --release -p lens-vpx --features system --example speed`

#![allow(clippy::print_stdout, reason = "a program that prints figures")]

#[path = "../tests/vpx/support.rs"]
mod support;

use std::time::{Duration, Instant};

use lens_vpx::{Decoder, Encoder};
use support::{FPS, Moving, at, psnr};

fn main() {
    for (sides, bps) in [
        ([320, 240], 300_000),
        ([640, 480], 800_000),
        ([1_280, 720], 1_500_000),
        ([1_920, 1_080], 3_000_000),
    ] {
        let pictures: Vec<Moving> = (0..150).map(|n| Moving::new(sides, n, 0)).collect();
        let (mut encoder, mut decoder) = (Encoder::new(bps, FPS), Decoder::new());
        let (mut encoding, mut decoding) = (Duration::ZERO, Duration::ZERO);
        let (mut frame, mut bytes, mut shown, mut likeness) = (Vec::new(), 0, 0, 0.0);
        for (n, picture) in (0..).zip(&pictures) {
            let (given, started) = (picture.borrowed(), Instant::now());
            let made = encoder.encode(&given, at(n), false, &mut frame);
            encoding += started.elapsed();
            if made.expect("a picture that fits").is_none() {
                continue;
            }
            bytes += frame.len();
            let started = Instant::now();
            let decoded = decoder.decode(&frame).expect("what was just encoded");
            decoding += started.elapsed();
            likeness += psnr(&decoded.expect("a picture"), &given);
            shown += 1;
        }
        let each = |time: Duration, count: u32| time.as_secs_f64() * 1e3 / f64::from(count);
        println!(
            "{:4} × {:4}: encode {:5.2} ms, decode {:5.2} ms, {:4.0} kbit/s, {:.1} dB, {shown} of 150 shown",
            sides[0],
            sides[1],
            each(encoding, 150),
            each(decoding, shown),
            bytes as f64 * 8.0 * f64::from(FPS) / 150.0 / 1e3,
            likeness / f64::from(shown),
        );
    }
}
