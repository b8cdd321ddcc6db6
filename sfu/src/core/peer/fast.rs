//! Our own RTP path of one peer: what it sends is opened, what it receives is sealed, and all
//! feedback is made, without the media stack, which never learns the keys (see tap.rs).

use std::time::{Duration, Instant};

use lens_runtime::udp::Runs;

use super::types::{Counts, Outgoing, Packet, PeerEvent};
use crate::core::codec::MediaCodec;
use crate::core::path::{Moment, Path};
use crate::core::rtp::arrivals::Arrivals;
use crate::core::rtp::header::{self, ExtensionMap, Extensions, Header, LONGEST_OUT, Parsed};
use crate::core::rtp::index::Window;
use crate::core::rtp::reception::{Clock, Reception};
use crate::core::rtp::ring::{About, Kept, Ring};
use crate::core::rtp::rtcp::{self, Item, ReportBlock};
use crate::core::rtp::sending::Sending;
use crate::core::rtp::srtp::{Opener, RTCP_TAIL, RTP_TAG, Sealer};

/// How often streams are reported on (RFC 3550 §6.2 allows every second at our rates).
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Streams of one peer, and senders of RTCP among them. A browser uses two a slot.
const STREAMS: usize = 64;
/// Lost packets that one RTCP packet may ask for.
const ASKED_AT_ONCE: usize = 512;
/// Reports of ours that a peer's echo is found among.
const ECHOES: usize = 4;
/// Seconds from 1900, where NTP counts from, to 1970.
const NTP_TO_UNIX: u64 = 2_208_988_800;
/// Our SSRC in RTCP when we send no stream; any other than the peer's would do.
const NOBODY: u32 = 1;

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

    /// One RTCP packet.
    pub(super) fn control(&mut self, packet: &[u8], at: Instant, mut tell: impl FnMut(PeerEvent)) {
        let mut plain = std::mem::take(&mut self.plain);
        if let Ok(index) = self.opener.rtcp(packet, &mut plain)
            && self.is_new_report(&plain, index)
        {
            let (mut changed, mut asked) = (false, 0);
            rtcp::read(&plain, |item| {
                changed |= self.act(item, at, &mut asked, &mut tell);
            });
            if changed {
                tell(PeerEvent::Counts(self.counts()));
            }
        }
        self.plain = plain;
    }

    fn is_new_report(&mut self, plain: &[u8], index: u32) -> bool {
        let Some(sender) = plain.get(4..8) else {
            return false;
        };
        let sender = u32::from_be_bytes([sender[0], sender[1], sender[2], sender[3]]);
        let known = self.reporters.iter().position(|(it, _)| *it == sender);
        let place = known.unwrap_or_else(|| {
            if self.reporters.len() < STREAMS {
                self.reporters.push((sender, Window::default()));
            }
            self.reporters.len() - 1
        });
        let (reporter, window) = &mut self.reporters[place];
        *reporter == sender && window.mark(u64::from(index))
    }

    /// Acts on one item; true when it changed what is counted.
    fn act(
        &mut self,
        item: Item<'_>,
        at: Instant,
        asked: &mut usize,
        tell: &mut impl FnMut(PeerEvent),
    ) -> bool {
        match item {
            Item::SenderReport { ssrc, ntp, rtp } => {
                let stream = self.streams.iter_mut().find(|it| it.ssrc == ssrc);
                if let Some(stream) = stream.filter(|stream| !stream.repair) {
                    stream.reception.note_clock(ntp, rtp, at);
                    let (slot, clock) = (stream.slot, Clock { ntp, rtp, at });
                    tell(PeerEvent::Clock { slot, ssrc, clock });
                }
                false
            }
            Item::Block(block) => self.note_block(&block, at),
            Item::Nack { ssrc, pairs } => {
                let Some((slot, lane)) = lane_of(&mut self.lanes, ssrc) else {
                    return false;
                };
                for sequence in pairs.sequences().take(ASKED_AT_ONCE - *asked) {
                    *asked += 1;
                    lane.nacks += 1;
                    if let Some(index) = lane.sending.asked(sequence) {
                        tell(PeerEvent::Missing { slot, index });
                    }
                }
                true
            }
            Item::KeyframeWanted { ssrc } => {
                if let Some((slot, _)) = lane_of(&mut self.lanes, ssrc) {
                    tell(PeerEvent::KeyframeWanted { slot });
                }
                false
            }
        }
    }

    fn note_block(&mut self, block: &ReportBlock, at: Instant) -> bool {
        let Some((_, lane)) = lane_of(&mut self.lanes, block.ssrc) else {
            return false;
        };
        lane.loss = Some(f32::from(block.fraction_lost) / 256.0);
        let echo = lane.echoes.iter().find(|(middle, left)| {
            left.is_some() && *middle == block.last_report && block.last_report != 0
        });
        if let Some((_, Some(left))) = echo {
            let held = Duration::from_micros(u64::from(block.delay) * 1_000_000 / 65_536);
            let passed = at.saturating_duration_since(*left);
            lane.rtt = Some(passed.saturating_sub(held));
        }
        true
    }

    fn counts(&self) -> Counts {
        let lanes = || self.lanes.iter().flatten();
        // The picture's, when there is one: its lane comes before the voices of a viewer.
        let video = lanes().filter(|lane| lane.clock_rate == VIDEO_CLOCK);
        Counts {
            nacks_in: lanes().map(|lane| lane.nacks).sum(),
            loss: video.chain(lanes()).find_map(|lane| lane.loss),
            rtt: lanes().find_map(|lane| lane.rtt),
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

    /// When there is something to say.
    pub(super) fn due(&self) -> Option<Instant> {
        let missing = self.streams.iter().filter_map(|it| it.reception.due());
        let regular = [self.report_due, self.arrivals.due()].into_iter().flatten();
        missing.chain(regular).min()
    }

    /// Says what is due: reports once a second, feedback when there is some.
    pub(super) fn speak(&mut self, at: Moment, to: Path, outbox: &mut Runs<Path>) {
        let own = self.own();
        let mut packet = std::mem::take(&mut self.plain);
        if self.report_due.is_some_and(|due| due <= at.instant) {
            packet.clear();
            self.report(&mut packet, own, at);
            self.send_control(&mut packet, to, outbox);
            self.report_due = Some(at.instant + REPORT_INTERVAL);
        }
        // Reduced size (RFC 5506), as our offers say. An empty report in front would be within the
        // rules as well, but webrtc-rs gives a compound to the stream that its first packet names.
        packet.clear();
        self.ask_for_lost(&mut packet, own, at.instant);
        for ssrc in self.keyframes.drain(..) {
            rtcp::picture_loss(&mut packet, own, ssrc);
        }
        if !packet.is_empty() {
            self.send_control(&mut packet, to, outbox);
        }
        self.tell_arrivals(&mut packet, own, at.instant, to, outbox);
        self.plain = packet;
    }

    fn own(&self) -> u32 {
        let mut lanes = self.lanes.iter().flatten();
        lanes.next().map_or(NOBODY, |lane| lane.sending.ssrc)
    }

    fn ask_for_lost(&mut self, packet: &mut Vec<u8>, own: u32, now: Instant) {
        for stream in &mut self.streams {
            if stream.reception.due().is_none_or(|due| due > now) {
                continue;
            }
            self.lost.clear();
            if stream.reception.ask(now, &mut self.lost) && !self.keyframes.contains(&stream.ssrc) {
                self.keyframes.push(stream.ssrc);
            }
            rtcp::nack(packet, own, stream.ssrc, &self.lost);
        }
    }

    fn tell_arrivals(
        &mut self,
        packet: &mut Vec<u8>,
        own: u32,
        now: Instant,
        to: Path,
        outbox: &mut Runs<Path>,
    ) {
        while self.arrivals.due().is_some_and(|due| due <= now) {
            let media = self.streams.first().map_or(0, |stream| stream.ssrc);
            packet.clear();
            self.arrivals.report(packet, own, media, now);
            if !packet.is_empty() {
                self.send_control(packet, to, outbox);
            }
        }
    }

    fn report(&mut self, packet: &mut Vec<u8>, own: u32, at: Moment) {
        for lane in self.lanes.iter_mut().flatten() {
            let (ntp, exact) = lane.clocks(at);
            let info = lane.sending.report(ntp, exact, lane.clock_rate, at.instant);
            if let Some(info) = info {
                rtcp::sender_report(packet, &info);
                lane.echoes[lane.echo % ECHOES] = ((ntp >> 16) as u32, Some(at.instant));
                lane.echo += 1;
            }
        }
        self.blocks.clear();
        for stream in self.streams.iter_mut().filter(|stream| !stream.repair) {
            self.blocks
                .extend(stream.reception.block(stream.ssrc, at.instant));
        }
        rtcp::receiver_report(packet, own, &self.blocks);
        rtcp::canonical_name(packet, own, &self.terms.name);
    }

    fn send_control(&mut self, packet: &mut Vec<u8>, to: Path, outbox: &mut Runs<Path>) {
        packet.reserve(RTCP_TAIL);
        if self.sealer.rtcp(packet).is_ok() {
            outbox.push(to, packet);
        }
    }
}

/// RTP clock of all video.
const VIDEO_CLOCK: u32 = 90_000;

impl Lane {
    /// NTP and RTP time of a report that leaves now. Those of the source run on from its last
    /// report, so that picture and voice of one camera stay together whatever our clock shows.
    fn clocks(&self, at: Moment) -> (u64, Option<u32>) {
        let Some(source) = self.source else {
            let ms = at.wall.unix_ms().max(0).cast_unsigned();
            let fraction = (ms % 1_000 << 32) / 1_000;
            return ((ms / 1_000 + NTP_TO_UNIX) << 32 | fraction, None);
        };
        let passed = at.instant.saturating_duration_since(source.at).as_micros();
        let ntp = source
            .ntp
            .wrapping_add((passed * (1 << 32) / 1_000_000) as u64);
        let ticks = (passed * u128::from(self.clock_rate) / 1_000_000) as u32;
        (ntp, Some(source.rtp.wrapping_add(ticks)))
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
