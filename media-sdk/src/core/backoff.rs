//! How long to wait before trying again.

use std::time::Duration;

use lens_protocol::entropy::{Entropy, random_bytes};

/// Milliseconds before each further try; the last one repeats. The same as in the browser's
/// library: shorter would have a thousand peers hammer a restarted server, longer would be noticed.
const STEPS_MS: [u64; 6] = [0, 300, 700, 1_500, 3_000, 5_000];

/// The wait before try number `attempt` (from 0): the step and up to half of it more, so that many
/// peers do not come back in one instant.
pub(crate) fn back_off(attempt: u32, entropy: &mut dyn Entropy) -> Duration {
    let index = (attempt as usize).min(STEPS_MS.len() - 1);
    let step = Duration::from_millis(STEPS_MS[index]);
    let [random] = random_bytes::<1>(entropy);
    step + step * u32::from(random) / 512
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Entropy for Always {
        fn fill(&mut self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn the_wait_grows_to_its_limit_and_is_spread_by_half() {
        assert_eq!(back_off(0, &mut Always(255)), Duration::ZERO);
        assert_eq!(back_off(1, &mut Always(0)), Duration::from_millis(300));
        assert!(back_off(1, &mut Always(255)) < Duration::from_millis(450));
        assert_eq!(back_off(99, &mut Always(0)), Duration::from_secs(5));
    }
}
