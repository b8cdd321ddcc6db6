//! Browsers that signed in before: their tries are counted by themselves, so that wrong passwords
//! from elsewhere, which lock the account and use up the address, do not keep its owner out.

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, HeaderValue};
use lens_auth::device::{DEVICE_CHARS, DEVICE_LIFE, Device};
use lens_auth::lockout::LockoutRule;
use lens_protocol::Timestamp;
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::rate_limit::{RateLimit, RateLimiter};
use lens_storage::AccountRecord;

use crate::cookies;

/// Browsers whose wrong passwords are counted one by one; each has signed in before.
const MOST: usize = 65_536;

/// Knows browsers again by their device cookie.
pub(crate) struct Devices {
    key: hmac::Key,
    /// Each try takes one; a login gives all back.
    tries: RateLimiter<[u8; 16]>,
}

impl Devices {
    /// A browser has as many tries as lock an account, in the time that a lock lasts.
    pub(crate) fn new(key: &[u8; 32], rule: LockoutRule) -> Self {
        let limit = RateLimit {
            burst: rule.attempts,
            per: rule.duration,
        };
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            tries: RateLimiter::new(limit, MOST),
        }
    }

    /// The device this request comes from, if it has tries left. Beyond them the browser counts
    /// as a stranger.
    pub(crate) fn recognise(&self, headers: &HeaderMap, now: Timestamp) -> Option<Device> {
        let text = cookies::text(headers, cookies::DEVICE, DEVICE_CHARS)?;
        let device = Device::open(&text, &self.key, now).ok()?;
        self.tries.check(&device.id, now).ok()?;
        Some(device)
    }

    /// After the right password.
    pub(crate) fn forgive(&self, device: &Device) {
        self.tries.forget(&device.id);
    }

    /// The cookie for a browser that has just signed in to `account`.
    pub(crate) fn welcome(&self, account: &AccountRecord, now: Timestamp) -> HeaderValue {
        let mut entropy = SystemEntropy::default();
        let device = Device::generate(account.id, account.auth_epoch, now, &mut entropy);
        cookies::give(cookies::DEVICE, &device.seal(&self.key), DEVICE_LIFE)
    }
}

/// Whether `device` signed in to `account` as it is now.
pub(crate) fn is_of(device: &Device, account: &AccountRecord) -> bool {
    device.technician == account.id && device.auth_epoch == account.auth_epoch
}
