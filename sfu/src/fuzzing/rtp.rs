//! RTP headers and payload descriptors: nothing is read beyond the packet, and what we write is
//! read as it was meant.

use super::input::Input;
use crate::core::codec::{H264, H264Profile, MediaCodec};
use crate::core::keyframe::starts_keyframe;
use crate::core::rtp::header::{self, ExtensionMap, LONGEST_OUT, Names, Outgoing};

/// Input: where the extensions' numbers start (1 byte), then a packet.
pub(super) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let map = numbers(input.byte());
    let packet = input.0;
    let Some(parsed) = header::parse(packet) else {
        return;
    };
    assert!(parsed.length >= header::FIXED && parsed.length <= packet.len());
    let elements: usize = parsed.extensions().map(|(_, value)| 1 + value.len()).sum();
    assert!(elements <= parsed.length, "elements lie in the header");
    if let Some(used) = header::unpadded(&packet[parsed.length..]) {
        assert!(used < packet.len() - parsed.length);
    }
    let (extensions, names) = header::read(&parsed, &map);
    let outgoing = Outgoing {
        header: parsed.header,
        padded: parsed.padded,
        extensions,
        names,
        descriptor: header::descriptor(&parsed, &map),
        map,
    };
    let mut out = [0xA5; LONGEST_OUT];
    let written = outgoing.write(&mut out);
    let again = header::parse(&out[..written]).expect("we write headers");
    assert_eq!((again.header, again.length), (parsed.header, written));
    assert_eq!(again.padded, parsed.padded);
    let filled = |name: Option<_>| name.filter(|name: &&[u8]| !name.is_empty());
    let names = Names {
        mid: filled(names.mid),
        rid: filled(names.rid),
        repaired_rid: filled(names.repaired_rid),
    };
    assert_eq!(header::read(&again, &map), (extensions, names));
    let descriptor = header::descriptor(&again, &map);
    assert_eq!(descriptor, outgoing.descriptor);
}

/// Different numbers of 1 to 14.
fn numbers(first: u8) -> ExtensionMap {
    let number = |place: u8| (first % 14 + place * 3) % 14 + 1;
    ExtensionMap {
        audio_level: number(0),
        transport_sequence: number(1),
        mid: number(2),
        video_orientation: number(3),
        abs_capture_time: number(4),
        rid: number(5),
        repaired_rid: number(6),
        descriptor: number(7),
    }
}

/// Input: the codec (1 byte), then a payload.
pub(super) fn check_payload(bytes: &[u8]) {
    let mut input = Input(bytes);
    let codec = match input.byte() % 5 {
        0 => MediaCodec::Opus,
        1 => MediaCodec::Vp8,
        2 => MediaCodec::H264(H264 {
            mode: 1,
            profile: H264Profile::ConstrainedBaseline,
        }),
        3 => MediaCodec::Vp9(0),
        _ => MediaCodec::Av1(0),
    };
    let payload = input.0;
    let starts = starts_keyframe(codec, payload);
    assert!(!starts || !payload.is_empty(), "nothing starts nothing");
    // Descriptor and header byte: what lies behind them may be encrypted end to end.
    let head = match codec {
        MediaCodec::Vp8 => 7,
        MediaCodec::Vp9(_) => 4,
        MediaCodec::Av1(_) => 1,
        _ => return,
    };
    let mut sealed = payload.to_vec();
    sealed.iter_mut().skip(head).for_each(|byte| *byte ^= 0xFF);
    assert_eq!(starts, starts_keyframe(codec, &sealed), "frame data counts");
}
