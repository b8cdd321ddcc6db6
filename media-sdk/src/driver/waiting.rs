//! Who waits for whom: threads of the host's that would wait for each other for ever do not.
//!
//! A place is what one thread is in at a time: a mailbox while it runs its host, or a sender's stage.

use std::sync::Mutex;
use std::thread::ThreadId;

use crate::shared::lock;

/// In this process: a handful at most.
static WAITING: Mutex<Vec<Wait>> = Mutex::new(Vec::new());

struct Wait {
    who: ThreadId,
    /// Where in memory it is, and the thread that is in it.
    place: usize,
    inside: ThreadId,
}

/// What names a place: where it lies, which it does while anybody waits there.
pub(super) fn place_of<T>(place: &T) -> usize {
    std::ptr::from_ref(place).addr()
}

/// That a thread waits; until it goes. Begun and ended under the place's own lock.
pub(super) struct Waiting(ThreadId);

impl Waiting {
    /// None when whoever is inside waits for this thread, itself or by way of others.
    pub(super) fn begin(me: ThreadId, place: usize, inside: ThreadId) -> Option<Self> {
        let mut waiting = lock(&WAITING);
        let waits_for = |who: ThreadId| waiting.iter().find(|it| it.who == who);
        // No circle stands in the list, so the way along it ends.
        let mut way =
            std::iter::successors(Some(inside), |at| waits_for(*at).map(|wait| wait.inside));
        if way.any(|at| at == me) {
            return None;
        }
        waiting.push(Wait {
            who: me,
            place,
            inside,
        });
        Some(Self(me))
    }

    /// What was waited for is over, also for those who have not woken up yet.
    pub(super) fn end(place: usize) {
        lock(&WAITING).retain(|it| it.place != place);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        lock(&WAITING).retain(|it| it.who != self.0);
    }
}
