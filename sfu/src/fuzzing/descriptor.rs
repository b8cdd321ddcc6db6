//! Dependency descriptors: what is read is within bounds, and what we change of one stays.
//!
//! Input: another number and which targets are active (2 + 4 bytes), then descriptors of one stream,
//! each behind its length (1 byte).

use std::time::{Duration, Instant};

use super::input::Input;
use crate::core::arena::Arena;
use crate::core::layers::Needs;
use crate::core::rtp::descriptor::{self, Rewritten, Structure};
use crate::core::scalable::{Cut, Scalable};

/// Most descriptors of one input.
const MOST: u32 = 64;

pub(super) fn check(bytes: &[u8]) {
    let mut input = Input(bytes);
    let number = input.word();
    let active = u32::from_be_bytes(input.array());
    let camera = Arena::default().insert(|_| ());
    let (mut stream, mut cut) = (None, Cut::default());
    let mut known = None;
    let start = Instant::now();
    for step in 0..MOST {
        if input.is_empty() {
            break;
        }
        let length = usize::from(input.byte());
        let bytes = input.take(length);
        changed(bytes, known.as_ref(), number, active);
        let read = descriptor::read(bytes, known.as_ref());
        if let Some(structure) = read.and_then(|it| it.structure) {
            assert!((1..=32).contains(&structure.targets()));
            known = Some(structure);
        }
        let now = start + Duration::from_millis(10) * step;
        let Some(frame) = Scalable::take(&mut stream, bytes, 1_000, now) else {
            continue;
        };
        let Some(sent) = stream.as_deref_mut() else {
            continue;
        };
        sent.judge(now);
        let needs = Needs {
            limit: (active & 1 != 0).then_some(u64::from(number) * 100),
            lines: (active & 2 != 0).then_some(number),
        };
        cut.choose(camera, sent, needs, now);
        let first = cut.judge(sent, &frame, step / 3);
        let again = cut.judge(sent, &frame, step / 3);
        assert_eq!(first.passes, again.passes, "a frame is judged once");
        assert!(first.passes || !first.ends, "what is left out ends nothing");
        if let Some(own) = cut.rewrite(bytes, step / 16) {
            assert!(own.bytes().len() <= descriptor::LONGEST);
        }
    }
}

/// Another number and other active targets change nothing else.
fn changed(bytes: &[u8], known: Option<&Structure>, number: u16, active: u32) {
    let Some(before) = descriptor::read(bytes, known) else {
        return;
    };
    let targets = before.structure.as_ref().or(known).map(Structure::targets);
    let targets = targets.expect("nothing is read without a structure");
    let active = active & u32::MAX >> (32 - u32::from(targets));
    let mut own = Rewritten::new(bytes, number).expect("it was read");
    own.activate(targets, active);
    let after = descriptor::read(own.bytes(), known).expect("we write descriptors");
    // One that would become too long stays as it is.
    if own.bytes()[3..] != bytes[3..] {
        assert_eq!(after.active, Some(active));
    }
    assert_eq!(after.structure, before.structure);
    let numbered = |mut frame: descriptor::Frame| {
        frame.number = 0;
        frame
    };
    assert_eq!(after.frame.number, number);
    assert_eq!(numbered(after.frame), numbered(before.frame));
}
