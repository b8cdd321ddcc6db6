//! RTP headers (RFC 3550 §5.1) and the header extensions that concern a forwarder (RFC 8285).

use super::descriptor;

/// Shortest header.
pub(crate) const FIXED: usize = 12;
/// Longest header we write: the fixed part, the extension block's own word, and all that
/// [`Extensions`] and [`Names`] can hold, and a dependency descriptor, in two-byte form.
pub(crate) const LONGEST_OUT: usize = FIXED + 4 + 84 + 2 + descriptor::LONGEST + 3;
/// Longest name that is read or written. Ours have three characters.
pub(crate) const NAME: usize = 16;

const ONE_BYTE: u16 = 0xBEDE;
const TWO_BYTE: u16 = 0x1000;

/// What an RTP header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
}

/// A header that was read, with where its parts are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parsed<'a> {
    pub(crate) header: Header,
    /// Bytes up to the payload.
    pub(crate) length: usize,
    /// Bytes of padding behind the payload are counted by its last byte.
    pub(crate) padded: bool,
    profile: u16,
    extensions: &'a [u8],
}

/// Reads the header of a packet that is not opened yet; `None` when it is none of RTP's.
pub(crate) fn parse(packet: &[u8]) -> Option<Parsed<'_>> {
    let (fixed, _) = packet.split_first_chunk::<FIXED>()?;
    if fixed[0] >> 6 != 2 {
        return None;
    }
    let sources = usize::from(fixed[0] & 0x0F) * 4;
    let mut length = FIXED + sources;
    let (mut profile, mut extensions) = (0, &packet[..0]);
    if fixed[0] & 0x10 != 0 {
        let block = packet.get(length..)?;
        let ([a, b, c, d], rest) = block.split_first_chunk::<4>()?;
        let bytes = usize::from(u16::from_be_bytes([*c, *d])) * 4;
        profile = u16::from_be_bytes([*a, *b]);
        extensions = rest.get(..bytes)?;
        length += 4 + bytes;
    }
    if length > packet.len() {
        return None;
    }
    Some(Parsed {
        header: Header {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7F,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        },
        length,
        padded: fixed[0] & 0x20 != 0,
        profile,
        extensions,
    })
}

impl<'a> Parsed<'a> {
    /// The extensions, each with its number.
    pub(crate) fn extensions(&self) -> Elements<'a> {
        Elements {
            rest: self.extensions,
            form: match self.profile {
                ONE_BYTE => Form::OneByte,
                profile if profile & 0xFFF0 == TWO_BYTE => Form::TwoByte,
                _ => Form::Unknown,
            },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    OneByte,
    TwoByte,
    Unknown,
}

/// The elements of an extension block; ends at the first that does not fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements<'a> {
    rest: &'a [u8],
    form: Form,
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (first, rest) = self.rest.split_first()?;
            if *first == 0 {
                self.rest = rest;
                continue;
            }
            let (number, length, rest) = match self.form {
                // 15 ends the block (RFC 8285 §4.2).
                Form::OneByte if first >> 4 == 15 => return None,
                Form::OneByte => (first >> 4, usize::from(first & 0x0F) + 1, rest),
                Form::TwoByte => {
                    let (length, rest) = rest.split_first()?;
                    (*first, usize::from(*length), rest)
                }
                Form::Unknown => return None,
            };
            let (value, rest) = rest.split_at_checked(length)?;
            self.rest = rest;
            return Some((number, value));
        }
    }
}

/// Under which numbers a peer knows the extensions; 0 where it does not. The numbers are those of
/// our own offer, as far as the answer took them (RFC 8285 §6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExtensionMap {
    pub(crate) audio_level: u8,
    pub(crate) transport_sequence: u8,
    pub(crate) mid: u8,
    pub(crate) video_orientation: u8,
    pub(crate) abs_capture_time: u8,
    pub(crate) rid: u8,
    pub(crate) repaired_rid: u8,
    /// Only where elements longer than [`NAME`] may be written as well (RFC 8285 §6).
    pub(crate) descriptor: u8,
}

/// What a stream calls itself in its first packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names<'a> {
    /// The section that it belongs to (RFC 8843 §15).
    pub(crate) mid: Option<&'a [u8]>,
    /// The layer of the section's picture that it is (RFC 8852 §3.1).
    pub(crate) rid: Option<&'a [u8]>,
    /// The layer that it repairs (RFC 8852 §3.2).
    pub(crate) repaired_rid: Option<&'a [u8]>,
}

/// Extension values that a forwarder reads, or passes on as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    /// Client-to-mixer audio level (RFC 6464): the V bit and the level in −dBov.
    pub(crate) audio_level: Option<u8>,
    /// 3GPP TS 26.114 §7.4.5: camera, flip and rotation.
    pub(crate) video_orientation: Option<u8>,
    /// abs-capture-time: 8 bytes, or 16 with the clock offset.
    pub(crate) abs_capture_time: Option<CaptureTime>,
    /// Transport-wide sequence number of the sender.
    pub(crate) transport_sequence: Option<u16>,
}

/// Capture time as it came, short or long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CaptureTime {
    bytes: [u8; 16],
    long: bool,
}

impl CaptureTime {
    /// From its 8 or 16 bytes.
    pub(crate) fn new(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; 16];
        let long = match value.len() {
            8 => false,
            16 => true,
            _ => return None,
        };
        bytes[..value.len()].copy_from_slice(value);
        Some(Self { bytes, long })
    }

    /// As it is on the wire.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self.long {
            true => &self.bytes,
            false => &self.bytes[..8],
        }
    }
}

/// What a packet's extensions say, and the names among them.
pub(crate) fn read<'a>(packet: &Parsed<'a>, map: &ExtensionMap) -> (Extensions, Names<'a>) {
    let (mut found, mut names) = (Extensions::default(), Names::default());
    for (number, value) in packet.extensions() {
        let name = Some(value).filter(|name| name.len() <= NAME);
        if number == map.mid {
            names.mid = name;
        } else if number == map.rid {
            names.rid = name;
        } else if number == map.repaired_rid {
            names.repaired_rid = name;
        } else if number == map.transport_sequence {
            found.transport_sequence = value.first_chunk().copied().map(u16::from_be_bytes);
        } else if number == map.audio_level {
            found.audio_level = value.first().copied();
        } else if number == map.video_orientation {
            found.video_orientation = value.first().copied();
        } else if number == map.abs_capture_time {
            found.abs_capture_time = CaptureTime::new(value);
        }
    }
    (found, names)
}

/// The dependency descriptor of a packet; empty when it has none.
pub(crate) fn descriptor<'a>(packet: &Parsed<'a>, map: &ExtensionMap) -> &'a [u8] {
    let wanted = |(number, _): &(u8, _)| *number == map.descriptor;
    let found = packet.extensions().find(wanted);
    found.map_or(&[], |(_, value)| value)
}

/// A header on its way out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) header: Header,
    pub(crate) extensions: Extensions,
    /// In the first packets of a stream, so that a peer can tell whose it is.
    pub(crate) names: Names<'a>,
    /// The dependency descriptor; empty for none.
    pub(crate) descriptor: &'a [u8],
    pub(crate) map: ExtensionMap,
    /// Whether the last byte of the payload counts padding.
    pub(crate) padded: bool,
}

impl Outgoing<'_> {
    /// Writes the header, its extensions in one-byte form, or in two-byte form where that cannot
    /// hold one; returns its length.
    pub(crate) fn write(&self, out: &mut [u8; LONGEST_OUT]) -> usize {
        let header = &self.header;
        out[0] = 0x80 | u8::from(self.padded) << 5;
        out[1] = u8::from(header.marker) << 7 | header.payload_type & 0x7F;
        out[2..4].copy_from_slice(&header.sequence.to_be_bytes());
        out[4..8].copy_from_slice(&header.timestamp.to_be_bytes());
        out[8..FIXED].copy_from_slice(&header.ssrc.to_be_bytes());
        let mut at = FIXED + 4;
        self.write_elements(out, &mut at);
        if at == FIXED + 4 {
            return FIXED;
        }
        let end = at.next_multiple_of(4);
        out[at..end].fill(0);
        out[0] |= 0x10;
        let words = ((end - FIXED - 4) / 4) as u16;
        let form = match self.is_long() {
            true => TWO_BYTE,
            false => ONE_BYTE,
        };
        out[FIXED..FIXED + 2].copy_from_slice(&form.to_be_bytes());
        out[FIXED + 2..FIXED + 4].copy_from_slice(&words.to_be_bytes());
        end
    }

    fn is_long(&self) -> bool {
        self.map.descriptor != 0 && self.descriptor.len() > NAME
    }

    fn write_elements(&self, out: &mut [u8; LONGEST_OUT], at: &mut usize) {
        let (map, values) = (&self.map, &self.extensions);
        let long = self.is_long();
        let mut put = |number: u8, value: &[u8]| {
            let most = if long { descriptor::LONGEST } else { NAME };
            // A number that one byte cannot hold was not one of ours.
            if number == 0 || number > 14 || value.is_empty() || value.len() > most {
                return;
            }
            if long {
                out[*at..*at + 2].copy_from_slice(&[number, value.len() as u8]);
                *at += 2;
            } else {
                out[*at] = number << 4 | (value.len() - 1) as u8;
                *at += 1;
            }
            out[*at..*at + value.len()].copy_from_slice(value);
            *at += value.len();
        };
        if let Some(level) = values.audio_level {
            put(map.audio_level, &[level]);
        }
        if let Some(sequence) = values.transport_sequence {
            put(map.transport_sequence, &sequence.to_be_bytes());
        }
        put(map.mid, self.names.mid.unwrap_or_default());
        put(map.rid, self.names.rid.unwrap_or_default());
        put(
            map.repaired_rid,
            self.names.repaired_rid.unwrap_or_default(),
        );
        if let Some(orientation) = values.video_orientation {
            put(map.video_orientation, &[orientation]);
        }
        if let Some(time) = values.abs_capture_time {
            put(map.abs_capture_time, time.bytes());
        }
        put(map.descriptor, self.descriptor);
    }
}

/// Whether a datagram is RTP or RTCP, by its first byte (RFC 7983).
pub(crate) fn is_media(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, ..])
}

/// Whether it is RTCP, by its second (RFC 5761 §4).
pub(crate) fn is_control(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, 192..=223, ..])
}

/// Length of a payload without the padding that its last byte counts; `None` when that counts
/// more than there is (RFC 3550 §5.1).
pub(crate) fn unpadded(payload: &[u8]) -> Option<usize> {
    let padding = usize::from(*payload.last()?);
    payload.len().checked_sub(padding.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAP: ExtensionMap = ExtensionMap {
        audio_level: 1,
        transport_sequence: 3,
        mid: 4,
        video_orientation: 13,
        abs_capture_time: 9,
        rid: 10,
        repaired_rid: 11,
        descriptor: 12,
    };

    fn header() -> Header {
        Header {
            marker: true,
            payload_type: 96,
            sequence: 65_535,
            timestamp: 0xDEAD_BEEF,
            ssrc: 0x0102_0304,
        }
    }

    fn full() -> Extensions {
        Extensions {
            audio_level: Some(0x85),
            video_orientation: Some(3),
            abs_capture_time: CaptureTime::new(&[7; 16]),
            transport_sequence: Some(0xABCD),
        }
    }

    #[test]
    fn a_header_with_everything_is_read_as_it_was_written() {
        let mid = |mid| Names {
            mid: Some(mid),
            ..Names::default()
        };
        let long = &b"0123456789abcdef"[..];
        let all = Names {
            rid: Some(long),
            repaired_rid: Some(long),
            ..mid(long)
        };
        let longest = &[0xD5; descriptor::LONGEST][..];
        for (extensions, names, described) in [
            (full(), all, longest),
            (full(), all, &longest[..16]),
            (full(), Names::default(), &[]),
            (Extensions::default(), mid(b"0"), &longest[..3]),
            (Extensions::default(), Names::default(), &longest[..17]),
            (Extensions::default(), Names::default(), &[]),
        ] {
            let mut out = [0xFF; LONGEST_OUT];
            let written = Outgoing {
                header: header(),
                extensions,
                names,
                descriptor: described,
                map: MAP,
                padded: false,
            }
            .write(&mut out);
            let parsed = parse(&out[..written]).expect("a header");
            assert_eq!((parsed.header, parsed.length), (header(), written));
            assert_eq!(read(&parsed, &MAP), (extensions, names));
            assert_eq!(descriptor(&parsed, &MAP), described);
            let form = out[FIXED..FIXED + 2] == TWO_BYTE.to_be_bytes();
            assert_eq!(form, described.len() > 16, "no longer form than is needed");
        }
    }

    #[test]
    fn what_a_peer_does_not_know_is_not_written() {
        let mut out = [0; LONGEST_OUT];
        let outgoing = Outgoing {
            header: header(),
            extensions: full(),
            names: Names {
                mid: Some(b"0"),
                ..Names::default()
            },
            descriptor: &[1; 20],
            map: ExtensionMap::default(),
            padded: false,
        };
        assert_eq!(outgoing.write(&mut out), FIXED);
    }

    #[test]
    fn two_byte_elements_and_sources_are_read() {
        let mut packet = vec![0x91, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9];
        packet.extend([0x10, 0x00, 0, 2, 13, 1, 5, 0, 4, 1, b'a', 0]);
        packet.push(0x55);
        let parsed = parse(&packet).expect("a header");
        assert_eq!(parsed.length, packet.len() - 1);
        let (found, names) = read(&parsed, &MAP);
        assert_eq!(found.video_orientation, Some(5));
        assert_eq!(names.mid, Some(&b"a"[..]));
    }

    #[test]
    fn elements_end_where_they_do_not_fit() {
        // A length that reaches beyond the block; an end mark; an unknown form.
        for block in [
            [0xBE, 0xDE, 0x4F, 1],
            [0xBE, 0xDE, 0xF0, 1],
            [0xAB, 0xCD, 0x40, 1],
        ] {
            let mut packet = vec![0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
            packet.extend([block[0], block[1], 0, 1, block[2], block[3], 0, 0]);
            let parsed = parse(&packet).expect("a header");
            assert_eq!(parsed.extensions().count(), 0, "{block:?}");
        }
    }

    #[test]
    fn padding_beyond_the_payload_is_refused() {
        assert_eq!(unpadded(&[1, 2, 3, 2]), Some(2));
        assert_eq!(unpadded(&[1, 2, 3, 4]), Some(0));
        assert_eq!(unpadded(&[1, 2, 3, 5]), None);
        assert_eq!(unpadded(&[]), None);
    }

    proptest! {
        #[test]
        fn nothing_breaks_the_parser(packet in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(parsed) = parse(&packet) {
                prop_assert!(parsed.length <= packet.len());
                let _ = read(&parsed, &MAP);
            }
        }
    }
}
