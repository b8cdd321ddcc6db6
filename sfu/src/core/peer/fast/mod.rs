//! Our own RTP path of one peer: what it sends is opened, what it receives is sealed, and all
//! feedback is made, without the media stack, which never learns the keys (see tap.rs).
//!
//! Packets are here; RTCP is in feedback.rs, what is sent to find out what the way carries in
//! probing.rs.

mod feedback;
mod probing;

use std::ops::Range;
use std::time::{Duration, Instant};

use lens_runtime::udp::Runs;

use super::types::{Outgoing, Packet};
use crate::core::codec::MediaCodec;
use crate::core::estimate::{Estimate, Media};
use crate::core::path::Path;
use crate::core::rtp::arrivals::Arrivals;
use crate::core::rtp::descriptor::Rewritten;
use crate::core::rtp::header::{
    self, ExtensionMap, Extensions, Header, LONGEST_OUT, Names, Parsed,
};
use crate::core::rtp::index::Window;
use crate::core::rtp::reception::{Clock, Reception};
use crate::core::rtp::ring::{About, Kept, Ring};
use crate::core::rtp::rtcp::ReportBlock;
use crate::core::rtp::sending::{REPAIR_PAUSE, Sending};
use crate::core::rtp::srtp::{Opener, Sealer};
use crate::core::vp8::Patch;
use probing::Ceiling;

/// How often streams are reported on (RFC 3550 §6.2 allows every second at our rates).
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Streams of one peer, and senders of RTCP among them. A browser uses two a slot.
const STREAMS: usize = 64;
/// Reports of ours that a peer's echo is found among.
const ECHOES: usize = 4;
/// Bytes of a header with the extensions that most packets have.
const HEADER: usize = 24;

/// What is known of a peer's media once its answer is in.
#[derive(Debug, Default)]
pub(super) struct Terms {
    pub(super) map: ExtensionMap,
    /// By slot: the stream we send there.
    pub(super) lanes: Vec<Option<LaneTerms>>,
    /// Payload types of repair streams, each with the payload type it repairs.
    pub(super) repairs: Vec<(u8, u8)>,
    pub(super) name: String,
    /// Most bits per second that are ever sent to the peer.
    pub(super) wanted: u64,
}

impl Terms {
    /// The payload type of repairs of this one.
    fn repair_of(&self, payload_type: u8) -> Option<u8> {
        let mut repairs = self.repairs.iter();
        let repair = repairs.find(|(_, repaired)| *repaired == payload_type);
        repair.map(|(repair, _)| *repair)
    }
}

/// A stream that we send.
#[derive(Clone, Debug)]
pub(super) struct LaneTerms {
    pub(super) ssrc: u32,
    pub(super) repair: Option<u32>,
    pub(super) mid: String,
    /// The layer of the section's picture that it is, when there are several.
    pub(super) rid: Option<String>,
    pub(super) clock_rate: u32,
}

/// Where a stream of the peer belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Belongs {
    pub(super) slot: usize,
    pub(super) codec: MediaCodec,
    /// The payload type that it repairs, when it is a repair stream.
    pub(super) repairs: Option<u8>,
    pub(super) video: bool,
    /// Which of the slot's layers it is, or repairs.
    pub(super) layer: u8,
}

/// See the module.
pub(super) struct Fast {
    sealer: Sealer,
    opener: Opener,
    terms: Terms,
    /// By slot. Most slots of a peer have none.
    lanes: Vec<Option<Box<Lane>>>,
    streams: Vec<Stream>,
    reporters: Vec<(u32, Window)>,
    arrivals: Arrivals,
    keyframes: Vec<u32>,
    /// What the way to the peer carries; `None` for one that cannot tell, or gets nothing.
    estimate: Option<Estimate>,
    /// The limit that was last told of.
    limit: Option<u64>,
    /// What the peer is asked not to exceed.
    ceiling: Ceiling,
    report_due: Option<Instant>,
    /// Scratch memory.
    plain: Vec<u8>,
    lost: Vec<u16>,
    blocks: Vec<ReportBlock>,
    unheard: Vec<(Media, Instant)>,
}

/// A stream that the peer sends.
struct Stream {
    ssrc: u32,
    slot: usize,
    layer: u8,
    repair: bool,
    reception: Reception,
}

/// A packet of a repair stream, in the ring's room.
struct Repair {
    about: About,
    /// The payload type that it repairs.
    payload_type: u8,
    used: usize,
    /// Where its dependency descriptor is.
    behind: Range<usize>,
}

/// A stream that we send.
struct Lane {
    sending: Sending,
    mid: String,
    rid: Option<String>,
    clock_rate: u32,
    source: Option<Clock>,
    /// The middle of the NTP time of our last reports, and when they left.
    echoes: [(u32, Option<Instant>); ECHOES],
    echo: usize,
    /// Payload type and RTP time of the last packet.
    last: Option<(u8, u32)>,
    nacks: u64,
    loss: Option<f32>,
    rtt: Option<Duration>,
}

impl Fast {
    pub(super) fn new(
        sealer: Sealer,
        opener: Opener,
        mut terms: Terms,
        first_repair: u16,
        now: Instant,
    ) -> Self {
        let lanes = std::mem::take(&mut terms.lanes)
            .into_iter()
            .map(|lane| lane.map(|lane| Box::new(Lane::new(lane, first_repair))));
        let lanes: Vec<_> = lanes.collect();
        let tells = terms.map.transport_sequence != 0 && lanes.iter().any(Option::is_some);
        Self {
            estimate: tells.then(|| Estimate::new(terms.wanted, now)),
            limit: None,
            ceiling: Ceiling::default(),
            sealer,
            opener,
            lanes,
            terms,
            streams: Vec::new(),
            reporters: Vec::new(),
            arrivals: Arrivals::new(now),
            keyframes: Vec::new(),
            report_due: None,
            plain: Vec::new(),
            lost: Vec::new(),
            blocks: Vec::new(),
            unheard: Vec::new(),
        }
    }

    /// The extension numbers and repairs that were agreed on.
    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Slot and layer of a stream that is known already.
    pub(super) fn place_of(&self, ssrc: u32) -> Option<(usize, u8)> {
        self.streams
            .iter()
            .find(|stream| stream.ssrc == ssrc)
            .map(|stream| (stream.slot, stream.layer))
    }

    /// Whether there is no place for a stream that is new.
    pub(super) fn is_crowded(&self, ssrc: u32) -> bool {
        self.streams.len() >= STREAMS && self.place_of(ssrc).is_none()
    }

    /// One RTP packet, opened into the ring of its slot. `None` when it is not authentic, not new,
    /// or nothing to forward.
    pub(super) fn packet(
        &mut self,
        packet: &[u8],
        parsed: &Parsed<'_>,
        belongs: Belongs,
        rings: &mut [Ring],
        at: Instant,
    ) -> Option<Packet> {
        let head = parsed.header;
        let length = packet
            .len()
            .checked_sub(parsed.length + self.opener.tag())?;
        let ring = rings.get_mut(belongs.slot)?;
        let place = self.place(&head, belongs, at)?;
        let index = self.streams[place].reception.fresh(head.sequence)?;
        let descriptor = match belongs.codec.is_scalable() {
            true if self.terms.map.descriptor != 0 => header::descriptor(parsed, &self.terms.map),
            _ => &[],
        };
        let Some(room) = ring.room(length + descriptor.len(), at) else {
            self.forget_unproven(place);
            return None;
        };
        let (room, behind) = room.split_at_mut(length);
        let opened = self
            .opener
            .rtp(head.ssrc, index, packet, parsed.length, room);
        if opened.is_err() {
            self.forget_unproven(place);
            return None;
        }
        behind.copy_from_slice(descriptor);
        let behind = length..length + descriptor.len();
        let used = match parsed.padded {
            true => header::unpadded(room)?,
            false => length,
        };
        let (extensions, _) = header::read(parsed, &self.terms.map);
        if let Some(sequence) = extensions.transport_sequence {
            self.arrivals.note(sequence, at);
        }
        let stream = &mut self.streams[place];
        if !stream.reception.take(index, head.timestamp, at) {
            return None;
        }
        self.report_due.get_or_insert(at + REPORT_INTERVAL);
        let about = About {
            index,
            header: head,
            extensions,
            codec: belongs.codec,
            layer: belongs.layer,
            at,
        };
        let kept = match belongs.repairs {
            None => ring.keep_described(about, 0..used, behind),
            Some(payload_type) => {
                let repair = Repair {
                    about,
                    payload_type,
                    used,
                    behind,
                };
                self.repaired(ring, repair, belongs.slot)?
            }
        };
        Some(Packet {
            slot: belongs.slot,
            kept,
        })
    }

    /// A packet that came again over a repair stream (RFC 4588 §4), as the one it stands for.
    fn repaired(&mut self, ring: &mut Ring, repair: Repair, slot: usize) -> Option<Kept> {
        const ORIGINAL: usize = 2;
        let Repair {
            about: repair,
            payload_type,
            used,
            behind,
        } = repair;
        // Padding that probes the path is all there is in some.
        if used <= ORIGINAL {
            return None;
        }
        let sequence = u16::from_be_bytes(*ring.pending().first_chunk()?);
        let repaired = |stream: &&mut Stream| {
            stream.slot == slot && stream.layer == repair.layer && !stream.repair
        };
        let stream = self.streams.iter_mut().rev().find(repaired)?;
        let index = stream.reception.fresh(sequence)?;
        if !stream.reception.take_repair(index, repair.at) {
            return None;
        }
        let header = Header {
            ssrc: stream.ssrc,
            sequence,
            payload_type,
            ..repair.header
        };
        let about = About {
            index,
            header,
            ..repair
        };
        Some(ring.keep_described(about, ORIGINAL..used, behind))
    }

    /// The stream's place in the list; a new one is added, until it has proved itself.
    fn place(&mut self, head: &Header, belongs: Belongs, at: Instant) -> Option<usize> {
        let known = self.streams.iter().position(|it| it.ssrc == head.ssrc);
        if let Some(known) = known {
            return (self.streams[known].slot == belongs.slot).then_some(known);
        }
        if self.streams.len() >= STREAMS {
            return None;
        }
        let repair = belongs.repairs.is_some();
        let asks = belongs.video && !repair;
        self.streams.push(Stream {
            ssrc: head.ssrc,
            slot: belongs.slot,
            layer: belongs.layer,
            repair,
            reception: Reception::new(belongs.codec.clock_rate(), asks, at),
        });
        Some(self.streams.len() - 1)
    }

    /// A stream whose first packet was forged was none.
    fn forget_unproven(&mut self, place: usize) {
        if self.streams[place].reception.is_empty() {
            self.streams.remove(place);
        }
    }

    /// Seals a packet into `outbox`. False when the peer does not take that slot, or the index has
    /// been used.
    pub(super) fn write(&mut self, out: &Outgoing<'_>, to: Path, outbox: &mut Runs<Path>) -> bool {
        let Some(Some(lane)) = self.lanes.get_mut(out.slot) else {
            return false;
        };
        if !lane.sending.claim(out.sequence) {
            return false;
        }
        let media = lane.repairable(out);
        let length = out.payload.len() + self.sealer.tag();
        let sealed = seal(
            &self.sealer,
            outbox,
            to,
            &Sealed {
                header: Header {
                    marker: out.packet.kept.about.header.marker,
                    payload_type: out.payload_type,
                    sequence: out.sequence as u16,
                    timestamp: out.timestamp,
                    ssrc: lane.sending.ssrc,
                },
                index: out.sequence,
                extensions: out.packet.kept.about.extensions,
                names: match lane.sending.is_new() {
                    true => lane.names(false),
                    false => Names::default(),
                },
                descriptor: out.descriptor.as_ref().map_or(&[], Rewritten::bytes),
                map: self.terms.map,
                original: None,
                transport: note(&mut self.estimate, length, media, out.now),
                payload: Payload::of(out),
            },
        );
        if sealed {
            lane.last = Some((out.payload_type, out.timestamp));
            lane.sending
                .note(out.payload.len(), out.timestamp, out.arrived);
            self.report_due.get_or_insert(out.arrived + REPORT_INTERVAL);
        }
        sealed
    }

    /// Sends a packet again that the peer has lost, over the repair stream; twice on a way that is
    /// likely to lose the repair as well. False when it is not to be repaired now.
    pub(super) fn repair(&mut self, out: &Outgoing<'_>, to: Path, outbox: &mut Runs<Path>) -> bool {
        let Some(Some(lane)) = self.lanes.get_mut(out.slot) else {
            return false;
        };
        let length = out.payload.len() + self.sealer.tag();
        // Who asks again within a round trip does so because a request may have been lost.
        let round_trip = self.estimate.as_ref().map(Estimate::round_trip);
        let pause = round_trip.map_or(REPAIR_PAUSE, |it| it * 3 / 4);
        let (Some(payload_type), true) = (
            self.terms.repair_of(out.payload_type),
            lane.sending
                .may_repair(out.sequence, length, pause, out.now),
        ) else {
            return false;
        };
        let lossy = self.estimate.as_ref().is_some_and(Estimate::is_lossy);
        let copies = 1 + usize::from(lossy);
        let sent = (0..copies).filter(|_| self.repair_once(out, payload_type, to, outbox));
        sent.count() > 0
    }

    fn repair_once(
        &mut self,
        out: &Outgoing<'_>,
        payload_type: u8,
        to: Path,
        outbox: &mut Runs<Path>,
    ) -> bool {
        let Some(Some(lane)) = self.lanes.get_mut(out.slot) else {
            return false;
        };
        let length = out.payload.len() + self.sealer.tag();
        let Some((ssrc, index)) = lane.sending.next_repair(length) else {
            return false;
        };
        let media = lane.repairable(out);
        seal(
            &self.sealer,
            outbox,
            to,
            &Sealed {
                header: Header {
                    marker: out.packet.kept.about.header.marker,
                    payload_type,
                    sequence: index as u16,
                    timestamp: out.timestamp,
                    ssrc,
                },
                index,
                extensions: out.packet.kept.about.extensions,
                names: lane.names(true),
                descriptor: out.descriptor.as_ref().map_or(&[], Rewritten::bytes),
                map: self.terms.map,
                original: Some(out.sequence as u16),
                transport: note(&mut self.estimate, length, media, out.now),
                payload: Payload::of(out),
            },
        )
    }

    /// The clocks of whoever is in a slot, by the timestamps we send there.
    pub(super) fn note_source(&mut self, slot: usize, clock: Clock) {
        if let Some(Some(lane)) = self.lanes.get_mut(slot) {
            lane.source = Some(clock);
        }
    }

    /// Asks for a keyframe of a layer. False when nothing of it has come yet.
    pub(super) fn request_keyframe(&mut self, slot: usize, layer: u8) -> bool {
        let mut streams = self.streams.iter().rev();
        let wanted =
            |stream: &&Stream| stream.slot == slot && stream.layer == layer && !stream.repair;
        let Some(stream) = streams.find(wanted) else {
            return false;
        };
        if !self.keyframes.contains(&stream.ssrc) {
            self.keyframes.push(stream.ssrc);
        }
        true
    }
}

impl Lane {
    fn new(terms: LaneTerms, first_repair: u16) -> Self {
        Self {
            sending: Sending::new(terms.ssrc, terms.repair, first_repair),
            mid: terms.mid,
            rid: terms.rid,
            clock_rate: terms.clock_rate,
            source: None,
            echoes: [(0, None); ECHOES],
            echo: 0,
            last: None,
            nacks: 0,
            loss: None,
            rtt: None,
        }
    }

    /// What the stream calls itself, or its repairs.
    fn names(&self, repair: bool) -> Names<'_> {
        let rid = self.rid.as_deref().map(str::as_bytes);
        Names {
            mid: Some(self.mid.as_bytes()),
            rid: rid.filter(|_| !repair),
            repaired_rid: rid.filter(|_| repair),
        }
    }

    /// What a packet is when it has to be sent again; `None` where nothing is repaired.
    fn repairable(&self, out: &Outgoing<'_>) -> Option<Media> {
        let slot = u8::try_from(out.slot).ok()?;
        let index = out.sequence;
        self.sending.is_repaired().then_some(Media { slot, index })
    }
}

fn lane_of(lanes: &mut [Option<Box<Lane>>], ssrc: u32) -> Option<(usize, &mut Lane)> {
    let lanes = lanes.iter_mut().enumerate();
    lanes
        .filter_map(|(slot, lane)| Some((slot, lane.as_deref_mut()?)))
        .find(|(_, lane)| lane.sending.ssrc == ssrc)
}

/// Gives a packet, whose payload has so many bytes with its tag, its transport-wide number.
fn note(
    estimate: &mut Option<Estimate>,
    sealed: usize,
    media: Option<Media>,
    now: Instant,
) -> Option<u16> {
    let length = HEADER + sealed;
    let estimate = estimate.as_mut()?;
    Some(estimate.depart(length, media, now))
}

/// A packet to be sealed.
struct Sealed<'a> {
    header: Header,
    index: u64,
    extensions: Extensions,
    names: Names<'a>,
    descriptor: &'a [u8],
    map: ExtensionMap,
    /// The sequence number that a repair stands for.
    original: Option<u16>,
    transport: Option<u16>,
    payload: Payload<'a>,
}

/// What is behind the header.
enum Payload<'a> {
    Media(&'a [u8]),
    /// Media whose first bytes are others for this receiver.
    Patched(&'a [u8], Patch),
    /// So many bytes that mean nothing (RFC 3550 §5.1).
    Padding(u8),
}

fn seal(sealer: &Sealer, outbox: &mut Runs<Path>, to: Path, packet: &Sealed<'_>) -> bool {
    let outgoing = header::Outgoing {
        header: packet.header,
        extensions: Extensions {
            // The sender's own numbers mean nothing on this way.
            transport_sequence: packet.transport,
            ..packet.extensions
        },
        names: packet.names,
        descriptor: packet.descriptor,
        map: packet.map,
        padded: matches!(packet.payload, Payload::Padding(_)),
    };
    let mut head = [0; LONGEST_OUT];
    let header = outgoing.write(&mut head);
    let (ssrc, index) = (packet.header.ssrc, packet.index);
    let prefix = packet.original.map(u16::to_be_bytes);
    let body = header + prefix.map_or(0, |prefix| prefix.len());
    let length = body + packet.payload.length() + sealer.tag();
    let room = outbox.reserve(to, length);
    room[..header].copy_from_slice(&head[..header]);
    let sealed = match (prefix, &packet.payload) {
        (None, Payload::Media(payload)) => sealer.rtp(ssrc, index, header, payload, room),
        (prefix, payload) => {
            room[header..body].copy_from_slice(&prefix.unwrap_or_default()[..body - header]);
            payload.write(&mut room[body..length - sealer.tag()]);
            sealer.rtp_in_place(ssrc, index, header, room)
        }
    };
    if sealed.is_err() {
        outbox.retract(length);
    }
    sealed.is_ok()
}

impl<'a> Payload<'a> {
    fn of(out: &Outgoing<'a>) -> Self {
        match out.patch {
            None => Self::Media(out.payload),
            Some(patch) => Self::Patched(out.payload, patch),
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Media(payload) | Self::Patched(payload, _) => payload.len(),
            Self::Padding(length) => usize::from(*length),
        }
    }

    fn write(&self, room: &mut [u8]) {
        match self {
            Self::Media(payload) => room.copy_from_slice(payload),
            Self::Patched(payload, patch) => {
                room.copy_from_slice(payload);
                patch.over(room);
            }
            Self::Padding(length) => {
                room.fill(0);
                if let Some(last) = room.last_mut() {
                    *last = *length;
                }
            }
        }
    }
}
