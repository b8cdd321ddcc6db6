//! Our own RTP path of one peer: what it sends is opened, what it receives is sealed, and all
//! feedback is made, without the media stack, which never learns the keys (see tap.rs).
//!
//! Packets are here; RTCP is in feedback.rs.

mod feedback;

use std::time::{Duration, Instant};

use lens_runtime::udp::Runs;

use super::types::{Outgoing, Packet};
use crate::core::codec::MediaCodec;
use crate::core::path::Path;
use crate::core::rtp::arrivals::Arrivals;
use crate::core::rtp::header::{self, ExtensionMap, Extensions, Header, LONGEST_OUT, Parsed};
use crate::core::rtp::index::Window;
use crate::core::rtp::reception::{Clock, Reception};
use crate::core::rtp::ring::{About, Kept, Ring};
use crate::core::rtp::rtcp::ReportBlock;
use crate::core::rtp::sending::Sending;
use crate::core::rtp::srtp::{Opener, RTP_TAG, Sealer};

/// How often streams are reported on (RFC 3550 §6.2 allows every second at our rates).
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Streams of one peer, and senders of RTCP among them. A browser uses two a slot.
const STREAMS: usize = 64;
/// Reports of ours that a peer's echo is found among.
const ECHOES: usize = 4;

/// What is known of a peer's media once its answer is in.
#[derive(Debug, Default)]
pub(super) struct Terms {
    pub(super) map: ExtensionMap,
    /// By slot: the stream we send there.
    pub(super) lanes: Vec<Option<LaneTerms>>,
    /// Payload types of repair streams, each with the payload type it repairs.
    pub(super) repairs: Vec<(u8, u8)>,
    pub(super) name: String,
}

/// A stream that we send.
#[derive(Clone, Debug)]
pub(super) struct LaneTerms {
    pub(super) ssrc: u32,
    pub(super) repair: Option<u32>,
    pub(super) mid: String,
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
}

/// See the module.
pub(super) struct Fast {
    sealer: Sealer,
    opener: Opener,
    terms: Terms,
    lanes: Vec<Option<Lane>>,
    streams: Vec<Stream>,
    reporters: Vec<(u32, Window)>,
    arrivals: Arrivals,
    keyframes: Vec<u32>,
    report_due: Option<Instant>,
    /// Scratch memory.
    plain: Vec<u8>,
    lost: Vec<u16>,
    blocks: Vec<ReportBlock>,
}

/// A stream that the peer sends.
struct Stream {
    ssrc: u32,
    slot: usize,
    repair: bool,
    reception: Reception,
}

/// A stream that we send.
struct Lane {
    sending: Sending,
    mid: String,
    clock_rate: u32,
    source: Option<Clock>,
    /// The middle of the NTP time of our last reports, and when they left.
    echoes: [(u32, Option<Instant>); ECHOES],
    echo: usize,
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
        let lanes = std::mem::take(&mut terms.lanes).into_iter().map(|lane| {
            lane.map(|lane| Lane {
                sending: Sending::new(lane.ssrc, lane.repair, first_repair),
                mid: lane.mid,
                clock_rate: lane.clock_rate,
                source: None,
                echoes: [(0, None); ECHOES],
                echo: 0,
                nacks: 0,
                loss: None,
                rtt: None,
            })
        });
        Self {
            sealer,
            opener,
            lanes: lanes.collect(),
            terms,
            streams: Vec::new(),
            reporters: Vec::new(),
            arrivals: Arrivals::new(now),
            keyframes: Vec::new(),
            report_due: None,
            plain: Vec::new(),
            lost: Vec::new(),
            blocks: Vec::new(),
        }
    }

    /// The extension numbers and repairs that were agreed on.
    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The slot of a stream that is known already, by what it is.
    pub(super) fn slot_of(&self, ssrc: u32) -> Option<usize> {
        self.streams
            .iter()
            .find(|stream| stream.ssrc == ssrc)
            .map(|stream| stream.slot)
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
        let length = packet.len().checked_sub(parsed.length + RTP_TAG)?;
        let ring = rings.get_mut(belongs.slot)?;
        let place = self.place(&head, belongs, at)?;
        let index = self.streams[place].reception.fresh(head.sequence)?;
        let Some(room) = ring.room(length, at) else {
            self.forget_unproven(place);
            return None;
        };
        let opened = self
            .opener
            .rtp(head.ssrc, index, packet, parsed.length, room);
        if opened.is_err() {
            self.forget_unproven(place);
            return None;
        }
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
            at,
        };
        let kept = match belongs.repairs {
            None => ring.keep(about, 0..used),
            Some(payload_type) => self.repaired(ring, about, payload_type, used, belongs.slot)?,
        };
        Some(Packet {
            slot: belongs.slot,
            kept,
        })
    }

    /// A packet that came again over a repair stream (RFC 4588 §4), as the one it stands for.
    fn repaired(
        &mut self,
        ring: &mut Ring,
        repair: About,
        payload_type: u8,
        used: usize,
        slot: usize,
    ) -> Option<Kept> {
        const ORIGINAL: usize = 2;
        // Padding that probes the path is all there is in some.
        if used <= ORIGINAL {
            return None;
        }
        let sequence = u16::from_be_bytes(*ring.pending().first_chunk()?);
        let repaired = |stream: &&mut Stream| stream.slot == slot && !stream.repair;
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
        Some(ring.keep(about, ORIGINAL..used))
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
                mid: lane.sending.is_new().then_some(lane.mid.as_bytes()),
                map: self.terms.map,
                original: None,
                payload: out.payload,
            },
        );
        if sealed {
            lane.sending
                .note(out.payload.len(), out.timestamp, out.arrived);
            self.report_due.get_or_insert(out.arrived + REPORT_INTERVAL);
        }
        sealed
    }

    /// Sends a packet again that the peer has lost, over the repair stream. False when it is not
    /// to be repaired now.
    pub(super) fn repair(&mut self, out: &Outgoing<'_>, to: Path, outbox: &mut Runs<Path>) -> bool {
        let Some(Some(lane)) = self.lanes.get_mut(out.slot) else {
            return false;
        };
        let repairs = self.terms.repairs.iter();
        let payload_type = repairs
            .filter(|(_, repaired)| *repaired == out.payload_type)
            .map(|(repair, _)| *repair)
            .next();
        let length = out.payload.len() + RTP_TAG;
        let (Some(payload_type), Some((ssrc, index))) = (
            payload_type,
            lane.sending.repair(out.sequence, length, out.arrived),
        ) else {
            return false;
        };
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
                mid: Some(lane.mid.as_bytes()),
                map: self.terms.map,
                original: Some(out.sequence as u16),
                payload: out.payload,
            },
        )
    }

    /// The clocks of whoever is in a slot, by the timestamps we send there.
    pub(super) fn note_source(&mut self, slot: usize, clock: Clock) {
        if let Some(Some(lane)) = self.lanes.get_mut(slot) {
            lane.source = Some(clock);
        }
    }

    /// Asks for a keyframe in a slot. False when nothing has come in it yet.
    pub(super) fn request_keyframe(&mut self, slot: usize) -> bool {
        let streams = self.streams.iter().rev();
        let mut sending = streams.filter(|stream| stream.slot == slot && !stream.repair);
        let Some(stream) = sending.next() else {
            return false;
        };
        if !self.keyframes.contains(&stream.ssrc) {
            self.keyframes.push(stream.ssrc);
        }
        true
    }
}

fn lane_of(lanes: &mut [Option<Lane>], ssrc: u32) -> Option<(usize, &mut Lane)> {
    let lanes = lanes.iter_mut().enumerate();
    lanes
        .filter_map(|(slot, lane)| Some((slot, lane.as_mut()?)))
        .find(|(_, lane)| lane.sending.ssrc == ssrc)
}

/// A packet to be sealed.
struct Sealed<'a> {
    header: Header,
    index: u64,
    extensions: Extensions,
    mid: Option<&'a [u8]>,
    map: ExtensionMap,
    /// The sequence number that a repair stands for.
    original: Option<u16>,
    payload: &'a [u8],
}

fn seal(sealer: &Sealer, outbox: &mut Runs<Path>, to: Path, packet: &Sealed<'_>) -> bool {
    let outgoing = header::Outgoing {
        header: packet.header,
        extensions: Extensions {
            // The sender's own numbers mean nothing on this way.
            transport_sequence: None,
            ..packet.extensions
        },
        mid: packet.mid,
        map: packet.map,
    };
    let mut head = [0; LONGEST_OUT];
    let header = outgoing.write(&mut head);
    let (ssrc, index) = (packet.header.ssrc, packet.index);
    let prefix = packet.original.map(u16::to_be_bytes);
    let body = header + prefix.map_or(0, |prefix| prefix.len());
    let length = body + packet.payload.len() + RTP_TAG;
    let room = outbox.reserve(to, length);
    room[..header].copy_from_slice(&head[..header]);
    let sealed = match prefix {
        None => sealer.rtp(ssrc, index, header, packet.payload, room),
        Some(prefix) => {
            room[header..body].copy_from_slice(&prefix);
            room[body..length - RTP_TAG].copy_from_slice(packet.payload);
            sealer.rtp_in_place(ssrc, index, header, room)
        }
    };
    if sealed.is_err() {
        outbox.retract(length);
    }
    sealed.is_ok()
}
