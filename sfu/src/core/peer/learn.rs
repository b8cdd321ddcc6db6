//! What a negotiation says of a peer's media.

use lens_protocol::media::SlotKind;
use str0m::media::Mid;

use super::fast::{Belongs, LaneTerms, Terms};
use super::{Lane, Peer, RTX_AGE, RTX_PACKETS, RTX_SHARE, StackStream, codecs, extensions, rids};
use crate::core::codec::{MediaCodec, VIDEO_CLOCK, VOICE_CLOCK};
use crate::core::rtp::header::{self, Parsed};
use crate::core::slots;

impl Peer {
    /// Reads the outcome of the negotiation out of the stack.
    pub(super) fn learn(&mut self) {
        let params = self.rtc.codec_config().params();
        let known = params
            .iter()
            .filter_map(|p| Some((*p.pt(), codecs::describe(p)?)));
        self.codecs = known.collect();
        let repairs = params.iter().filter_map(|p| Some((*p.resend()?, *p.pt())));
        self.terms.repairs = repairs.collect();
        self.terms.lanes = self.mids.iter().map(|_| None).collect();
        for (slot, mid) in self.mids.clone().into_iter().enumerate() {
            self.learn_slot(slot, mid);
        }
        if self.outcome.withholds() {
            self.put_aside();
        }
    }

    /// Takes all streams out of the stack, which has one to send in each section, in either
    /// direction, and keeps 8 KB and a timer for each: on our own path it has no use for them.
    fn put_aside(&mut self) {
        let mut api = self.rtc.direct_api();
        for (slot, (mid, rid)) in self.mids.iter().zip(&self.rids).enumerate() {
            while let Some(stream) = api.stream_tx_by_mid(*mid, *rid) {
                let (ssrc, repair) = (stream.ssrc(), stream.rtx());
                api.remove_stream_tx(ssrc);
                self.aside.push(StackStream::Sent {
                    ssrc,
                    repair,
                    mid: *mid,
                    rid: *rid,
                });
            }
            while let Some(stream) = api.stream_rx_by_mid(*mid, None) {
                let (ssrc, repair) = (stream.ssrc(), stream.rtx());
                api.remove_stream_rx(ssrc);
                let all = [Some(ssrc), repair].into_iter().flatten();
                self.announced.extend(all.map(|ssrc| (*ssrc, slot)));
                self.aside.push(StackStream::Received {
                    ssrc,
                    repair,
                    mid: *mid,
                });
            }
        }
    }

    /// Gives the stack its streams again, as it had them.
    pub(super) fn put_back(&mut self) {
        let mut api = self.rtc.direct_api();
        for aside in std::mem::take(&mut self.aside) {
            match aside {
                StackStream::Sent {
                    ssrc,
                    repair,
                    mid,
                    rid,
                } => {
                    let stream = api.declare_stream_tx(ssrc, repair, mid, rid);
                    stream.set_rtx_cache(RTX_PACKETS, RTX_AGE, Some(RTX_SHARE));
                }
                StackStream::Received { ssrc, repair, mid } => {
                    let stream = api.expect_stream_rx(ssrc, repair, mid, None);
                    stream.suppress_nack(repair.is_none());
                }
            }
        }
    }

    fn learn_slot(&mut self, slot: usize, mid: Mid) {
        let Some(media) = self.rtc.media(mid) else {
            return;
        };
        learn_numbers(&mut self.terms, media.remote_extmap());
        // Most of these take more than the short form has room for.
        if !self.mixes {
            self.terms.map.descriptor = 0;
        }
        self.terms.name = media.cname().to_owned();
        if slots::is_up(self.kinds[slot]) {
            self.layers[slot] = rids::agreed(media);
        }
        if slots::is_up(self.kinds[slot]) || media.disabled() || !media.direction().is_sending() {
            return;
        }
        let find = |pt: &u8| self.codecs.iter().find(|(known, _)| known == pt).copied();
        let remote = media.remote_pts().iter();
        let payloads = remote.filter_map(|pt| find(pt)).collect();
        let rid = self.rids[slot];
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, rid);
        let terms = stream.map(|stream| {
            stream.set_rtx_cache(RTX_PACKETS, RTX_AGE, Some(RTX_SHARE));
            LaneTerms {
                ssrc: *stream.ssrc(),
                repair: stream.rtx().map(|ssrc| *ssrc),
                mid: mid.to_string(),
                rid: rid.map(|rid| rid.to_string()),
                clock_rate: match slots::is_video(self.kinds[slot]) {
                    true => VIDEO_CLOCK,
                    false => VOICE_CLOCK,
                },
            }
        });
        self.lanes[slot] = Lane {
            ssrc: terms.as_ref().map(|terms| terms.ssrc.into()),
            payloads,
        };
        self.terms.lanes[slot] = terms;
    }

    /// Where a packet of the peer belongs: by its stream, when that is known, else by its `mid`,
    /// else by what the peer's SDP says of its SSRC, else by its payload type, where only one section
    /// can have that (RFC 8843 §9.2).
    pub(super) fn belongs(&self, parsed: &Parsed<'_>) -> Option<Belongs> {
        let own = self.own.as_ref()?;
        let head = &parsed.header;
        let repairs = own.terms().repairs.iter();
        let repaired = repairs
            .filter(|(repair, _)| *repair == head.payload_type)
            .map(|(_, repaired)| *repaired)
            .next();
        let payload_type = repaired.unwrap_or(head.payload_type);
        let codec = self.codecs.iter().find(|(known, _)| *known == payload_type);
        let codec = codec?.1;
        let (slot, layer) = match own.place_of(head.ssrc) {
            Some(place) => place,
            None => {
                let (_, names) = header::read(parsed, &own.terms().map);
                let named = names.mid.and_then(|mid| self.slot_named(mid));
                let slot = named
                    .or_else(|| self.slot_announced(head.ssrc))
                    .or_else(|| self.only_slot_for(codec))?;
                (
                    slot,
                    self.layer_named(slot, names.repaired_rid.or(names.rid))?,
                )
            }
        };
        let kind = *self.kinds.get(slot)?;
        let video = slots::is_video(kind);
        let fits = slots::is_up(kind) && video == (codec.clock_rate() == VIDEO_CLOCK);
        fits.then_some(Belongs {
            slot,
            codec,
            repairs: repaired,
            video,
            layer,
        })
    }

    /// The layer of a stream that calls itself so. A peer that sends one picture has one; one that
    /// sends several names each, in its first packets.
    pub(super) fn layer_named(&self, slot: usize, name: Option<&[u8]>) -> Option<u8> {
        let layers = self.layers.get(slot)?;
        if layers.is_empty() {
            return Some(0);
        }
        let mut layers = layers.iter();
        let layer = layers.find(|(known, _)| name == Some(known.as_slice()));
        layer.map(|(_, layer)| *layer)
    }

    fn only_slot_for(&self, codec: MediaCodec) -> Option<usize> {
        let video = codec.clock_rate() == VIDEO_CLOCK;
        let fitting = |kind: &SlotKind| slots::is_up(*kind) && slots::is_video(*kind) == video;
        let mut slots = (0..self.kinds.len()).filter(|slot| fitting(&self.kinds[*slot]));
        slots.next().filter(|_| slots.next().is_none())
    }

    fn slot_named(&self, name: &[u8]) -> Option<usize> {
        let named = |mid: &Mid| mid.to_string().as_bytes() == name;
        self.mids.iter().position(named)
    }

    fn slot_announced(&self, ssrc: u32) -> Option<usize> {
        let mut announced = self.announced.iter();
        let found = announced.find(|(known, _)| *known == ssrc);
        found.map(|(_, slot)| *slot)
    }
}

/// The numbers are the same in all sections of a bundle (RFC 8843 §7.1.3); a section may lack some.
fn learn_numbers(terms: &mut Terms, map: &str0m::rtp::ExtensionMap) {
    let found = extensions::numbers(map);
    let known = &mut terms.map;
    let fill = |known: &mut u8, found: u8| {
        if *known == 0 {
            *known = found;
        }
    };
    fill(&mut known.audio_level, found.audio_level);
    fill(&mut known.transport_sequence, found.transport_sequence);
    fill(&mut known.mid, found.mid);
    fill(&mut known.video_orientation, found.video_orientation);
    fill(&mut known.abs_capture_time, found.abs_capture_time);
    fill(&mut known.rid, found.rid);
    fill(&mut known.repaired_rid, found.repaired_rid);
    fill(&mut known.descriptor, found.descriptor);
}
