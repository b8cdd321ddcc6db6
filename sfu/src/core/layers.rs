//! Which of a camera's layers a viewer gets: the largest picture that its way carries.
//!
//! [`Flow`] knows what each layer of one camera sends; [`Choice`] belongs to one viewer. Down goes
//! at once, because every packet above the limit stands in a queue; up needs room to spare for a
//! while, because each change costs a keyframe. A change happens at the first packet of a keyframe
//! of the new layer; until then the former one goes on. A viewer that shows the picture small needs
//! none that is larger than that, whatever its way carries.

use std::time::{Duration, Instant};

use super::arena::Key;
use super::sizes::{self, Heights, Sizes};

/// Layers of one picture at most.
pub(crate) const LAYERS: usize = 3;
/// All of them, as bits.
pub(crate) const ALL: u8 = (1 << LAYERS) - 1;

/// Rates are measured over this long: shorter lets one keyframe decide, longer is late to see that
/// an encoder went up.
const WINDOW: Duration = Duration::from_secs(1);
const PARTS: usize = 10;
const PART: Duration = Duration::from_millis(100);
/// A stream that has just begun counts as if it had gone on for this long.
const SHORTEST: Duration = Duration::from_millis(200);
/// IP, UDP and RTP headers of a packet, with extensions and the SRTP tag.
const HEADERS: usize = 28 + 24 + 16;
/// A layer without a packet for so long, while so many frames of others came, is not sent any more.
const SILENCE: Duration = Duration::from_millis(500);
const MISSED: u32 = 5;
/// How often choices are made.
const INTERVAL: Duration = Duration::from_millis(100);
/// A larger picture has to fit so many times for so long. Less makes viewers at the border go up
/// and down; more keeps them at a small picture for nothing.
const ROOM: f64 = 1.2;
const CALM: Duration = Duration::from_secs(2);

/// Bits per second over the last second, headers included.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    parts: [u64; PARTS],
    /// The newest part, counted from `began`.
    newest: u64,
    began: Option<Instant>,
}

impl Meter {
    /// A packet with so many bytes of payload.
    pub(crate) fn note(&mut self, payload: usize, now: Instant) {
        self.advance(now);
        self.parts[self.newest as usize % PARTS] += (payload + HEADERS) as u64;
    }

    /// The rate.
    pub(crate) fn bps(&mut self, now: Instant) -> u64 {
        self.advance(now);
        let Some(began) = self.began else {
            return 0;
        };
        let passed = now.saturating_duration_since(began);
        let over = passed.clamp(SHORTEST, WINDOW).as_millis() as u64;
        self.parts.iter().sum::<u64>() * 8 * 1_000 / over
    }

    fn advance(&mut self, now: Instant) {
        let began = *self.began.get_or_insert(now);
        let passed = now.saturating_duration_since(began).as_millis();
        let part = (passed / PART.as_millis()) as u64;
        for old in (self.newest + 1..=part).take(PARTS) {
            self.parts[old as usize % PARTS] = 0;
        }
        self.newest = self.newest.max(part);
    }
}

/// What the layers of one camera send, by layer, in bits per second; `None` for one that is not
/// sent.
pub(crate) type Rates = [Option<u64>; LAYERS];

/// What a camera has to choose from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) rates: Rates,
    pub(crate) heights: Heights,
}

/// What a viewer can use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Bits per second for the picture; `None` for a way that has shown no limit.
    pub(crate) limit: Option<u64>,
    /// Lines in which it is shown; `None` for a viewer that has not said.
    pub(crate) lines: Option<u16>,
}

/// What the layers of one camera send.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    layers: [Stream; LAYERS],
    /// How large their pictures are.
    pub(crate) sizes: Sizes,
    judged: Option<Instant>,
    rates: Rates,
    /// Those that were sent when last judged, as bits.
    live: u8,
    /// Whether a layer has begun since.
    began: bool,
}

#[derive(Debug, Default)]
struct Stream {
    meter: Meter,
    last: Option<Instant>,
    /// Frames of other layers since then.
    missed: u32,
}

impl Flow {
    /// A packet of a layer; `ends` says whether it is the last of its frame.
    pub(crate) fn note(&mut self, layer: u8, payload: usize, ends: bool, now: Instant) {
        for (number, stream) in self.layers.iter_mut().enumerate() {
            if number == usize::from(layer) {
                stream.meter.note(payload, now);
                stream.last = Some(now);
                stream.missed = 0;
                self.began |= self.live & 1 << number == 0;
            } else if ends {
                stream.missed = stream.missed.saturating_add(1);
            }
        }
    }

    /// What is sent, and whether it is time to choose anew.
    pub(crate) fn judge(&mut self, now: Instant) -> (Sent, bool) {
        let (rates, anew) = self.measure(now);
        let heights = self.sizes.heights();
        (Sent { rates, heights }, anew)
    }

    fn measure(&mut self, now: Instant) -> (Rates, bool) {
        let pause = |at: Instant| now.saturating_duration_since(at) < INTERVAL;
        if self.judged.is_some_and(pause) && !self.began {
            return (self.rates, false);
        }
        (self.judged, self.began, self.live) = (Some(now), false, 0);
        let mut rates = Rates::default();
        for (layer, stream) in self.layers.iter_mut().enumerate() {
            let silent = |last| now.saturating_duration_since(last) >= SILENCE;
            let sent = stream.last.is_some_and(|last| !silent(last));
            if sent || stream.last.is_some() && stream.missed < MISSED {
                rates[layer] = Some(stream.meter.bps(now));
                self.live |= 1 << layer;
            } else {
                *stream = Stream::default();
            }
        }
        self.rates = rates;
        (rates, true)
    }

    /// How many layers were sent when last judged.
    pub(crate) fn live(&self) -> u32 {
        self.live.count_ones()
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is of the viewer's layer.
    Pass,
    /// It is the first of another layer, with a larger picture or a smaller one.
    Switch {
        /// Whether the picture becomes smaller.
        down: bool,
    },
    /// It is of the layer that the viewer is to get, which begins with a keyframe.
    AwaitKeyframe,
    /// The viewer gets another layer.
    Skip,
}

/// Which layer one viewer gets.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// Whose layers it chooses from; `None` for a viewer of one that has none.
    camera: Option<Key>,
    /// What passes.
    current: Option<u8>,
    /// What is to pass.
    target: Option<u8>,
    /// Since when a larger picture has fitted.
    roomy: Option<Instant>,
    /// The lines that were last chosen for.
    lines: Option<u16>,
}

impl Choice {
    /// Chooses among what `camera` sends.
    pub(crate) fn choose(&mut self, camera: Key, sent: &Sent, needs: Needs, now: Instant) {
        if self.camera != Some(camera) {
            *self = Self {
                camera: Some(camera),
                ..Self::default()
            };
        }
        let enough = |lines| sizes::enough(&sent.rates, &sent.heights, lines);
        let most = needs.lines.map_or(u8::MAX, enough);
        self.aim(&sent.rates, most, needs, now);
    }

    /// Chooses the last of these rates that fits, up to number `most`.
    pub(crate) fn aim(&mut self, rates: &[Option<u64>], most: u8, needs: Needs, now: Instant) {
        let Needs { limit, lines } = needs;
        // A viewer that shows it larger than before waits for nothing but room.
        let resized = std::mem::replace(&mut self.lines, lines) != lines;
        let fits =
            |rate: u64, room: f64| limit.is_none_or(|limit| rate as f64 * room <= limit as f64);
        let best = |room: f64| {
            let sent = || {
                (0..=most)
                    .zip(rates)
                    .filter_map(|(layer, rate)| Some((layer, (*rate)?)))
            };
            let fitting = sent().rfind(|(_, rate)| fits(*rate, room));
            fitting.or_else(|| sent().next()).map(|(layer, _)| layer)
        };
        let Some(largest) = best(1.0) else {
            // Nothing comes; what comes next decides.
            return;
        };
        let rate = self.target.and_then(|target| at(rates, target));
        let (Some(target), Some(rate), Some(_)) = (self.target, rate, self.current) else {
            (self.target, self.roomy) = (Some(largest), None);
            return;
        };
        if target > most || !fits(rate, 1.0) {
            (self.target, self.roomy) = (Some(largest.min(target)), None);
            return;
        }
        let Some(larger) = best(ROOM).filter(|larger| *larger > target) else {
            self.roomy = None;
            return;
        };
        let since = *self.roomy.get_or_insert(now);
        if resized || now.saturating_duration_since(since) >= CALM {
            (self.target, self.roomy) = (Some(larger), None);
        }
    }

    /// What passes.
    pub(crate) fn current(&self) -> Option<u8> {
        self.current
    }

    /// What is to pass.
    pub(crate) fn target(&self) -> Option<u8> {
        self.target
    }

    /// From now on this one passes.
    pub(crate) fn begin(&mut self, layer: u8) {
        self.current = Some(layer);
    }

    /// What is chosen, or passes until that begins: the larger of both, in bits per second.
    pub(crate) fn rate(&self, rates: &[Option<u64>]) -> Option<u64> {
        let rate = |layer: Option<u8>| at(rates, layer?);
        rate(self.current).max(rate(self.target))
    }

    /// Whether it has chosen among what `camera` sends.
    pub(crate) fn is_for(&self, camera: Key) -> bool {
        self.camera == Some(camera)
    }

    /// Judges a packet of one of the layers; `starts` says whether it is the first of a keyframe.
    pub(crate) fn judge(&mut self, camera: Key, layer: u8, starts: bool) -> Verdict {
        if self.camera != Some(camera) {
            return Verdict::Pass;
        }
        if self.target == Some(layer) && self.current != Some(layer) {
            let former = self.current.filter(|_| !starts);
            // Without a former layer there is nothing to go on with meanwhile.
            if former.is_some() {
                return Verdict::AwaitKeyframe;
            }
            let down = self.current.is_some_and(|current| layer < current);
            self.current = Some(layer);
            return Verdict::Switch { down };
        }
        match self.current == Some(layer) {
            true => Verdict::Pass,
            false => Verdict::Skip,
        }
    }

    /// Whether the viewer has ever chosen from layers.
    pub(crate) fn is_used(&self) -> bool {
        self.camera.is_some()
    }

    /// The layer, as a bit, of which a viewer that lost its picture needs a keyframe.
    pub(crate) fn needed(&self, camera: Key) -> u8 {
        let layer = self.current.or(self.target);
        let layer = layer.filter(|_| self.camera == Some(camera));
        layer.map_or(ALL, |layer| 1 << layer)
    }
}

fn at(rates: &[Option<u64>], layer: u8) -> Option<u64> {
    rates.get(usize::from(layer)).copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::arena::Arena;

    const SENT: Sent = Sent {
        rates: [Some(150_000), Some(500_000), Some(1_800_000)],
        heights: [180, 360, 720],
    };

    fn on(limit: Option<u64>) -> Needs {
        Needs { limit, lines: None }
    }

    fn shown_in(lines: u16) -> Needs {
        Needs {
            limit: None,
            lines: Some(lines),
        }
    }

    fn camera() -> Key {
        Arena::default().insert(|_| ())
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A viewer that sees `layer`.
    fn seeing(camera: Key, layer: u8, now: Instant) -> Choice {
        let mut choice = Choice::default();
        let limit = SENT.rates[usize::from(layer)];
        choice.choose(camera, &SENT, on(limit), now);
        assert_eq!(
            choice.judge(camera, layer, true),
            Verdict::Switch { down: false }
        );
        choice
    }

    #[test]
    fn a_viewer_without_a_limit_gets_the_largest_and_one_with_a_limit_what_fits() {
        let (camera, now) = (camera(), Instant::now());
        for (limit, layer) in [
            (None, 2),
            (Some(2_000_000), 2),
            (Some(1_700_000), 1),
            (Some(300_000), 0),
            (Some(100_000), 0),
        ] {
            let mut choice = Choice::default();
            choice.choose(camera, &SENT, on(limit), now);
            assert_eq!(choice.needed(camera), 1 << layer, "{limit:?}");
        }
    }

    #[test]
    fn down_at_once_and_up_when_there_was_room_for_a_while() {
        let (camera, now) = (camera(), Instant::now());
        let mut choice = seeing(camera, 2, now);
        choice.choose(camera, &SENT, on(Some(600_000)), now);
        assert_eq!(choice.judge(camera, 1, false), Verdict::AwaitKeyframe);
        assert_eq!(choice.judge(camera, 2, false), Verdict::Pass, "until then");
        assert_eq!(
            choice.judge(camera, 1, true),
            Verdict::Switch { down: true }
        );
        assert_eq!(choice.judge(camera, 2, true), Verdict::Skip);
        // It fits, and not with room to spare.
        choice.choose(camera, &SENT, on(Some(2_000_000)), now + ms(100));
        choice.choose(camera, &SENT, on(Some(2_000_000)), now + ms(5_000));
        assert_eq!(choice.judge(camera, 2, true), Verdict::Skip);
        choice.choose(camera, &SENT, on(Some(2_500_000)), now + ms(5_100));
        choice.choose(camera, &SENT, on(Some(2_500_000)), now + ms(7_000));
        assert_eq!(choice.judge(camera, 2, true), Verdict::Skip, "not for long");
        choice.choose(camera, &SENT, on(Some(2_500_000)), now + ms(7_100));
        assert_eq!(
            choice.judge(camera, 2, true),
            Verdict::Switch { down: false }
        );
    }

    #[test]
    fn no_more_than_is_shown_and_at_once_more_when_it_is_shown_larger() {
        let (camera, now) = (camera(), Instant::now());
        let mut choice = seeing(camera, 2, now);
        for (lines, layer) in [(300, 1), (0, 0), (361, 2), (360, 1), (2_000, 2)] {
            choice.choose(camera, &SENT, shown_in(lines), now);
            choice.judge(camera, layer, true);
            assert_eq!(choice.needed(camera), 1 << layer, "{lines}");
        }
        // What a way carries goes first, and room has to be there for a while.
        let narrow = Needs {
            limit: Some(520_000),
            ..shown_in(2_000)
        };
        choice.choose(camera, &SENT, narrow, now);
        choice.judge(camera, 1, true);
        let small = Needs {
            lines: Some(90),
            ..narrow
        };
        choice.choose(camera, &SENT, small, now);
        choice.judge(camera, 0, true);
        choice.choose(camera, &SENT, narrow, now);
        assert_eq!(choice.judge(camera, 1, true), Verdict::Skip, "no room");
        choice.choose(camera, &SENT, on(None), now);
        assert_eq!(
            choice.judge(camera, 2, true),
            Verdict::Switch { down: false }
        );
    }

    #[test]
    fn a_layer_that_falls_silent_is_left_and_slow_frames_are_not_silence() {
        let (camera, now) = (camera(), Instant::now());
        let mut flow = Flow::default();
        let mut sent = SENT;
        for step in 0..100 {
            let at = now + ms(step * 33);
            flow.note(0, 500, true, at);
            if step < 30 {
                flow.note(2, 5_000, true, at);
            }
            sent = flow.judge(at).0;
        }
        assert!(matches!(sent.rates, [Some(_), None, None]));
        assert_eq!(flow.live(), 1);
        let mut choice = seeing(camera, 2, now);
        choice.choose(camera, &sent, on(None), now);
        assert_eq!(
            choice.judge(camera, 0, true),
            Verdict::Switch { down: true }
        );

        let mut slow = Flow::default();
        for step in 0..10 {
            let at = now + ms(step * 900);
            for layer in [2, 1, 0] {
                slow.note(layer, 500, true, at);
                slow.judge(at);
            }
            assert_eq!(slow.live(), 3, "step {step}");
        }
    }

    #[test]
    fn rates_are_those_of_the_last_second() {
        let now = Instant::now();
        let mut meter = Meter::default();
        for step in 0..200 {
            let size = if step < 100 { 10_000 } else { 1_250 - HEADERS };
            meter.note(size, now + ms(step * 10));
        }
        let bps = meter.bps(now + ms(1_999));
        assert!((950_000..1_050_000).contains(&bps), "{bps}");
        assert_eq!(meter.bps(now + ms(9_000)), 0);
    }

    #[test]
    fn who_sends_no_layers_is_not_judged() {
        let mut arena = Arena::default();
        let (layered, other) = (arena.insert(|_| ()), arena.insert(|_| ()));
        let mut choice = seeing(layered, 0, Instant::now());
        assert_eq!(choice.judge(other, 0, false), Verdict::Pass);
        assert_eq!(choice.needed(other), ALL);
    }
}
