//! The media stack's object that does ICE, DTLS and SCTP for a peer whose RTP goes our own path. It
//! never hears of the media.
//!
//! ```text
//! build:   negotiator ── offer ──▶ peer          transport: ICE from the first check on
//! answer:  negotiator ◀─ answer ── peer
//!          negotiator ── learn.rs ──▶ terms      transport ◀── Remote: DTLS, SCTP
//!          (dropped)
//! ```
//!
//! Sections, streams and codecs of a negotiation take the stack some 25 KB for each peer, for as
//! long as the object lives that made it. So another one does that, and is dropped after the
//! answer. Both show the same ICE credentials and the same certificate; the negotiator has no DTLS
//! of its own (mute.rs).

use std::sync::Arc;

use str0m::channel::{ChannelConfig, ChannelId, SctpInitData};
use str0m::crypto::Fingerprint;
use str0m::{IceCreds, Rtc, RtcConfig, RtcError};

use super::build::{Blueprint, CHANNEL_BUFFER, CHANNEL_LABEL, CHANNEL_MESSAGE};
use super::tap::{self, Outcome};
use super::types::StackError;
use crate::error::SfuError;

/// The object, before anything is known of the peer.
pub(super) fn begin(blueprint: &Blueprint<'_>) -> (Rtc, Arc<Outcome>) {
    let config = RtcConfig::new()
        .set_crypto_provider(blueprint.identity.cryptography())
        .set_dtls_cert(blueprint.identity.certificate())
        .set_local_ice_credentials(blueprint.credentials.for_ice())
        .set_ice_lite(true)
        .set_rtp_mode(true)
        .clear_codecs()
        .clear_extension_map()
        .set_stats_interval(None)
        .set_sctp_max_buffered_amount(CHANNEL_BUFFER)
        .set_sctp_max_message_size(CHANNEL_MESSAGE);
    let rtc = config.build(blueprint.now);
    let outcome = tap::take_latest();
    outcome.withhold_keys();
    (rtc, outcome)
}

/// Our half of SCTP's handshake, as the offer says it: whoever says its own in the answer skips the
/// handshake (SNAP, draft-hancke-tsvwg-snap). That is two round trips fewer until people can talk, and
/// none of four packets whose loss costs seconds.
pub(super) struct Half(SctpInitData);

impl Half {
    /// A new one, and `offer` with it.
    pub(super) fn put_into(offer: &str) -> Result<(Self, String), SfuError> {
        let mut ours = SctpInitData::new();
        let init = ours
            .local_init_string()
            .map_err(|_| SfuError::Stack("the stack made no a=sctp-init".to_owned()))?;
        let mut text = String::with_capacity(offer.len() + 80);
        let line_of_ours = format!("a=sctp-init:{init}\r\n");
        for line in offer.split_inclusive('\n') {
            text.push_str(line);
            if line.starts_with("a=sctp-port:") {
                text.push_str(&line_of_ours);
            }
        }
        Ok((Self(ours), text))
    }

    /// With the peer's half.
    fn with(mut self, theirs: &str) -> Result<SctpInitData, RtcError> {
        self.0.set_remote_init_string(theirs)?;
        Ok(self.0)
    }
}

/// What a peer's answer or offer says of its transport.
pub(super) struct Remote {
    credentials: IceCreds,
    fingerprint: Fingerprint,
    /// Whether we begin the DTLS handshake.
    active: bool,
    /// Its half of SCTP's handshake, when it skips that.
    sctp_init: Option<String>,
    /// Longest message that it takes on a data channel, in bytes.
    pub(super) longest_message: usize,
}

impl Remote {
    /// Reads it from a trimmed text, as the stack would: what stands before the sections counts
    /// first, then the first section that says it.
    pub(super) fn read(sdp: &str) -> Result<Self, SfuError> {
        let parts = parts(sdp);
        let credentials = parts.iter().find_map(|part| part.credentials());
        let fingerprint = parts.iter().find_map(|part| part.fingerprint());
        let setup = parts.iter().find_map(|part| part.value("setup"));
        let longest = parts.iter().find_map(|part| part.value("max-message-size"));
        let sctp_init = parts.iter().find_map(|part| part.value("sctp-init"));
        Ok(Self {
            credentials: credentials.ok_or(SfuError::InvalidSdp(
                "a=ice-ufrag and a=ice-pwd do not stand together",
            ))?,
            fingerprint: fingerprint.ok_or(SfuError::InvalidSdp("a=fingerprint cannot be read"))?,
            // RFC 5763 §5; whoever leaves it to us begins (RFC 8842 §5.3).
            active: setup == Some("passive"),
            sctp_init: sctp_init.map(half).transpose()?,
            longest_message: longest.map_or(CHANNEL_MESSAGE as usize, message_size),
        })
    }

    /// Tells the object of the peer: ICE may answer, and DTLS begins. With SCTP and our channel,
    /// when the offer has one: then `ours` is what it says of SCTP. An error for a half of theirs that
    /// is none.
    pub(super) fn start(
        self,
        rtc: &mut Rtc,
        ours: Option<Half>,
    ) -> Result<Option<ChannelId>, StackError> {
        let mut api = rtc.direct_api();
        api.set_remote_ice_credentials(self.credentials);
        api.set_remote_fingerprint(self.fingerprint);
        api.start_dtls(self.active)?;
        let Some(ours) = ours else {
            return Ok(None);
        };
        match self.sctp_init {
            Some(theirs) => api.start_sctp_with_snap(self.active, ours.with(&theirs)?)?,
            None => api.start_sctp(self.active),
        }
        Ok(Some(api.create_data_channel(ChannelConfig {
            label: CHANNEL_LABEL.to_owned(),
            ..ChannelConfig::default()
        })))
    }
}

/// A value of `a=sctp-init`, if it is BASE64.
fn half(value: &str) -> Result<String, SfuError> {
    let read = SctpInitData::new().set_remote_init_string(value);
    read.map_err(|_| SfuError::InvalidSdp("a=sctp-init cannot be read"))?;
    Ok(value.to_owned())
}

/// RFC 8841 §6.1: without the line 64 KB, with 0 as much as one likes.
fn message_size(value: &str) -> usize {
    match value.trim().parse() {
        Ok(0) => usize::MAX,
        Ok(size) => size,
        Err(_) => CHANNEL_MESSAGE as usize,
    }
}

/// The attributes before the sections, or those of one section.
struct Part<'a>(Vec<&'a str>);

fn parts(sdp: &str) -> Vec<Part<'_>> {
    let mut parts = vec![Part(Vec::new())];
    for line in sdp.lines() {
        if line.starts_with("m=") {
            parts.push(Part(Vec::new()));
        }
        if let (Some(part), Some(attribute)) = (parts.last_mut(), line.strip_prefix("a=")) {
            part.0.push(attribute.trim_end());
        }
    }
    parts
}

impl<'a> Part<'a> {
    fn values(&self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let attributes = self.0.iter().filter_map(|it| it.split_once(':'));
        attributes.filter_map(move |(own, value)| (own == name).then_some(value))
    }

    fn value(&self, name: &'a str) -> Option<&'a str> {
        self.values(name).next()
    }

    fn credentials(&self) -> Option<IceCreds> {
        Some(IceCreds {
            ufrag: self.value("ice-ufrag")?.to_owned(),
            pass: self.value("ice-pwd")?.to_owned(),
        })
    }

    /// The best of them (RFC 8122 §5.1): the stack knows SHA-256 and SHA-1.
    fn fingerprint(&self) -> Option<Fingerprint> {
        let all = self.values("fingerprint");
        let known = all.filter_map(|value| value.parse::<Fingerprint>().ok());
        known.min_by_key(|it| match it.hash_func.to_ascii_lowercase().as_str() {
            "sha-256" => 0,
            "sha-1" => 1,
            _ => 2,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use str0m::Output;

    use super::*;

    const PRINT: &str = "a=fingerprint:sha-256 01:02\r\n";

    fn read(sdp: &str) -> Remote {
        Remote::read(sdp).unwrap_or_else(|error| panic!("{error}: {sdp}"))
    }

    #[test]
    fn what_stands_before_the_sections_counts_first() {
        let session = "v=0\r\na=ice-ufrag:aaaa\r\na=ice-pwd:first\r\na=setup:active\r\n";
        let section =
            "m=audio 9 x 0\r\na=ice-ufrag:bbbb\r\na=ice-pwd:second\r\na=setup:passive\r\n";
        let remote = read(&format!("{session}{PRINT}{section}"));
        assert_eq!(remote.credentials.ufrag, "aaaa");
        assert_eq!(remote.credentials.pass, "first");
        assert!(!remote.active);
        let remote = read(&format!("v=0\r\n{section}{PRINT}"));
        assert_eq!(remote.credentials.ufrag, "bbbb");
        assert!(remote.active, "it waits for us");
    }

    #[test]
    fn credentials_are_of_one_part_and_whole() {
        let torn = "v=0\r\na=ice-ufrag:aaaa\r\nm=audio 9 x 0\r\na=ice-pwd:second\r\n";
        assert!(Remote::read(&format!("{torn}{PRINT}")).is_err());
        let whole = "m=video 9 x 0\r\na=ice-ufrag:cccc\r\na=ice-pwd:third\r\n";
        let remote = read(&format!("{torn}{PRINT}{whole}"));
        assert_eq!(remote.credentials.ufrag, "cccc");
    }

    #[test]
    fn the_better_fingerprint_is_taken_and_a_broken_one_refused() {
        let ice = "v=0\r\na=ice-ufrag:aaaa\r\na=ice-pwd:first\r\n";
        let remote = read(&format!("{ice}a=fingerprint:sha-1 0A\r\n{PRINT}"));
        assert_eq!(remote.fingerprint.hash_func, "sha-256");
        assert!(Remote::read(&format!("{ice}a=fingerprint:sha-256 XY\r\n")).is_err());
        assert!(Remote::read(ice).is_err());
    }

    #[test]
    fn no_half_of_theirs_breaks_more_than_the_start() {
        let template = "v=0\r\na=ice-ufrag:aaaa\r\na=ice-pwd:first\r\n";
        let now = Instant::now();
        let mut random = fastrand::Rng::with_seed(13);
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..500 {
            let (ours, _) = Half::put_into("").expect("a half");
            let mut theirs = SctpInitData::new();
            let mut chunk = theirs.local_init_chunk().expect("a chunk");
            for _ in 0..random.usize(0..4) {
                let at = random.usize(0..chunk.len());
                chunk[at] = random.u8(..);
            }
            chunk.truncate(random.usize(chunk.len() / 2..chunk.len() * 2));
            theirs.set_remote_init_chunk(chunk);
            let text = theirs.remote_init_string().expect("a text");
            let remote = read(&format!("{template}{PRINT}a=sctp-init:{text}\r\n"));
            let mut rtc = RtcConfig::new().build(now);
            match remote.start(&mut rtc, Some(ours)) {
                Ok(_) => taken += 1,
                Err(_) => refused += 1,
            }
            while !matches!(rtc.poll_output(), Ok(Output::Timeout(_)) | Err(_)) {}
        }
        assert!(
            taken > 50 && refused > 50,
            "{taken} taken, {refused} refused"
        );
    }

    #[test]
    fn the_longest_message_is_the_peers() {
        let ice = "v=0\r\na=ice-ufrag:aaaa\r\na=ice-pwd:first\r\n";
        for (line, longest) in [
            ("", 65_536),
            ("a=max-message-size:1000\r\n", 1_000),
            ("a=max-message-size:0\r\n", usize::MAX),
            ("a=max-message-size:many\r\n", 65_536),
        ] {
            let remote = read(&format!("{ice}{PRINT}m=application 9 x y\r\n{line}"));
            assert_eq!(remote.longest_message, longest, "{line}");
        }
    }
}
