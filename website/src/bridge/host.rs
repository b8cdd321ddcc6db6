//! The signalling hub's host: who connects, what a page is told first, what it says.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::HeaderMap;
use lens_auth::{Action, Subject, decide};
use lens_protocol::conference::Answer;
use lens_protocol::id::{Generation, MessageId, ParticipantId, SessionId};
use lens_protocol::limits::{CHAT_CHARS, SDP_BYTES};
use lens_protocol::session::TechnicianRef;
use lens_protocol::signal::{ByeReason, ChatLine, ChatSide, PeerSignal, Presence, ServerSignal};
use lens_protocol::{ErrorCode, Problem, SecretText};
use lens_runtime::entropy::SystemEntropy;
use lens_signaling::{Channel, Door, Host, Identity, Outbound};

use super::audience::{Console, parse_customer};
use super::{Bridge, for_signalling, needs_media};
use crate::app::Shared;
use crate::core::{Customer, Event, Session, view};
use crate::registry::{Live, Said};

/// Longest `client_id` of a chat line, in characters.
const CLIENT_ID_CHARS: usize = 64;
/// Longest message between peers' key agreements, in bytes.
const KEY_MESSAGE_BYTES: usize = 16 * 1024;

/// The website as the hub's host.
pub(crate) struct Front(pub(crate) Shared);

/// Who is behind a channel.
enum Peer {
    Console(Console),
    Customer(Arc<Live>),
}

#[async_trait]
impl Host for Front {
    async fn identify(
        &self,
        door: Door,
        headers: &HeaderMap,
        ticket: Option<&SecretText>,
    ) -> Result<Identity, Problem> {
        match door {
            Door::Console => self.0.identify_console(headers, ticket).await,
            Door::Customer => self.0.identify_customer(headers, ticket).await,
        }
    }

    async fn attached(&self, channel: &Channel, fresh: bool) -> Vec<Outbound> {
        match self.peer(channel) {
            Ok(Peer::Customer(live)) => self.customer_attached(&live, channel, fresh).await,
            Ok(Peer::Console(_)) if fresh => {
                let state = serde_json::json!({});
                vec![Outbound {
                    session: None,
                    signal: ServerSignal::Snapshot { state },
                }]
            }
            Ok(Peer::Console(_)) => Vec::new(),
            Err(problem) => {
                // Ended, put out or signed out between the greeting and here.
                let reason = match (channel.door, problem.code) {
                    (_, ErrorCode::SessionClosed) => ByeReason::Closed,
                    (Door::Console, _) => ByeReason::SignedOut,
                    (Door::Customer, _) => ByeReason::PutOut,
                };
                self.0.audience.hub().close(channel, reason);
                Vec::new()
            }
        }
    }

    async fn received(
        &self,
        channel: &Channel,
        session: Option<SessionId>,
        signal: PeerSignal,
    ) -> Result<(), Problem> {
        match self.peer(channel)? {
            Peer::Customer(live) => self.customer_said(&live, channel, signal).await,
            Peer::Console(console) => self.console_said(&console, channel, session, signal).await,
        }
    }

    async fn detached(&self, channel: &Channel) {
        let Ok(Peer::Customer(live)) = self.peer(channel) else {
            return;
        };
        if live.desk.is_customer_page(&channel.name) {
            self.happen(&live, Event::CustomerOffline).await;
        }
    }

    async fn gone(&self, channel: &Channel) {
        self.detached(channel).await;
    }
}

impl Front {
    fn bridge(&self) -> &Bridge {
        &self.0.bridge
    }

    fn peer(&self, channel: &Channel) -> Result<Peer, Problem> {
        match channel.door {
            Door::Console => {
                let console = self.0.audience.console(&channel.identity);
                console
                    .map(Peer::Console)
                    .ok_or_else(|| ErrorCode::NotSignedIn.into())
            }
            Door::Customer => {
                let (session, invitation) =
                    parse_customer(&channel.identity).ok_or(ErrorCode::NotSignedIn)?;
                let live = self
                    .0
                    .registry
                    .live(session)
                    .ok_or(ErrorCode::SessionClosed)?;
                let session = live.session();
                let own = session.customer.as_ref().map(|it| it.invitation) == Some(invitation);
                own.then(|| Peer::Customer(live))
                    .ok_or_else(|| ErrorCode::NotSignedIn.into())
            }
        }
    }

    async fn happen(&self, live: &Arc<Live>, event: Event) {
        if let Err(problem) = self.0.registry.apply(live, event).await {
            tracing::warn!(session = %live.id, code = %problem.code, "a page's coming or going was not kept");
        }
    }

    async fn customer_attached(
        &self,
        live: &Arc<Live>,
        channel: &Channel,
        fresh: bool,
    ) -> Vec<Outbound> {
        let former = live.desk.customer_page(&channel.name);
        let new_page = former.is_some_and(|former| former != channel.name);
        let hub = self.0.audience.hub();
        for other in hub.channels_of(&channel.identity) {
            if other.name != channel.name {
                hub.close(&other, ByeReason::Replaced);
            }
        }
        self.happen(live, Event::CustomerOnline { new_page }).await;
        if !fresh {
            return Vec::new();
        }
        let session = live.session();
        let mut first = vec![self.customer_snapshot(live, &session).await];
        let participant = session.customer.as_ref().and_then(|it| it.participant);
        if let Some(participant) = participant {
            match live.desk.pending(participant, None, self.0.now()) {
                Some(offer) => {
                    let signal = ServerSignal::Offer(Box::new(for_signalling(offer)));
                    first.push(Outbound {
                        session: Some(live.id),
                        signal,
                    });
                }
                None if !live.desk.ever_answered(participant) => self.offer_later(live),
                // A page that was reloaded asks by itself.
                None => {}
            }
        }
        first
    }

    async fn customer_snapshot(&self, live: &Live, session: &Session) -> Outbound {
        let chat = self.0.registry.chat(live).await;
        let (rules, house) = (self.0.registry.rules(), self.0.registry.house());
        let view = view::customer_view(session, rules, &house, chat);
        let state = serde_json::to_value(view).unwrap_or_default();
        Outbound {
            session: Some(live.id),
            signal: ServerSignal::Snapshot { state },
        }
    }

    /// The customer was away at the start and their first offer died unanswered: makes another.
    fn offer_later(&self, live: &Arc<Live>) {
        let (bridge, live) = (self.bridge().clone(), live.clone());
        tokio::spawn(async move {
            if let Err(problem) = bridge.offer_to_customer(&live, None).await {
                tracing::info!(session = %live.id, code = %problem.code, "no offer for a customer who is back");
            }
        });
    }

    async fn customer_said(
        &self,
        live: &Arc<Live>,
        channel: &Channel,
        signal: PeerSignal,
    ) -> Result<(), Problem> {
        let session = live.session();
        let facts = live.facts(None);
        let subject = Subject::Customer { session: live.id };
        let may = |action| decide(subject, action, Some(&facts)).is_allowed();
        match signal {
            PeerSignal::Answer {
                conference,
                participant,
                generation,
                negotiation_id,
                sdp,
            } if may(Action::TakePart) => {
                own(
                    session.customer.as_ref().and_then(|it| it.participant),
                    participant,
                )?;
                check_conference(&session, conference)?;
                let answer = Answer {
                    generation,
                    negotiation_id,
                    sdp,
                };
                self.answer(live, &session, participant, answer).await
            }
            PeerSignal::OfferRequest { generation, .. } if may(Action::TakePart) => {
                self.bridge().offer_to_customer(live, generation).await
            }
            PeerSignal::Chat { client_id, text } if may(Action::WriteChat) => {
                let name = session.customer_display_name().to_owned();
                let line = self.line(client_id, text, ChatSide::Customer, name)?;
                self.say(live, channel, line, None).await
            }
            PeerSignal::Presence(presence) => self.presence(live, presence).await,
            PeerSignal::KeyMessage { to, payload } if may(Action::TakePart) => {
                let from = session.customer.as_ref().and_then(|it| it.participant);
                self.carry_key(live, &session, from, to, payload)
            }
            other => ignored(&other),
        }
    }

    async fn console_said(
        &self,
        console: &Console,
        channel: &Channel,
        session: Option<SessionId>,
        signal: PeerSignal,
    ) -> Result<(), Problem> {
        if ignored(&signal).is_ok() {
            return Ok(());
        }
        self.0.login_used(console).await;
        let id = session.ok_or_else(|| invalid("session is missing in the envelope"))?;
        let live = self.0.registry.live(id).ok_or(ErrorCode::SessionNotFound)?;
        let session = live.session();
        let facts = live.facts(Some(console.technician));
        let subject = Subject::Technician {
            id: console.technician,
            role: console.role,
        };
        let may = |action| decide(subject, action, Some(&facts)).is_allowed();
        let seat = session
            .seat(console.technician)
            .map(|seat| seat.participant);
        match signal {
            PeerSignal::Answer {
                conference,
                participant,
                generation,
                negotiation_id,
                sdp,
            } if may(Action::TakePart) => {
                own(seat, participant)?;
                check_conference(&session, conference)?;
                let answer = Answer {
                    generation,
                    negotiation_id,
                    sdp,
                };
                self.answer(&live, &session, participant, answer).await
            }
            PeerSignal::OfferRequest { generation, .. } if may(Action::TakePart) => {
                let participant = seat.ok_or(ErrorCode::ParticipantNotFound)?;
                live.desk.took_part(console.technician, console.token);
                self.bridge()
                    .offer_to_console(&live, participant, channel, generation)
                    .await
            }
            PeerSignal::Chat { client_id, text } if may(Action::WriteChat) => {
                let name = console.name.clone();
                let who = TechnicianRef {
                    id: console.technician,
                    name: name.clone(),
                };
                let line = self.line(client_id, text, ChatSide::Technician, name)?;
                self.say(&live, channel, line, Some(who)).await
            }
            PeerSignal::KeyMessage { to, payload } if may(Action::TakePart) => {
                self.carry_key(&live, &session, seat, to, payload)
            }
            _ if may(Action::ReadSession) => Err(ErrorCode::Forbidden.into()),
            _ => Err(ErrorCode::SessionNotFound.into()),
        }
    }

    async fn answer(
        &self,
        live: &Live,
        session: &Session,
        participant: ParticipantId,
        answer: Answer,
    ) -> Result<(), Problem> {
        if answer.sdp.len() > SDP_BYTES {
            return Err(ErrorCode::PayloadTooLarge.into());
        }
        let conference = needs_media(session)?;
        let generation = answer.generation;
        self.bridge()
            .media
            .answer(conference, participant, answer)
            .await?;
        live.desk.answered(participant, generation);
        Ok(())
    }

    fn line(
        &self,
        client_id: String,
        text: String,
        from: ChatSide,
        name: String,
    ) -> Result<ChatLine, Problem> {
        if text.trim().is_empty() || text.chars().count() > CHAT_CHARS {
            return Err(invalid("text has 1 to 2,000 characters"));
        }
        if client_id.is_empty() || client_id.chars().count() > CLIENT_ID_CHARS {
            return Err(invalid("client_id has 1 to 64 characters"));
        }
        let at = self.0.now();
        let id = MessageId::generate(at, &mut SystemEntropy::default());
        Ok(ChatLine {
            id,
            client_id: Some(client_id),
            from,
            name,
            at,
            text,
        })
    }

    async fn say(
        &self,
        live: &Arc<Live>,
        channel: &Channel,
        line: ChatLine,
        technician: Option<TechnicianRef>,
    ) -> Result<(), Problem> {
        if let Said::Again(kept) = self.0.registry.say(live, line, technician).await? {
            self.0
                .audience
                .to_channel(channel, live.id, ServerSignal::Chat(kept));
        }
        Ok(())
    }

    async fn presence(&self, live: &Arc<Live>, presence: Presence) -> Result<(), Problem> {
        if presence
            .facing
            .as_deref()
            .is_some_and(|it| !matches!(it, "front" | "back"))
        {
            return Err(invalid("facing is front or back"));
        }
        self.bridge().presence(live, presence).await
    }

    /// Carries a message between peers unread.
    fn carry_key(
        &self,
        live: &Live,
        session: &Session,
        from: Option<ParticipantId>,
        to: ParticipantId,
        payload: String,
    ) -> Result<(), Problem> {
        let from = from.ok_or(ErrorCode::WrongState)?;
        if payload.len() > KEY_MESSAGE_BYTES {
            return Err(ErrorCode::PayloadTooLarge.into());
        }
        let signal = ServerSignal::KeyMessage { from, payload };
        let customer = session.customer.as_ref().and_then(|it| it.participant);
        if customer == Some(to) {
            self.0.audience.to_customer(session, signal);
        } else if let Some(channel) = live.desk.channel(to) {
            self.0.audience.to_channel(&channel, session.id, signal);
        } else {
            return Err(ErrorCode::ParticipantNotFound.into());
        }
        Ok(())
    }
}

impl Bridge {
    /// The customer paused, muted or resumed: the media server obeys, whatever their page sends.
    async fn presence(&self, live: &Arc<Live>, presence: Presence) -> Result<(), Problem> {
        let before = live.session();
        let now = self.registry.apply(live, Event::Presence(presence)).await?;
        let paused = |session: &Session| session.customer.as_ref().map(Customer::pause);
        if paused(&before) == paused(&now) {
            return Ok(());
        }
        let (bridge, live) = (self.clone(), live.clone());
        super::whole(async move {
            let _gate = live.gate.lock().await;
            bridge.enforce_pause(&live.session()).await;
            Ok(())
        })
        .await
    }

    /// A new generation for the customer, unless a newer one than theirs is under way.
    pub(crate) async fn offer_to_customer(
        &self,
        live: &Arc<Live>,
        has: Option<Generation>,
    ) -> Result<(), Problem> {
        let (bridge, live) = (self.clone(), live.clone());
        super::whole(async move {
            let _gate = live.gate.lock().await;
            let session = live.session();
            let participant = session.customer.as_ref().and_then(|it| it.participant);
            let participant = participant.ok_or(ErrorCode::WrongState)?;
            let now = bridge.registry.now();
            let offer = match live.desk.pending(participant, has, now) {
                Some(offer) => offer,
                None => {
                    bridge
                        .new_generation(&live, &session, participant, None)
                        .await?
                }
            };
            bridge.push_to_customer(&session, offer);
            Ok(())
        })
        .await
    }

    /// The same for a console page.
    async fn offer_to_console(
        &self,
        live: &Arc<Live>,
        participant: ParticipantId,
        channel: &Channel,
        has: Option<Generation>,
    ) -> Result<(), Problem> {
        let (bridge, live, channel) = (self.clone(), live.clone(), channel.clone());
        super::whole(async move {
            let _gate = live.gate.lock().await;
            let session = live.session();
            let now = bridge.registry.now();
            let same_page = live.desk.channel(participant).as_ref() == Some(&channel);
            let pending = live
                .desk
                .pending(participant, has, now)
                .filter(|_| same_page);
            let offer = match pending {
                Some(offer) => offer,
                None => {
                    let page = Some(channel.clone());
                    bridge
                        .new_generation(&live, &session, participant, page)
                        .await?
                }
            };
            let signal = ServerSignal::Offer(Box::new(for_signalling(offer)));
            bridge.audience.to_channel(&channel, live.id, signal);
            bridge.send_roster(&live, &live.session(), participant);
            Ok(())
        })
        .await
    }
}

fn own(seat: Option<ParticipantId>, participant: ParticipantId) -> Result<(), Problem> {
    if seat == Some(participant) {
        Ok(())
    } else {
        Err(ErrorCode::ParticipantNotFound.into())
    }
}

fn check_conference(
    session: &Session,
    conference: lens_protocol::id::ConferenceId,
) -> Result<(), Problem> {
    if session.conference == Some(conference) {
        Ok(())
    } else {
        Err(ErrorCode::StaleGeneration.into())
    }
}

/// Kinds that need no work are taken; others may not be said through this door.
fn ignored(signal: &PeerSignal) -> Result<(), Problem> {
    match signal {
        PeerSignal::Candidate { .. }
        | PeerSignal::EndOfCandidates {}
        | PeerSignal::CommandReply { .. }
        | PeerSignal::Bye { .. }
        | PeerSignal::Resume { .. }
        | PeerSignal::Pong
        | PeerSignal::Unknown => Ok(()),
        _ => Err(ErrorCode::Forbidden.into()),
    }
}

fn invalid(detail: &str) -> Problem {
    Problem::new(ErrorCode::InvalidValue).with_detail(detail)
}
