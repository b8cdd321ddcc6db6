//! Who guesses too often: PINs are short, so the number of wrong ones is bounded, per address and
//! over all addresses together.
//!
//! Tries count before the answer is known, so that parallel guesses gain nothing; a right PIN gives
//! its own try back, and no wrong one: whoever has a right PIN would else guess on for ever. Over all addresses only wrong ones, and those under way, count: a busy call centre
//! is no attack. Links carry 128 bits and need no throttle but the address's own.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lens_protocol::Timestamp;
use lens_runtime::rate_limit::{RateLimit, RateLimiter};

/// Addresses remembered at once; beyond, busy strangers share one allowance.
const ADDRESSES: usize = 65_536;

/// Bounds on guessing.
#[derive(Debug)]
pub struct Throttle {
    addresses: RateLimiter<IpAddr>,
    wrong: Mutex<Leak>,
}

/// A bucket that leaks: full means wait.
#[derive(Debug)]
struct Leak {
    limit: RateLimit,
    filled_ms: i64,
    at: Timestamp,
}

impl Throttle {
    /// `address` bounds the tries of one address, `wrong` the wrong ones of all.
    pub fn new(address: RateLimit, wrong: RateLimit) -> Self {
        Self {
            addresses: RateLimiter::new(address, ADDRESSES),
            wrong: Mutex::new(Leak {
                limit: wrong,
                filled_ms: 0,
                at: Timestamp::default(),
            }),
        }
    }

    /// Lets a try of a PIN through, which counts as wrong until [`Throttle::right`] or
    /// [`Throttle::known`] gives it back, or says how long to wait.
    pub fn check(&self, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        self.leak(|wrong| wrong.take(now))?;
        let free = self.addresses.check(&address, now);
        if free.is_err() {
            self.leak(Leak::give_back);
        }
        free
    }

    /// The same for a try that cannot be a guess: only the address counts.
    pub fn check_address(&self, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        self.addresses.check(&address, now)
    }

    /// The PIN was right.
    pub fn right(&self, address: IpAddr) {
        self.known();
        self.right_link(address);
    }

    /// The PIN exists; whoever typed it is refused for another reason.
    pub fn known(&self) {
        self.leak(Leak::give_back);
    }

    /// The link was right.
    pub fn right_link(&self, address: IpAddr) {
        self.addresses.give_back(&address);
    }

    fn leak<T>(&self, with: impl FnOnce(&mut Leak) -> T) -> T {
        with(&mut self.wrong.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Leak {
    fn step_ms(&self) -> i64 {
        let per = i64::try_from(self.limit.per.as_millis()).unwrap_or(i64::MAX);
        (per / i64::from(self.limit.burst.max(1))).max(1)
    }

    fn capacity_ms(&self) -> i64 {
        self.step_ms()
            .saturating_mul(i64::from(self.limit.burst.max(1)))
    }

    fn drain(&mut self, now: Timestamp) {
        let passed = i64::try_from(now.since(self.at).as_millis()).unwrap_or(i64::MAX);
        self.filled_ms = self.filled_ms.saturating_sub(passed).max(0);
        self.at = now;
    }

    fn take(&mut self, now: Timestamp) -> Result<(), Duration> {
        self.drain(now);
        let filled = self.filled_ms + self.step_ms();
        let over = filled - self.capacity_ms();
        if over > 0 {
            return Err(Duration::from_millis(u64::try_from(over).unwrap_or(0)));
        }
        self.filled_ms = filled;
        Ok(())
    }

    fn give_back(&mut self) {
        self.filled_ms = (self.filled_ms - self.step_ms()).max(0);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn limit(burst: u32) -> RateLimit {
        RateLimit {
            burst,
            per: Duration::from_secs(60),
        }
    }

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    fn at(s: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_800_000_000_000 + s * 1000)
    }

    #[test]
    fn one_address_waits_after_its_burst_and_a_right_pin_is_no_try() {
        let throttle = Throttle::new(limit(3), limit(100));
        for _ in 0..3 {
            assert_eq!(throttle.check(address(1), at(0)), Ok(()));
        }
        assert_eq!(
            throttle.check(address(1), at(0)),
            Err(Duration::from_secs(20))
        );
        assert_eq!(throttle.check(address(2), at(0)), Ok(()));
        throttle.right(address(1));
        assert_eq!(throttle.check(address(1), at(0)), Ok(()));
        assert!(
            throttle.check(address(1), at(0)).is_err(),
            "the wrong ones stay counted"
        );
    }

    #[test]
    fn wrong_guesses_from_many_addresses_add_up_and_right_ones_do_not() {
        let throttle = Throttle::new(limit(100), limit(4));
        for last in 0..50 {
            assert_eq!(throttle.check(address(last), at(0)), Ok(()));
            throttle.right(address(last));
        }
        for last in 0..4 {
            // Its answer is not known yet, and it counts.
            assert_eq!(throttle.check(address(last), at(0)), Ok(()));
        }
        assert_eq!(
            throttle.check(address(99), at(0)),
            Err(Duration::from_secs(15))
        );
        assert_eq!(throttle.check(address(99), at(15)), Ok(()));
    }

    #[test]
    fn what_its_own_address_may_not_try_counts_for_nobody_else() {
        let throttle = Throttle::new(limit(1), limit(2));
        assert_eq!(throttle.check(address(1), at(0)), Ok(()));
        assert!(throttle.check(address(1), at(0)).is_err());
        assert_eq!(throttle.check(address(2), at(0)), Ok(()));
        throttle.known();
        assert_eq!(throttle.check(address(3), at(0)), Ok(()));
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out_for_longer() {
        let throttle = Throttle::new(limit(3), limit(4));
        for last in 0..4 {
            assert_eq!(throttle.check(address(last), at(3600)), Ok(()));
        }
        assert_eq!(
            throttle.check(address(99), at(0)),
            Err(Duration::from_secs(15))
        );
        assert_eq!(throttle.check(address(99), at(15)), Ok(()));
    }
}
