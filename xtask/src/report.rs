//! What a step found, and the sum of all.

use std::time::Duration;

/// What a step found: how many checks or tests passed, and a sentence for each that did not.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) passed: u32,
    pub(crate) failures: Vec<String>,
}

impl Outcome {
    /// One check, passed when there is nothing to say.
    pub(crate) fn of(failures: Vec<String>) -> Self {
        Self {
            passed: u32::from(failures.is_empty()),
            failures,
        }
    }

    /// One check that failed.
    pub(crate) fn failed(sentence: impl Into<String>) -> Self {
        Self::of(vec![sentence.into()])
    }

    /// Adds another outcome to this one.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.passed += other.passed;
        self.failures.extend(other.failures);
        self
    }
}

/// One line of the closing table.
pub(crate) struct Line {
    pub(crate) step: &'static str,
    pub(crate) took: Duration,
    pub(crate) outcome: Outcome,
}

/// Prints the table, every failure, and the sum. Returns whether all passed.
pub(crate) fn close(lines: &[Line]) -> bool {
    println!(
        "\n{:16} {:>7} {:>7} {:>9}",
        "step", "passed", "failed", "seconds"
    );
    for Line {
        step,
        took,
        outcome,
    } in lines
    {
        let (passed, failed) = (outcome.passed, outcome.failures.len());
        println!(
            "{step:16} {passed:>7} {failed:>7} {:>9.1}",
            took.as_secs_f32()
        );
    }
    println!();
    for Line { step, outcome, .. } in lines {
        for failure in &outcome.failures {
            println!("FAILED {step}: {failure}");
        }
    }
    let passed: u32 = lines.iter().map(|line| line.outcome.passed).sum();
    let failed: usize = lines.iter().map(|line| line.outcome.failures.len()).sum();
    println!("{passed} passed, {failed} failed");
    failed == 0 && passed > 0
}
