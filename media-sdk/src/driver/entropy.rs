//! Random bytes of the operating system's generator.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use lens_protocol::entropy::Entropy;

#[derive(Default)]
pub(super) struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0
            .fill(bytes)
            .expect("the operating system's generator works once it has started");
    }
}
