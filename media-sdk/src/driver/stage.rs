//! A sender's frame transform: one thread in it at a time, and let go once.
//!
//! ```text
//! push_frame ── pass ──▶ in it: the stage is out ──▶ put back, or dropped when it is over
//! close ── let_go ──▶ over: whoever waits is answered `Closed`, and no frame goes on untransformed
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::ThreadId;

use super::waiting::{Waiting, place_of};
use crate::error::MediaError;
use crate::frame::{FrameInfo, FrameTransform};
use crate::shared::lock;

/// The place where frames are transformed, or go by where there is no stage.
pub(crate) struct SenderStage {
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    /// Out while a thread is in it.
    stage: Option<Box<dyn FrameTransform>>,
    inside: Option<ThreadId>,
    over: bool,
}

impl SenderStage {
    pub(crate) fn new(stage: Option<Box<dyn FrameTransform>>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                stage,
                inside: None,
                over: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Transforms a frame; None drops it.
    pub(crate) fn pass(&self, info: FrameInfo, data: &[u8]) -> Result<Option<Vec<u8>>, MediaError> {
        let Some(mut stage) = self.enter()? else {
            return Ok(Some(data.to_vec()));
        };
        let transformed = catch_unwind(AssertUnwindSafe(|| stage.transform(info, data.to_vec())));
        self.leave(stage);
        transformed.map_err(|_| MediaError::TransformPanicked)
    }

    /// Lets the stage go, unless a thread is in it: then that one does, when it leaves. Nobody
    /// enters any more.
    pub(crate) fn let_go(&self) {
        let stage = {
            let mut inner = lock(&self.inner);
            inner.over = true;
            // Who waits is about to be answered: no reason to fear a circle with them.
            Waiting::end(place_of(self));
            inner.stage.take()
        };
        self.changed.notify_all();
        drop_hosts(stage);
    }

    fn enter(&self) -> Result<Option<Box<dyn FrameTransform>>, MediaError> {
        let me = std::thread::current().id();
        let mut inner = lock(&self.inner);
        loop {
            if inner.over {
                return Err(MediaError::Closed);
            }
            let Some(inside) = inner.inside else { break };
            let Some(_waiting) = Waiting::begin(me, place_of(self), inside) else {
                return Err(MediaError::InTransform);
            };
            let woken = self.changed.wait(inner);
            inner = woken.unwrap_or_else(PoisonError::into_inner);
        }
        let stage = inner.stage.take();
        inner.inside = stage.is_some().then_some(me);
        Ok(stage)
    }

    fn leave(&self, stage: Box<dyn FrameTransform>) {
        let left = {
            let mut inner = lock(&self.inner);
            inner.inside = None;
            Waiting::end(place_of(self));
            match inner.over {
                true => Some(stage),
                false => {
                    inner.stage = Some(stage);
                    None
                }
            }
        };
        self.changed.notify_all();
        drop_hosts(left);
    }
}

/// The host's own `drop` may panic, and may call this library: with nothing held.
fn drop_hosts(stage: Option<Box<dyn FrameTransform>>) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(stage)));
}
