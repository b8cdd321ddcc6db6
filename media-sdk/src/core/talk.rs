//! The data channel: messages of the host's out, messages of the others in.

use std::collections::VecDeque;

use lens_protocol::id::{MessageId, ParticipantId};
use lens_protocol::peer::{CommandOutcome, PeerBody, PeerMessage, VERSION};

use super::Event;
use super::stack::Stack;
use crate::message::{Annotation, Chat, Command, CommandId, CommandRequest};
use crate::network::OutboundBody;

/// Commands of others that may wait for the host's answer; the oldest of more is answered `failed`.
const MOST_UNANSWERED: usize = 64;
/// Most that may wait before answers to others are left out: whoever asks without end while our way is
/// full gets none.
const MOST_BEFORE_ANSWERS: usize = 256;
/// Most that are remembered to hear us: more than a conference has.
const MOST_MET: usize = 64;

/// Both directions.
#[derive(Default)]
pub(super) struct Talk {
    outbox: VecDeque<PeerBody>,
    unanswered: VecDeque<(CommandId, Asker)>,
    next_request: CommandId,
    /// Who has said that they hear us, since our channel opened.
    met: VecDeque<ParticipantId>,
}

/// Where an answer goes.
#[derive(Clone, Copy, Debug)]
enum Asker {
    Channel(ParticipantId, u64),
    Signalling(MessageId),
}

/// What became of a message.
pub(super) enum Heard {
    /// Tell the host.
    Event(Event),
    /// It was for somebody else.
    Nothing,
    /// It says nothing to this build.
    Unreadable,
}

impl Talk {
    /// Puts a message in the queue. It stays there until a connection takes it.
    pub(super) fn push(&mut self, body: PeerBody) {
        self.outbox.push_back(body);
    }

    /// Our channel has opened: all others are told, and answer.
    pub(super) fn greet(&mut self) {
        self.met.clear();
        // One that the former channel did not take will do.
        let greeting = PeerBody::Hello { to: None };
        if self.outbox.front() != Some(&greeting) {
            self.outbox.push_front(greeting);
        }
    }

    /// Hands the oldest message over in our name; whether there was one and it was taken.
    pub(super) fn hand_over(&mut self, us: ParticipantId, stack: &mut Stack) -> bool {
        let Some(body) = self.outbox.front().cloned() else {
            return false;
        };
        let message = PeerMessage {
            v: VERSION,
            from: us,
            body,
        };
        // Plain data always serialises; if it did not, it would hold up what comes behind.
        let taken = serde_json::to_string(&message).is_ok_and(|text| stack.send_message(&text));
        if taken {
            self.outbox.pop_front();
        }
        taken
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// Reads a message that came for `us`.
    pub(super) fn hear(&mut self, us: ParticipantId, bytes: &[u8]) -> Heard {
        let Ok(message) = serde_json::from_slice::<PeerMessage>(bytes) else {
            return Heard::Unreadable;
        };
        let from = message.from;
        match message.body {
            PeerBody::Chat { id, text } => match crate::message::check_chat(&text) {
                Ok(()) => Heard::Event(Event::Chat(Chat { from, id, text })),
                Err(_) => Heard::Unreadable,
            },
            PeerBody::Command {
                id,
                command,
                arguments,
            } => match Command::parse(&command, &arguments) {
                Some(command) => {
                    let id = self.ask(Asker::Channel(from, id));
                    let from = Some(from);
                    Heard::Event(Event::Command(CommandRequest { id, from, command }))
                }
                None => {
                    self.answer_channel(from, id, CommandOutcome::Unsupported);
                    Heard::Unreadable
                }
            },
            PeerBody::CommandReply { to, id, outcome } if to == us => {
                Heard::Event(Event::CommandReply(id, outcome))
            }
            PeerBody::CommandReply { .. } => Heard::Nothing,
            body @ PeerBody::Annotation { .. } => match Annotation::from_body(body) {
                Some(annotation) => Heard::Event(Event::Annotation(from, annotation)),
                None => Heard::Unreadable,
            },
            PeerBody::AnnotationClear { id } => Heard::Event(Event::AnnotationClear(from, id)),
            PeerBody::Hello { to: None } => {
                self.push_answer(PeerBody::Hello { to: Some(from) });
                self.meet(from);
                Heard::Event(Event::TalkReady(from))
            }
            // The answer to a greeting that crossed theirs is no news.
            PeerBody::Hello { to: Some(to) } if to == us && self.meet(from) => {
                Heard::Event(Event::TalkReady(from))
            }
            PeerBody::Hello { .. } => Heard::Nothing,
            _ => Heard::Unreadable,
        }
    }

    /// A command came by signalling.
    pub(super) fn signalled(&mut self, id: MessageId, command: Command) -> Event {
        let id = self.ask(Asker::Signalling(id));
        let from = None;
        Event::Command(CommandRequest { id, from, command })
    }

    /// The host answers; what has to go by signalling is returned.
    pub(super) fn answer(
        &mut self,
        id: CommandId,
        outcome: CommandOutcome,
    ) -> Option<OutboundBody> {
        let index = self.unanswered.iter().position(|(known, _)| *known == id)?;
        let (_, asker) = self.unanswered.remove(index)?;
        match asker {
            Asker::Channel(to, id) => {
                self.answer_channel(to, id, outcome);
                None
            }
            Asker::Signalling(id) => Some(OutboundBody::CommandReply { id, outcome }),
        }
    }

    fn ask(&mut self, asker: Asker) -> CommandId {
        if self.unanswered.len() >= MOST_UNANSWERED
            && let Some((oldest, _)) = self.unanswered.front().copied()
        {
            self.answer(oldest, CommandOutcome::Failed);
        }
        self.next_request += 1;
        self.unanswered.push_back((self.next_request, asker));
        self.next_request
    }

    /// Notes that somebody hears us; whether that is new.
    fn meet(&mut self, who: ParticipantId) -> bool {
        if self.met.contains(&who) {
            return false;
        }
        if self.met.len() == MOST_MET {
            self.met.pop_front();
        }
        self.met.push_back(who);
        true
    }

    fn answer_channel(&mut self, to: ParticipantId, id: u64, outcome: CommandOutcome) {
        self.push_answer(PeerBody::CommandReply { to, id, outcome });
    }

    fn push_answer(&mut self, body: PeerBody) {
        if self.outbox.len() < MOST_BEFORE_ANSWERS {
            self.push(body);
        }
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn assert_bounded(&self) {
        assert!(self.unanswered.len() <= MOST_UNANSWERED, "commands");
        assert!(self.outbox.len() <= MOST_BEFORE_ANSWERS, "answers");
        assert!(self.met.len() <= MOST_MET, "others");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: ParticipantId = ParticipantId::from_bytes([1; 16]);
    const THEM: ParticipantId = ParticipantId::from_bytes([2; 16]);

    fn said(body: PeerBody) -> Vec<u8> {
        let message = PeerMessage {
            v: VERSION,
            from: THEM,
            body,
        };
        serde_json::to_vec(&message).expect("plain data")
    }

    #[test]
    fn a_command_is_answered_to_whoever_asked_with_their_own_count() {
        let mut talk = Talk::default();
        let asked = said(super::super::command_body(77, &Command::Snapshot));
        let Heard::Event(Event::Command(request)) = talk.hear(US, &asked) else {
            panic!("a command was asked");
        };
        assert_eq!(request.from, Some(THEM));
        assert!(talk.answer(request.id, CommandOutcome::Refused).is_none());
        let expected = PeerBody::CommandReply {
            to: THEM,
            id: 77,
            outcome: CommandOutcome::Refused,
        };
        assert_eq!(talk.outbox[0], expected);
        assert!(talk.answer(request.id, CommandOutcome::Done).is_none());
        assert_eq!(talk.waiting(), 1, "it is answered once");
    }

    #[test]
    fn an_unknown_command_is_answered_unsupported_and_an_unknown_kind_ignored() {
        let mut talk = Talk::default();
        let dance = said(PeerBody::Command {
            id: 1,
            command: "dance".to_owned(),
            arguments: serde_json::Map::new(),
        });
        assert!(matches!(talk.hear(US, &dance), Heard::Unreadable));
        let PeerBody::CommandReply { outcome, .. } = talk.outbox[0] else {
            panic!("it is answered");
        };
        assert_eq!(outcome, CommandOutcome::Unsupported);
        let text = format!(r#"{{"v":1,"from":"{THEM}","kind":"telepathy"}}"#);
        assert!(matches!(talk.hear(US, text.as_bytes()), Heard::Unreadable));
        assert!(matches!(talk.hear(US, b"hello"), Heard::Unreadable));
    }

    #[test]
    fn who_hears_us_is_told_once_for_each_of_their_channels_and_of_ours() {
        let mut talk = Talk::default();
        let ready = |heard: Heard| matches!(heard, Heard::Event(Event::TalkReady(THEM)));
        let opened = said(PeerBody::Hello { to: None });
        let answered = said(PeerBody::Hello { to: Some(US) });
        talk.greet();
        assert_eq!(talk.outbox.pop_front(), Some(PeerBody::Hello { to: None }));
        assert!(ready(talk.hear(US, &opened)), "theirs opened");
        let answer = PeerBody::Hello { to: Some(THEM) };
        assert_eq!(talk.outbox.pop_front(), Some(answer), "and is answered");
        assert!(!ready(talk.hear(US, &answered)), "greetings that crossed");
        assert!(ready(talk.hear(US, &opened)), "they came back");
        talk.greet();
        assert!(ready(talk.hear(US, &answered)), "we came back");
        let others = said(PeerBody::Hello { to: Some(THEM) });
        assert!(!ready(talk.hear(US, &others)), "it was for somebody else");
    }

    #[test]
    fn answers_to_who_asks_without_end_do_not_pile_up() {
        let mut talk = Talk::default();
        for _ in 0..1_000 {
            let _ = talk.hear(US, &said(PeerBody::Hello { to: None }));
        }
        assert_eq!(talk.waiting(), MOST_BEFORE_ANSWERS);
    }

    #[test]
    fn commands_that_nobody_answers_do_not_pile_up() {
        let mut talk = Talk::default();
        for id in 0..1_000 {
            talk.hear(
                US,
                &said(super::super::command_body(id, &Command::Snapshot)),
            );
        }
        assert_eq!(talk.unanswered.len(), MOST_UNANSWERED);
        assert_eq!(talk.waiting(), MOST_BEFORE_ANSWERS);
    }
}
