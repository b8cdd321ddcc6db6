//! Rate limits with bounded memory: the generic cell rate algorithm (ITU-T I.371), one number per
//! key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lens_protocol::Timestamp;

/// How much is let through: `burst` at once, and `burst` per `per` in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// At least 1; 0 counts as 1.
    pub burst: u32,
    /// Time in which a spent burst is whole again.
    pub per: Duration,
}

/// Limits each key by itself.
///
/// Holds at most `max_keys` keys, and of those whose allowance is whole again no more than it holds
/// others: who came once is soon forgotten. When `max_keys` are busy at once, keys beyond share one
/// limit: a flood from many addresses is throttled rather than remembered.
#[derive(Debug)]
pub struct RateLimiter<K> {
    limit: RateLimit,
    max_keys: usize,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    /// Per key: the moment, in microseconds, at which its burst is whole again.
    whole_at: HashMap<K, i64>,
    overflow: i64,
    swept_at: i64,
}

impl<K: Hash + Eq + Clone> RateLimiter<K> {
    /// A limiter for at most `max_keys` keys.
    pub fn new(limit: RateLimit, max_keys: usize) -> Self {
        let state = State {
            whole_at: HashMap::new(),
            overflow: i64::MIN,
            swept_at: i64::MIN,
        };
        Self {
            limit,
            max_keys,
            state: Mutex::new(state),
        }
    }

    /// Takes one from `key`'s allowance, or says how long to wait for the next one.
    pub fn check(&self, key: &K, now: Timestamp) -> Result<(), Duration> {
        let now_us = now.unix_ms().saturating_mul(1_000);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(whole_at) = state.whole_at.get_mut(key) {
            return self.take(whole_at, now_us);
        }
        // Before the table grows, and not only once it may grow no more.
        let full = state.whole_at.len() == state.whole_at.capacity();
        if full || state.whole_at.len() >= self.max_keys {
            self.sweep(&mut state, now_us);
        }
        if state.whole_at.len() >= self.max_keys {
            return self.take(&mut state.overflow, now_us);
        }
        let whole_at = state.whole_at.entry(key.clone()).or_insert(i64::MIN);
        self.take(whole_at, now_us)
    }

    /// Gives `key` one back: a try that turned out to be none. Those before it stay counted.
    pub fn give_back(&self, key: &K) {
        let step = self.step_us();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(whole_at) = state.whole_at.get_mut(key) {
            *whole_at = whole_at.saturating_sub(step);
        }
    }

    /// Gives `key` its whole allowance back, after a success that makes earlier tries forgivable.
    pub fn forget(&self, key: &K) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.whole_at.remove(key);
    }

    fn per_us(&self) -> i64 {
        i64::try_from(self.limit.per.as_micros())
            .unwrap_or(i64::MAX)
            .max(1)
    }

    fn step_us(&self) -> i64 {
        (self.per_us() / i64::from(self.limit.burst.max(1))).max(1)
    }

    fn take(&self, whole_at: &mut i64, now_us: i64) -> Result<(), Duration> {
        let per = self.per_us();
        let latest = now_us.saturating_add(per);
        // Later than that, the clock was set back: the key counts anew, and is not locked out for
        // the difference.
        let base = if *whole_at > latest {
            now_us
        } else {
            now_us.max(*whole_at)
        };
        let next = base.saturating_add(self.step_us());
        let over = next.saturating_sub(latest);
        if over > 0 {
            return Err(Duration::from_micros(u64::try_from(over).unwrap_or(0)));
        }
        *whole_at = next;
        Ok(())
    }

    /// Drops keys whose allowance is whole. At most once per eighth of the period, because each
    /// sweep visits every key while a flood brings new ones.
    fn sweep(&self, state: &mut State<K>, now_us: i64) {
        let pause = self.per_us() / 8;
        if now_us >= state.swept_at && now_us.saturating_sub(state.swept_at) < pause {
            return;
        }
        state.swept_at = now_us;
        state.whole_at.retain(|_, whole_at| *whole_at > now_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_800_000_000_000 + ms)
    }

    fn three_per_minute(max_keys: usize) -> RateLimiter<u32> {
        let per = Duration::from_secs(60);
        RateLimiter::new(RateLimit { burst: 3, per }, max_keys)
    }

    #[test]
    fn a_burst_passes_then_the_wait_is_exact() {
        let limiter = three_per_minute(8);
        for _ in 0..3 {
            assert_eq!(limiter.check(&1, at(0)), Ok(()));
        }
        assert_eq!(limiter.check(&1, at(5_000)), Err(Duration::from_secs(15)));
        assert_eq!(limiter.check(&1, at(19_999)), Err(Duration::from_millis(1)));
        assert_eq!(limiter.check(&1, at(20_000)), Ok(()));
        assert_eq!(
            limiter.check(&2, at(20_000)),
            Ok(()),
            "another key is untouched"
        );
    }

    #[test]
    fn what_is_given_back_is_one_try() {
        let limiter = three_per_minute(8);
        for _ in 0..3 {
            assert_eq!(limiter.check(&1, at(0)), Ok(()));
        }
        limiter.give_back(&1);
        limiter.give_back(&2);
        assert_eq!(limiter.check(&1, at(0)), Ok(()));
        assert_eq!(limiter.check(&1, at(0)), Err(Duration::from_secs(20)));
    }

    #[test]
    fn memory_is_bounded_and_a_flood_shares_one_limit() {
        let limiter = three_per_minute(4);
        let passed = (0..1_000)
            .filter(|key| limiter.check(key, at(0)).is_ok())
            .count();
        assert_eq!(
            passed,
            4 + 3,
            "four keys of their own, then one shared burst"
        );
        assert_eq!(
            limiter.check(&5_000, at(120_000)),
            Ok(()),
            "idle keys make room"
        );
    }

    #[test]
    fn who_came_once_is_forgotten_while_others_come() {
        let limiter = three_per_minute(100_000);
        // Ten a second: 600 of them are not whole yet.
        for key in 0..36_000_u32 {
            assert_eq!(limiter.check(&key, at(i64::from(key) * 100)), Ok(()));
        }
        let held = limiter.state.lock().expect("whole").whole_at.capacity();
        assert!(held < 2_000, "room for {held}");
    }

    #[test]
    fn after_a_clock_was_set_back_a_key_counts_anew() {
        let limiter = three_per_minute(8);
        for _ in 0..3 {
            assert_eq!(limiter.check(&1, at(3_600_000)), Ok(()));
        }
        for _ in 0..3 {
            assert_eq!(limiter.check(&1, at(0)), Ok(()));
        }
        assert_eq!(limiter.check(&1, at(10_000)), Err(Duration::from_secs(10)));
        assert_eq!(limiter.check(&1, at(20_000)), Ok(()));
    }
}
