//! AES-GCM (RFC 7714): the tag is 16 bytes of the cipher's own, over header and payload. In SRTCP
//! the index follows it.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::{
    ENCRYPTED, INDEX, Label, Master, Profile, RTCP_CLEAR, SrtpError, derive, rtcp_index, rtcp_ssrc,
};

/// Bytes of the tag.
pub(super) const TAG: usize = 16;
/// Bytes of a salt.
pub(super) const SALT: usize = 12;

/// The keys of one direction.
pub(super) struct Session {
    rtp: LessSafeKey,
    rtp_salt: [u8; SALT],
    rtcp: LessSafeKey,
    rtcp_salt: [u8; SALT],
}

impl Session {
    pub(super) fn new(master: &Master) -> Result<Self, SrtpError> {
        let salt = |label| {
            let mut salt = [0; SALT];
            derive(master, label, &mut salt).map(|()| salt)
        };
        Ok(Self {
            rtp: key(master, Label::RtpKey)?,
            rtp_salt: salt(Label::RtpSalt)?,
            rtcp: key(master, Label::RtcpKey)?,
            rtcp_salt: salt(Label::RtcpSalt)?,
        })
    }

    /// Seals `payload` into `body`, which is as long.
    pub(super) fn seal(
        &self,
        ssrc: u32,
        index: u64,
        header: &[u8],
        payload: &[u8],
        body: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), SrtpError> {
        let nonce = rtp_nonce(&self.rtp_salt, ssrc, index);
        let aad = Aad::from(header);
        let sealed = self
            .rtp
            .seal_out_of_place_scatter(nonce, aad, payload, body, &[], tag);
        sealed.map_err(|_| SrtpError::Short)
    }

    pub(super) fn seal_in_place(
        &self,
        ssrc: u32,
        index: u64,
        header: &[u8],
        body: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), SrtpError> {
        let nonce = rtp_nonce(&self.rtp_salt, ssrc, index);
        let sealed = self
            .rtp
            .seal_in_place_separate_tag(nonce, Aad::from(header), body);
        tag.copy_from_slice(sealed.map_err(|_| SrtpError::Short)?.as_ref());
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
        let nonce = rtp_nonce(&self.rtp_salt, ssrc, index);
        let opened = self
            .rtp
            .open_separate_gather(nonce, Aad::from(header), body, tag, payload);
        opened.map_err(|_| SrtpError::Forged)
    }

    pub(super) fn seal_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        packet: &mut Vec<u8>,
    ) -> Result<(), SrtpError> {
        let trailer = (ENCRYPTED | index).to_be_bytes();
        let (clear, body) = packet
            .split_first_chunk_mut::<RTCP_CLEAR>()
            .ok_or(SrtpError::Short)?;
        let nonce = rtcp_nonce(&self.rtcp_salt, ssrc, index);
        let aad = Aad::from(aad(clear, trailer));
        let sealed = self.rtcp.seal_in_place_separate_tag(nonce, aad, body);
        let tag = sealed.map_err(|_| SrtpError::Short)?;
        packet.extend_from_slice(tag.as_ref());
        packet.extend_from_slice(&trailer);
        Ok(())
    }

    pub(super) fn open_rtcp(&self, packet: &[u8], plain: &mut Vec<u8>) -> Result<u32, SrtpError> {
        let ssrc = rtcp_ssrc(packet)?;
        let (rest, trailer) = packet.split_last_chunk::<INDEX>().ok_or(SrtpError::Short)?;
        let (clear, sealed) = rest
            .split_first_chunk::<RTCP_CLEAR>()
            .filter(|(_, sealed)| sealed.len() >= TAG)
            .ok_or(SrtpError::Short)?;
        let index = rtcp_index(*trailer)?;
        plain.clear();
        plain.extend_from_slice(clear);
        plain.extend_from_slice(sealed);
        let nonce = rtcp_nonce(&self.rtcp_salt, ssrc, index);
        let body = &mut plain[RTCP_CLEAR..];
        let opened = self
            .rtcp
            .open_in_place(nonce, Aad::from(aad(clear, *trailer)), body)
            .map(|body| body.len());
        match opened {
            Ok(body) => {
                plain.truncate(RTCP_CLEAR + body);
                Ok(index)
            }
            Err(_) => {
                plain.clear();
                Err(SrtpError::Forged)
            }
        }
    }
}

/// What is authenticated of an RTCP packet beside its body (RFC 7714 §9.2).
fn aad(clear: &[u8; RTCP_CLEAR], trailer: [u8; INDEX]) -> [u8; RTCP_CLEAR + INDEX] {
    let mut aad = [0; RTCP_CLEAR + INDEX];
    aad[..RTCP_CLEAR].copy_from_slice(clear);
    aad[RTCP_CLEAR..].copy_from_slice(&trailer);
    aad
}

fn key(master: &Master, label: Label) -> Result<LessSafeKey, SrtpError> {
    let mut bytes = Zeroizing::new([0; 32]);
    let bytes = &mut bytes[..master.profile.key()];
    derive(master, label, bytes)?;
    bind(master.profile, bytes)
}

fn bind(profile: Profile, bytes: &[u8]) -> Result<LessSafeKey, SrtpError> {
    let algorithm = match profile {
        Profile::Gcm256 => &AES_256_GCM,
        _ => &AES_128_GCM,
    };
    let key = UnboundKey::new(algorithm, bytes).map_err(|_| SrtpError::Material)?;
    Ok(LessSafeKey::new(key))
}

/// RFC 7714 §8.1: two zero bytes, SSRC, rollover counter, sequence number; salted.
fn rtp_nonce(salt: &[u8; SALT], ssrc: u32, index: u64) -> Nonce {
    let mut nonce = *salt;
    for (byte, own) in nonce[2..6].iter_mut().zip(ssrc.to_be_bytes()) {
        *byte ^= own;
    }
    for (byte, own) in nonce[6..].iter_mut().zip(&index.to_be_bytes()[2..]) {
        *byte ^= own;
    }
    Nonce::assume_unique_for_key(nonce)
}

/// RFC 7714 §9.1: two zero bytes, SSRC, two zero bytes, 31-bit index; salted.
fn rtcp_nonce(salt: &[u8; SALT], ssrc: u32, index: u32) -> Nonce {
    let mut nonce = *salt;
    for (byte, own) in nonce[2..6].iter_mut().zip(ssrc.to_be_bytes()) {
        *byte ^= own;
    }
    for (byte, own) in nonce[8..].iter_mut().zip(index.to_be_bytes()) {
        *byte ^= own;
    }
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
mod tests {
    use super::super::hex;
    use super::*;

    /// A session whose RTP and RTCP keys are `key` itself, as in the RFC's examples.
    fn underived(profile: Profile, key: &str) -> Session {
        let key = hex(key);
        let salt = hex("517569642070726f2071756f")
            .try_into()
            .expect("12 bytes");
        Session {
            rtp: bind(profile, &key).expect("a key"),
            rtp_salt: salt,
            rtcp: bind(profile, &key).expect("a key"),
            rtcp_salt: salt,
        }
    }

    const PACKET: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 \
                          20646976 69736120 696e2070 61727465 73207472 6573";

    fn seal_example(profile: Profile, key: &str) -> Vec<u8> {
        let session = underived(profile, key);
        let packet = hex(PACKET);
        let (header, payload) = packet.split_at(12);
        let (mut body, mut tag) = (vec![0; payload.len()], [0; TAG]);
        session
            .seal(0x5501_a0b2, 0xf17b, header, payload, &mut body, &mut tag)
            .expect("sealed");
        [header, &body, &tag].concat()
    }

    /// RFC 7714 §16.1.1 and §16.2.1.
    #[test]
    fn the_rfcs_packets_come_out_bit_for_bit() {
        let key = "000102030405060708090a0b0c0d0e0f";
        let expected = "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 \
                        0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 \
                        0cce";
        assert_eq!(seal_example(Profile::Gcm128, key), hex(expected));
        let key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        let expected = "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 \
                        9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 \
                        6c13";
        assert_eq!(seal_example(Profile::Gcm256, key), hex(expected));
    }
}
