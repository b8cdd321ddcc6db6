//! When too many wrong passwords lock an account for a while.
//!
//! A lock alone would let anybody lock anybody out; the login door therefore also throttles by
//! address, and a lock ends by itself.

use std::time::Duration;

use lens_protocol::Timestamp;

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockoutRule {
    /// Wrong passwords in a row that lock.
    pub attempts: u32,
    /// How long a lock lasts.
    pub duration: Duration,
}

impl Default for LockoutRule {
    /// Five attempts, 15 minutes.
    fn default() -> Self {
        Self {
            attempts: 5,
            duration: Duration::from_secs(15 * 60),
        }
    }
}

impl LockoutRule {
    /// After one more wrong password on top of `failed` earlier ones: until when the account is
    /// locked, if it is.
    pub fn after_failure(&self, failed: u32, now: Timestamp) -> Option<Timestamp> {
        (failed.saturating_add(1) >= self.attempts).then(|| now.plus(self.duration))
    }

    /// Whether a lock until `locked_until` is in force.
    pub fn is_locked(locked_until: Option<Timestamp>, now: Timestamp) -> bool {
        locked_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_wrong_password_locks_for_a_quarter_of_an_hour() {
        let rule = LockoutRule::default();
        let now = Timestamp::from_unix_ms(0);
        assert_eq!(rule.after_failure(3, now), None);
        let until = rule.after_failure(4, now);
        assert_eq!(until, Some(Timestamp::from_unix_ms(900_000)));
        assert!(LockoutRule::is_locked(
            until,
            Timestamp::from_unix_ms(899_999)
        ));
        assert!(!LockoutRule::is_locked(
            until,
            Timestamp::from_unix_ms(900_000)
        ));
    }
}
