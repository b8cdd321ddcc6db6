//! A participant's ears, for `src/fuzzing.rs`.

use lens_protocol::peer::CommandOutcome;

use super::Event;
use super::talk::{Heard, Talk};
use crate::fuzzing::{US, within_limits};
use crate::message::Command;

/// Hears messages, and answers every second command.
#[derive(Default)]
pub(crate) struct Listener {
    talk: Talk,
    asked: u64,
}

impl Listener {
    /// Takes a message; panics when a promise of the library's is broken.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        let heard = self.talk.hear(US, bytes);
        self.talk.assert_bounded();
        let Heard::Event(event) = heard else { return };
        match event {
            Event::Chat(chat) => within_limits(&chat.text),
            Event::Annotation(_, annotation) => {
                assert!(annotation.check().is_ok(), "a drawing within its limits");
            }
            Event::Command(request) => {
                assert_eq!(request.id, self.asked + 1, "each has a number of its own");
                self.asked = request.id;
                if let Command::Zoom { factor } = request.command {
                    assert!((1.0..=100.0).contains(&factor), "{factor}");
                }
                if request.id % 2 == 0 {
                    let done = CommandOutcome::Done;
                    let by_signalling = self.talk.answer(request.id, done);
                    assert!(by_signalling.is_none(), "it came by the channel");
                }
            }
            other => {
                let plain = matches!(other, Event::CommandReply(..) | Event::AnnotationClear(..));
                assert!(plain, "a message is no {other:?}");
            }
        }
    }
}
