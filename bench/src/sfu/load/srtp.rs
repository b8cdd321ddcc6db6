//! AES-256-GCM SRTP for a generator of load (RFC 7714): RTP both ways, nothing else.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, UnboundCipherKey};
use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, KeyingMaterial,
    ProtocolVersion, SrtpProfile,
};
use str0m::crypto::{CryptoError, CryptoProvider, from_feature_flags};

/// Bytes that protection adds.
pub(super) const TAG: usize = 16;
const KEY: usize = 32;
const SALT: usize = 12;

/// RTP keys of one direction.
pub(super) struct Keys {
    key: LessSafeKey,
    salt: [u8; SALT],
}

impl Keys {
    fn new(master: &[u8], salt: &[u8]) -> Option<Self> {
        let mut key = [0; KEY];
        derive(master, salt, 0, &mut key)?;
        let mut own = [0; SALT];
        derive(master, salt, 2, &mut own)?;
        let key = UnboundKey::new(&AES_256_GCM, &key).ok()?;
        Some(Self {
            key: LessSafeKey::new(key),
            salt: own,
        })
    }

    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut nonce = self.salt;
        for (byte, own) in nonce[2..6].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= own;
        }
        for (byte, own) in nonce[6..].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= own;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals `packet`, which ends with room for the tag, in place.
    pub(super) fn seal(&self, ssrc: u32, index: u64, header: usize, packet: &mut [u8]) {
        let (header, rest) = packet.split_at_mut(header);
        let body = rest.len() - TAG;
        let (body, tag) = rest.split_at_mut(body);
        let nonce = self.nonce(ssrc, index);
        let sealed = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(&*header), body);
        if let Ok(sealed) = sealed {
            tag.copy_from_slice(sealed.as_ref());
        }
    }

    /// Opens `packet` in place; its payload, if it is authentic.
    pub(super) fn open<'a>(
        &self,
        ssrc: u32,
        index: u64,
        header: usize,
        packet: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        let (header, body) = packet.split_at_mut_checked(header)?;
        let nonce = self.nonce(ssrc, index);
        let opened = self.key.open_in_place(nonce, Aad::from(&*header), body);
        opened.ok().map(|body| &*body)
    }
}

fn derive(master: &[u8], salt: &[u8], label: u8, out: &mut [u8]) -> Option<()> {
    let key = UnboundCipherKey::new(&AES_256, master).ok()?;
    let cipher = EncryptingKey::ecb(key).ok()?;
    for (round, piece) in (0_u16..).zip(out.chunks_mut(16)) {
        let mut block = [0; 16];
        block[..SALT].copy_from_slice(salt);
        block[7] ^= label;
        block[14..].copy_from_slice(&round.to_be_bytes());
        cipher.encrypt(&mut block).ok()?;
        piece.copy_from_slice(&block[..piece.len()]);
    }
    Some(())
}

/// What a handshake agreed on: keys for sending and for receiving, or another profile's name.
pub(super) type Agreed = Result<(Keys, Keys), String>;

/// Where it appears.
pub(super) type Cell = Arc<Mutex<Option<Agreed>>>;

thread_local! {
    static LATEST: RefCell<Option<Cell>> = const { RefCell::new(None) };
}

/// The cell of the handshake that was made last on this thread.
pub(super) fn take_latest() -> Cell {
    LATEST.take().unwrap_or_default()
}

/// The stack's cryptography, with a look at what its DTLS agrees on. The stack keeps the keys, too:
/// it speaks RTCP, and never RTP, so that no nonce is used twice.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static TAPPED: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    static DTLS: OnceLock<TapProvider> = OnceLock::new();
    let tapped = TAPPED.get_or_init(|| {
        let mut provider = from_feature_flags();
        provider.dtls_provider = DTLS.get_or_init(|| TapProvider(provider.dtls_provider));
        Arc::new(provider)
    });
    Arc::clone(tapped)
}

fn agreed(material: &KeyingMaterial, profile: SrtpProfile, client: bool) -> Agreed {
    if profile != SrtpProfile::AEAD_AES_256_GCM {
        return Err(format!(
            "the server chose {profile}; the figures are for AES-256-GCM"
        ));
    }
    let half = |second: bool| {
        let second = usize::from(second);
        let key = &material[second * KEY..][..KEY];
        let salt = &material[2 * KEY + second * SALT..][..SALT];
        Keys::new(key, salt).ok_or_else(|| "the keys do not fit".to_owned())
    };
    Ok((half(!client)?, half(client)?))
}

#[derive(Debug)]
struct TapProvider(&'static dyn DtlsProvider);

impl DtlsProvider for TapProvider {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.0.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = self.0.new_dtls(cert, now, version, mtu)?;
        let cell = Cell::default();
        LATEST.replace(Some(Arc::clone(&cell)));
        Ok(Box::new(Tap { inner, cell }))
    }

    fn is_test(&self) -> bool {
        self.0.is_test()
    }
}

struct Tap {
    inner: Box<dyn DtlsInstance>,
    cell: Cell,
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tap")
    }
}

impl DtlsInstance for Tap {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let client = self.inner.is_active();
        let output = self.inner.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            let found = agreed(material, *profile, client);
            *self.cell.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7714 §16.2.1.
    #[test]
    fn the_rfcs_packet_comes_out_and_goes_in() {
        let bytes = |text: &str| -> Vec<u8> {
            let digits = text.bytes().filter_map(|it| char::from(it).to_digit(16));
            let digits: Vec<u8> = digits.map(|digit| digit as u8).collect();
            digits.chunks(2).map(|it| it[0] << 4 | it[1]).collect()
        };
        let key: Vec<u8> = (0..32).collect();
        let key = UnboundKey::new(&AES_256_GCM, &key).expect("a key");
        let keys = Keys {
            key: LessSafeKey::new(key),
            salt: *b"Quid pro quo",
        };
        let mut packet = bytes(
            "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 \
             696e2070 61727465 73207472 6573",
        );
        let plain = packet.clone();
        packet.resize(packet.len() + TAG, 0);
        keys.seal(0x5501_a0b2, 0xf17b, 12, &mut packet);
        assert!(packet.ends_with(&bytes("d6b0f9bb 7878d7a7 6c13")));
        let opened = keys.open(0x5501_a0b2, 0xf17b, 12, &mut packet);
        assert_eq!(opened, Some(&plain[12..]));
    }
}
