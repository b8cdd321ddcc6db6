//! What of a camera's picture goes to a connection: which layer, or how much of a scalable stream,
//! and with which numbers.

use std::time::Instant;

use super::Link;
use crate::core::arena::Key;
use crate::core::codec::MediaCodec;
use crate::core::layers::{self, Choice, Needs, Sent};
use crate::core::rtp::descriptor::{Frame, Rewritten};
use crate::core::scalable::{self, Scalable};
use crate::core::vp8::Patch;

impl Link {
    /// What comes next in a slot it receives in continues the stream without a gap and, for video,
    /// with a keyframe.
    pub(crate) fn restart(&mut self, slot: usize) {
        if let Some(Some(rewriter)) = self.rewriters.get_mut(slot) {
            rewriter.pause();
        }
    }

    /// Chooses among the layers that a camera sends in one of its slots.
    pub(crate) fn choose(&mut self, slot: usize, camera: Key, sent: &Sent, now: Instant) {
        let voices = self.voices.bps(now);
        let needs = Needs {
            limit: self.limit.map(|limit| limit.saturating_sub(voices)),
            lines: self.wish.max_height,
        };
        if let Some(choice) = self.choices.get_mut(slot) {
            choice.choose(camera, sent, needs, now);
            let chosen = choice.rate(&sent.rates).unwrap_or_default();
            self.pacer.at_least(chosen + voices);
        }
    }

    /// Chooses what of a camera's scalable stream comes in a slot.
    pub(crate) fn choose_cut(&mut self, slot: usize, camera: Key, sent: &Scalable, now: Instant) {
        if !self.peer.takes_descriptors() {
            return;
        }
        let voices = self.voices.bps(now);
        let needs = Needs {
            limit: self.limit.map(|limit| limit.saturating_sub(voices)),
            lines: self.wish.max_height,
        };
        if let Some(cut) = self.cuts.get_mut(slot) {
            let cut = cut.get_or_insert_default();
            cut.choose(camera, sent, needs, now);
            let chosen = cut.rate(sent).unwrap_or_default();
            self.pacer.at_least(chosen + voices);
        }
    }

    /// Whether it has chosen among what a camera's scalable stream is made of now.
    pub(crate) fn has_cut(&self, slot: usize, camera: Key, sent: &Scalable) -> bool {
        let cut = self.cuts.get(slot).and_then(Option::as_ref);
        !self.peer.takes_descriptors() || cut.is_some_and(|cut| cut.is_for(camera, sent))
    }

    /// Judges a packet of a scalable stream, of the picture with this RTP time.
    pub(crate) fn judge_cut(
        &mut self,
        slot: usize,
        sent: &Scalable,
        frame: &Frame,
        picture: u32,
    ) -> scalable::Verdict {
        let cut = self.cuts.get_mut(slot).and_then(Option::as_mut);
        let cut = cut.filter(|_| self.peer.takes_descriptors());
        let whole = scalable::Verdict {
            passes: true,
            ..scalable::Verdict::default()
        };
        cut.map_or(whole, |cut| cut.judge(sent, frame, picture))
    }

    /// The dependency descriptor of a packet that leaves in a slot in the `epoch`th part of its
    /// stream, for a receiver that takes them.
    pub(crate) fn describe(&mut self, slot: usize, bytes: &[u8], epoch: u32) -> Option<Rewritten> {
        if bytes.is_empty() || !self.peer.takes_descriptors() {
            return None;
        }
        let cut = self.cuts.get_mut(slot)?.get_or_insert_default();
        cut.rewrite(bytes, epoch)
    }

    /// Whether it has chosen among the layers of a camera.
    pub(crate) fn has_chosen(&self, slot: usize, camera: Key) -> bool {
        let choice = self.choices.get(slot);
        choice.is_some_and(|choice| choice.is_for(camera))
    }

    /// Judges a packet of video by its layer.
    pub(crate) fn judge(
        &mut self,
        slot: usize,
        camera: Key,
        layer: u8,
        starts: bool,
    ) -> layers::Verdict {
        let Some(choice) = self.choices.get_mut(slot) else {
            return layers::Verdict::Skip;
        };
        let verdict = choice.judge(camera, layer, starts);
        if let layers::Verdict::Switch { down } = verdict {
            self.budget.forget_frame();
            // What waits of the larger picture is what the way could not carry.
            if down {
                self.pacer.clear();
            }
        }
        verdict
    }

    /// The layer, as a bit, of which a keyframe is needed for what comes in a slot from a camera.
    pub(crate) fn needed(&self, slot: usize, camera: Key) -> u8 {
        let choice = self.choices.get(slot);
        choice.map_or(layers::ALL, |choice| choice.needed(camera))
    }

    /// What is written over a payload that leaves in a slot in the `epoch`th part of its stream.
    pub(crate) fn patch(
        &mut self,
        slot: usize,
        codec: MediaCodec,
        payload: &[u8],
        epoch: u32,
    ) -> Option<Patch> {
        let used = self.choices.get(slot).is_some_and(Choice::is_used);
        if codec != MediaCodec::Vp8 || !used {
            return None;
        }
        self.numbers.get_mut(slot)?.patch(payload, epoch)
    }

    /// Whether several layers come from it.
    pub(crate) fn sends_layers(&self) -> bool {
        self.sources.iter().any(|source| {
            let flow = source.flow.as_ref();
            let scalable = source.scalable.as_ref();
            flow.is_some_and(|it| it.live() > 1) || scalable.is_some_and(|it| it.live() > 1)
        })
    }
}
