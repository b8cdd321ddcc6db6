//! What the bridge knows about a session's participants and no store needs: offers under way,
//! which page a technician's offers go to, who is in whose slots.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lens_protocol::conference::ParticipantOffer;
use lens_protocol::id::{Generation, ParticipantId, TechnicianId};
use lens_protocol::media::Slot;
use lens_protocol::{SecretDigest, Timestamp};
use lens_signaling::Channel;

/// An offer not answered for longer than this is not sent again: the media server gives up on it
/// soon, so a new generation is made instead.
const FRESH: Duration = Duration::from_secs(8);

/// One session's desk.
#[derive(Debug, Default)]
pub(crate) struct Desk(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    places: HashMap<ParticipantId, Place>,
    customer_page: Option<String>,
    /// The login each technician last took part under. None after a restart of this process.
    logins: HashMap<TechnicianId, SecretDigest>,
}

#[derive(Debug, Default)]
struct Place {
    /// The console page that asked; the customer is reached by identity.
    channel: Option<Channel>,
    pending: Option<(ParticipantOffer, Timestamp)>,
    ever_answered: bool,
    slots: Vec<Slot>,
}

impl Desk {
    /// A new offer for a participant; `channel` is the console page it goes to.
    pub(crate) fn offered(
        &self,
        offer: &ParticipantOffer,
        channel: Option<Channel>,
        now: Timestamp,
    ) {
        self.with(|inner| {
            let place = inner.places.entry(offer.participant).or_default();
            place.pending = Some((offer.clone(), now));
            place.channel = channel.or_else(|| place.channel.take());
            // A roster that names this offer's sections came before it, and knows more.
            if !same_sections(&place.slots, &offer.slots) {
                place.slots.clone_from(&offer.slots);
            }
        });
    }

    /// The offer under way to a participant, if it is fresh and newer than `than`.
    pub(crate) fn pending(
        &self,
        participant: ParticipantId,
        than: Option<Generation>,
        now: Timestamp,
    ) -> Option<ParticipantOffer> {
        self.with(|inner| {
            let (offer, at) = inner.places.get(&participant)?.pending.as_ref()?;
            let newer = than.is_none_or(|than| offer.generation > than);
            (newer && now.since(*at) < FRESH).then(|| offer.clone())
        })
    }

    /// The participant answered.
    pub(crate) fn answered(&self, participant: ParticipantId, generation: Generation) {
        self.with(|inner| {
            let place = inner.places.entry(participant).or_default();
            place.ever_answered = true;
            place
                .pending
                .take_if(|(offer, _)| offer.generation <= generation);
        });
    }

    /// Whether the participant ever answered an offer.
    pub(crate) fn ever_answered(&self, participant: ParticipantId) -> bool {
        self.with(|inner| {
            inner
                .places
                .get(&participant)
                .is_some_and(|it| it.ever_answered)
        })
    }

    /// A generation came to nothing.
    pub(crate) fn failed(&self, participant: ParticipantId, generation: Generation) {
        self.with(|inner| {
            if let Some(place) = inner.places.get_mut(&participant) {
                place
                    .pending
                    .take_if(|(offer, _)| offer.generation <= generation);
            }
        });
    }

    /// Who is in the participant's slots.
    pub(crate) fn set_slots(&self, participant: ParticipantId, slots: Vec<Slot>) {
        self.with(|inner| inner.places.entry(participant).or_default().slots = slots);
    }

    /// Who is in the participant's slots, as last told.
    pub(crate) fn slots(&self, participant: ParticipantId) -> Vec<Slot> {
        self.with(|inner| inner.places.get(&participant).map(|it| it.slots.clone()))
            .unwrap_or_default()
    }

    /// The console page of a technician's participant.
    pub(crate) fn channel(&self, participant: ParticipantId) -> Option<Channel> {
        self.with(|inner| inner.places.get(&participant)?.channel.clone())
    }

    /// The console pages of all technicians' participants.
    pub(crate) fn channels(&self) -> HashMap<ParticipantId, Channel> {
        self.with(|inner| {
            let known = inner.places.iter();
            known
                .filter_map(|(who, place)| Some((*who, place.channel.clone()?)))
                .collect()
        })
    }

    /// A technician takes part under this login.
    pub(crate) fn took_part(&self, technician: TechnicianId, login: SecretDigest) {
        self.with(|inner| inner.logins.insert(technician, login));
    }

    /// The login a technician takes part under, as far as this process knows.
    pub(crate) fn login(&self, technician: TechnicianId) -> Option<SecretDigest> {
        self.with(|inner| inner.logins.get(&technician).copied())
    }

    /// A technician's login has ended.
    pub(crate) fn signed_out(&self, technician: TechnicianId) {
        self.with(|inner| inner.logins.remove(&technician));
    }

    /// Forgets a participant who left.
    pub(crate) fn left(&self, participant: ParticipantId) {
        self.with(|inner| inner.places.remove(&participant));
    }

    /// Forgets everybody: the conference is another, or over.
    pub(crate) fn clear(&self) {
        self.with(|inner| inner.places.clear());
    }

    /// The customer's page is `name` now; returns the one before.
    pub(crate) fn customer_page(&self, name: &str) -> Option<String> {
        self.with(|inner| inner.customer_page.replace(name.to_owned()))
    }

    /// Whether `name` is the customer's newest page.
    pub(crate) fn is_customer_page(&self, name: &str) -> bool {
        self.with(|inner| inner.customer_page.as_deref() == Some(name))
    }

    /// There is a new customer, or none.
    pub(crate) fn forget_customer_page(&self) {
        self.with(|inner| inner.customer_page = None);
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Sections are named anew in each generation.
fn same_sections(known: &[Slot], offered: &[Slot]) -> bool {
    known.len() == offered.len() && known.iter().zip(offered).all(|(a, b)| a.mid == b.mid)
}
