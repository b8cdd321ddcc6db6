//! SRTP and SRTCP (RFC 3711) in the profiles that the stack's DTLS agrees on (RFC 5764): AES-GCM in
//! [`gcm`], AES in counter mode with HMAC-SHA1 in [`counter`].
//!
//! Each direction has its keys in one place: a [`Sealer`] for what we send, an [`Opener`] for what
//! a peer sends. A [`Sealer`] is the only owner of its nonces. The caller gives each packet an index
//! that was never used with its SSRC before ([`super::index::Window`] guards that); indices beyond
//! the last are refused here, so that no key outlives its limit (RFC 3711 §9.2). With either profile
//! a nonce used twice gives the contents of both packets away.

mod counter;
mod gcm;

use std::fmt;

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, UnboundCipherKey};
use zeroize::Zeroizing;

use super::index::LAST_INDEX;

/// Most bytes that protection adds to an RTCP packet: a tag, and the index with its E bit.
pub(crate) const RTCP_TAIL: usize = 16 + INDEX;

/// Bytes of a master salt: 14 in counter mode; with GCM 12, and two of zero.
const SALT: usize = 14;
/// Highest SRTCP index; 31 bits.
const LAST_RTCP_INDEX: u32 = (1 << 31) - 1;
/// The E bit: the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;
/// Bytes of an SRTCP index with its E bit.
const INDEX: usize = 4;
/// Header of an RTCP packet up to the sender's SSRC; it stays clear.
const RTCP_CLEAR: usize = 8;

/// The profiles this path speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// AEAD_AES_128_GCM.
    Gcm128,
    /// AEAD_AES_256_GCM.
    Gcm256,
    /// AES128_CM_SHA1_80.
    Counter,
}

impl Profile {
    const fn key(self) -> usize {
        match self {
            Self::Gcm128 | Self::Counter => 16,
            Self::Gcm256 => 32,
        }
    }

    const fn salt(self) -> usize {
        match self {
            Self::Gcm128 | Self::Gcm256 => gcm::SALT,
            Self::Counter => SALT,
        }
    }

    /// Bytes that DTLS exports for it: two keys, two salts (RFC 5764 §4.2).
    pub(crate) const fn material(self) -> usize {
        2 * (self.key() + self.salt())
    }

    /// Bytes that protection adds to an RTP packet.
    pub(crate) const fn tag(self) -> usize {
        match self {
            Self::Gcm128 | Self::Gcm256 => gcm::TAG,
            Self::Counter => counter::TAG,
        }
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
        let length = profile.salt();
        let mut salt = [0; SALT];
        salt[..length].copy_from_slice(&salts[usize::from(second) * length..][..length]);
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

/// What a key of a session is for (RFC 3711 §4.3.1, §4.3.2).
#[derive(Clone, Copy)]
#[repr(u8)]
enum Label {
    RtpKey = 0,
    RtpTag = 1,
    RtpSalt = 2,
    RtcpKey = 3,
    RtcpTag = 4,
    RtcpSalt = 5,
}

/// AES in counter mode over the salt (RFC 3711 §4.3.3, RFC 6188 §3), at key derivation rate 0.
fn derive(master: &Master, label: Label, out: &mut [u8]) -> Result<(), SrtpError> {
    let algorithm = match master.profile {
        Profile::Gcm128 | Profile::Counter => &AES_128,
        Profile::Gcm256 => &AES_256,
    };
    let key = UnboundCipherKey::new(algorithm, &master.key).map_err(|_| SrtpError::Material)?;
    let cipher = EncryptingKey::ecb(key).map_err(|_| SrtpError::Material)?;
    for (round, piece) in (0_u16..).zip(out.chunks_mut(16)) {
        let mut block = Zeroizing::new([0_u8; 16]);
        block[..SALT].copy_from_slice(&master.salt);
        block[7] ^= label as u8;
        block[SALT..].copy_from_slice(&round.to_be_bytes());
        cipher
            .encrypt(block.as_mut_slice())
            .map_err(|_| SrtpError::Material)?;
        piece.copy_from_slice(&block[..piece.len()]);
    }
    Ok(())
}

/// The keys of one direction.
enum Session {
    Gcm(gcm::Session),
    /// Some 3 KB, which few peers need.
    Counter(Box<counter::Session>),
}

impl Session {
    fn new(master: &Master) -> Result<Self, SrtpError> {
        Ok(match master.profile {
            Profile::Gcm128 | Profile::Gcm256 => Self::Gcm(gcm::Session::new(master)?),
            Profile::Counter => Self::Counter(Box::new(counter::Session::new(master)?)),
        })
    }
}

/// Protects what we send.
pub(crate) struct Sealer {
    session: Session,
    tag: usize,
    rtcp_index: u32,
}

impl Sealer {
    /// With the keys of our direction.
    pub(crate) fn new(master: &Master) -> Result<Self, SrtpError> {
        Ok(Self {
            session: Session::new(master)?,
            tag: master.profile.tag(),
            rtcp_index: 0,
        })
    }

    /// Bytes that it adds to an RTP packet.
    pub(crate) fn tag(&self) -> usize {
        self.tag
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
        let (header, body, tag) = self.parts(index, header, out)?;
        if body.len() != payload.len() {
            return Err(SrtpError::Short);
        }
        match &self.session {
            Session::Gcm(session) => session.seal(ssrc, index, header, payload, body, tag),
            Session::Counter(session) => {
                body.copy_from_slice(payload);
                session.seal(ssrc, index, header, body, tag)
            }
        }
    }

    /// The same with the payload in its place in `out` already.
    pub(crate) fn rtp_in_place(
        &self,
        ssrc: u32,
        index: u64,
        header: usize,
        out: &mut [u8],
    ) -> Result<(), SrtpError> {
        let (header, body, tag) = self.parts(index, header, out)?;
        match &self.session {
            Session::Gcm(session) => session.seal_in_place(ssrc, index, header, body, tag),
            Session::Counter(session) => session.seal(ssrc, index, header, body, tag),
        }
    }

    /// Header, body and tag of a packet to be sealed.
    #[expect(clippy::type_complexity, reason = "three pieces of one slice")]
    fn parts<'a>(
        &self,
        index: u64,
        header: usize,
        out: &'a mut [u8],
    ) -> Result<(&'a [u8], &'a mut [u8], &'a mut [u8]), SrtpError> {
        if index > LAST_INDEX {
            return Err(SrtpError::UsedUp);
        }
        let (header, rest) = out.split_at_mut_checked(header).ok_or(SrtpError::Short)?;
        let body = rest.len().checked_sub(self.tag).ok_or(SrtpError::Short)?;
        let (body, tag) = rest.split_at_mut(body);
        Ok((header, body, tag))
    }

    /// Protects one compound RTCP packet in place; it grows by at most [`RTCP_TAIL`]. The nonce's
    /// counter is this object's own. [`SrtpError::UsedUp`] when that is at its end.
    pub(crate) fn rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), SrtpError> {
        if self.rtcp_index >= LAST_RTCP_INDEX {
            return Err(SrtpError::UsedUp);
        }
        let ssrc = rtcp_ssrc(packet)?;
        self.rtcp_index += 1;
        match &self.session {
            Session::Gcm(session) => session.seal_rtcp(ssrc, self.rtcp_index, packet),
            Session::Counter(session) => session.seal_rtcp(ssrc, self.rtcp_index, packet),
        }
    }
}

/// Takes what a peer sent.
pub(crate) struct Opener {
    session: Session,
    tag: usize,
}

impl Opener {
    /// With the keys of the peer's direction.
    pub(crate) fn new(master: &Master) -> Result<Self, SrtpError> {
        Ok(Self {
            session: Session::new(master)?,
            tag: master.profile.tag(),
        })
    }

    /// Bytes that protection adds to an RTP packet.
    pub(crate) fn tag(&self) -> usize {
        self.tag
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
        match &self.session {
            Session::Gcm(session) => session.open(ssrc, index, packet, header, payload),
            Session::Counter(session) => session.open(ssrc, index, packet, header, payload),
        }
    }

    /// Opens one compound RTCP packet into `plain`, in place of what was there. Returns its index.
    pub(crate) fn rtcp(&self, packet: &[u8], plain: &mut Vec<u8>) -> Result<u32, SrtpError> {
        match &self.session {
            Session::Gcm(session) => session.open_rtcp(packet, plain),
            Session::Counter(session) => session.open_rtcp(packet, plain),
        }
    }
}

fn rtcp_ssrc(packet: &[u8]) -> Result<u32, SrtpError> {
    let clear = packet.first_chunk::<RTCP_CLEAR>();
    let [.., a, b, c, d] = clear.ok_or(SrtpError::Short)?;
    Ok(u32::from_be_bytes([*a, *b, *c, *d]))
}

/// The index in the last word of an SRTCP packet, or before its tag. Unencrypted SRTCP is
/// authenticated over everything; nobody who speaks DTLS-SRTP sends it.
fn rtcp_index(word: [u8; INDEX]) -> Result<u32, SrtpError> {
    let word = u32::from_be_bytes(word);
    match word & ENCRYPTED {
        0 => Err(SrtpError::Forged),
        _ => Ok(word & !ENCRYPTED),
    }
}

#[cfg(test)]
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

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Profile; 3] = [Profile::Gcm128, Profile::Gcm256, Profile::Counter];
    const HEADER: &str = "8040f17b 8041f8d3 5501a0b2";

    /// RFC 3711 §B.3 for 128 bits; GCM's salt is the first 12 bytes of its 14.
    #[test]
    fn keys_are_derived_as_the_rfc_derives_them() {
        let mut master = Master {
            profile: Profile::Gcm128,
            key: Zeroizing::new(hex("E1F97A0D3E018BE0D64FA32C06DE4139")),
            salt: hex("0EC675AD498AFEEBB6960B3AABE6")
                .try_into()
                .expect("14 bytes"),
        };
        let mut key = [0; 16];
        derive(&master, Label::RtpKey, &mut key).expect("derived");
        assert_eq!(key.as_slice(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
        master.salt[gcm::SALT..].fill(0);
        derive(&master, Label::RtpKey, &mut key).expect("derived");
        let algorithm = UnboundCipherKey::new(&AES_128, &master.key).expect("a key");
        let cipher = EncryptingKey::ecb(algorithm).expect("a cipher");
        let mut block = hex("0EC675AD498AFEEBB6960B3A00000000");
        cipher.encrypt(&mut block).expect("a block");
        assert_eq!(key.as_slice(), block);
    }

    fn pair(profile: Profile) -> (Sealer, Opener) {
        let material: Vec<u8> = (0..profile.material() as u8).collect();
        let (ours, _) = split(profile, &material, true).expect("keys");
        let (_, theirs) = split(profile, &material, false).expect("keys");
        (
            Sealer::new(&ours).expect("keys"),
            Opener::new(&theirs).expect("keys"),
        )
    }

    #[test]
    fn what_a_client_seals_its_server_opens_and_nobody_changes() {
        for profile in ALL {
            let (sealer, opener) = pair(profile);
            let mut packet = vec![0; 12 + 5 + profile.tag()];
            packet[..12].copy_from_slice(&hex(HEADER));
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
                assert_eq!(opened, Err(SrtpError::Forged), "bit {bit}, {profile:?}");
            }
        }
    }

    #[test]
    fn a_packet_sealed_in_place_is_the_same() {
        for profile in ALL {
            let (sealer, _) = pair(profile);
            let mut apart = vec![0; 12 + 5 + profile.tag()];
            apart[..12].copy_from_slice(&hex(HEADER));
            let mut placed = apart.clone();
            placed[12..17].copy_from_slice(b"hello");
            sealer.rtp(7, 8, 12, b"hello", &mut apart).expect("sealed");
            sealer.rtp_in_place(7, 8, 12, &mut placed).expect("sealed");
            assert_eq!(apart, placed, "{profile:?}");
            let short = sealer.rtp(7, 9, 12, b"hello again", &mut apart);
            assert_eq!(short, Err(SrtpError::Short));
        }
    }

    #[test]
    fn rtcp_comes_back_with_a_new_index_each_time() {
        for profile in ALL {
            let (mut sealer, opener) = pair(profile);
            let report = hex("80c90001 00000007");
            let mut plain = Vec::new();
            for expected in 1..=3 {
                let whole = [&report[..], b"more"].concat();
                let mut packet = whole.clone();
                sealer.rtcp(&mut packet).expect("sealed");
                assert!(packet.len() <= whole.len() + RTCP_TAIL);
                assert_ne!(packet[8..12], whole[8..], "sealed");
                assert_eq!(opener.rtcp(&packet, &mut plain), Ok(expected));
                assert_eq!(plain, whole);
                for bit in 0..packet.len() * 8 {
                    let mut changed = packet.clone();
                    changed[bit / 8] ^= 1 << (bit % 8);
                    let opened = opener.rtcp(&changed, &mut plain);
                    assert_eq!(opened, Err(SrtpError::Forged), "bit {bit}, {profile:?}");
                    assert!(plain.is_empty() || opened.is_ok());
                }
            }
        }
    }

    #[test]
    fn a_key_that_is_used_up_seals_no_more() {
        for profile in ALL {
            let (mut sealer, _) = pair(profile);
            let mut out = vec![0; 12 + profile.tag()];
            assert_eq!(sealer.rtp(1, LAST_INDEX, 12, &[], &mut out), Ok(()));
            let beyond = sealer.rtp(1, LAST_INDEX + 1, 12, &[], &mut out);
            assert_eq!(beyond, Err(SrtpError::UsedUp));
            let beyond = sealer.rtp_in_place(1, LAST_INDEX + 1, 12, &mut out);
            assert_eq!(beyond, Err(SrtpError::UsedUp));
            sealer.rtcp_index = LAST_RTCP_INDEX - 1;
            assert_eq!(sealer.rtcp(&mut hex("80c90001 00000007")), Ok(()));
            let mut packet = hex("80c90001 00000007");
            assert_eq!(sealer.rtcp(&mut packet), Err(SrtpError::UsedUp));
        }
    }

    #[test]
    fn short_packets_and_material_of_another_length_are_refused() {
        for profile in ALL {
            let (_, opener) = pair(profile);
            for length in 0..RTCP_CLEAR + RTCP_TAIL {
                let opened = opener.rtcp(&vec![0x80; length], &mut Vec::new());
                assert!(opened.is_err(), "{length}");
            }
            let opened = opener.rtp(1, 1, &[0; 16], 12, &mut [0; 5]);
            assert_eq!(opened, Err(SrtpError::Short));
            assert!(split(profile, &vec![0; profile.material() - 1], true).is_err());
        }
    }
}
