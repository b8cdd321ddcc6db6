//! Invitations: PIN, link and QR code of a session, and their digests.

use std::time::Duration;

use aws_lc_rs::hmac;
use lens_auth::{link, pin};
use lens_protocol::id::{InvitationId, SessionId};
use lens_protocol::session::Invitation;
use lens_protocol::{ErrorCode, Problem, SecretDigest, SecretText, Timestamp};
use lens_runtime::entropy::SystemEntropy;
use lens_storage::{Conflict, InvitationRecord, InvitationState, StorageError};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// PINs drawn before giving up. At most one in a thousand is taken, so three tries already fail
/// once in a billion.
pub(crate) const TRIES: u32 = 8;
/// Side of the QR code in pixels, quiet zone included, when nothing scales it.
const QR_SIDE: u32 = 240;

/// A new invitation: what the store keeps, and what the technician sees once.
pub(crate) struct Fresh {
    pub(crate) record: InvitationRecord,
    pub(crate) shown: Invitation,
}

/// The PIN's digest: keyed, because six digits would be read back from a plain hash at once.
pub(crate) fn pin_digest(key: &hmac::Key, pin: &SecretText) -> SecretDigest {
    let tag = hmac::sign(key, pin.expose().as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    SecretDigest::from_bytes(bytes)
}

/// Draws a new invitation into `session`. `live` is how many PINs have an owner.
pub(crate) fn draw(
    session: SessionId,
    live: u64,
    key: &hmac::Key,
    public_url: &str,
    life: Duration,
    now: Timestamp,
) -> Result<Fresh, Problem> {
    let mut entropy = SystemEntropy::default();
    let pin = pin::generate(pin::digits(live), &mut entropy);
    let secret = link::generate(&mut entropy);
    let halves = link::derive(&secret)?;
    let record = InvitationRecord {
        id: InvitationId::generate(now, &mut entropy),
        session,
        pin: pin_digest(key, &pin),
        lookup: halves.lookup_digest()?,
        auth: halves.auth_digest()?,
        created_at: now,
        expires_at: now.plus(life),
        state: InvitationState::Live,
    };
    let link = SecretText::new(format!("{public_url}/s#{}", secret.expose()));
    let shown = Invitation {
        id: record.id,
        pin,
        pin_url: format!("{public_url}/"),
        qr_svg: qr(&link)?,
        link,
        expires_at: record.expires_at,
    };
    Ok(Fresh { record, shown })
}

/// Whether another draw can help.
pub(crate) fn is_taken(error: &StorageError) -> bool {
    error.is_conflict(Conflict::Pin) || error.is_conflict(Conflict::Exists)
}

/// The link as an SVG: dark on light, with the quiet zone of four modules that scanners need.
fn qr(link: &SecretText) -> Result<SecretText, Problem> {
    let code = QrCode::with_error_correction_level(link.expose(), EcLevel::M).map_err(|_| {
        tracing::error!("a link does not fit into a QR code: the public URL is too long");
        Problem::from(ErrorCode::Internal)
    })?;
    let mut image = code.render::<svg::Color<'_>>();
    Ok(SecretText::new(
        image
            .quiet_zone(true)
            .min_dimensions(QR_SIDE, QR_SIDE)
            .build(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Fresh {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let session = SessionId::from_bytes([1; 16]);
        let now = Timestamp::from_unix_ms(1_800_000_000_000);
        let life = Duration::from_secs(1200);
        draw(session, 0, &key, "https://help.example", life, now).expect("drawn")
    }

    #[test]
    fn what_is_shown_opens_what_is_kept_and_is_not_in_it() {
        let Fresh { record, shown } = fresh();
        assert_eq!(shown.pin.expose().len(), 6);
        let (page, secret) = shown.link.expose().split_once('#').expect("a fragment");
        assert_eq!(page, "https://help.example/s");
        let halves = link::derive(&SecretText::new(secret)).expect("22 characters");
        assert_eq!(halves.lookup_digest().ok(), Some(record.lookup));
        assert_eq!(halves.auth_digest().ok(), Some(record.auth));
        assert_eq!(
            record.expires_at.since(record.created_at),
            Duration::from_secs(1200)
        );
    }

    #[test]
    fn the_pins_digest_needs_the_servers_key() {
        let pin = SecretText::new("482915");
        let digest = |byte| pin_digest(&hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]), &pin);
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
    }

    #[test]
    fn the_qr_code_has_its_quiet_zone_of_four_modules() {
        let link = SecretText::new("https://help.example/s#AAAAAAAAAAAAAAAAAAAAAA");
        let svg = qr(&link).expect("fits");
        let code = QrCode::with_error_correction_level(link.expose(), EcLevel::M).expect("fits");
        let size = |name: &str| -> usize {
            let from = svg
                .expose()
                .split_once(&format!("{name}=\""))
                .expect("an attribute")
                .1;
            from.split_once('"')
                .expect("closed")
                .0
                .parse()
                .expect("a number")
        };
        let module = size("width") / (code.width() + 8);
        assert_eq!(size("width"), module * (code.width() + 8));
        // The first dark module is the corner of the finder pattern, four modules in.
        let first = svg.expose().split_once("d=\"M").expect("a path").1;
        let corner = format!("{} {}", 4 * module, 4 * module);
        let corner_comma = format!("{},{}", 4 * module, 4 * module);
        assert!(
            first.starts_with(&corner) || first.starts_with(&corner_comma),
            "{}",
            &first[..20]
        );
    }
}
