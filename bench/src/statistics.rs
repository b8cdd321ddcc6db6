//! What is said about a row of samples.

use serde_json::{Value, json};

/// Order statistics of some samples, by nearest rank: every figure is a sample that was measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spread {
    sorted: Vec<f64>,
}

impl Spread {
    /// Of at least one sample; `None` for none.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = samples.into_iter().filter(|it| it.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        (!sorted.is_empty()).then_some(Self { sorted })
    }

    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn min(&self) -> f64 {
        self.sorted[0]
    }

    pub(crate) fn max(&self) -> f64 {
        self.sorted[self.sorted.len() - 1]
    }

    pub(crate) fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// The smallest sample that at least `percent` of all do not exceed; 1 to 100.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let rank = (percent * self.sorted.len()).div_ceil(100).max(1);
        self.sorted[rank.min(self.sorted.len()) - 1]
    }

    /// Count, smallest, quartiles, 95th percentile, largest.
    pub(crate) fn json(&self) -> Value {
        json!({
            "count": self.count(),
            "min": rounded(self.min()),
            "p25": rounded(self.percentile(25)),
            "p50": rounded(self.median()),
            "p75": rounded(self.percentile(75)),
            "p95": rounded(self.percentile(95)),
            "max": rounded(self.max()),
        })
    }
}

/// Two decimals are more than any of these figures repeats to.
pub(crate) fn rounded(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_by_nearest_rank() {
        let spread = Spread::of((1..=50).rev().map(f64::from)).expect("samples");
        assert_eq!((spread.min(), spread.max()), (1.0, 50.0));
        assert_eq!(spread.median(), 25.0);
        assert_eq!(spread.percentile(95), 48.0);
        assert_eq!(spread.percentile(100), 50.0);
        let one = Spread::of([7.0]).expect("a sample");
        assert_eq!((one.median(), one.percentile(95)), (7.0, 7.0));
    }

    #[test]
    fn no_samples_have_no_spread() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([f64::NAN]), None);
    }
}
