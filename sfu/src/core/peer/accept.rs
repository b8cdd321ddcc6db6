//! Making a peer from a client's offer, and the answer to it: off the media thread, like an offer.

use str0m::change::SdpOffer;
use str0m::media::Mid;

use super::build::begin;
use super::transport::Remote;
use super::{Blueprint, Built, Parts, Peer};
use crate::core::offer::Offer;
use crate::core::stun;
use crate::error::SfuError;

/// Makes a peer that has taken `offer`, and the answer. The blueprint's layout is the offer's.
///
/// `NoCommonCodec` when a section has codecs of a known name, and none in a form that is carried
/// (H.264 in packetisation mode 0, say).
pub(crate) fn accept(blueprint: Blueprint<'_>, offer: &Offer) -> Result<Built, SfuError> {
    let mut begun = begin(&blueprint)?;
    let negotiator = begun.negotiator();
    let parsed = SdpOffer::from_sdp_string(&offer.sdp)
        .map_err(|_| SfuError::InvalidSdp("a line cannot be read"))?;
    let answer = negotiator
        .sdp_api()
        .accept_offer(parsed)
        .map_err(|_| SfuError::InvalidSdp("the media stack refused it"))?;
    let mids: Vec<Mid> = offer.mids.iter().map(|mid| mid.as_str().into()).collect();
    let empty = |mid: &Mid| {
        let media = negotiator.media(*mid);
        media.is_none_or(|media| media.remote_pts().is_empty())
    };
    if mids.iter().any(empty) {
        return Err(SfuError::NoCommonCodec);
    }
    let sdp = offer.whole(&answer.to_sdp_string())?;
    if begun.apart.is_some() {
        let started = Remote::read(&offer.sdp)?.start(&mut begun.rtc, None);
        started.map_err(|_| SfuError::InvalidSdp("the media stack refused it"))?;
    }
    let mut peer = Peer::new(Parts {
        rtc: begun.rtc,
        negotiation: None,
        mids,
        kinds: offer.kinds.clone(),
        rids: vec![None; offer.kinds.len()],
        channel: None,
        outcome: begun.outcome,
        password: stun::Password::new(&blueprint.credentials.password),
        first_repair: blueprint.credentials.first_repair,
    });
    peer.learn(begun.apart);
    Ok(Built {
        peer,
        ufrag: blueprint.credentials.ufrag,
        sdp,
        kinds: offer.kinds.clone(),
        mids: offer.mids.clone(),
        answered: true,
    })
}
