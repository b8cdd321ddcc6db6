//! The fixed layout of an offer, and who is in which slot.
//!
//! A layout is made once from the role and the conference's size N: a camera sends one video and
//! one voice and hears N−1; a viewer sends one voice, sees one video, hears N−1 and has one screen
//! slot each way. A participant that makes its own offer has those of these slots that it offered
//! sections for ([`super::offer`]). People come and go by changing what a slot carries, never the
//! layout.

use lens_protocol::id::ParticipantId;
use lens_protocol::media::{Role, Slot, SlotKind};

/// The media stream that the camera's picture and voice share.
const CAMERA_STREAM: &str = "camera";

/// The media sections of one participant's offer, in `m=` order. A data channel follows them.
pub(crate) fn layout(role: Role, size: u8) -> Vec<SlotKind> {
    let voices = usize::from(size.saturating_sub(1));
    let mut kinds = match role {
        Role::Camera => vec![SlotKind::VideoUp, SlotKind::AudioUp],
        Role::Viewer => vec![SlotKind::AudioUp, SlotKind::VideoDown],
    };
    kinds.resize(kinds.len() + voices, SlotKind::AudioDown);
    if role == Role::Viewer {
        kinds.extend([SlotKind::ScreenUp, SlotKind::ScreenDown]);
    }
    kinds
}

/// Whether the participant sends in a slot of this kind.
pub(crate) fn is_up(kind: SlotKind) -> bool {
    match kind {
        SlotKind::VideoUp | SlotKind::AudioUp | SlotKind::ScreenUp => true,
        SlotKind::VideoDown | SlotKind::AudioDown | SlotKind::ScreenDown => false,
    }
}

/// Whether a slot of this kind carries video.
pub(crate) fn is_video(kind: SlotKind) -> bool {
    !matches!(kind, SlotKind::AudioUp | SlotKind::AudioDown)
}

/// The media stream that a slot's track belongs to. The camera's picture shares one with the first
/// voice, for lip sync.
pub(crate) fn stream(kind: SlotKind, voice: usize) -> String {
    match kind {
        SlotKind::VideoDown => CAMERA_STREAM.to_owned(),
        SlotKind::AudioDown if voice == 1 => CAMERA_STREAM.to_owned(),
        SlotKind::AudioDown => format!("voice-{voice}"),
        SlotKind::ScreenDown => "screen".to_owned(),
        SlotKind::VideoUp | SlotKind::AudioUp | SlotKind::ScreenUp => "own".to_owned(),
    }
}

/// Who is in which slot of one participant; survives new generations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seats {
    kinds: Vec<SlotKind>,
    sources: Vec<Option<ParticipantId>>,
}

impl Seats {
    pub(crate) fn new(owner: ParticipantId, kinds: Vec<SlotKind>) -> Self {
        let sources = kinds
            .iter()
            .map(|kind| is_up(*kind).then_some(owner))
            .collect();
        Self { kinds, sources }
    }

    pub(crate) fn kinds(&self) -> &[SlotKind] {
        &self.kinds
    }

    /// Gives `source` its slots. True when something changed.
    ///
    /// The camera's voice always takes the first voice slot, whose track the offer groups with the
    /// video's for lip sync; others leave it free as long as there is room, and move when they
    /// had to take it. A layout with fewer voice slots than there are others has them wait.
    pub(crate) fn admit(&mut self, source: ParticipantId, role: Role) -> bool {
        let seen = role == Role::Camera && self.admit_picture(source);
        let heard = self.admit_voice(source, role);
        seen || heard
    }

    fn admit_picture(&mut self, source: ParticipantId) -> bool {
        let Some(video) = self.kinds.iter().position(|k| *k == SlotKind::VideoDown) else {
            return false;
        };
        self.sources[video].replace(source) != Some(source)
    }

    fn admit_voice(&mut self, source: ParticipantId, role: Role) -> bool {
        if self.seat_of(source, SlotKind::AudioDown).is_some() {
            return false;
        }
        let voices: Vec<usize> = (0..self.kinds.len())
            .filter(|index| self.kinds[*index] == SlotKind::AudioDown)
            .collect();
        let free = voices
            .iter()
            .rev()
            .find(|index| self.sources[**index].is_none())
            .copied();
        match (voices.first().copied(), role) {
            (Some(first), Role::Camera) => {
                let moved = self.sources[first].replace(source);
                if let Some(free) = free.filter(|free| *free != first) {
                    self.sources[free] = moved;
                }
                true
            }
            _ => {
                if let Some(free) = free {
                    self.sources[free] = Some(source);
                }
                free.is_some()
            }
        }
    }

    /// Frees the slots of `source`. True when something changed.
    pub(crate) fn dismiss(&mut self, source: ParticipantId) -> bool {
        let mut changed = false;
        for (kind, seat) in self.kinds.iter().zip(&mut self.sources) {
            if !is_up(*kind) && *seat == Some(source) {
                *seat = None;
                changed = true;
            }
        }
        changed
    }

    /// The slot in which `source` is received as `kind`.
    pub(crate) fn seat_of(&self, source: ParticipantId, kind: SlotKind) -> Option<usize> {
        let seats = self.kinds.iter().zip(&self.sources);
        seats
            .enumerate()
            .find(|(_, (have, seat))| **have == kind && **seat == Some(source))
            .map(|(index, _)| index)
    }

    /// Whose stream a receiving slot carries.
    pub(crate) fn source(&self, slot: usize) -> Option<ParticipantId> {
        self.sources.get(slot).copied().flatten()
    }

    /// The slots as others are told, with the `a=mid` of each.
    pub(crate) fn describe(&self, mids: &[String]) -> Vec<Slot> {
        let named = mids.iter().zip(self.kinds.iter().zip(&self.sources));
        named
            .map(|(mid, (kind, source))| Slot {
                mid: mid.clone(),
                kind: *kind,
                source: *source,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use lens_protocol::limits::PARTICIPANTS;
    use proptest::prelude::*;

    use super::*;

    fn person(number: u8) -> ParticipantId {
        ParticipantId::from_bytes([number; 16])
    }

    #[test]
    fn the_layout_follows_role_and_size() {
        use SlotKind::*;
        assert_eq!(
            layout(Role::Camera, 3),
            [VideoUp, AudioUp, AudioDown, AudioDown]
        );
        assert_eq!(
            layout(Role::Viewer, 2),
            [AudioUp, VideoDown, AudioDown, ScreenUp, ScreenDown]
        );
    }

    #[test]
    fn the_cameras_voice_always_takes_the_first_voice_slot() {
        let mut seats = Seats::new(person(1), layout(Role::Viewer, 4));
        assert!(seats.admit(person(2), Role::Viewer));
        assert!(seats.admit(person(3), Role::Camera));
        assert_eq!(seats.seat_of(person(3), SlotKind::AudioDown), Some(2));
        assert_eq!(seats.seat_of(person(3), SlotKind::VideoDown), Some(1));
        assert_eq!(seats.seat_of(person(2), SlotKind::AudioDown), Some(4));
        assert!(!seats.admit(person(3), Role::Camera), "already seated");
    }

    #[test]
    fn in_a_small_layout_the_camera_comes_first_and_others_wait() {
        use SlotKind::{AudioDown, VideoDown};
        let mut seats = Seats::new(person(1), vec![VideoDown, AudioDown]);
        assert!(seats.admit(person(2), Role::Viewer));
        assert!(!seats.admit(person(4), Role::Viewer), "no slot is free");
        assert!(seats.admit(person(3), Role::Camera));
        assert_eq!(seats.seat_of(person(3), AudioDown), Some(1));
        assert_eq!(seats.seat_of(person(2), AudioDown), None);
        let mut silent = Seats::new(person(1), vec![VideoDown]);
        assert!(silent.admit(person(3), Role::Camera), "it is seen");
        assert!(!silent.admit(person(3), Role::Camera), "already seated");
        assert!(!silent.admit(person(2), Role::Viewer));
    }

    proptest! {
        #[test]
        fn everybody_is_heard_however_people_come_and_go(
            size in 2_u8..=PARTICIPANTS,
            steps in prop::collection::vec((1_u8..16, any::<bool>()), 1..100),
        ) {
            let mut seats = Seats::new(person(0), layout(Role::Viewer, size));
            let mut present = std::collections::BTreeSet::new();
            for (number, camera) in steps {
                let number = if camera { 15 } else { number.min(14) };
                if present.contains(&number) {
                    present.remove(&number);
                    seats.dismiss(person(number));
                } else if present.len() + 1 < usize::from(size) {
                    present.insert(number);
                    let role = if camera { Role::Camera } else { Role::Viewer };
                    seats.admit(person(number), role);
                }
                for other in &present {
                    prop_assert!(seats.seat_of(person(*other), SlotKind::AudioDown).is_some());
                }
                let first = seats.kinds.iter().position(|k| *k == SlotKind::AudioDown);
                if present.contains(&15) {
                    prop_assert_eq!(seats.seat_of(person(15), SlotKind::AudioDown), first);
                }
            }
        }
    }
}
