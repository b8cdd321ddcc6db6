//! Randomness as an argument, so that cores stay pure and simulations can be seeded.

/// A source of random bytes. The product passes the operating system's generator; a simulation
/// passes a seeded one.
pub trait Entropy: Send {
    /// Fills `bytes` whole.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// Takes `N` random bytes from `source`.
pub fn random_bytes<const N: usize>(source: &mut dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    source.fill(&mut bytes);
    bytes
}
