//! A tone through encoder and decoder.

use std::f64::consts::TAU;

use lens_media_sdk::MediaError;
use lens_media_sdk::codec::{AudioDecoder, AudioEncoder, OpusDecoder, OpusEncoder};

const RATE: f64 = 48_000.0;
const FRAME: usize = 960;
const TONE: f64 = 440.0;

/// 20 ms of a tone, number `n`.
fn tone(n: usize, channels: usize) -> Vec<i16> {
    let sample = |at: usize| (8_000.0 * (TAU * TONE * at as f64 / RATE).sin()) as i16;
    let samples = (n * FRAME..(n + 1) * FRAME).map(sample);
    samples
        .flat_map(|sample| std::iter::repeat_n(sample, channels))
        .collect()
}

/// How much of a sound's power lies at a frequency (Goertzel), from 0 to 1.
fn share_at(samples: &[i16], hertz: f64) -> f64 {
    let whole: f64 = samples.iter().map(|it| f64::from(*it).powi(2)).sum();
    let (mut re, mut im) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        let angle = TAU * hertz * at as f64 / RATE;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    (re * re + im * im) * 2.0 / (whole.max(1.0) * samples.len() as f64)
}

#[test]
fn a_tone_survives() {
    for channels in [1, 2] {
        let mut encoder = OpusEncoder::new(channels, 32_000).expect("an encoder");
        let mut decoder = OpusDecoder::new(channels).expect("a decoder");
        let (mut packet, mut samples, mut heard) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..50 {
            let given = tone(n, channels);
            encoder.encode(&given, &mut packet).expect("20 ms");
            assert!((10..200).contains(&packet.len()), "{}", packet.len());
            decoder.decode(&packet, &mut samples).expect("a packet");
            assert_eq!(samples.len(), FRAME * channels);
            heard.extend(samples.iter().step_by(channels));
        }
        // Without the first 100 ms, in which the codec finds its way.
        let settled = &heard[5 * FRAME..];
        let (tone, beside) = (share_at(settled, TONE), share_at(settled, 1_000.0));
        assert!(tone > 0.9 && beside < 0.01, "{tone} {beside}");
    }
}

#[test]
fn a_lost_packet_is_concealed_by_twenty_milliseconds() {
    let mut encoder = OpusEncoder::new(1, 32_000).expect("an encoder");
    let mut decoder = OpusDecoder::new(1).expect("a decoder");
    let (mut packet, mut samples) = (Vec::new(), Vec::new());
    for n in 0..20 {
        encoder.encode(&tone(n, 1), &mut packet).expect("20 ms");
        let came: &[u8] = if n == 15 { &[] } else { &packet };
        decoder
            .decode(came, &mut samples)
            .expect("a packet or none");
        assert_eq!(samples.len(), FRAME);
        let loudest = samples.iter().map(|it| it.unsigned_abs()).max();
        assert!(n < 5 || loudest > Some(1_000), "packet {n}: {loudest:?}");
    }
}

#[test]
fn half_the_bitrate_makes_fewer_bytes() {
    let mut encoder = OpusEncoder::new(1, 64_000).expect("an encoder");
    let mut packet = Vec::new();
    // Noise: it takes all the bits that it is given.
    let mut seed = 1_u32;
    let mut noise = || -> Vec<i16> {
        let next = |_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 18) as i16
        };
        (0..FRAME).map(next).collect()
    };
    let mut second = |encoder: &mut OpusEncoder| {
        let lengths = (0..50).map(|_| {
            encoder.encode(&noise(), &mut packet).expect("20 ms");
            packet.len()
        });
        lengths.sum::<usize>()
    };
    let full = second(&mut encoder);
    encoder.set_rate(32_000).expect("a rate");
    let half = second(&mut encoder);
    assert!(
        (full * 4 / 10..full * 6 / 10).contains(&half),
        "{half} of {full}"
    );
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let mut encoder = OpusEncoder::new(1, 32_000).expect("an encoder");
    let named = |result: Result<(), MediaError>| match result {
        Err(MediaError::OutOfRange { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let mut packet = Vec::new();
    let short = encoder.encode(&[0; FRAME - 1], &mut packet);
    assert_eq!(named(short), "the number of samples");
    assert!(OpusEncoder::new(3, 32_000).is_err() && OpusDecoder::new(0).is_err());
    let mut decoder = OpusDecoder::new(1).expect("a decoder");
    assert!(decoder.decode(&[0xFF; 2], &mut Vec::new()).is_err());
}
