//! The media stack's side of a peer: polling it, and RTP through it where the
//! configuration says so.

use std::sync::Arc;
use std::time::Instant;

use lens_protocol::wish::CONTROL_CHANNEL;
use str0m::media::{KeyframeRequestKind, Rid};
use str0m::rtp::{RtpPacket, RtpWrite, SeqNo, Ssrc};
use str0m::{Event, IceConnectionState, Output, RtcError};

use super::types::{Datagram, Outgoing, Packet, PeerEvent, Produce, StackError};
use super::{KNOWN_SSRCS, Peer, carrier, extensions};
use crate::core::rtp::header::Header;
use crate::core::rtp::ring::{About, Ring};
use crate::core::slots;

impl Peer {
    /// Polls until a media packet has come out or nothing more comes.
    pub(super) fn poll(&mut self, produce: &mut Produce) -> Result<Option<RtpPacket>, StackError> {
        loop {
            let output = match self.rtc.poll_output() {
                // The peer said goodbye before its data channel was up; the stack calls that an
                // error of its SCTP and forgets to report the goodbye.
                Err(RtcError::Sctp(_)) => {
                    produce.events.push(PeerEvent::Closed);
                    return Ok(None);
                }
                other => other?,
            };
            match output {
                Output::Timeout(at) => {
                    self.deadline = Some(at);
                    return Ok(None);
                }
                Output::Transmit(transmit) => produce.datagrams.push(Datagram {
                    carrier: carrier(transmit.proto),
                    local: transmit.source,
                    remote: transmit.destination,
                    bytes: transmit.contents.into(),
                }),
                Output::Event(Event::RtpPacket(packet)) => return Ok(Some(packet)),
                Output::Event(event) => {
                    if let Some(event) = self.event(event) {
                        produce.events.push(event);
                    }
                }
            }
        }
    }

    /// A packet of the stack's, its payload moved to the ring of its slot.
    pub(super) fn keep(
        &mut self,
        packet: RtpPacket,
        rings: &mut [Ring],
        at: Instant,
    ) -> Option<Packet> {
        let head = packet.header;
        let payload_type = *head.payload_type;
        let codecs = &mut self.codecs.iter();
        let codec = codecs.find(|(known, _)| *known == payload_type)?.1;
        let (slot, layer) = self.stack_place_of(head.ssrc)?;
        let ring = rings.get_mut(slot)?;
        let length = packet.payload.len();
        ring.room(length, at)?.copy_from_slice(&packet.payload);
        let header = Header {
            marker: head.marker,
            payload_type,
            sequence: head.sequence_number,
            timestamp: head.timestamp,
            ssrc: *head.ssrc,
        };
        let about = About {
            index: *packet.seq_no,
            header,
            extensions: extensions::from_stack(&head.ext_vals),
            codec,
            layer,
            at,
        };
        Some(Packet {
            slot,
            kept: ring.keep(about, 0..length),
        })
    }

    pub(super) fn write_through_stack(&mut self, out: &Outgoing<'_>) -> bool {
        let Some(ssrc) = self.lanes.get(out.slot).and_then(|lane| lane.ssrc) else {
            return false;
        };
        let about = &out.packet.kept.about;
        let mut payload = Arc::<[u8]>::from(out.payload);
        if let (Some(patch), Some(payload)) = (&out.patch, Arc::get_mut(&mut payload)) {
            patch.over(payload);
        }
        let write = RtpWrite::new(
            out.payload_type.into(),
            SeqNo::from(out.sequence),
            out.timestamp,
            out.arrived,
            payload,
        )
        .marker(about.header.marker)
        .ext_vals(extensions::to_stack(&about.extensions))
        .nackable(slots::is_video(self.kinds[out.slot]));
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx(&ssrc) else {
            return false;
        };
        stream.write_rtp(write);
        self.touched = true;
        true
    }

    pub(super) fn request_through_stack(&mut self, slot: usize, layer: u8) -> bool {
        let Some(mid) = self.mids.get(slot).copied() else {
            return false;
        };
        let mut layers = self.layers[slot].iter();
        let named = layers.find(|(_, known)| *known == layer);
        let rid = named.and_then(|(name, _)| Some(Rid::from(std::str::from_utf8(name).ok()?)));
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_rx_by_mid(mid, rid) else {
            return false;
        };
        stream.request_keyframe(KeyframeRequestKind::Pli);
        self.touched = true;
        true
    }

    /// Slot and layer of a stream.
    fn stack_place_of(&mut self, ssrc: Ssrc) -> Option<(usize, u8)> {
        if let Some((_, slot, layer)) = self.ssrcs.iter().find(|(known, _, _)| *known == ssrc) {
            return Some((*slot, *layer));
        }
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx(&ssrc)?;
        let (mid, rid) = (stream.mid(), stream.rid());
        let slot = self.slot_of_mid(mid)?;
        let layer = self.layer_named(slot, rid.as_deref().map(str::as_bytes))?;
        if self.ssrcs.len() == KNOWN_SSRCS {
            self.ssrcs.remove(0);
        }
        self.ssrcs.push((ssrc, slot, layer));
        Some((slot, layer))
    }

    fn event(&mut self, event: Event) -> Option<PeerEvent> {
        match event {
            Event::IceConnectionStateChange(
                IceConnectionState::Connected | IceConnectionState::Completed,
            ) => Some(PeerEvent::IceConnected),
            Event::Connected => Some(PeerEvent::Connected),
            Event::Closed => Some(PeerEvent::Closed),
            Event::KeyframeRequest(request) => {
                let slot = self.slot_of_mid(request.mid)?;
                Some(PeerEvent::KeyframeWanted { slot })
            }
            Event::ChannelOpen(id, _) if Some(id) == self.channel.id => {
                self.channel.open = true;
                None
            }
            Event::ChannelOpen(id, label) if label == CONTROL_CHANNEL => {
                self.channel.control.get_or_insert(id);
                None
            }
            Event::ChannelClose(id) if Some(id) == self.channel.id => {
                self.channel.open = false;
                None
            }
            Event::ChannelClose(id) if Some(id) == self.channel.control => {
                self.channel.control = None;
                None
            }
            Event::ChannelData(message) if Some(message.id) == self.channel.control => {
                Some(PeerEvent::Wish(message.data))
            }
            Event::ChannelData(message) if Some(message.id) == self.channel.id => {
                Some(PeerEvent::Message {
                    binary: message.binary,
                    data: message.data,
                })
            }
            Event::MediaEgressStats(stats) => {
                let slot = self.slot_of_mid(stats.mid)?;
                self.lane_nacks[slot] = stats.nacks;
                self.counts.nacks_in = self.lane_nacks.iter().sum();
                if slots::is_video(self.kinds[slot]) || self.counts.loss.is_none() {
                    self.counts.loss = stats.loss.or(self.counts.loss);
                }
                self.counts.rtt = stats.rtt.or(self.counts.rtt);
                Some(PeerEvent::Counts(self.counts))
            }
            Event::PeerStats(stats) => {
                self.counts.rtt = stats.rtt.or(self.counts.rtt);
                Some(PeerEvent::Counts(self.counts))
            }
            _ => None,
        }
    }
}
