//! What strangers send.

use lens_protocol::entropy::Entropy;
use lens_runtime::entropy::SeededEntropy;

/// One kind of packet that proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Bytes without meaning, of any length.
    Garbage,
    /// The beginning of a DTLS handshake.
    Hello,
    /// A full media packet.
    Rtp,
    /// A check for nobody.
    Check,
    /// A check that names a participant who is there, with a wrong proof.
    ForgedCheck,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::Garbage,
        Self::Hello,
        Self::Rtp,
        Self::Check,
        Self::ForgedCheck,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Garbage => "garbage",
            Self::Hello => "DTLS hello",
            Self::Rtp => "RTP",
            Self::Check => "STUN for nobody",
            Self::ForgedCheck => "STUN, forged",
        }
    }

    /// A few hundred of them, the same in each run; `users` are ICE user names of participants.
    pub(super) fn packets(self, users: &[String]) -> Vec<Vec<u8>> {
        let mut entropy = SeededEntropy::new(7);
        let mut random = |length: usize| {
            let mut bytes = vec![0; length];
            entropy.fill(&mut bytes);
            bytes
        };
        (0..256)
            .map(|number| match self {
                Self::Garbage => random(1 + number * 5),
                Self::Hello => hello(&random(120)),
                Self::Rtp => {
                    let mut packet = random(1_112);
                    packet[..2].copy_from_slice(&[0x80, 96]);
                    packet
                }
                Self::Check => check("AAAAAAAAAAAAAAAA:peer", &random(12), &random(20)),
                Self::ForgedCheck => {
                    let user = users.get(number % users.len().max(1));
                    let user = user.map_or("nobody:peer", String::as_str);
                    check(user, &random(12), &random(20))
                }
            })
            .collect()
    }
}

/// A DTLS 1.2 record with a ClientHello of this body.
fn hello(body: &[u8]) -> Vec<u8> {
    let length = body.len() as u16;
    let mut record = vec![22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0];
    record.extend((length + 12).to_be_bytes());
    let whole = u32::from(length).to_be_bytes();
    // A message of one fragment: type, length, number, offset, length.
    record.extend([1, whole[1], whole[2], whole[3], 0, 0, 0, 0, 0]);
    record.extend([whole[1], whole[2], whole[3], 0xFE, 0xFD]);
    record.extend(body.get(2..).unwrap_or_default());
    record
}

/// A binding request (RFC 8489) with USERNAME, PRIORITY, ICE-CONTROLLING, a proof that proves
/// nothing, and a fingerprint that is right.
fn check(user: &str, transaction: &[u8], proof: &[u8]) -> Vec<u8> {
    let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
    message.extend(transaction);
    let attributes: [(u16, &[u8]); 4] = [
        (0x0006, user.as_bytes()),
        (0x0024, &[0x6E, 0, 1, 0xFF]),
        (0x802A, &[3; 8]),
        (0x0008, proof),
    ];
    for (kind, value) in attributes {
        message.extend(kind.to_be_bytes());
        message.extend((value.len() as u16).to_be_bytes());
        message.extend(value);
        message.resize(message.len().next_multiple_of(4), 0);
    }
    let length = (message.len() - 20 + 8) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
    let fingerprint = crc32(&message) ^ 0x5354_554E;
    message.extend([0x80, 0x28, 0, 4]);
    message.extend(fingerprint.to_be_bytes());
    message
}

/// CRC-32 of ISO 3309, as FINGERPRINT takes it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let low = crc & 1;
            (crc >> 1) ^ (low.wrapping_neg() & 0xEDB8_8320)
        })
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_forged_check_is_read_as_one_and_names_the_participant() {
        let packets = Kind::ForgedCheck.packets(&["ours:theirs".to_owned()]);
        let message = str0m_reads(&packets[0]);
        assert_eq!(message.as_deref(), Some("ours:theirs"));
    }

    fn str0m_reads(packet: &[u8]) -> Option<String> {
        let message = str0m::ice::StunMessage::parse(packet).ok()?;
        let (ours, theirs) = message.split_username()?;
        Some(format!("{ours}:{theirs}"))
    }
}
