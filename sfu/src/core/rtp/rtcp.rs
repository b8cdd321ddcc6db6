//! RTCP as far as a forwarder speaks it: reports (RFC 3550 §6.4), names (§6.5), feedback
//! (RFC 4585, RFC 5104). Transport-wide feedback has a file of its own (arrivals.rs).
//!
//! Reading never fails: it ends at the first packet that is not whole.

use super::told::Told;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

const NACK: u8 = 1;
/// Format of transport-wide congestion control feedback.
pub(super) const TRANSPORT_WIDE: u8 = 15;
const PLI: u8 = 1;
const FIR: u8 = 4;
/// Application layer feedback, of which the estimate of a receiver is one.
const APPLICATION: u8 = 15;

const BLOCK: usize = 24;
/// Of the bitrate in a receiver's estimate; the exponent has 6.
const MANTISSA_BITS: u32 = 18;

/// What a receiver says of one stream (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReportBlock {
    pub(crate) ssrc: u32,
    /// Lost since the last report, in 256ths.
    pub(crate) fraction_lost: u8,
    /// Lost in all; 24 bits, negative when duplicates came.
    pub(crate) lost: i32,
    /// Highest sequence number with its cycles.
    pub(crate) highest: u32,
    /// In ticks of the stream's clock.
    pub(crate) jitter: u32,
    /// The middle of the last sender report's NTP time, or 0.
    pub(crate) last_report: u32,
    /// Since that report, in 65,536ths of a second.
    pub(crate) delay: u32,
}

/// One packet of a compound that concerns us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// A sender's clocks.
    SenderReport {
        ssrc: u32,
        /// Seconds since 1900 in 32.32 fixed point.
        ntp: u64,
        rtp: u32,
    },
    /// What a receiver says of one stream of ours; sender reports carry these, too.
    Block(ReportBlock),
    /// Packets a receiver has not got: one sequence number and a mask of the 16 after it.
    Nack { ssrc: u32, pairs: Pairs<'a> },
    /// When packets of ours came, and which did not.
    TransportWide(Told<'a>),
    /// What a receiver can take of all streams together, in bits per second.
    MostBitrate { bps: u64 },
    /// A receiver lost its picture (PLI or FIR).
    KeyframeWanted { ssrc: u32 },
}

/// The lost sequence numbers of a NACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pairs<'a>(&'a [u8]);

impl<'a> Pairs<'a> {
    /// Each lost sequence number, in order.
    pub(crate) fn sequences(self) -> impl Iterator<Item = u16> + 'a {
        let pairs = self.0.chunks_exact(4);
        pairs.flat_map(|pair| {
            let first = u16::from_be_bytes([pair[0], pair[1]]);
            let mask = u16::from_be_bytes([pair[2], pair[3]]);
            let later = (0..16).filter(move |bit| mask >> bit & 1 == 1);
            std::iter::once(first).chain(later.map(move |bit| first.wrapping_add(bit + 1)))
        })
    }
}

/// Reads a compound, packet by packet, and hands out what concerns us.
pub(crate) fn read<'a>(compound: &'a [u8], mut act: impl FnMut(Item<'a>)) {
    let mut rest = compound;
    while let Some((packet, later)) = next(rest) {
        rest = later;
        let Some(packet) = packet else { continue };
        match packet.kind {
            SENDER_REPORT => sender_report_in(&packet, &mut act),
            RECEIVER_REPORT => blocks_in(packet.body.get(4..), packet.count, &mut act),
            TRANSPORT_FEEDBACK if packet.count == NACK => nack_in(packet.body, &mut act),
            TRANSPORT_FEEDBACK if packet.count == TRANSPORT_WIDE => {
                if let Some(told) = packet.body.get(8..).and_then(Told::read) {
                    act(Item::TransportWide(told));
                }
            }
            PAYLOAD_FEEDBACK if packet.count == PLI => {
                if let Some(ssrc) = word(packet.body, 4) {
                    act(Item::KeyframeWanted { ssrc });
                }
            }
            PAYLOAD_FEEDBACK if packet.count == APPLICATION => {
                most_bitrate_in(packet.body, &mut act)
            }
            PAYLOAD_FEEDBACK if packet.count == FIR => {
                for entry in packet.body.get(8..).unwrap_or_default().chunks_exact(8) {
                    if let Some(ssrc) = word(entry, 0) {
                        act(Item::KeyframeWanted { ssrc });
                    }
                }
            }
            _ => {}
        }
    }
}

struct Raw<'a> {
    kind: u8,
    /// Report blocks, or the feedback's format.
    count: u8,
    body: &'a [u8],
}

/// The next packet and what follows it; the packet is `None` when its padding is nonsense.
fn next(rest: &[u8]) -> Option<(Option<Raw<'_>>, &[u8])> {
    let ([first, kind, a, b], _) = rest.split_first_chunk::<4>()?;
    if first >> 6 != 2 {
        return None;
    }
    let length = (usize::from(u16::from_be_bytes([*a, *b])) + 1) * 4;
    let (packet, later) = rest.split_at_checked(length)?;
    let mut body = Some(&packet[4..]);
    if first & 0x20 != 0 {
        body = packet.last().and_then(|padding| {
            let kept = packet[4..].len().checked_sub(usize::from(*padding))?;
            packet[4..].get(..kept)
        });
    }
    let raw = body.map(|body| Raw {
        kind: *kind,
        count: first & 0x1F,
        body,
    });
    Some((raw, later))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*word))
}

fn sender_report_in<'a>(packet: &Raw<'a>, act: &mut impl FnMut(Item<'a>)) {
    let body = packet.body;
    let (Some(ssrc), Some(high), Some(low), Some(rtp)) =
        (word(body, 0), word(body, 4), word(body, 8), word(body, 12))
    else {
        return;
    };
    act(Item::SenderReport {
        ssrc,
        ntp: u64::from(high) << 32 | u64::from(low),
        rtp,
    });
    blocks_in(body.get(24..), packet.count, act);
}

fn blocks_in<'a>(blocks: Option<&'a [u8]>, count: u8, act: &mut impl FnMut(Item<'a>)) {
    let blocks = blocks.unwrap_or_default().chunks_exact(BLOCK);
    for block in blocks.take(usize::from(count)) {
        let at = |word: usize| {
            let bytes = &block[word * 4..word * 4 + 4];
            u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
        };
        act(Item::Block(ReportBlock {
            ssrc: at(0),
            fraction_lost: block[4],
            // 24 bits with a sign.
            lost: (at(1) << 8).cast_signed() >> 8,
            highest: at(2),
            jitter: at(3),
            last_report: at(4),
            delay: at(5),
        }));
    }
}

fn most_bitrate_in<'a>(body: &'a [u8], act: &mut impl FnMut(Item<'a>)) {
    if body.get(8..12) != Some(b"REMB") {
        return;
    }
    if let Some(word) = word(body, 12) {
        let (exponent, mantissa) = (word >> MANTISSA_BITS & 0x3F, u64::from(word & 0x3_FFFF));
        // What does not fit is as much as anybody could want.
        let bps = mantissa
            .checked_shl(exponent)
            .filter(|it| it >> exponent == mantissa);
        act(Item::MostBitrate {
            bps: bps.unwrap_or(u64::MAX),
        });
    }
}

fn nack_in<'a>(body: &'a [u8], act: &mut impl FnMut(Item<'a>)) {
    if let (Some(ssrc), Some(pairs)) = (word(body, 4), body.get(8..)) {
        act(Item::Nack {
            ssrc,
            pairs: Pairs(pairs),
        });
    }
}

/// What a sender report tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderInfo {
    pub(crate) ssrc: u32,
    pub(crate) ntp: u64,
    pub(crate) rtp: u32,
    pub(crate) packets: u32,
    pub(crate) octets: u32,
}

/// Appends a sender report without blocks.
pub(crate) fn sender_report(out: &mut Vec<u8>, info: &SenderInfo) {
    let start = begin(out, SENDER_REPORT, 0);
    put(out, info.ssrc);
    put(out, (info.ntp >> 32) as u32);
    put(out, info.ntp as u32);
    for word in [info.rtp, info.packets, info.octets] {
        put(out, word);
    }
    end(out, start);
}

/// Appends a receiver report from `ssrc`, of at most 31 blocks.
pub(crate) fn receiver_report(out: &mut Vec<u8>, ssrc: u32, blocks: &[ReportBlock]) {
    let blocks = &blocks[..blocks.len().min(31)];
    let start = begin(out, RECEIVER_REPORT, blocks.len() as u8);
    put(out, ssrc);
    for block in blocks {
        put(out, block.ssrc);
        let lost = block.lost.clamp(-(1 << 23), (1 << 23) - 1).cast_unsigned();
        put(
            out,
            u32::from(block.fraction_lost) << 24 | lost & 0x00FF_FFFF,
        );
        for word in [block.highest, block.jitter, block.last_report, block.delay] {
            put(out, word);
        }
    }
    end(out, start);
}

/// Appends the canonical name of `ssrc`, at most 255 bytes of it.
pub(crate) fn canonical_name(out: &mut Vec<u8>, ssrc: u32, name: &str) {
    const CNAME: u8 = 1;
    let name = &name.as_bytes()[..name.len().min(255)];
    let start = begin(out, SOURCE_DESCRIPTION, 1);
    put(out, ssrc);
    out.extend([CNAME, name.len() as u8]);
    out.extend(name);
    // The list ends with at least one zero, and then at a word.
    out.push(0);
    end(out, start);
}

/// Appends a request of `sender` for lost packets of `media`, in ascending order.
pub(crate) fn nack(out: &mut Vec<u8>, sender: u32, media: u32, lost: &[u16]) {
    let Some((first, later)) = lost.split_first() else {
        return;
    };
    let start = begin_feedback(out, TRANSPORT_FEEDBACK, NACK, sender, media);
    let (mut base, mut mask) = (*first, 0_u16);
    for sequence in later {
        match sequence.wrapping_sub(base) {
            0 => {}
            distance @ 1..=16 => mask |= 1 << (distance - 1),
            _ => {
                put(out, u32::from(base) << 16 | u32::from(mask));
                (base, mask) = (*sequence, 0);
            }
        }
    }
    put(out, u32::from(base) << 16 | u32::from(mask));
    end(out, start);
}

/// Appends a request of `sender` for a keyframe of `media`.
pub(crate) fn picture_loss(out: &mut Vec<u8>, sender: u32, media: u32) {
    let start = begin_feedback(out, PAYLOAD_FEEDBACK, PLI, sender, media);
    end(out, start);
}

/// Appends what `sender` can take of the streams `media` together, in bits per second
/// (draft-alvestrand-rmcat-remb-03 §2.2).
pub(crate) fn most_bitrate(out: &mut Vec<u8>, sender: u32, media: &[u32], bps: u64) {
    let media = &media[..media.len().min(255)];
    let start = begin_feedback(out, PAYLOAD_FEEDBACK, APPLICATION, sender, 0);
    out.extend(b"REMB");
    let exponent = (u64::BITS - bps.leading_zeros()).saturating_sub(MANTISSA_BITS);
    let mantissa = (bps >> exponent) as u32;
    put(
        out,
        (media.len() as u32) << 24 | exponent << MANTISSA_BITS | mantissa,
    );
    for ssrc in media {
        put(out, *ssrc);
    }
    end(out, start);
}

/// Begins transport-wide feedback; [`end`] has to follow.
pub(super) fn begin_transport_wide(out: &mut Vec<u8>, sender: u32, media: u32) -> usize {
    begin_feedback(out, TRANSPORT_FEEDBACK, TRANSPORT_WIDE, sender, media)
}

fn begin_feedback(out: &mut Vec<u8>, kind: u8, format: u8, sender: u32, media: u32) -> usize {
    let start = begin(out, kind, format);
    put(out, sender);
    put(out, media);
    start
}

fn begin(out: &mut Vec<u8>, kind: u8, count: u8) -> usize {
    let start = out.len();
    out.extend([0x80 | count, kind, 0, 0]);
    start
}

/// Fills up to a word and writes the length of the packet that began at `start`.
pub(super) fn end(out: &mut Vec<u8>, start: usize) {
    let length = (out.len() - start).next_multiple_of(4);
    out.resize(start + length, 0);
    let words = (length / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

fn put(out: &mut Vec<u8>, word: u32) {
    out.extend(word.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn items(compound: &[u8]) -> Vec<Item<'_>> {
        let mut items = Vec::new();
        read(compound, |item| items.push(item));
        items
    }

    fn block() -> ReportBlock {
        ReportBlock {
            ssrc: 7,
            fraction_lost: 25,
            lost: -3,
            highest: 70_000,
            jitter: 90,
            last_report: 0xAABB_CCDD,
            delay: 65_536,
        }
    }

    #[test]
    fn a_compound_is_read_as_it_was_written() {
        let mut out = Vec::new();
        let info = SenderInfo {
            ssrc: 5,
            ntp: 0x0102_0304_0506_0708,
            rtp: 90_000,
            packets: 3,
            octets: 300,
        };
        sender_report(&mut out, &info);
        receiver_report(&mut out, 1, &[block(), ReportBlock::default()]);
        canonical_name(&mut out, 5, "camera");
        picture_loss(&mut out, 1, 9);
        let expected = [
            Item::SenderReport {
                ssrc: 5,
                ntp: info.ntp,
                rtp: 90_000,
            },
            Item::Block(block()),
            Item::Block(ReportBlock::default()),
            Item::KeyframeWanted { ssrc: 9 },
        ];
        assert_eq!(items(&out), expected);
    }

    #[test]
    fn keyframes_are_wanted_by_fir_too() {
        let mut fir = vec![0x84, PAYLOAD_FEEDBACK, 0, 4];
        fir.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 3, 0, 0, 0]);
        assert_eq!(items(&fir), [Item::KeyframeWanted { ssrc: 9 }]);
    }

    #[test]
    fn padding_is_left_out_and_nonsense_ends_the_reading() {
        let mut out = Vec::new();
        nack(&mut out, 1, 9, &[4]);
        out[0] |= 0x20;
        out[3] += 1;
        out.extend([0, 0, 0, 4]);
        let [Item::Nack { pairs, .. }] = items(&out)[..] else {
            panic!("a NACK");
        };
        assert_eq!(pairs.sequences().collect::<Vec<_>>(), [4]);
        let last = out.len() - 1;
        out[last] = 255;
        assert!(items(&out).is_empty());
        assert!(items(&[0x80, 201, 0, 9, 0, 0, 0, 1]).is_empty(), "cut off");
    }

    proptest! {
        #[test]
        fn lost_packets_come_back_in_order(
            first in any::<u16>(), gaps in prop::collection::vec(1_u16..40, 0..60)
        ) {
            let mut lost = vec![first];
            for gap in gaps {
                lost.push(lost[lost.len() - 1].wrapping_add(gap));
            }
            let mut out = Vec::new();
            nack(&mut out, 1, 9, &lost);
            let found = items(&out);
            let [Item::Nack { ssrc: 9, pairs }] = found[..] else {
                panic!("a NACK");
            };
            prop_assert_eq!(pairs.sequences().collect::<Vec<_>>(), lost);
        }

        #[test]
        fn nothing_breaks_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            read(&bytes, |item| {
                if let Item::Nack { pairs, .. } = item {
                    let _ = pairs.sequences().count();
                }
            });
        }
    }

    #[test]
    fn a_bitrate_is_written_as_mantissa_and_exponent() {
        let read = |bytes: &[u8]| {
            let mut found = None;
            super::read(bytes, |item| {
                if let Item::MostBitrate { bps } = item {
                    found = Some(bps);
                }
            });
            found.expect("a bitrate")
        };
        for bps in [0, 1, 64_000, 262_143, 262_144, 2_500_000, 1 << 40] {
            let mut out = Vec::new();
            most_bitrate(&mut out, 1, &[7, 8], bps);
            assert_eq!((out[0], out[1]), (0x80 | APPLICATION, PAYLOAD_FEEDBACK));
            assert_eq!((&out[12..16], out[16]), (&b"REMB"[..], 2));
            assert_eq!(
                (out.len(), out[20..28].to_vec()),
                (28, vec![0, 0, 0, 7, 0, 0, 0, 8])
            );
            let lost = bps - read(&out);
            assert!(lost * 100_000 <= bps, "{bps}: {lost}");
        }
        let mut endless = Vec::new();
        most_bitrate(&mut endless, 1, &[], 1);
        endless[17] = 0xFF;
        assert_eq!(read(&endless), u64::MAX);
    }
}
