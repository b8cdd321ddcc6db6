//! Between signalling and the Session Manager: the only place that knows both.
//!
//! ```text
//! console ── POST start ──▶ Bridge::start ── create, join, join ──▶ Session Manager
//!    ◀── own offer in the answer ──┤
//!                                  └── offer ──▶ hub ──▶ customer's page
//! both pages ── answer, offer_request ──▶ hub ──▶ host.rs ──▶ Session Manager
//! Session Manager ── events ──▶ events.rs ──▶ registry ──▶ hub ──▶ pages
//! ```
//!
//! [`audience`] and [`host`] speak signalling alone, [`media`] and [`events`] media alone; here
//! they meet. Every change to a session's media holds its gate and runs to its end, whoever
//! waits for it.

pub(crate) mod audience;
pub(crate) mod desk;
pub(crate) mod events;
pub(crate) mod host;
pub(crate) mod media;
mod restart;

use std::future::Future;
use std::sync::Arc;

use lens_protocol::conference::ParticipantOffer;
use lens_protocol::id::{ConferenceId, ParticipantId};
use lens_protocol::media::{Pause, Role, Timeline};
use lens_protocol::session::{PersonRole, TakingPart, TechnicianRef};
use lens_protocol::signal::{Roster, RosterEntry, RosterSlot, ServerSignal};
use lens_protocol::{ErrorCode, Problem, SecretDigest};
use lens_signaling::Channel;
use tracing::Instrument;

use crate::core::{Customer, Event, Place, Session, view};
use crate::registry::{Live, Registry};
use audience::Audience;
use media::{Media, is_lost, is_nobody};

/// Why a technician's connection broke when their login ended, as the session's log says it.
const SIGNED_OUT: &str = "signed_out";

/// The bridge. Clones share it.
#[derive(Clone)]
pub(crate) struct Bridge {
    pub(crate) registry: Registry,
    pub(crate) audience: Arc<Audience>,
    pub(crate) media: Media,
}

/// A technician at one of their console pages.
#[derive(Clone, Debug)]
pub(crate) struct AtConsole {
    /// Who.
    pub(crate) who: TechnicianRef,
    /// The page's channel.
    pub(crate) channel: Channel,
    /// The login they act under; with it ends their place in the conference.
    pub(crate) login: SecretDigest,
}

impl Bridge {
    /// Starts the session: conference, both participants, the customer's offer to their page, the
    /// technician's as the answer. Again by the same technician: their offer again.
    pub(crate) async fn start(
        &self,
        live: &Arc<Live>,
        by: AtConsole,
    ) -> Result<TakingPart, Problem> {
        let (bridge, live) = (self.clone(), live.clone());
        whole(async move {
            let _gate = live.gate.lock().await;
            let session = live.session();
            if session.may_start(&by.who, bridge.registry.rules())? {
                bridge.start_anew(&live, &session, by).await
            } else {
                bridge.own_offer(&live, &by).await
            }
        })
        .await
    }

    async fn start_anew(
        &self,
        live: &Arc<Live>,
        session: &Session,
        by: AtConsole,
    ) -> Result<TakingPart, Problem> {
        let conference = self.media.create(session.id).await?.id;
        // Before the joins: their rosters may come before their offers are handed over.
        live.desk.clear();
        let both = self.join_both(conference, session, &by.who).await;
        let started = match both {
            Ok((camera, viewer)) => {
                let now = self.registry.now();
                live.desk.offered(&camera, None, now);
                live.desk.offered(&viewer, Some(by.channel.clone()), now);
                live.desk.took_part(by.who.id, by.login);
                let event = Event::Started {
                    by: by.who,
                    conference,
                    customer: place_of(&camera),
                    viewer: place_of(&viewer),
                };
                let changed = self.registry.apply(live, event).await;
                changed.map(|session| (session, camera, viewer))
            }
            Err(problem) => Err(problem),
        };
        let (session, camera, viewer) = match started {
            Ok(started) => started,
            Err(problem) => {
                self.give_up(conference);
                return Err(problem);
            }
        };
        self.enforce_first_pause(&session).await;
        self.push_to_customer(&session, camera);
        self.send_rosters(live, &session);
        Ok(taking_part(&session, viewer))
    }

    /// For a participant that has just joined, of whom nothing is paused yet.
    async fn enforce_first_pause(&self, session: &Session) {
        let pause = session.customer.as_ref().map(Customer::pause);
        if pause.is_some_and(|pause| pause != Pause::default()) {
            self.enforce_pause(session).await;
        }
    }

    async fn join_both(
        &self,
        conference: ConferenceId,
        session: &Session,
        lead: &TechnicianRef,
    ) -> Result<(ParticipantOffer, ParticipantOffer), Problem> {
        let customer = session.customer_display_name();
        let camera = self.media.join(conference, Role::Camera, customer);
        let viewer = self.media.join(conference, Role::Viewer, &lead.name);
        tokio::try_join!(camera, viewer)
    }

    /// A further technician watches. The customer is told their name before they get an offer,
    /// and so before any packet.
    pub(crate) async fn join(
        &self,
        live: &Arc<Live>,
        by: AtConsole,
    ) -> Result<TakingPart, Problem> {
        let (bridge, live) = (self.clone(), live.clone());
        whole(async move {
            let _gate = live.gate.lock().await;
            let session = live.session();
            if session.seat(by.who.id).is_some() {
                return bridge.own_offer(&live, &by).await;
            }
            let conference = needs_media(&session)?;
            bridge.seat(&live, conference, &by).await
        })
        .await
    }

    /// A technician's new place in the conference. The caller holds the gate.
    async fn seat(
        &self,
        live: &Arc<Live>,
        conference: ConferenceId,
        by: &AtConsole,
    ) -> Result<TakingPart, Problem> {
        let joined = self.media.join(conference, Role::Viewer, &by.who.name);
        let offer = joined.await?;
        let now = self.registry.now();
        live.desk.offered(&offer, Some(by.channel.clone()), now);
        live.desk.took_part(by.who.id, by.login);
        let event = Event::Joined {
            by: by.who.clone(),
            place: place_of(&offer),
        };
        match self.registry.apply(live, event).await {
            Ok(session) => {
                self.send_rosters(live, &session);
                Ok(taking_part(&session, offer))
            }
            Err(problem) => {
                live.desk.left(offer.participant);
                let _ = self.media.leave(conference, offer.participant).await;
                Err(problem)
            }
        }
    }

    /// A technician's login has ended, and with it their right to see and hear the customer: the
    /// media server forgets them at once. A watcher is gone; the lead's seat waits for them to
    /// sign in again.
    pub(crate) async fn unseat(&self, live: &Arc<Live>, who: TechnicianRef) -> Result<(), Problem> {
        let (bridge, live) = (self.clone(), live.clone());
        whole(async move {
            let _gate = live.gate.lock().await;
            let session = live.session();
            let (Some(seat), Some(conference)) = (session.seat(who.id), session.conference) else {
                return Ok(());
            };
            bridge.media.leave(conference, seat.participant).await?;
            live.desk.left(seat.participant);
            live.desk.signed_out(who.id);
            let event = match seat.role {
                PersonRole::Watching => Event::StoppedWatching { by: who },
                _ => Event::MediaFailed {
                    place: Place {
                        participant: seat.participant,
                        generation: seat.newest,
                    },
                    cause: SIGNED_OUT.to_owned(),
                },
            };
            let session = bridge.registry.apply(&live, event).await?;
            bridge.send_rosters(&live, &session);
            Ok(())
        })
        .await
    }

    /// A watching technician leaves.
    pub(crate) async fn stop_watching(
        &self,
        live: &Arc<Live>,
        by: TechnicianRef,
    ) -> Result<Arc<Session>, Problem> {
        let (bridge, live) = (self.clone(), live.clone());
        whole(async move {
            let _gate = live.gate.lock().await;
            let before = live.session();
            let seat = before.seat(by.id).map(|seat| (seat.participant, seat.role));
            let session = bridge
                .registry
                .apply(&live, Event::StoppedWatching { by })
                .await?;
            if let (Some((participant, PersonRole::Watching)), Some(conference)) =
                (seat, before.conference)
            {
                live.desk.left(participant);
                bridge.media.leave(conference, participant).await?;
                bridge.send_rosters(&live, &session);
            }
            Ok(session)
        })
        .await
    }

    /// Nobody sees or hears the customer, or they do again. The media server obeys first; the
    /// pages say so after it.
    pub(crate) async fn hold(
        &self,
        live: &Arc<Live>,
        by: TechnicianRef,
        held: bool,
    ) -> Result<Arc<Session>, Problem> {
        let (bridge, live) = (self.clone(), live.clone());
        whole(async move {
            let _gate = live.gate.lock().await;
            let session = live.session();
            if session.state.is_ended() {
                return Err(ErrorCode::SessionClosed.into());
            }
            let conference = session.conference.ok_or(ErrorCode::WrongState)?;
            match bridge.media.hold(conference, held).await {
                // Nothing flows; the restart brings the hold along.
                Err(problem) if is_lost(problem.code) && session.node_lost => {}
                done => done?,
            }
            let event = if held {
                Event::Held { by }
            } else {
                Event::Resumed { by }
            };
            bridge.registry.apply(&live, event).await
        })
        .await
    }

    /// Has the media server forward nothing of what the customer has paused. The caller holds the
    /// gate. A media server that is lost forwards nothing, and the next one is told.
    pub(crate) async fn enforce_pause(&self, session: &Session) {
        let Some(customer) = &session.customer else {
            return;
        };
        let (Some(conference), Some(participant)) = (session.conference, customer.participant)
        else {
            return;
        };
        let pause = customer.pause();
        match self.media.pause(conference, participant, pause).await {
            Err(problem) if is_lost(problem.code) => {}
            Err(problem) => {
                tracing::warn!(session = %session.id, code = %problem.code, "a pause was not enforced");
            }
            Ok(()) => {}
        }
    }

    /// What happened to the connection of the customer, or of `own`'s seat.
    pub(crate) async fn timeline(
        &self,
        session: &Session,
        participant: Option<ParticipantId>,
    ) -> Result<Timeline, Problem> {
        let conference = session.conference.ok_or(ErrorCode::WrongState)?;
        let participant = participant.ok_or(ErrorCode::ParticipantNotFound)?;
        self.media.timeline(conference, participant).await
    }

    /// A new generation for a technician's own participant, or the offer under way to this page.
    /// The caller holds the gate.
    async fn own_offer(&self, live: &Arc<Live>, by: &AtConsole) -> Result<TakingPart, Problem> {
        let session = live.session();
        let seat = session
            .seat(by.who.id)
            .ok_or(ErrorCode::ParticipantNotFound)?;
        let now = self.registry.now();
        let same_page = live.desk.channel(seat.participant).as_ref() == Some(&by.channel);
        let pending = live
            .desk
            .pending(seat.participant, None, now)
            .filter(|_| same_page);
        if let Some(offer) = pending {
            return Ok(taking_part(&session, offer));
        }
        let conference = needs_media(&session)?;
        let offered = self.media.offer(conference, seat.participant).await;
        if offered.as_ref().is_err_and(is_nobody) {
            // Signed out in between: see `unseat`.
            return self.seat(live, conference, by).await;
        }
        let offer = self
            .take_generation(live, offered, Some(by.channel.clone()))
            .await?;
        live.desk.took_part(by.who.id, by.login);
        let session = live.session();
        self.send_rosters(live, &session);
        Ok(taking_part(&session, offer))
    }

    /// A new generation for one participant. A conference that is gone turns out here at the
    /// latest. The caller holds the gate.
    async fn new_generation(
        &self,
        live: &Arc<Live>,
        session: &Session,
        participant: ParticipantId,
        channel: Option<Channel>,
    ) -> Result<ParticipantOffer, Problem> {
        let conference = needs_media(session)?;
        let offered = self.media.offer(conference, participant).await;
        self.take_generation(live, offered, channel).await
    }

    async fn take_generation(
        &self,
        live: &Arc<Live>,
        offered: Result<ParticipantOffer, Problem>,
        channel: Option<Channel>,
    ) -> Result<ParticipantOffer, Problem> {
        match offered {
            Ok(offer) => {
                live.desk.offered(&offer, channel, self.registry.now());
                self.registry
                    .apply(live, Event::Offered(place_of(&offer)))
                    .await?;
                Ok(offer)
            }
            Err(problem) if is_lost(problem.code) => {
                self.registry
                    .apply(live, Event::NodeLost { node: None })
                    .await?;
                Err(ErrorCode::MediaNodeLost.into())
            }
            Err(problem) => Err(problem),
        }
    }

    /// Sends the customer's offer to their page; when there is none, it waits at the desk.
    fn push_to_customer(&self, session: &Session, offer: ParticipantOffer) {
        self.audience.to_customer(
            session,
            ServerSignal::Offer(Box::new(for_signalling(offer))),
        );
    }

    /// Sends everybody who is in which of their slots.
    fn send_rosters(&self, live: &Live, session: &Session) {
        for person in view::people(session) {
            if let Some(participant) = person.participant {
                self.send_roster(live, session, participant);
            }
        }
    }

    /// Sends one participant who is in which of their slots.
    pub(crate) fn send_roster(&self, live: &Live, session: &Session, you: ParticipantId) {
        let Some(roster) = roster_of(live, session, you) else {
            return;
        };
        let signal = ServerSignal::Roster(roster);
        let customer = session.customer.as_ref().and_then(|it| it.participant);
        if customer == Some(you) {
            self.audience.to_customer(session, signal);
        } else if let Some(channel) = live.desk.channel(you) {
            self.audience.to_channel(&channel, session.id, signal);
        }
    }

    /// Ends a conference that came to nothing, behind the caller's back.
    fn give_up(&self, conference: ConferenceId) {
        let media = self.media.clone();
        tokio::spawn(async move {
            if let Err(problem) = media.end(conference).await {
                tracing::warn!(%conference, code = %problem.code, "a conference was not ended");
            }
        });
    }
}

/// Runs `work` to its end, even when the request that waits for it is dropped.
async fn whole<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::spawn(work.in_current_span()).await;
    done.unwrap_or_else(|_| Err(ErrorCode::Internal.into()))
}

/// The conference of a started session whose media node is there.
fn needs_media(session: &Session) -> Result<ConferenceId, Problem> {
    if session.state.is_ended() {
        return Err(ErrorCode::SessionClosed.into());
    }
    let conference = session.conference.ok_or(ErrorCode::WrongState)?;
    if session.node_lost {
        return Err(ErrorCode::MediaNodeLost.into());
    }
    Ok(conference)
}

fn place_of(offer: &ParticipantOffer) -> Place {
    Place {
        participant: offer.participant,
        generation: offer.generation,
    }
}

fn taking_part(session: &Session, offer: ParticipantOffer) -> TakingPart {
    TakingPart {
        session: view::session_view(session),
        offer,
    }
}

/// Media tokens travel in HTTP answers only.
pub(crate) fn for_signalling(offer: ParticipantOffer) -> ParticipantOffer {
    ParticipantOffer {
        media_token: None,
        ..offer
    }
}

fn roster_of(live: &Live, session: &Session, you: ParticipantId) -> Option<Roster> {
    let conference = session.conference?;
    let slots = live.desk.slots(you);
    let entry = |participant, role, display_name: &str| RosterEntry {
        participant,
        role,
        display_name: display_name.to_owned(),
        slots: slots
            .iter()
            .filter(|slot| slot.source == Some(participant))
            .map(|slot| RosterSlot {
                mid: slot.mid.clone(),
                kind: slot.kind,
            })
            .collect(),
    };
    let customer = session.customer.as_ref().and_then(|it| it.participant);
    let customer = customer.map(|it| entry(it, Role::Camera, session.customer_display_name()));
    let seats = session.seats.iter();
    let seats = seats.map(|seat| entry(seat.participant, Role::Viewer, &seat.who.name));
    Some(Roster {
        conference,
        you,
        participants: customer.into_iter().chain(seats).collect(),
    })
}
