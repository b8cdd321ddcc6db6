//! Scalable streams: one stream that holds a small picture, and in further frames what makes it
//! larger, or smoother. Each viewer gets as many of them as its way carries and it shows.
//!
//! [`Scalable`] knows what one camera's stream is made of and what that takes; [`Cut`] belongs to
//! one viewer. Frames are told apart by their dependency descriptors alone. Less begins with the
//! next picture, where the viewer has had all that it refers to; anything else begins with a frame
//! that says that one may switch there, and refers to nothing that the viewer has not had, as
//! keyframes do.

use std::time::{Duration, Instant};

use super::arena::Key;
use super::layers::{Choice, Meter, Needs};
use super::rtp::descriptor::{self, Frame, Indication, Rewritten, Structure};
use super::vp8::Number;

/// How often what is sent is measured.
const INTERVAL: Duration = Duration::from_millis(100);
/// A layer without a frame for so long, while so many others came, is not sent any more.
const SILENCE: Duration = Duration::from_millis(500);
const MISSED: u32 = 10;
/// Lines of the largest picture when the stream does not say.
const ASSUMED: u32 = 720;

/// Decode targets that a viewer may get, from the least on: of the smallest picture those of every
/// frame rate, of larger ones those of the highest and the next.
#[derive(Debug)]
struct Rung {
    target: u8,
    spatial: u8,
    temporal: u8,
    /// The decode targets that whoever gets this one could decode, the first in the lowest bit.
    within: u32,
    meter: Meter,
    last: Instant,
    missed: u32,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Scalable {
    structure: Structure,
    /// Raised by each structure that differs from the one before.
    version: u32,
    /// The targets that are sent.
    active: u32,
    rungs: Vec<Rung>,
    judged: Option<Instant>,
    rates: Vec<Option<u64>>,
    /// Whether viewers turn the picture by a quarter.
    turned: bool,
}

impl Scalable {
    /// A packet with this descriptor, of the stream whose structure is in `known`. `None` when it
    /// cannot be read.
    pub(crate) fn take(
        known: &mut Option<Box<Self>>,
        bytes: &[u8],
        payload: usize,
        now: Instant,
    ) -> Option<Frame> {
        let structure = known.as_ref().map(|it| &it.structure);
        let read = descriptor::read(bytes, structure)?;
        if let Some(structure) = read.structure {
            let former = known.as_deref_mut().filter(|it| it.structure == structure);
            match former {
                Some(same) => same.active = u32::MAX,
                None => {
                    let version = known.as_ref().map_or(0, |it| it.version.wrapping_add(1));
                    *known = Some(Box::new(Self::new(structure, version, now)));
                }
            }
        }
        let known = known.as_deref_mut()?;
        known.active = read.active.unwrap_or(known.active);
        known.note(&read.frame, payload, now);
        Some(read.frame)
    }

    fn new(structure: Structure, version: u32, now: Instant) -> Self {
        let rungs = rungs(&structure, now);
        Self {
            structure,
            version,
            active: u32::MAX,
            rates: vec![Some(0); rungs.len()],
            rungs,
            judged: None,
            turned: false,
        }
    }

    /// How viewers are to turn the picture, in quarters.
    pub(crate) fn turn(&mut self, orientation: u8) {
        self.turned = orientation & 1 != 0;
    }

    /// Measures what is sent, when it is time; says whether it was.
    pub(crate) fn judge(&mut self, now: Instant) -> bool {
        let pause = |at: Instant| now.saturating_duration_since(at) < INTERVAL;
        if self.judged.is_some_and(pause) {
            return false;
        }
        self.judged = Some(now);
        for (rung, rate) in self.rungs.iter_mut().zip(&mut self.rates) {
            let silent = now.saturating_duration_since(rung.last) >= SILENCE;
            let active = self.active >> rung.target & 1 != 0;
            let sent = active && !(silent && rung.missed >= MISSED);
            *rate = sent.then(|| rung.meter.bps(now));
        }
        true
    }

    /// How many things a viewer could get that differ.
    pub(crate) fn live(&self) -> usize {
        self.rates.iter().flatten().count()
    }

    fn note(&mut self, frame: &Frame, payload: usize, now: Instant) {
        for rung in &mut self.rungs {
            if frame.to(rung.target) != Indication::NotPresent {
                rung.meter.note(payload, now);
            }
            if (frame.spatial, frame.temporal) == (rung.spatial, rung.temporal) {
                (rung.last, rung.missed) = (now, 0);
            } else if frame.ends {
                rung.missed = rung.missed.saturating_add(1);
            }
        }
    }

    /// The highest rung that is of use to somebody who shows the picture in so many lines.
    fn enough(&self, lines: u16) -> u8 {
        let live = self.rungs.iter().zip(&self.rates);
        let mut live = live.filter_map(|(rung, rate)| rate.map(|_| rung.spatial));
        let enough = live.find(|spatial| self.lines(*spatial) >= lines.into());
        let within = |rung: &Rung| enough.is_none_or(|enough| rung.spatial <= enough);
        let highest = self.rungs.iter().rposition(within);
        highest.map_or(0, |rung| rung as u8)
    }

    fn lines(&self, spatial: u8) -> u32 {
        match self.structure.size(spatial) {
            Some((_, columns)) if self.turned => columns,
            Some((lines, _)) => lines,
            None => {
                let largest = self.rungs.last().map_or(0, |rung| rung.spatial);
                ASSUMED >> largest.saturating_sub(spatial)
            }
        }
    }
}

fn rungs(structure: &Structure, now: Instant) -> Vec<Rung> {
    let targets = 0..structure.targets();
    let all: Vec<_> = targets.map(|it| (structure.layers(it), it)).collect();
    let lowest = all.iter().map(|((spatial, _), _)| *spatial).min();
    let useful = |((spatial, temporal), _): &&((u8, u8), u8)| {
        let same = all.iter().filter(|((other, _), _)| other == spatial);
        let highest = same.map(|((_, temporal), _)| *temporal).max();
        Some(*spatial) == lowest || Some(*temporal + 1) >= highest
    };
    let mut kept: Vec<_> = all.iter().filter(useful).copied().collect();
    kept.sort_unstable();
    kept.dedup_by_key(|(layers, _)| *layers);
    let rungs = kept.into_iter().map(|((spatial, temporal), target)| {
        let within = (0..structure.targets()).filter(|it| structure.includes(target, *it));
        Rung {
            target,
            spatial,
            temporal,
            within: within.fold(0, |all, it| all | 1 << it),
            meter: Meter::default(),
            last: now,
            missed: 0,
        }
    });
    rungs.collect()
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Whether the viewer gets it.
    pub(crate) passes: bool,
    /// Whether it is the last of a picture as this viewer gets it.
    pub(crate) ends: bool,
    /// Whether the viewer waits for a keyframe to get more, or less.
    pub(crate) awaits_keyframe: bool,
}

/// What one viewer gets of a scalable stream.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    /// Whose stream it is a part of, and of which of its structures.
    of: Option<(Key, u32)>,
    choice: Choice,
    frames: Frames,
    /// RTP time of the newest picture.
    picture: Option<u32>,
    numbers: Number,
    /// How many targets there are, and which of them are whole here.
    targets: u8,
    whole: u32,
    /// Whether the viewer has to be told which those are.
    tells: bool,
}

impl Cut {
    /// Chooses among what `camera` sends.
    pub(crate) fn choose(&mut self, camera: Key, sent: &Scalable, needs: Needs, now: Instant) {
        let of = Some((camera, sent.version));
        if self.of != of {
            self.choice = Choice::default();
            self.frames = Frames::default();
            (self.of, self.picture, self.targets) = (of, None, sent.structure.targets());
        }
        let most = needs.lines.map_or(u8::MAX, |lines| sent.enough(lines));
        self.choice.aim(&sent.rates, most, needs, now);
    }

    /// Whether it has chosen among what `camera` sends now.
    pub(crate) fn is_for(&self, camera: Key, sent: &Scalable) -> bool {
        self.of == Some((camera, sent.version))
    }

    /// What is chosen, or passes until that begins, in bits per second.
    pub(crate) fn rate(&self, sent: &Scalable) -> Option<u64> {
        self.choice.rate(&sent.rates)
    }

    /// Judges a packet of the picture with this RTP time.
    pub(crate) fn judge(&mut self, sent: &Scalable, frame: &Frame, picture: u32) -> Verdict {
        let passes = match self.frames.passed(frame.number) {
            Some(passed) => passed,
            None => self.judge_frame(sent, frame, picture),
        };
        let rung = self
            .choice
            .current()
            .and_then(|it| sent.rungs.get(usize::from(it)));
        let spatial = rung.map(|rung| rung.spatial);
        Verdict {
            passes,
            ends: passes && frame.ends && spatial == Some(frame.spatial),
            awaits_keyframe: frame.starts && self.awaits_keyframe(sent),
        }
    }

    fn judge_frame(&mut self, sent: &Scalable, frame: &Frame, picture: u32) -> bool {
        let begins = self.picture.replace(picture) != Some(picture);
        if let Some(target) = self.choice.target().filter(|_| frame.starts)
            && self.choice.current() != Some(target)
            && self.may_switch(sent, frame, target, begins)
        {
            self.choice.begin(target);
        }
        let rung = self
            .choice
            .current()
            .and_then(|it| sent.rungs.get(usize::from(it)));
        let passes = rung.is_none_or(|rung| frame.to(rung.target) != Indication::NotPresent);
        self.whole = rung.map_or(u32::MAX, |rung| rung.within & sent.active);
        let all = u32::MAX >> (u32::BITS - u32::from(self.targets.clamp(1, 32)));
        self.tells |= self.whole & all != all;
        self.frames.note(frame.number, passes);
        passes
    }

    fn may_switch(&self, sent: &Scalable, frame: &Frame, target: u8, begins: bool) -> bool {
        let rung = |it: u8| sent.rungs.get(usize::from(it));
        let Some(to) = rung(target) else {
            return false;
        };
        let Some(from) = self.choice.current().and_then(rung) else {
            // Nothing has passed yet: what passes first is for others to say.
            return true;
        };
        if begins && sent.structure.includes(from.target, to.target) {
            return true;
        }
        let had = |number| self.frames.passed(number) == Some(true);
        frame.to(to.target) == Indication::Switch && frame.references().all(had)
    }

    /// Whether what is chosen does not begin by itself within a few frames.
    fn awaits_keyframe(&self, sent: &Scalable) -> bool {
        let rung = |it: Option<u8>| sent.rungs.get(usize::from(it?));
        let (Some(from), Some(to)) = (rung(self.choice.current()), rung(self.choice.target()))
        else {
            return false;
        };
        let reaches = sent.structure.includes(from.target, to.target);
        !reaches && from.spatial != to.spatial
    }

    /// A descriptor as the viewer gets it, in the `epoch`th part of its stream: frames are numbered
    /// on, and the first packet of each says what is whole, if not everything is.
    pub(crate) fn rewrite(&mut self, bytes: &[u8], epoch: u32) -> Option<Rewritten> {
        let number = self.numbers.map(descriptor::number(bytes)?, 16, epoch);
        let mut own = Rewritten::new(bytes, number)?;
        let (starts, structure) = descriptor::begins(bytes);
        if starts && self.tells {
            let all = u32::MAX >> (u32::BITS - u32::from(self.targets.clamp(1, 32)));
            own.activate(self.targets, self.whole & all);
            // Without saying so, all of a new structure is.
            self.tells = !(structure && self.whole & all == all);
        }
        Some(own)
    }
}

/// Which of the newest frames passed.
#[derive(Debug, Default)]
struct Frames {
    newest: Option<u16>,
    /// Bits counted back from the newest, which is the lowest.
    judged: u128,
    passed: u128,
}

impl Frames {
    fn passed(&self, number: u16) -> Option<bool> {
        let back = self.newest?.wrapping_sub(number);
        let bit = 1_u128.checked_shl(back.into())?;
        (self.judged & bit != 0).then_some(self.passed & bit != 0)
    }

    fn note(&mut self, number: u16, passed: bool) {
        let newest = *self.newest.get_or_insert(number);
        let ahead = number.wrapping_sub(newest);
        let mut back = 0;
        // As far back as that is a stream that has begun anew.
        let anew = (128..0x8000).contains(&newest.wrapping_sub(number));
        if ahead < 0x8000 || anew {
            let shift = if anew { u32::MAX } else { ahead.into() };
            self.judged = self.judged.checked_shl(shift).unwrap_or(0);
            self.passed = self.passed.checked_shl(shift).unwrap_or(0);
            self.newest = Some(number);
        } else {
            back = newest.wrapping_sub(number);
        }
        let bit = 1_u128.checked_shl(back.into()).unwrap_or(0);
        self.judged |= bit;
        self.passed |= if passed { bit } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::arena::Arena;
    use crate::core::rtp::descriptor::example::{Bitstream, keyframe};

    /// Frames of a stream of L2T2 one by one, and what a viewer gets of them.
    struct Stream {
        camera: Key,
        sent: Option<Box<Scalable>>,
        cut: Cut,
        now: Instant,
        number: u16,
        picture: u32,
    }

    impl Stream {
        fn new() -> Self {
            Self {
                camera: Arena::default().insert(|_| ()),
                sent: None,
                cut: Cut::default(),
                now: Instant::now(),
                number: 0,
                picture: 0,
            }
        }

        /// A frame in one packet; what becomes of it. By place in the table: 0 and 3 for those of a
        /// keyframe, 1 and 4 for those after it, 2 and 5 for those between.
        fn frame(&mut self, place: u32) -> Verdict {
            let bytes = match place {
                0 => keyframe(self.number),
                _ => {
                    let mut bits = Bitstream::default();
                    bits.mandatory((true, true), (62 + place) % 64, self.number)
                        .bytes()
                }
            };
            self.picture += u32::from(place < 3) * 3_000;
            self.number = self.number.wrapping_add(1);
            self.now += Duration::from_millis(17);
            let frame = Scalable::take(&mut self.sent, &bytes, 1_000, self.now).expect("a frame");
            let sent = self.sent.as_deref_mut().expect("a structure");
            sent.judge(self.now);
            if !self.cut.is_for(self.camera, sent) {
                self.wish(None);
            }
            let sent = self.sent.as_deref().expect("a structure");
            self.cut.judge(sent, &frame, self.picture)
        }

        fn picture(&mut self, places: [u32; 2]) -> [bool; 2] {
            places.map(|place| self.frame(place).passes)
        }

        fn wish(&mut self, lines: Option<u16>) {
            let needs = Needs { limit: None, lines };
            let sent = self.sent.as_deref().expect("a structure");
            self.cut.choose(self.camera, sent, needs, self.now);
        }
    }

    #[test]
    fn less_begins_with_the_next_picture_and_more_with_a_keyframe() {
        let mut stream = Stream::new();
        assert_eq!(stream.picture([0, 3]), [true, true]);
        assert_eq!(stream.picture([2, 5]), [true, true]);
        assert!(stream.frame(1).passes);
        stream.wish(Some(300));
        assert!(stream.frame(4).passes, "the picture is not cut");
        let small = stream.frame(2);
        assert!(small.passes && small.ends && !small.awaits_keyframe);
        assert!(!stream.frame(5).passes);
        assert_eq!(stream.picture([1, 4]), [true, false]);
        stream.wish(Some(600));
        let waiting = stream.frame(2);
        assert!(waiting.passes && waiting.ends && waiting.awaits_keyframe);
        assert!(!stream.frame(5).passes);
        assert_eq!(stream.picture([1, 4]), [true, false]);
        let first = stream.frame(0);
        assert!(first.passes && !first.ends && !first.awaits_keyframe);
        let second = stream.frame(3);
        assert!(second.passes && second.ends);
        assert_eq!(stream.picture([2, 5]), [true, true]);
    }

    #[test]
    fn a_frame_that_refers_to_what_the_viewer_has_not_had_is_no_place_to_switch() {
        let mut stream = Stream::new();
        stream.picture([0, 3]);
        stream.wish(Some(300));
        stream.picture([2, 5]);
        stream.picture([1, 4]);
        stream.wish(Some(600));
        // Both say that one may switch there; the second refers to the large picture before it.
        assert_eq!(stream.picture([1, 4]), [true, false]);
    }

    #[test]
    fn a_frame_is_judged_once_and_a_second_packet_of_it_alike() {
        let mut stream = Stream::new();
        stream.picture([0, 3]);
        let before = stream.number;
        stream.frame(1);
        stream.wish(Some(300));
        (stream.number, stream.picture) = (before, stream.picture - 3_000);
        assert!(stream.frame(1).passes);
        stream.number = before + 1;
        assert!(stream.frame(4).passes, "of a picture that began before");
    }

    #[test]
    fn numbers_go_on_and_what_is_whole_is_told_until_everything_is() {
        let mut stream = Stream::new();
        stream.picture([0, 3]);
        let structure = stream.sent.as_deref().map(|it| it.structure.clone());
        let told = |cut: &mut Cut, bytes: &[u8], epoch| {
            let own = cut.rewrite(bytes, epoch).expect("a descriptor");
            let read = descriptor::read(own.bytes(), structure.as_ref()).expect("it can be read");
            (read.frame.number, read.active)
        };
        let short = |number| {
            let mut bits = Bitstream::default();
            bits.mandatory((true, true), 63, number).bytes()
        };
        assert_eq!(told(&mut stream.cut, &keyframe(0), 1), (0, None));
        stream.wish(Some(300));
        stream.picture([1, 4]);
        assert_eq!(told(&mut stream.cut, &short(40), 1), (40, Some(0b0011)));
        // Another camera, or the same one anew.
        assert_eq!(told(&mut stream.cut, &short(7), 2), (41, Some(0b0011)));
        stream.wish(Some(600));
        stream.picture([0, 3]);
        assert_eq!(told(&mut stream.cut, &short(8), 2), (42, Some(0b1111)));
        assert_eq!(told(&mut stream.cut, &keyframe(9), 2), (43, Some(0b1111)));
        assert_eq!(told(&mut stream.cut, &short(10), 2), (44, None));
    }

    #[test]
    fn layers_that_are_not_sent_any_more_are_not_chosen() {
        let mut stream = Stream::new();
        stream.picture([0, 3]);
        assert_eq!(stream.sent.as_ref().map(|it| it.live()), Some(4));
        for _ in 0..40 {
            stream.frame(1);
        }
        assert_eq!(stream.sent.as_ref().map(|it| it.live()), Some(1));
    }
}
