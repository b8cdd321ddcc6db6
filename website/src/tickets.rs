//! One-use tickets for the first signalling frame: apps and embedded frames carry no cookie, and
//! a browser's WebSocket cannot carry a header.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lens_protocol::{SecretDigest, SecretText, Timestamp};

/// How long a ticket is good for: the time to open a connection.
pub(crate) const LIFE: Duration = Duration::from_secs(30);
/// Unused tickets kept; one caller gets the oldest's place when there are more.
const MOST: usize = 20_000;

/// Tickets not used yet, each worth a `T`. Kept in memory: a restart costs a page one retry.
#[derive(Debug)]
pub(crate) struct Tickets<T>(Mutex<HashMap<[u8; 32], (Timestamp, T)>>);

impl<T> Default for Tickets<T> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<T> Tickets<T> {
    /// Keeps `worth` under a ticket; returns when it ends.
    pub(crate) fn issue(&self, ticket: &SecretText, worth: T, now: Timestamp) -> Timestamp {
        let expires_at = now.plus(LIFE);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.retain(|_, (until, _)| *until > now);
        }
        if kept.len() >= MOST {
            let oldest = kept.iter().min_by_key(|(_, (until, _))| *until);
            if let Some(key) = oldest.map(|(key, _)| *key) {
                kept.remove(&key);
            }
        }
        kept.insert(key(ticket), (expires_at, worth));
        expires_at
    }

    /// Takes the ticket; none when it is unknown, over, was taken before, or comes from later than
    /// now: a clock that was set back makes no ticket live longer.
    pub(crate) fn take(&self, ticket: &SecretText, now: Timestamp) -> Option<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, worth) = kept.remove(&key(ticket))?;
        (now < until && until <= now.plus(LIFE)).then_some(worth)
    }
}

fn key(ticket: &SecretText) -> [u8; 32] {
    let digest: SecretDigest = lens_auth::token::digest(ticket);
    *digest.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_800_000_000_000 + s * 1000)
    }

    #[test]
    fn a_ticket_is_good_once_and_for_half_a_minute() {
        let tickets = Tickets::default();
        let [one, late, early] = ["one", "late", "early"].map(SecretText::new);
        tickets.issue(&one, 1, at(0));
        tickets.issue(&late, 2, at(0));
        tickets.issue(&early, 3, at(0));
        assert_eq!(tickets.take(&one, at(29)), Some(1));
        assert_eq!(tickets.take(&one, at(29)), None, "replayed");
        assert_eq!(tickets.take(&late, at(30)), None, "too late");
        assert_eq!(tickets.take(&early, at(-5)), None, "the clock was set back");
        assert_eq!(tickets.take(&SecretText::new("never"), at(0)), None);
    }

    #[test]
    fn however_many_are_asked_for_memory_is_bounded() {
        let tickets = Tickets::default();
        for number in 0..MOST + 50 {
            tickets.issue(&SecretText::new(number.to_string()), (), at(0));
        }
        assert_eq!(tickets.0.lock().expect("not poisoned").len(), MOST);
    }
}
