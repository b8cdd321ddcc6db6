//! Device credentials: a browser that signed in to an account before can prove it.
//!
//! Wrong passwords from anywhere lock an account; a browser with such a credential is counted by
//! itself instead, so strangers cannot keep the account's owner out. It proves no identity: a
//! password is still asked for. The scheme is OWASP's "device cookies".

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lens_protocol::entropy::{Entropy, random_bytes};
use lens_protocol::id::TechnicianId;
use lens_protocol::{SecretText, Timestamp};

use crate::error::AuthError;

/// Length of a credential's text: 80 bytes in base64url without padding.
pub const DEVICE_CHARS: usize = 107;
/// How long a credential counts after it was made.
pub const DEVICE_LIFE: Duration = Duration::from_secs(180 * 24 * 3600);

const PLAIN: usize = 48;
const TAG: usize = 32;

/// A browser that signed in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// 128 random bits: which browser, as far as counting goes.
    pub id: [u8; 16],
    /// The account it signed in to.
    pub technician: TechnicianId,
    /// That account's epoch then; a new password or disabling ends what was made before.
    pub auth_epoch: u64,
    /// When.
    pub made_at: Timestamp,
}

impl Device {
    /// A device with an id of its own.
    pub fn generate(
        technician: TechnicianId,
        auth_epoch: u64,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Self {
        Self {
            id: random_bytes(entropy),
            technician,
            auth_epoch,
            made_at: now,
        }
    }

    /// The text to keep in the browser: the fields and an HMAC-SHA-256 over them under `key`,
    /// which serves nothing else.
    pub fn seal(&self, key: &hmac::Key) -> SecretText {
        let mut bytes = self.plain().to_vec();
        bytes.extend_from_slice(hmac::sign(key, &bytes).as_ref());
        SecretText::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The device of a text that [`Self::seal`] made under `key`.
    /// [`AuthError::MalformedCredential`] for anything else, and for one that is too old at `now`.
    pub fn open(text: &SecretText, key: &hmac::Key, now: Timestamp) -> Result<Self, AuthError> {
        let mut bytes = [0; PLAIN + TAG];
        match URL_SAFE_NO_PAD.decode_slice(text.expose(), &mut bytes) {
            Ok(written) if written == bytes.len() => {}
            _ => return Err(AuthError::MalformedCredential),
        }
        let (plain, tag) = bytes.split_at(PLAIN);
        hmac::verify(key, plain, tag).map_err(|_| AuthError::MalformedCredential)?;
        let device = Self::read(plain).ok_or(AuthError::MalformedCredential)?;
        if now.since(device.made_at) >= DEVICE_LIFE {
            return Err(AuthError::MalformedCredential);
        }
        Ok(device)
    }

    fn plain(&self) -> [u8; PLAIN] {
        let mut bytes = [0; PLAIN];
        bytes[..16].copy_from_slice(&self.id);
        bytes[16..32].copy_from_slice(self.technician.as_bytes());
        bytes[32..40].copy_from_slice(&self.auth_epoch.to_be_bytes());
        bytes[40..].copy_from_slice(&self.made_at.unix_ms().to_be_bytes());
        bytes
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let (id, rest) = plain.split_first_chunk()?;
        let (technician, rest) = rest.split_first_chunk()?;
        let (auth_epoch, rest) = rest.split_first_chunk()?;
        let (made_at, _) = rest.split_first_chunk()?;
        Some(Self {
            id: *id,
            technician: TechnicianId::from_bytes(*technician),
            auth_epoch: u64::from_be_bytes(*auth_epoch),
            made_at: Timestamp::from_unix_ms(i64::from_be_bytes(*made_at)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::Counting;

    fn key(byte: u8) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32])
    }

    fn device() -> Device {
        let technician = TechnicianId::from_bytes([9; 16]);
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        Device::generate(technician, 3, now, &mut Counting(0))
    }

    #[test]
    fn a_device_comes_back_as_it_was_sealed_for_half_a_year() {
        let made = device();
        let text = made.seal(&key(1));
        assert_eq!(text.expose().len(), DEVICE_CHARS);
        let last = made
            .made_at
            .plus(DEVICE_LIFE)
            .minus(Duration::from_millis(1));
        assert_eq!(Device::open(&text, &key(1), last), Ok(made));
        let late = made.made_at.plus(DEVICE_LIFE);
        assert!(Device::open(&text, &key(1), late).is_err());
    }

    #[test]
    fn every_changed_bit_and_another_key_are_refused() {
        let made = device();
        let text = made.seal(&key(1));
        assert!(Device::open(&text, &key(2), made.made_at).is_err());
        let bytes = URL_SAFE_NO_PAD.decode(text.expose()).unwrap_or_default();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let changed = SecretText::new(URL_SAFE_NO_PAD.encode(changed));
            let opened = Device::open(&changed, &key(1), made.made_at);
            assert_eq!(opened, Err(AuthError::MalformedCredential), "bit {bit}");
        }
    }

    #[test]
    fn a_text_of_another_shape_is_refused() {
        let made = device();
        let text = made.seal(&key(1));
        let (short, long) = (&text.expose()[1..], format!("{}A", text.expose()));
        for bad in [
            "",
            "x",
            short,
            long.as_str(),
            "=".repeat(DEVICE_CHARS).as_str(),
        ] {
            let opened = Device::open(&SecretText::new(bad), &key(1), made.made_at);
            assert_eq!(opened, Err(AuthError::MalformedCredential), "{bad}");
        }
    }
}
