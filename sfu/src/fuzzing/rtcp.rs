//! RTCP: what was read can be written, and is read the same again.
//!
//! Input: a compound.

use crate::core::rtp::rtcp::{self, Item, ReportBlock, SenderInfo};
use crate::core::rtp::told;

/// An item that owns what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Report(u32, u64, u32),
    Block(ReportBlock),
    Nack(u32, Vec<u16>),
    Keyframe(u32),
    Arrivals(usize),
    Bitrate(u64),
}

pub(super) fn check(bytes: &[u8]) {
    let items = read(bytes);
    // The shortest item is a report block or an entry of a FIR: 8 bytes and more.
    assert!(items.len() <= bytes.len() / 8, "items out of nothing");
    let mut out = Vec::new();
    for item in &items {
        write(&mut out, item);
        assert!(out.len().is_multiple_of(4));
    }
    assert_eq!(
        read(&out),
        items.iter().filter_map(kept).collect::<Vec<_>>()
    );
}

fn read(compound: &[u8]) -> Vec<Told> {
    let mut items = Vec::new();
    rtcp::read(compound, |item| {
        items.push(match item {
            Item::SenderReport { ssrc, ntp, rtp } => Told::Report(ssrc, ntp, rtp),
            Item::Block(block) => Told::Block(block),
            Item::Nack { ssrc, pairs } => Told::Nack(ssrc, pairs.sequences().collect()),
            Item::KeyframeWanted { ssrc } => Told::Keyframe(ssrc),
            Item::MostBitrate { bps } => Told::Bitrate(bps),
            Item::TransportWide(told) => Told::Arrivals(arrivals(&told)),
        });
    });
    items
}

/// How many packets a report of arrivals speaks of: each number once, in order.
fn arrivals(told: &told::Told<'_>) -> usize {
    let numbers: Vec<u16> = told.packets().map(|packet| packet.sequence).collect();
    let ascend = |pair: &[u16]| pair[1] == pair[0].wrapping_add(1);
    assert!(numbers.windows(2).all(ascend) && numbers.len() <= 2_048);
    let first = told.reference_us(None);
    assert_eq!(
        told.reference_us(Some(first)),
        first,
        "a moment is near itself"
    );
    numbers.len()
}

fn write(out: &mut Vec<u8>, item: &Told) {
    match item {
        Told::Report(ssrc, ntp, rtp) => {
            let info = SenderInfo {
                ssrc: *ssrc,
                ntp: *ntp,
                rtp: *rtp,
                packets: 7,
                octets: 9,
            };
            rtcp::sender_report(out, &info);
        }
        Told::Block(block) => rtcp::receiver_report(out, 1, &[*block]),
        Told::Nack(ssrc, lost) => rtcp::nack(out, 1, *ssrc, &ascending(lost)),
        Told::Keyframe(ssrc) => rtcp::picture_loss(out, 1, *ssrc),
        Told::Bitrate(bps) => rtcp::most_bitrate(out, 1, &[7], *bps),
        // Ours are made of times of arrival (core/rtp/arrivals.rs).
        Told::Arrivals(_) => {}
    }
}

/// What is read of an item that was written.
fn kept(item: &Told) -> Option<Told> {
    match item {
        // Nothing is asked for: nothing is written.
        Told::Nack(_, lost) if lost.is_empty() => None,
        Told::Arrivals(_) => None,
        // Eighteen bits and an exponent; what did not fit was read as the most there is.
        Told::Bitrate(u64::MAX) => Some(Told::Bitrate(u64::MAX >> 46 << 46)),
        Told::Nack(ssrc, lost) => Some(Told::Nack(*ssrc, ascending(lost))),
        other => Some(other.clone()),
    }
}

/// A peer may name packets in any order; we write them in ascending order, each once.
fn ascending(lost: &[u16]) -> Vec<u16> {
    let Some(first) = lost.first().copied() else {
        return Vec::new();
    };
    let mut lost = lost.to_vec();
    lost.sort_by_key(|sequence| sequence.wrapping_sub(first));
    lost.dedup();
    lost
}
