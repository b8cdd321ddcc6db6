//! The change that every testee's frames pass, and that undoes itself: all but the first bytes, which
//! the server reads, are turned over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lens_media_sdk::{Codec, FrameInfo, FrameTransform};

/// Bytes that stay: what a VP8 keyframe begins with (RFC 6386 §9.1).
const CLEAR: usize = 10;
const MASK: u8 = 0x5a;

/// How many pictures passed.
#[derive(Clone, Default)]
pub(crate) struct Passed(Arc<AtomicU64>);

impl Passed {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// See the module.
pub(crate) struct Turn(pub(crate) Passed);

impl FrameTransform for Turn {
    fn transform(&mut self, info: FrameInfo, mut data: Vec<u8>) -> Option<Vec<u8>> {
        if info.codec != Codec::Opus {
            data.iter_mut().skip(CLEAR).for_each(|byte| *byte ^= MASK);
            self.0.add();
        }
        Some(data)
    }
}
