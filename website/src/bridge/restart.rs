//! `POST /api/sessions/{id}/offer`: a page's own new generation, or media set up anew for
//! everybody.
//!
//! The lead's page that is still there and asks again has pressed Restart. A page that was
//! reloaded asks on a new channel: then only its own connection is new, unless the customer's is
//! broken as well.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use lens_protocol::conference::ParticipantOffer;
use lens_protocol::id::ParticipantId;
use lens_protocol::media::Role;
use lens_protocol::session::{TakingPart, Trouble};
use lens_protocol::signal::ServerSignal;
use lens_protocol::{ErrorCode, Problem};
use lens_signaling::Channel;

use super::media::{is_gone, is_lost};
use super::{AtConsole, Bridge, for_signalling, place_of, taking_part, whole};
use crate::core::{Event, Session};
use crate::registry::Live;

/// Somebody whose media is set up anew.
struct Renewed {
    former: ParticipantId,
    offer: ParticipantOffer,
    /// Where it goes; none for the customer.
    channel: Option<Channel>,
    is_customer: bool,
    is_caller: bool,
}

impl Bridge {
    /// A new offer for a technician who takes part; see above for whom else.
    pub(crate) async fn offer(
        &self,
        live: &Arc<Live>,
        by: AtConsole,
        may_restart: bool,
    ) -> Result<TakingPart, Problem> {
        let (bridge, live) = (self.clone(), live.clone());
        whole(async move {
            let _gate = live.gate.lock().await;
            let session = live.session();
            if session.state.is_ended() {
                return Err(ErrorCode::SessionClosed.into());
            }
            let seat = session
                .seat(by.who.id)
                .ok_or(ErrorCode::ParticipantNotFound)?;
            let same_page = live.desk.channel(seat.participant).as_ref() == Some(&by.channel);
            let broken = matches!(session.trouble, Some(Trouble::Node | Trouble::Customer));
            if may_restart && (same_page || broken) {
                bridge.restart(&live, &session, by).await
            } else {
                bridge.own_offer(&live, &by).await
            }
        })
        .await
    }

    async fn restart(
        &self,
        live: &Arc<Live>,
        session: &Session,
        by: AtConsole,
    ) -> Result<TakingPart, Problem> {
        let caller = session
            .seat(by.who.id)
            .ok_or(ErrorCode::ParticipantNotFound)?
            .participant;
        let former = session.conference.ok_or(ErrorCode::WrongState)?;
        live.desk.took_part(by.who.id, by.login);
        // Before the desk is cleared: a watcher keeps the page, whichever conference it is.
        let pages = live.desk.channels();
        // The caller's offer first: it places the conference anew, and the others follow.
        let (conference, first) = match self.media.offer(former, caller).await {
            Ok(offer) => (former, offer),
            Err(problem) if is_gone(problem.code) => {
                let anew = self.media.create(session.id).await?.id;
                live.desk.clear();
                (
                    anew,
                    self.media.join(anew, Role::Viewer, &by.who.name).await?,
                )
            }
            Err(problem) => return Err(problem),
        };
        let fresh = conference != former;
        let channel = by.channel.clone();
        let mut renewed = vec![Renewed {
            former: caller,
            offer: first,
            channel: Some(channel),
            is_customer: false,
            is_caller: true,
        }];
        renewed.extend(
            self.renew_others(&pages, session, conference, caller, fresh)
                .await?,
        );
        if session.held && fresh {
            self.media.hold(conference, true).await?;
        }
        self.take_restart(live, by, conference, renewed).await
    }

    /// New generations, or new places in a new conference, for everybody but the caller. A watcher
    /// who gets none is left out; without the customer's there is no restart.
    async fn renew_others(
        &self,
        pages: &HashMap<ParticipantId, Channel>,
        session: &Session,
        conference: lens_protocol::id::ConferenceId,
        caller: ParticipantId,
        fresh: bool,
    ) -> Result<Vec<Renewed>, Problem> {
        let customer = session.customer.as_ref().and_then(|it| it.participant);
        let customer = customer.map(|it| (it, Role::Camera, session.customer_display_name()));
        let seats = session
            .seats
            .iter()
            .filter(|seat| seat.participant != caller);
        let seats = seats.map(|seat| (seat.participant, Role::Viewer, seat.who.name.as_str()));
        let others = customer.into_iter().chain(seats);
        let calls = others.map(|(former, role, name)| async move {
            let offer = if fresh {
                self.media.join(conference, role, name).await
            } else {
                self.media.offer(conference, former).await
            };
            (former, role, offer)
        });
        let mut renewed = Vec::new();
        for (former, role, offer) in join_all(calls).await {
            let is_customer = role == Role::Camera;
            match offer {
                Ok(offer) => renewed.push(Renewed {
                    former,
                    offer,
                    channel: pages.get(&former).cloned(),
                    is_customer,
                    is_caller: false,
                }),
                Err(problem) if is_customer => return Err(problem),
                Err(problem) => {
                    let lost = is_lost(problem.code);
                    tracing::warn!(session = %session.id, code = %problem.code, lost, "a watcher was not restarted");
                }
            }
        }
        Ok(renewed)
    }

    async fn take_restart(
        &self,
        live: &Arc<Live>,
        by: AtConsole,
        conference: lens_protocol::id::ConferenceId,
        renewed: Vec<Renewed>,
    ) -> Result<TakingPart, Problem> {
        let now = self.registry.now();
        for one in &renewed {
            live.desk.offered(&one.offer, one.channel.clone(), now);
        }
        let places = renewed
            .iter()
            .map(|one| (one.former, place_of(&one.offer)))
            .collect();
        let event = Event::Restarted {
            by: by.who,
            conference,
            places,
        };
        let session = match self.registry.apply(live, event).await {
            Ok(session) => session,
            Err(problem) => {
                self.give_up(conference);
                return Err(problem);
            }
        };
        self.enforce_first_pause(&session).await;
        let mut own = None;
        for one in renewed {
            if one.is_caller {
                own = Some(one.offer);
            } else if one.is_customer {
                self.push_to_customer(&session, one.offer);
            } else if let Some(channel) = one.channel {
                let signal = ServerSignal::Offer(Box::new(for_signalling(one.offer)));
                self.audience.to_channel(&channel, session.id, signal);
            }
        }
        self.send_rosters(live, &session);
        let own = own.ok_or(ErrorCode::Internal)?;
        Ok(taking_part(&session, own))
    }
}
