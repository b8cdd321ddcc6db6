//! The other end, for the simulator: a peer that answers our offers with ICE and DTLS of the media
//! stack and RTP of our own path.

use std::net::SocketAddr;
use std::time::Instant;

use lens_protocol::media::{SlotKind, VideoCodec};
use str0m::change::SdpOffer;
use str0m::media::{Mid, Rid};
use str0m::rtp::Extension;
use str0m::{Candidate, IceCreds, RtcConfig};

use super::build::{ABS_CAPTURE_TIME, DESCRIPTOR};
use super::{Identity, Parts, Peer, codecs, extensions, mixes, tap};
use crate::core::stun;

/// What a client is made of.
pub(crate) struct NewClient<'a> {
    pub(crate) offer: &'a str,
    /// The slots of the offer, as the server has them.
    pub(crate) layout: &'a [SlotKind],
    pub(crate) address: SocketAddr,
    pub(crate) credentials: IceCreds,
    pub(crate) identity: &'a Identity,
    pub(crate) codecs: &'a [VideoCodec],
    pub(crate) now: Instant,
}

/// A client and its answer.
pub(crate) fn client(new: NewClient<'_>) -> (Peer, String) {
    let mut config = RtcConfig::new()
        .set_crypto_provider(new.identity.cryptography())
        .set_rtp_mode(true)
        .set_extension(ABS_CAPTURE_TIME, Extension::AbsoluteCaptureTime)
        .set_extension(DESCRIPTOR, extensions::described())
        .set_local_ice_credentials(new.credentials);
    codecs::configure(config.codec_config(), new.codecs);
    let mut rtc = config.build(new.now);
    let outcome = tap::take_latest();
    outcome.withhold_keys();
    rtc.add_local_candidate(Candidate::host(new.address, "udp").expect("a candidate"));
    let offer = SdpOffer::from_sdp_string(new.offer).expect("an offer");
    let answer = rtc.sdp_api().accept_offer(offer).expect("acceptable");
    let names = new.offer.lines().filter_map(|it| it.strip_prefix("a=mid:"));
    let mut mids: Vec<Mid> = names
        .map(|name| Mid::from(name.trim()))
        .take(new.layout.len())
        .collect();
    let mut kinds: Vec<SlotKind> = new.layout.iter().copied().map(turned).collect();
    let mut rids = vec![None; kinds.len()];
    // The smaller layers of its picture are slots of their own behind the others.
    if new.offer.contains("a=simulcast:recv") {
        rids[0] = Some(Rid::from("h"));
        for name in ["m", "l"] {
            mids.push(mids[0]);
            kinds.push(kinds[0]);
            rids.push(Some(Rid::from(name)));
        }
    }
    let mut peer = Peer::new(Parts {
        rtc,
        negotiation: None,
        mids,
        kinds,
        rids,
        channel: None,
        outcome,
        password: stun::Password::new(""),
        first_repair: 1,
    });
    peer.mixes = mixes(new.offer);
    peer.learn(None);
    peer.take_streams();
    (peer, answer.to_sdp_string())
}

impl Peer {
    /// Takes out of the stack what it would keep timers for: it has no keys. What the offer names is
    /// announced.
    fn take_streams(&mut self) {
        let mut api = self.rtc.direct_api();
        for (slot, (mid, rid)) in self.mids.iter().zip(&self.rids).enumerate() {
            while let Some(stream) = api.stream_tx_by_mid(*mid, *rid) {
                let ssrc = stream.ssrc();
                api.remove_stream_tx(ssrc);
            }
            while let Some(stream) = api.stream_rx_by_mid(*mid, None) {
                let (ssrc, repair) = (stream.ssrc(), stream.rtx());
                api.remove_stream_rx(ssrc);
                let all = [Some(ssrc), repair].into_iter().flatten();
                self.announced.extend(all.map(|ssrc| (*ssrc, slot)));
            }
        }
    }
}

/// What goes up for one end comes down for the other.
fn turned(kind: SlotKind) -> SlotKind {
    match kind {
        SlotKind::VideoUp => SlotKind::VideoDown,
        SlotKind::AudioUp => SlotKind::AudioDown,
        SlotKind::ScreenUp => SlotKind::ScreenDown,
        SlotKind::VideoDown => SlotKind::VideoUp,
        SlotKind::AudioDown => SlotKind::AudioUp,
        SlotKind::ScreenDown => SlotKind::ScreenUp,
    }
}
