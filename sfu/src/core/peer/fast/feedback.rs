//! RTCP of one peer on our own RTP path: what it says, and what it is told.

use std::time::{Duration, Instant};

use lens_runtime::udp::Runs;

use super::{ECHOES, Fast, Lane, REPORT_INTERVAL, STREAMS, lane_of};
use crate::core::codec::VIDEO_CLOCK;
use crate::core::estimate::Estimate;
use crate::core::path::{Moment, Path};
use crate::core::peer::types::{Counts, PeerEvent};
use crate::core::rtp::NTP_TO_UNIX;
use crate::core::rtp::index::Window;
use crate::core::rtp::reception::Clock;
use crate::core::rtp::rtcp::{self, Item, ReportBlock};
use crate::core::rtp::srtp::RTCP_TAIL;
use crate::core::rtp::told::Told;

/// Lost packets that one RTCP packet may ask for.
const ASKED_AT_ONCE: usize = 512;
/// Transport-wide reports that one RTCP packet may hold; the next would cost more than it tells.
const REPORTS_AT_ONCE: usize = 4;
/// Our SSRC in RTCP when we send no stream; any other than the peer's would do.
const NOBODY: u32 = 1;

impl Fast {
    /// One RTCP packet.
    pub(in crate::core::peer) fn control(
        &mut self,
        packet: &[u8],
        at: Instant,
        mut tell: impl FnMut(PeerEvent),
    ) {
        let mut plain = std::mem::take(&mut self.plain);
        if let Ok(index) = self.opener.rtcp(packet, &mut plain)
            && self.is_new_report(&plain, index)
        {
            let (mut changed, mut asked) = (false, 0);
            let mut reports = 0;
            rtcp::read(&plain, |item| {
                let report = matches!(item, Item::TransportWide(_));
                reports += usize::from(report);
                if !report || reports <= REPORTS_AT_ONCE {
                    changed |= self.act(item, at, &mut asked, &mut tell);
                }
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
            Item::TransportWide(told) => {
                self.note_arrivals(&told, at, tell);
                false
            }
            Item::MostBitrate { bps } => {
                tell(PeerEvent::Ceiling(bps));
                false
            }
            Item::KeyframeWanted { ssrc } => {
                if let Some((slot, _)) = lane_of(&mut self.lanes, ssrc) {
                    tell(PeerEvent::KeyframeWanted { slot });
                }
                false
            }
        }
    }

    /// What has not come is sent again at once: a receiver's own requests get lost as well, and it
    /// repeats them after a round trip that it mostly has to guess.
    fn note_arrivals(&mut self, told: &Told<'_>, at: Instant, tell: &mut impl FnMut(PeerEvent)) {
        let Some(estimate) = &mut self.estimate else {
            return;
        };
        let unheard = &mut self.unheard;
        unheard.clear();
        estimate.told(told, at, |media, left| {
            if unheard.len() < ASKED_AT_ONCE {
                unheard.push((media, left));
            }
        });
        for (media, left) in self.unheard.drain(..) {
            let (slot, index) = (usize::from(media.slot), media.index);
            let lane = self.lanes.get(slot).and_then(Option::as_ref);
            if lane.is_some_and(|lane| !lane.sending.was_repaired_after(index, left)) {
                tell(PeerEvent::Missing { slot, index });
            }
        }
        if let Some(limit) = self.changed_limit() {
            tell(PeerEvent::Limit(limit));
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

    /// When there is something to say.
    pub(in crate::core::peer) fn due(&self) -> Option<Instant> {
        let missing = self.streams.iter().filter_map(|it| it.reception.due());
        let probe = self.estimate.as_ref().and_then(Estimate::due);
        let regular = [
            self.report_due,
            self.arrivals.due(),
            probe,
            self.ceiling.due(),
        ];
        let regular = regular.into_iter().flatten();
        missing.chain(regular).min()
    }

    /// Says what is due: reports once a second, feedback when there is some.
    pub(in crate::core::peer) fn speak(&mut self, at: Moment, to: Path, outbox: &mut Runs<Path>) {
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
        if let Some(bps) = self.ceiling.take(at.instant) {
            self.ask_for_less(&mut packet, own, bps);
        }
        if !packet.is_empty() {
            self.send_control(&mut packet, to, outbox);
        }
        self.probe(at.instant, to, outbox);
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

    fn ask_for_less(&self, packet: &mut Vec<u8>, own: u32, bps: u64) {
        let sent = self.streams.iter().filter(|stream| !stream.repair);
        let mut ssrcs = [0; STREAMS];
        let mut count = 0;
        for (place, stream) in ssrcs.iter_mut().zip(sent) {
            *place = stream.ssrc;
            count += 1;
        }
        rtcp::most_bitrate(packet, own, &ssrcs[..count], bps);
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

impl Lane {
    /// NTP and RTP time of a report that leaves now. Those of the source run on from its last
    /// report, so that picture and voice of one camera stay together whatever our clock shows.
    fn clocks(&self, at: Moment) -> (u64, Option<u32>) {
        let Some(source) = self.source else {
            let ms = at.wall.unix_ms().max(0).cast_unsigned();
            let fraction = ((ms % 1_000) << 32) / 1_000;
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
