//! What a negotiation says of a peer's media.

use lens_protocol::media::SlotKind;
use str0m::Rtc;
use str0m::media::{Mid, Rid};

use super::fast::{Belongs, LaneTerms, Terms};
use super::{Lane, Peer, RTX_AGE, RTX_PACKETS, RTX_SHARE, codecs, extensions, rids};
use crate::core::codec::{MediaCodec, VIDEO_CLOCK, VOICE_CLOCK};
use crate::core::rtp::header::{self, Parsed};
use crate::core::slots;

/// The sections of a negotiation, by slot.
struct Sections<'a> {
    mids: &'a [Mid],
    kinds: &'a [SlotKind],
    /// The layer that we send in each.
    rids: &'a [Option<Rid>],
    /// Whether the peer takes both forms of header extensions.
    mixes: bool,
}

/// What was agreed on in them.
struct Learned {
    terms: Terms,
    codecs: Vec<(u8, MediaCodec)>,
    lanes: Vec<Lane>,
    layers: Vec<Vec<(Vec<u8>, u8)>>,
}

impl Peer {
    /// Reads the outcome of the negotiation out of the object that led it: `apart`, which nobody
    /// needs any more afterwards, or the peer's own.
    pub(super) fn learn(&mut self, apart: Option<Box<Rtc>>) {
        let sections = Sections {
            mids: &self.mids,
            kinds: &self.kinds,
            rids: &self.rids,
            mixes: self.mixes,
        };
        let learned = match apart {
            Some(mut apart) => {
                self.announced = sections.announced(&mut apart);
                sections.learn(&mut apart)
            }
            None => sections.learn(&mut self.rtc),
        };
        self.terms = Terms {
            wanted: self.terms.wanted,
            ..learned.terms
        };
        self.codecs = learned.codecs;
        self.lanes = learned.lanes;
        self.layers = learned.layers;
    }
}

impl Sections<'_> {
    fn learn(&self, rtc: &mut Rtc) -> Learned {
        let params = rtc.codec_config().params();
        let known = params
            .iter()
            .filter_map(|p| Some((*p.pt(), codecs::describe(p)?)));
        let repairs = params.iter().filter_map(|p| Some((*p.resend()?, *p.pt())));
        let mut learned = Learned {
            codecs: known.collect(),
            terms: Terms {
                repairs: repairs.collect(),
                lanes: self.mids.iter().map(|_| None).collect(),
                ..Terms::default()
            },
            lanes: self.mids.iter().map(|_| Lane::default()).collect(),
            layers: vec![Vec::new(); self.mids.len()],
        };
        for slot in 0..self.mids.len() {
            self.learn_slot(rtc, slot, &mut learned);
        }
        // Most of these take more than the short form has room for.
        if !self.mixes {
            learned.terms.map.descriptor = 0;
        }
        learned
    }

    fn learn_slot(&self, rtc: &mut Rtc, slot: usize, learned: &mut Learned) {
        let (mid, rid, kind) = (self.mids[slot], self.rids[slot], self.kinds[slot]);
        let Some(media) = rtc.media(mid) else {
            return;
        };
        learn_numbers(&mut learned.terms, media.remote_extmap());
        learned.terms.name = media.cname().to_owned();
        if slots::is_up(kind) {
            learned.layers[slot] = rids::agreed(media);
        }
        if slots::is_up(kind) || media.disabled() || !media.direction().is_sending() {
            return;
        }
        let codecs = &learned.codecs;
        let find = |pt: &u8| codecs.iter().find(|(known, _)| known == pt).copied();
        let remote = media.remote_pts().iter();
        let payloads = remote.filter_map(|pt| find(pt)).collect();
        let mut api = rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, rid);
        let terms = stream.map(|stream| {
            stream.set_rtx_cache(RTX_PACKETS, RTX_AGE, Some(RTX_SHARE));
            LaneTerms {
                ssrc: *stream.ssrc(),
                repair: stream.rtx().map(|ssrc| *ssrc),
                mid: mid.to_string(),
                rid: rid.map(|rid| rid.to_string()),
                clock_rate: match slots::is_video(kind) {
                    true => VIDEO_CLOCK,
                    false => VOICE_CLOCK,
                },
            }
        });
        learned.lanes[slot] = Lane {
            ssrc: terms.as_ref().map(|terms| terms.ssrc.into()),
            payloads,
        };
        learned.terms.lanes[slot] = terms;
    }

    /// SSRCs that the peer's SDP has named, repair streams among them, each with its slot. They are
    /// taken out of `rtc` on the way, which shows one of each section at a time.
    fn announced(&self, rtc: &mut Rtc) -> Vec<(u32, usize)> {
        let mut api = rtc.direct_api();
        let mut announced = Vec::new();
        for (slot, mid) in self.mids.iter().enumerate() {
            while let Some(stream) = api.stream_rx_by_mid(*mid, None) {
                let (ssrc, repair) = (stream.ssrc(), stream.rtx());
                api.remove_stream_rx(ssrc);
                let all = [Some(ssrc), repair].into_iter().flatten();
                announced.extend(all.map(|ssrc| (*ssrc, slot)));
            }
        }
        announced
    }
}

impl Peer {
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
