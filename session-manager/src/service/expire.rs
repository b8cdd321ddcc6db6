//! Ends conferences that are over and forgets what need not be kept any more.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use lens_protocol::id::ConferenceId;
use lens_protocol::{Problem, Timestamp};
use tokio::time::{MissedTickBehavior, interval};

use super::Inner;
use crate::core::expiry;
use crate::core::past::Past;

/// Rounds between two looks for answers that need not be kept any more.
const ROUNDS_PER_SWEEP: u32 = 600;

pub(super) fn start(inner: &Arc<Inner>) {
    let inner = inner.clone();
    let shutdown = inner.shutdown.clone();
    shutdown.spawn(async move {
        let mut ticks = interval(inner.config.expiry_every.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut round = 0;
        loop {
            tokio::select! {
                () = inner.shutdown.requested() => return,
                _ = ticks.tick() => {}
            }
            // Not within the select: a round that began is finished.
            inner.expire(round % ROUNDS_PER_SWEEP == 0).await;
            round = round.wrapping_add(1);
        }
    });
}

impl Inner {
    async fn expire(&self, sweep: bool) {
        let now = self.now();
        self.forget_past().await;
        match self.rooms.due(now).await {
            Ok(due) => {
                for id in due {
                    if let Err(problem) = self.look_at(id, now).await {
                        tracing::warn!(conference = %id, code = %problem.code,
                            "a conference that is over could not be ended yet");
                    }
                }
            }
            Err(problem) => tracing::warn!(code = %problem.code, "expiry cannot read the table"),
        }
        if sweep && let Err(error) = self.idempotency.forget_answers(now).await {
            tracing::warn!(%error, "old answers could not be forgotten");
        }
    }

    async fn look_at(&self, id: ConferenceId, now: Timestamp) -> Result<(), Problem> {
        let Some(mut locked) = self.rooms.lock(id).await? else {
            return Ok(());
        };
        if let Some(reason) = expiry::due(&locked.room, now) {
            return self.end(&mut locked, reason).await;
        }
        if locked.room.ended.is_some() && expiry::next_look(&locked.room) <= now {
            self.past().forget(&locked.room.owner, id);
            return locked.remove().await;
        }
        Ok(())
    }

    /// Removes the eldest ended conferences of owners who have too many.
    async fn forget_past(&self) {
        let over = self.past().over();
        for id in over {
            let removed = match self.rooms.lock(id).await {
                Ok(Some(locked)) => locked.remove().await,
                Ok(None) => Ok(()),
                Err(problem) => Err(problem),
            };
            if let Err(problem) = removed {
                tracing::warn!(conference = %id, code = %problem.code,
                    "an ended conference could not be forgotten; it is once its hour is over");
            }
        }
    }

    pub(super) fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
