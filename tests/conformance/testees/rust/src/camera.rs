//! A camera whose pictures are a clip: sent again and again at its pace, on a thread of its own.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use lens_media_sdk::{Codec, EncodedFrame, WeakParticipant};

use crate::ivf;
use crate::transform::Passed;

const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 30);

/// What is wanted of it.
pub(crate) enum Wish {
    /// Pictures, or none.
    Publish(bool),
    /// A keyframe.
    Keyframe,
}

/// See the module.
pub(crate) struct Camera {
    clip: Vec<Vec<u8>>,
    sender: Sender<Wish>,
    wishes: Receiver<Wish>,
    pushed: Passed,
}

impl Camera {
    pub(crate) fn new(clip: &str) -> io::Result<Self> {
        let clip = ivf::read(Path::new(clip))?;
        let (sender, wishes) = channel();
        Ok(Self {
            clip,
            sender,
            wishes,
            pushed: Passed::default(),
        })
    }

    /// How many pictures the library has taken.
    pub(crate) fn pushed(&self) -> Passed {
        self.pushed.clone()
    }

    pub(crate) fn wishes(&self) -> Sender<Wish> {
        self.sender.clone()
    }

    /// Sends for `participant` until that is gone.
    pub(crate) fn run(self, participant: WeakParticipant) {
        std::thread::spawn(move || self.film(&participant));
    }

    fn film(self, participant: &WeakParticipant) {
        let begun = Instant::now();
        let (mut on, mut at) = (false, 0);
        let mut due = begun;
        loop {
            match self
                .wishes
                .recv_timeout(due.saturating_duration_since(Instant::now()))
            {
                Ok(Wish::Publish(wished)) => on = wished,
                Ok(Wish::Keyframe) => at = self.next_keyframe(at),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    due += FRAME;
                    let Some(participant) = participant.upgrade() else {
                        return;
                    };
                    let Some(data) = self.clip.get(at).filter(|_| on) else {
                        continue;
                    };
                    let pts = begun.elapsed().as_micros() as u64;
                    let frame = EncodedFrame::video(Codec::Vp8, data, pts, ivf::is_keyframe(data));
                    // Nobody to send to yet is no fault of the camera's.
                    if participant.push_frame(&frame).is_ok() {
                        self.pushed.add();
                        at = (at + 1) % self.clip.len();
                    }
                }
            }
        }
    }

    fn next_keyframe(&self, from: usize) -> usize {
        let after = (from..self.clip.len()).find(|at| ivf::is_keyframe(&self.clip[*at]));
        after.unwrap_or(0)
    }
}
