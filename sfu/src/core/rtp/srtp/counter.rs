//! AES-128 in counter mode with HMAC-SHA1 (RFC 3711 §4.1.1, §4.2.1): the tag is the first 10 bytes
//! of the hash, over header, sealed payload and rollover counter. In SRTCP the index stands before
//! it.
//!
//! GStreamer 1.22 and SIP gateways know nothing else. Whatever comes is authenticated before it is
//! opened.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{Context, HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key};
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroizing;

use super::{
    ENCRYPTED, INDEX, Label, Master, RTCP_CLEAR, SALT, SrtpError, derive, rtcp_index, rtcp_ssrc,
};

/// Bytes of the tag, for RTP and RTCP alike (RFC 5764 §4.1.2).
pub(super) const TAG: usize = 10;
/// Bytes of a key of the hash (RFC 3711 §5.2).
const HASH_KEY: usize = 20;
/// Longest stretch of a counter: two bytes count blocks of 16 bytes (RFC 3711 §4.1.1). No datagram
/// is as long.
const LONGEST: usize = 16 << 16;

/// The keys of one direction.
pub(super) struct Session {
    rtp: Keys,
    rtcp: Keys,
}

/// Keys of RTP or of RTCP.
struct Keys {
    cipher: EncryptingKey,
    salt: [u8; SALT],
    hash: Key,
}

impl Session {
    pub(super) fn new(master: &Master) -> Result<Self, SrtpError> {
        Ok(Self {
            rtp: Keys::new(master, [Label::RtpKey, Label::RtpTag, Label::RtpSalt])?,
            rtcp: Keys::new(master, [Label::RtcpKey, Label::RtcpTag, Label::RtcpSalt])?,
        })
    }

    /// Seals `body` where it is; `tag` has [`TAG`] bytes.
    pub(super) fn seal(
        &self,
        ssrc: u32,
        index: u64,
        header: &[u8],
        body: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), SrtpError> {
        self.rtp.cipher(ssrc, index, body)?;
        tag.copy_from_slice(&self.rtp.tag([header, body, &rollovers(index)]));
        Ok(())
    }

    pub(super) fn open(
        &self,
        ssrc: u32,
        index: u64,
        packet: &[u8],
        header: usize,
        payload: &mut [u8],
    ) -> Result<(), SrtpError> {
        let (header, rest) = packet.split_at_checked(header).ok_or(SrtpError::Short)?;
        let (body, tag) = rest
            .split_at_checked(payload.len())
            .ok_or(SrtpError::Short)?;
        self.rtp.judge([header, body, &rollovers(index)], tag)?;
        payload.copy_from_slice(body);
        self.rtp.cipher(ssrc, index, payload)
    }

    pub(super) fn seal_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        packet: &mut Vec<u8>,
    ) -> Result<(), SrtpError> {
        let body = packet.get_mut(RTCP_CLEAR..).ok_or(SrtpError::Short)?;
        self.rtcp.cipher(ssrc, index.into(), body)?;
        packet.extend_from_slice(&(ENCRYPTED | index).to_be_bytes());
        let tag = self.rtcp.tag([packet.as_slice(), &[], &[]]);
        packet.extend_from_slice(&tag);
        Ok(())
    }

    pub(super) fn open_rtcp(&self, packet: &[u8], plain: &mut Vec<u8>) -> Result<u32, SrtpError> {
        let ssrc = rtcp_ssrc(packet)?;
        plain.clear();
        let (signed, tag) = packet.split_last_chunk::<TAG>().ok_or(SrtpError::Short)?;
        let (rest, word) = signed.split_last_chunk::<INDEX>().ok_or(SrtpError::Short)?;
        if rest.len() < RTCP_CLEAR {
            return Err(SrtpError::Short);
        }
        self.rtcp.judge([signed, &[], &[]], tag)?;
        let index = rtcp_index(*word)?;
        plain.extend_from_slice(rest);
        self.rtcp
            .cipher(ssrc, index.into(), &mut plain[RTCP_CLEAR..])?;
        Ok(index)
    }
}

impl Keys {
    fn new(master: &Master, [key, tag, salt]: [Label; 3]) -> Result<Self, SrtpError> {
        let mut secret = Zeroizing::new([0; 16]);
        derive(master, key, secret.as_mut_slice())?;
        let unbound = UnboundCipherKey::new(&AES_128, secret.as_slice());
        let cipher = unbound.and_then(EncryptingKey::ctr);
        let mut secret = Zeroizing::new([0; HASH_KEY]);
        derive(master, tag, secret.as_mut_slice())?;
        let mut own = [0; SALT];
        derive(master, salt, &mut own)?;
        Ok(Self {
            cipher: cipher.map_err(|_| SrtpError::Material)?,
            salt: own,
            hash: Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_slice()),
        })
    }

    /// Seals what is open, and opens what is sealed.
    fn cipher(&self, ssrc: u32, index: u64, body: &mut [u8]) -> Result<(), SrtpError> {
        if body.len() > LONGEST {
            return Err(SrtpError::Short);
        }
        let start = FixedLength::from(counter(&self.salt, ssrc, index));
        self.cipher
            .less_safe_encrypt(body, EncryptionContext::Iv128(start))
            .map_err(|_| SrtpError::Short)?;
        Ok(())
    }

    fn tag(&self, signed: [&[u8]; 3]) -> [u8; TAG] {
        let mut hash = Context::with_key(&self.hash);
        for piece in signed {
            hash.update(piece);
        }
        let mut tag = [0; TAG];
        tag.copy_from_slice(&hash.sign().as_ref()[..TAG]);
        tag
    }

    fn judge(&self, signed: [&[u8]; 3], tag: &[u8]) -> Result<(), SrtpError> {
        verify_slices_are_equal(&self.tag(signed), tag).map_err(|_| SrtpError::Forged)
    }
}

/// RFC 3711 §4.1.1: the salt, over it SSRC and index, and 16 bits that count blocks.
fn counter(salt: &[u8; SALT], ssrc: u32, index: u64) -> [u8; 16] {
    let mut start = [0; 16];
    start[..SALT].copy_from_slice(salt);
    for (byte, own) in start[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
        *byte ^= own;
    }
    for (byte, own) in start[8..SALT].iter_mut().zip(&index.to_be_bytes()[2..]) {
        *byte ^= own;
    }
    start
}

/// How often the sequence number has begun anew, which is signed with each packet.
fn rollovers(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::{Profile, hex};
    use super::*;

    /// RFC 3711 §B.3.
    fn master() -> Master {
        Master {
            profile: Profile::Counter,
            key: Zeroizing::new(hex("E1F97A0D3E018BE0D64FA32C06DE4139")),
            salt: hex("0EC675AD498AFEEBB6960B3AABE6").try_into().expect("14"),
        }
    }

    /// RFC 3711 §B.2: the stream's first blocks and its last.
    #[test]
    fn the_stream_is_the_rfcs() {
        let unbound = UnboundCipherKey::new(&AES_128, &hex("2B7E151628AED2A6ABF7158809CF4F3C"));
        let keys = Keys {
            cipher: unbound.and_then(EncryptingKey::ctr).expect("a key"),
            salt: hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD").try_into().expect("14"),
            hash: Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &[]),
        };
        let mut stream = vec![0; 0xFF02 * 16];
        keys.cipher(0, 0, &mut stream).expect("a stream");
        let first = "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB \
                     41E95B3BB0A2E8DD477901E4FCA894C0";
        assert_eq!(stream[..48], hex(first));
        let last = "EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE \
                    6A2CC3787889374FBEB4C81B17BA6C44";
        assert_eq!(stream[0xFEFF * 16..], hex(last));
    }

    /// RFC 3711 §B.3.
    #[test]
    fn keys_are_derived_as_the_rfc_derives_them() {
        let master = master();
        let derived = |label, length| {
            let mut key = vec![0; length];
            derive(&master, label, &mut key).expect("derived");
            key
        };
        let key = "C61E7A93744F39EE10734AFE3FF7A087";
        assert_eq!(derived(Label::RtpKey, 16), hex(key));
        assert_eq!(
            derived(Label::RtpSalt, 14),
            hex("30CBBC08863D8C85D49DB34A9AE1")
        );
        let tag = "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA4 8F0A0ACF 3C34E235 9E6CDBCE \
                   E049646C 43D9327A D175578E F7227098 6371C10C 9A369AC2 F94A8C5F BCDDDC25 \
                   6D6E919A 48B610EF 17C2041E 47403576 6B68642C 59BBFC2F 34DB60DB DFB2";
        assert_eq!(derived(Label::RtpTag, 94), hex(tag));
    }
}
