//! SRTP and SRTCP with AES-GCM (RFC 7714), keys by DTLS (RFC 5764).
//!
//! Each direction has its keys in one place: a [`Sealer`] for what we send, an [`Opener`] for what
//! a peer sends. A [`Sealer`] is the only owner of its nonces. The caller gives each packet an index
//! that was never used with its SSRC before ([`super::index::Window`] guards that); indices beyond
//! the last are refused here, so that no key outlives its limit (RFC 3711 §9.2).

use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, UnboundCipherKey};
use zeroize::Zeroizing;

use super::index::LAST_INDEX;

/// Bytes that protection adds to an RTP packet.
pub(crate) const RTP_TAG: usize = 16;
/// Bytes that protection adds to an RTCP packet: the tag, then the index with its E bit.
pub(crate) const RTCP_TAIL: usize = RTP_TAG + 4;

const SALT: usize = 12;
/// Highest SRTCP index; 31 bits.
const LAST_RTCP_INDEX: u32 = (1 << 31) - 1;
/// The E bit: the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;
/// Header of an RTCP packet up to the sender's SSRC; it stays clear.
const RTCP_CLEAR: usize = 8;

/// The profiles this path speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// AEAD_AES_128_GCM.
    Aes128,
    /// AEAD_AES_256_GCM.
    Aes256,
}

impl Profile {
    const fn key(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }

    /// Bytes that DTLS exports for it: two keys, two salts (RFC 5764 §4.2).
    pub(crate) const fn material(self) -> usize {
        2 * (self.key() + SALT)
    }
}

/// Why a packet was not protected or not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SrtpError {
    /// The exported keys have another length than the profile's.
    #[error("the keying material does not fit its profile")]
    Material,
    /// Too short for what it claims to be.
    #[error("the packet is too short")]
    Short,
    /// The tag does not fit: forged, damaged, or under other keys.
    #[error("the packet is not authentic")]
    Forged,
    /// The key has protected as many packets as it may.
    #[error("the key is used up")]
    UsedUp,
}

/// One direction's master key and salt.
pub(crate) struct Master {
    profile: Profile,
    key: Zeroizing<Vec<u8>>,
    salt: [u8; SALT],
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Master({:?})", self.profile)
    }
}

/// Splits what DTLS exported into the keys for what we send and for what the peer sends.
/// `client` says whether we were the DTLS client.
pub(crate) fn split(
    profile: Profile,
    material: &[u8],
    client: bool,
) -> Result<(Master, Master), SrtpError> {
    if material.len() != profile.material() {
        return Err(SrtpError::Material);
    }
    let (keys, salts) = material.split_at(2 * profile.key());
    let half = |second: bool| {
        let mut salt = [0; SALT];
        salt.copy_from_slice(&salts[usize::from(second) * SALT..][..SALT]);
        let from = usize::from(second) * profile.key();
        Master {
            profile,
            key: Zeroizing::new(keys[from..from + profile.key()].to_vec()),
            salt,
        }
    };
    // The client's come first.
    Ok((half(!client), half(client)))
}

/// The keys of one direction.
struct Session {
    rtp: LessSafeKey,
    rtp_salt: [u8; SALT],
    rtcp: LessSafeKey,
    rtcp_salt: [u8; SALT],
}

impl Session {
    fn new(master: &Master) -> Result<Self, SrtpError> {
        let salt = |label| {
            let mut salt = [0; SALT];
            derive(master, label, &mut salt).map(|()| salt)
        };
        Ok(Self {
            rtp: key(master, 0)?,
            rtp_salt: salt(2)?,
            rtcp: key(master, 3)?,
            rtcp_salt: salt(5)?,
        })
    }
}

fn key(master: &Master, label: u8) -> Result<LessSafeKey, SrtpError> {
    let mut bytes = Zeroizing::new([0; 32]);
    let bytes = &mut bytes[..master.profile.key()];
    derive(master, label, bytes)?;
    let algorithm = match master.profile {
        Profile::Aes128 => &AES_128_GCM,
        Profile::Aes256 => &AES_256_GCM,
    };
    let key = UnboundKey::new(algorithm, bytes).map_err(|_| SrtpError::Material)?;
    Ok(LessSafeKey::new(key))
}

/// AES in counter mode over the salt (RFC 3711 §4.3.3, RFC 6188 §3), at key derivation rate 0.
fn derive(master: &Master, label: u8, out: &mut [u8]) -> Result<(), SrtpError> {
    let algorithm = match master.profile {
        Profile::Aes128 => &AES_128,
        Profile::Aes256 => &AES_256,
    };
    let key = UnboundCipherKey::new(algorithm, &master.key).map_err(|_| SrtpError::Material)?;
    let cipher = EncryptingKey::ecb(key).map_err(|_| SrtpError::Material)?;
    for (round, piece) in (0_u16..).zip(out.chunks_mut(16)) {
        let mut block = Zeroizing::new([0_u8; 16]);
        block[..SALT].copy_from_slice(&master.salt);
        block[7] ^= label;
        block[14..].copy_from_slice(&round.to_be_bytes());
        cipher
            .encrypt(block.as_mut_slice())
            .map_err(|_| SrtpError::Material)?;
        piece.copy_from_slice(&block[..piece.len()]);
    }
    Ok(())
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

/// Protects what we send.
pub(crate) struct Sealer {
    session: Session,
    rtcp_index: u32,
}

impl Sealer {
    /// With the keys of our direction.
    pub(crate) fn new(master: &Master) -> Result<Self, SrtpError> {
        Ok(Self {
            session: Session::new(master)?,
            rtcp_index: 0,
        })
    }

    /// Protects one RTP packet. `out` holds `header` bytes of header already, and has room for
    /// payload and tag behind it, not a byte more. [`SrtpError::UsedUp`] beyond the last index.
    pub(crate) fn rtp(
        &self,
        ssrc: u32,
        index: u64,
        header: usize,
        payload: &[u8],
        out: &mut [u8],
    ) -> Result<(), SrtpError> {
        if index > LAST_INDEX {
            return Err(SrtpError::UsedUp);
        }
        let (header, rest) = out.split_at_mut_checked(header).ok_or(SrtpError::Short)?;
        let (body, tag) = rest
            .split_at_mut_checked(payload.len())
            .ok_or(SrtpError::Short)?;
        let nonce = rtp_nonce(&self.session.rtp_salt, ssrc, index);
        let aad = Aad::from(&*header);
        let sealed =
            self.session
                .rtp
                .seal_out_of_place_scatter(nonce, aad, payload, body, &[], tag);
        sealed.map_err(|_| SrtpError::Short)
    }

    /// The same with the payload in its place in `out` already.
    pub(crate) fn rtp_in_place(
        &self,
        ssrc: u32,
        index: u64,
        header: usize,
        out: &mut [u8],
    ) -> Result<(), SrtpError> {
        if index > LAST_INDEX {
            return Err(SrtpError::UsedUp);
        }
        let (header, rest) = out.split_at_mut_checked(header).ok_or(SrtpError::Short)?;
        let body = rest.len().checked_sub(RTP_TAG).ok_or(SrtpError::Short)?;
        let (body, tag) = rest.split_at_mut(body);
        let nonce = rtp_nonce(&self.session.rtp_salt, ssrc, index);
        let sealed = self
            .session
            .rtp
            .seal_in_place_separate_tag(nonce, Aad::from(&*header), body);
        tag.copy_from_slice(sealed.map_err(|_| SrtpError::Short)?.as_ref());
        Ok(())
    }

    /// Protects one compound RTCP packet in place; it grows by [`RTCP_TAIL`]. The nonce's counter
    /// is this object's own. [`SrtpError::UsedUp`] when that is at its end.
    pub(crate) fn rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        if self.rtcp_index >= LAST_RTCP_INDEX {
            return Err(SrtpError::UsedUp);
        }
        let ssrc = rtcp_ssrc(packet)?;
        self.rtcp_index += 1;
        let trailer = (ENCRYPTED | self.rtcp_index).to_be_bytes();
        let nonce = rtcp_nonce(&self.session.rtcp_salt, ssrc, self.rtcp_index);
        let mut aad = [0; RTCP_CLEAR + 4];
        aad[..RTCP_CLEAR].copy_from_slice(&packet[..RTCP_CLEAR]);
        aad[RTCP_CLEAR..].copy_from_slice(&trailer);
        let body = &mut packet[RTCP_CLEAR..];
        let sealed = self
            .session
            .rtcp
            .seal_in_place_separate_tag(nonce, Aad::from(aad), body);
        let tag = sealed.map_err(|_| SrtpError::Short)?;
        packet.extend_from_slice(tag.as_ref());
        packet.extend_from_slice(&trailer);
        Ok(())
    }
}

/// Takes what a peer sent.
pub(crate) struct Opener {
    session: Session,
}

impl Opener {
    /// With the keys of the peer's direction.
    pub(crate) fn new(master: &Master) -> Result<Self, SrtpError> {
        Ok(Self {
            session: Session::new(master)?,
        })
    }

    /// Opens one RTP packet, of which `header` bytes are header, into `payload`, which has as many
    /// bytes as the packet without header and tag. On [`SrtpError::Forged`] it holds nothing that
    /// may be used.
    pub(crate) fn rtp(
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
        let nonce = rtp_nonce(&self.session.rtp_salt, ssrc, index);
        let opened =
            self.session
                .rtp
                .open_separate_gather(nonce, Aad::from(header), body, tag, payload);
        opened.map_err(|_| SrtpError::Forged)
    }

    /// Opens one compound RTCP packet into `plain`, in place of what was there. Returns its index.
    pub(crate) fn rtcp(&self, packet: &[u8], plain: &mut Vec<u8>) -> Result<u32, SrtpError> {
        let ssrc = rtcp_ssrc(packet)?;
        let (rest, trailer) = packet.split_last_chunk::<4>().ok_or(SrtpError::Short)?;
        let (clear, sealed) = rest
            .split_at_checked(RTCP_CLEAR)
            .filter(|(_, sealed)| sealed.len() >= RTP_TAG)
            .ok_or(SrtpError::Short)?;
        let word = u32::from_be_bytes(*trailer);
        // Unencrypted SRTCP is authenticated over everything; nobody who speaks DTLS-SRTP sends it.
        if word & ENCRYPTED == 0 {
            return Err(SrtpError::Forged);
        }
        let index = word & !ENCRYPTED;
        let mut aad = [0; RTCP_CLEAR + 4];
        aad[..RTCP_CLEAR].copy_from_slice(clear);
        aad[RTCP_CLEAR..].copy_from_slice(trailer);
        plain.clear();
        plain.extend_from_slice(clear);
        plain.extend_from_slice(sealed);
        let nonce = rtcp_nonce(&self.session.rtcp_salt, ssrc, index);
        let body = &mut plain[RTCP_CLEAR..];
        let opened = self
            .session
            .rtcp
            .open_in_place(nonce, Aad::from(aad), body)
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

fn rtcp_ssrc(packet: &[u8]) -> Result<u32, SrtpError> {
    let clear = packet.first_chunk::<RTCP_CLEAR>();
    let [.., a, b, c, d] = clear.ok_or(SrtpError::Short)?;
    Ok(u32::from_be_bytes([*a, *b, *c, *d]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .bytes()
            .filter_map(|it| char::from(it).to_digit(16).map(|digit| digit as u8))
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    fn master(profile: Profile, key: &str, salt: &str) -> Master {
        Master {
            profile,
            key: Zeroizing::new(hex(key)),
            salt: hex(salt).try_into().expect("12 bytes"),
        }
    }

    /// A session whose RTP and RTCP keys are `key` itself, as in the RFC's examples.
    fn underived(profile: Profile, key: &str) -> Session {
        let key = hex(key);
        let bind = || {
            let algorithm = match profile {
                Profile::Aes128 => &AES_128_GCM,
                Profile::Aes256 => &AES_256_GCM,
            };
            LessSafeKey::new(UnboundKey::new(algorithm, &key).expect("a key"))
        };
        let salt = hex("517569642070726f2071756f")
            .try_into()
            .expect("12 bytes");
        Session {
            rtp: bind(),
            rtp_salt: salt,
            rtcp: bind(),
            rtcp_salt: salt,
        }
    }

    const PACKET: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 \
                          20646976 69736120 696e2070 61727465 73207472 6573";

    fn seal_example(profile: Profile, key: &str) -> Vec<u8> {
        let sealer = Sealer {
            session: underived(profile, key),
            rtcp_index: 0,
        };
        let packet = hex(PACKET);
        let mut out = vec![0; packet.len() + RTP_TAG];
        out[..12].copy_from_slice(&packet[..12]);
        sealer
            .rtp(0x5501_a0b2, 0xf17b, 12, &packet[12..], &mut out)
            .expect("sealed");
        out
    }

    /// RFC 7714 §16.1.1 and §16.2.1.
    #[test]
    fn the_rfcs_packets_come_out_bit_for_bit() {
        let key = "000102030405060708090a0b0c0d0e0f";
        let expected = "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 \
                        0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 \
                        0cce";
        assert_eq!(seal_example(Profile::Aes128, key), hex(expected));
        let key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        let expected = "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 \
                        9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 \
                        6c13";
        assert_eq!(seal_example(Profile::Aes256, key), hex(expected));
    }

    /// RFC 3711 §B.3 for 128 bits; its salt has 14 bytes, of which ours are the first 12 and the
    /// last two are part of the counter block.
    #[test]
    fn keys_are_derived_as_the_rfc_derives_them() {
        let master = master(
            Profile::Aes128,
            "E1F97A0D3E018BE0D64FA32C06DE4139",
            "0EC675AD498AFEEBB6960B3A",
        );
        let algorithm = UnboundCipherKey::new(&AES_128, &master.key).expect("a key");
        let cipher = EncryptingKey::ecb(algorithm).expect("a cipher");
        // The RFC's block for label 0: its whole salt, shifted left by 16 bits.
        let mut block = hex("0EC675AD498AFEEBB6960B3AABE60000");
        cipher.encrypt(&mut block).expect("a block");
        assert_eq!(block, hex("C61E7A93744F39EE10734AFE3FF7A087"));
        // Ours is the same but for the two bytes a 12-byte salt has not.
        let mut own = [0; 16];
        derive(&master, 0, &mut own).expect("derived");
        let algorithm = UnboundCipherKey::new(&AES_128, &master.key).expect("a key");
        let cipher = EncryptingKey::ecb(algorithm).expect("a cipher");
        let mut block = hex("0EC675AD498AFEEBB6960B3A00000000");
        cipher.encrypt(&mut block).expect("a block");
        assert_eq!(own.as_slice(), block);
    }

    fn pair() -> (Sealer, Opener) {
        let material: Vec<u8> = (0..Profile::Aes256.material() as u8).collect();
        let (ours, _) = split(Profile::Aes256, &material, true).expect("keys");
        let (_, theirs) = split(Profile::Aes256, &material, false).expect("keys");
        (
            Sealer::new(&ours).expect("keys"),
            Opener::new(&theirs).expect("keys"),
        )
    }

    #[test]
    fn what_a_client_seals_its_server_opens_and_nobody_changes() {
        let (sealer, opener) = pair();
        let mut packet = vec![0; 12 + 5 + RTP_TAG];
        packet[..12].copy_from_slice(&hex(PACKET)[..12]);
        sealer
            .rtp(7, 70_000, 12, b"hello", &mut packet)
            .expect("sealed");
        let mut payload = [0; 5];
        opener
            .rtp(7, 70_000, &packet, 12, &mut payload)
            .expect("opened");
        assert_eq!(&payload, b"hello");
        let wrong = opener.rtp(7, 70_000 - 65_536, &packet, 12, &mut payload);
        assert_eq!(wrong, Err(SrtpError::Forged), "another rollover counter");
        for bit in 0..packet.len() * 8 {
            let mut changed = packet.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let opened = opener.rtp(7, 70_000, &changed, 12, &mut payload);
            assert_eq!(opened, Err(SrtpError::Forged), "bit {bit}");
        }
    }

    #[test]
    fn rtcp_comes_back_with_a_new_index_each_time() {
        let (mut sealer, opener) = pair();
        let report = hex("80c90001 00000007");
        let mut plain = Vec::new();
        for expected in 1..=3 {
            let mut packet = [&report[..], b"more"].concat();
            sealer.rtcp(&mut packet).expect("sealed");
            assert_eq!(opener.rtcp(&packet, &mut plain), Ok(expected));
            assert_eq!(plain, [&report[..], b"more"].concat());
            let last = packet.len() - 1;
            packet[last] ^= 1;
            assert_eq!(opener.rtcp(&packet, &mut plain), Err(SrtpError::Forged));
            assert!(plain.is_empty());
        }
    }

    #[test]
    fn a_key_that_is_used_up_seals_no_more() {
        let (mut sealer, _) = pair();
        let mut out = vec![0; 12 + RTP_TAG];
        assert_eq!(sealer.rtp(1, LAST_INDEX, 12, &[], &mut out), Ok(()));
        let beyond = sealer.rtp(1, LAST_INDEX + 1, 12, &[], &mut out);
        assert_eq!(beyond, Err(SrtpError::UsedUp));
        sealer.rtcp_index = LAST_RTCP_INDEX - 1;
        assert_eq!(sealer.rtcp(&mut hex("80c90001 00000007")), Ok(()));
        let mut packet = hex("80c90001 00000007");
        assert_eq!(sealer.rtcp(&mut packet), Err(SrtpError::UsedUp));
    }

    #[test]
    fn short_packets_and_material_of_another_length_are_refused() {
        let (_, opener) = pair();
        for length in 0..RTCP_CLEAR + RTCP_TAIL {
            let opened = opener.rtcp(&vec![0x80; length], &mut Vec::new());
            assert!(opened.is_err(), "{length}");
        }
        assert!(split(Profile::Aes256, &[0; 56], true).is_err());
    }
}
