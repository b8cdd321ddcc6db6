//! A certificate we sign ourselves, so that a first start needs no certificate authority.
//!
//! Kept as `certificate.pem`, `key.pem` (0600) and `names`: a line with the end of its validity
//! and a line for each name. Made anew when a name of the machine is missing or the end is near;
//! names once taken stay, because a laptop comes back to its networks.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lens_protocol::Timestamp;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;

use super::TlsError;
use crate::addresses::host_name;
use crate::data_dir::{make_private_dir, write_private};

const DAY: Duration = Duration::from_secs(86_400);
/// Apple's systems refuse server certificates that live longer than 398 days.
const LIFE: Duration = Duration::from_secs(397 * 86_400);
/// Renewed when less than this is left, at a start.
const MARGIN: Duration = Duration::from_secs(30 * 86_400);
/// Most names kept; beyond, the oldest networks are forgotten by starting over.
const MOST_NAMES: usize = 64;

pub(super) fn ensure(
    dir: &Path,
    extra: &[String],
    addresses: &[IpAddr],
    now: Timestamp,
) -> Result<(PathBuf, PathBuf), TlsError> {
    let (certificate, key) = (dir.join("certificate.pem"), dir.join("key.pem"));
    let mut names: BTreeSet<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    names.extend(host_name());
    names.extend(extra.iter().cloned());
    names.extend(addresses.iter().map(IpAddr::to_string));
    let kept = kept(&dir.join("names"));
    if let Some((ends, known)) = &kept {
        let fresh = ends.since(now) > MARGIN;
        if fresh && names.is_subset(known) && certificate.exists() && key.exists() {
            return Ok((certificate, key));
        }
        if known.len() + names.len() <= MOST_NAMES {
            names.extend(known.iter().cloned());
        }
    }
    make(dir, &names, now).map_err(|reason| TlsError::Make {
        path: dir.to_owned(),
        reason,
    })?;
    Ok((certificate, key))
}

fn kept(path: &Path) -> Option<(Timestamp, BTreeSet<String>)> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut lines = text.lines();
    let ends = lines.next()?.parse().ok()?;
    Some((ends, lines.map(str::to_owned).collect()))
}

fn make(dir: &Path, names: &BTreeSet<String>, now: Timestamp) -> Result<(), String> {
    let ends = now.plus(LIFE);
    let listed: Vec<String> = names.iter().cloned().collect();
    let mut params = CertificateParams::new(listed).map_err(|error| error.to_string())?;
    params.not_before = moment(now.minus(DAY))?;
    params.not_after = moment(ends)?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Lens (self-signed)");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    let certificate = params
        .self_signed(&key)
        .map_err(|error| error.to_string())?;
    let mut list = format!("{ends}\n");
    for name in names {
        list.push_str(name);
        list.push('\n');
    }
    let keep = || -> io::Result<()> {
        make_private_dir(dir)?;
        write_private(&dir.join("key.pem"), key.serialize_pem().as_bytes())?;
        write_private(&dir.join("certificate.pem"), certificate.pem().as_bytes())?;
        write_private(&dir.join("names"), list.as_bytes())
    };
    keep().map_err(|error| error.to_string())
}

fn moment(at: Timestamp) -> Result<OffsetDateTime, String> {
    OffsetDateTime::from_unix_timestamp(at.unix_s()).map_err(|error| error.to_string())
}
