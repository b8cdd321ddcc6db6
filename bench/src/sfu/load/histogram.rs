//! Delays, counted in buckets that grow by a sixteenth.

use std::time::Duration;

const STEPS: usize = 16;
const OCTAVES: usize = 40;

/// Counts of delays from a nanosecond to minutes, each to within 6 %.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; STEPS * OCTAVES],
            total: 0,
        }
    }
}

impl Histogram {
    /// Counts one.
    pub(crate) fn note(&mut self, delay: Duration) {
        let ns = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX).max(1);
        let place = bucket(ns).min(self.counts.len() - 1);
        self.counts[place] += 1;
        self.total += 1;
    }

    /// The delay in milliseconds that `permille` thousandths of all do not exceed.
    pub(crate) fn permille_ms(&self, permille: u64) -> f64 {
        let rank = (self.total * permille).div_ceil(1_000).max(1);
        let mut seen = 0;
        let place = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        place.map_or(f64::NAN, |place| top(place) / 1e6)
    }
}

/// Octave by the highest bit, step by the four below it.
fn bucket(ns: u64) -> usize {
    let octave = ns.ilog2() as usize;
    let below = if octave >= 4 {
        ns >> (octave - 4)
    } else {
        ns << (4 - octave)
    };
    octave * STEPS + (below as usize & (STEPS - 1))
}

/// The largest value of a bucket.
fn top(place: usize) -> f64 {
    let (octave, step) = (place / STEPS, place % STEPS);
    (2.0_f64).powi(octave as i32) * (1.0 + (step + 1) as f64 / STEPS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_within_a_sixteenth() {
        let mut histogram = Histogram::default();
        for us in 1..=10_000 {
            histogram.note(Duration::from_micros(us));
        }
        for (permille, exact) in [(500, 5.0), (990, 9.9), (999, 9.99)] {
            let found = histogram.permille_ms(permille);
            assert!(
                found >= exact && found <= exact * 1.07,
                "{permille}: {found}"
            );
        }
        assert!(Histogram::default().permille_ms(500).is_nan());
    }
}
