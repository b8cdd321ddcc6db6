//! What each event does to a session: [`Session::apply`].
//!
//! ```text
//! created ─redeemed▶ connecting ─consented▶ waiting ─started▶ active ⇄ on_hold
//!    ▲                   │                     │        ⇅
//!    └────── put out ────┴─────────────────────┴── reconnecting ─60 s▶ offline ─▶ timed_out
//! any ─closed▶ closed        any with a customer ─left, declined▶ aborted
//! ```
//!
//! A refused event changes nothing. What comes too late from media or signalling is no error.

use lens_chat_log::kind;
use lens_protocol::id::InvitationId;
use lens_protocol::session::{
    Capability, EndedBy, PersonRole, SessionState, TechnicianRef, Trouble,
};
use lens_protocol::signal::{CameraState, Presence};
use lens_protocol::{ErrorCode, Timestamp};
use serde_json::{Value, json};

use super::event::{Event, Fact, Place, Shown};
use super::session::{Consent, Customer, Link, Rules, Seat, Session};

/// What is written about an event, or why it is refused.
pub(super) type Outcome = Result<Vec<Fact>, ErrorCode>;

impl Session {
    /// Takes one event. On an error nothing has changed; an empty list means it changed nothing
    /// that is worth writing down.
    pub fn apply(&mut self, now: Timestamp, rules: &Rules, event: Event) -> Outcome {
        let mut facts = if self.state.is_ended() {
            self.too_late(&event)?
        } else {
            self.take(now, rules, event)?
        };
        facts.extend(self.settle(now, rules));
        Ok(facts)
    }

    fn too_late(&self, event: &Event) -> Outcome {
        match event {
            Event::Redeemed { .. } => Err(ErrorCode::InvitationNotFound),
            Event::CustomerOnline { .. }
            | Event::CustomerOffline
            | Event::Presence(_)
            | Event::MediaConnected(_)
            | Event::MediaFailed { .. }
            | Event::FirstPicture
            | Event::NodeLost { .. }
            | Event::DurationReached
            | Event::Time => Ok(Vec::new()),
            _ => Err(ErrorCode::SessionClosed),
        }
    }

    fn take(&mut self, now: Timestamp, rules: &Rules, event: Event) -> Outcome {
        match event {
            Event::Described {
                by,
                reference,
                customer_name,
            } => Ok(self.describe(&by, reference, customer_name)),
            Event::Invited { by, invitation } => {
                self.only_in(&[SessionState::Created])?;
                let body = json!({
                    "invitation": invitation.id, "expires_at": invitation.expires_at,
                });
                let former = self.invitation.replace(invitation);
                let ended = former.map(|it| invitation_ended(it.id, "replaced"));
                let issued = Fact::by(&by, kind::INVITATION_MADE, body);
                Ok(ended.into_iter().chain([issued]).collect())
            }
            Event::Redeemed { device, by } => self.redeem(now, device, by),
            Event::Consented { consent, shown } => self.consent(now, rules, consent, &shown),
            Event::Declined => self.abort(now, kind::CONSENT_DECLINED),
            Event::Left => self.abort(now, kind::SESSION_LEFT),
            Event::Started { .. }
            | Event::Joined { .. }
            | Event::StoppedWatching { .. }
            | Event::Restarted { .. }
            | Event::Offered(_)
            | Event::MediaConnected(_)
            | Event::MediaFailed { .. }
            | Event::FirstPicture
            | Event::NodeLost { .. } => self.take_media(now, rules, event),
            Event::Held { by } => self.hold(&by, true),
            Event::Resumed { by } => self.hold(&by, false),
            Event::PutOut { by } => Ok(self.put_out(now, &by)),
            Event::Closed { by, reason, note } => {
                self.close_reason = Some(reason);
                self.end(now, SessionState::Closed, EndedBy::Technician);
                let body = json!({"reason": reason, "note": note, "by": by.name});
                Ok(vec![Fact::by(&by, kind::SESSION_CLOSED, body)])
            }
            Event::CustomerOnline { new_page } => Ok(self.customer_online(now, new_page)),
            Event::CustomerOffline => Ok(self.customer_offline()),
            Event::Presence(presence) => Ok(self.presence(presence)),
            Event::DurationReached => Ok(self.time_out(now, "max_duration")),
            Event::Time => Ok(self.time(now, rules)),
        }
    }

    pub(super) fn only_in(&self, states: &[SessionState]) -> Result<(), ErrorCode> {
        if states.contains(&self.state) {
            Ok(())
        } else {
            Err(ErrorCode::WrongState)
        }
    }

    fn describe(
        &mut self,
        by: &TechnicianRef,
        reference: Option<String>,
        customer_name: Option<String>,
    ) -> Vec<Fact> {
        let before = (self.reference.clone(), self.customer_name.clone());
        if let Some(text) = reference {
            self.reference = Some(text).filter(|text| !text.is_empty());
        }
        if let Some(text) = customer_name {
            self.customer_name = Some(text).filter(|text| !text.is_empty());
        }
        if before == (self.reference.clone(), self.customer_name.clone()) {
            return Vec::new();
        }
        let body = json!({"reference": self.reference, "customer_name": self.customer_name});
        vec![Fact::by(by, kind::SESSION_DESCRIBED, body)]
    }

    fn redeem(&mut self, now: Timestamp, device: String, by: &'static str) -> Outcome {
        if self.customer.is_some() {
            return Err(ErrorCode::InvitationTaken);
        }
        let Some(live) = self.invitation.take_if(|live| live.expires_at > now) else {
            return Err(ErrorCode::InvitationNotFound);
        };
        let body = json!({"invitation": live.id, "by": by, "device": device});
        self.customer = Some(Customer {
            invitation: live.id,
            device,
            online: false,
            was_cut: false,
            consent: None,
            presence: Presence::default(),
            participant: None,
            newest: Default::default(),
            link: Link::Pending,
        });
        self.enter(now, SessionState::Connecting);
        Ok(vec![Fact::app(kind::INVITATION_REDEEMED, body)])
    }

    fn consent(
        &mut self,
        now: Timestamp,
        rules: &Rules,
        consent: Consent,
        shown: &Shown,
    ) -> Outcome {
        let customer = self.customer.as_mut().ok_or(ErrorCode::WrongState)?;
        if consent.version != rules.consent_version {
            return Err(ErrorCode::ConsentChanged);
        }
        if !consent.capabilities.contains(&Capability::Camera) {
            return Err(ErrorCode::InvalidValue);
        }
        let body = json!({
            "capabilities": consent.capabilities, "text_version": consent.version,
            "text_sha256": shown.text_sha256, "locale": shown.locale, "shown_name": shown.name,
        });
        customer.consent = Some(consent);
        if self.state == SessionState::Connecting {
            self.enter(now, SessionState::Waiting);
        }
        Ok(vec![Fact::app(kind::CONSENT_GIVEN, body)])
    }

    fn abort(&mut self, now: Timestamp, kind: &'static str) -> Outcome {
        if self.customer.is_none() {
            return Err(ErrorCode::WrongState);
        }
        self.end(now, SessionState::Aborted, EndedBy::Customer);
        Ok(vec![Fact::app(kind, Value::Object(Default::default()))])
    }

    fn hold(&mut self, by: &TechnicianRef, held: bool) -> Outcome {
        if !self.state.is_started() {
            return Err(ErrorCode::WrongState);
        }
        if self.held == held {
            return Ok(Vec::new());
        }
        self.held = held;
        let kind = if held {
            kind::SESSION_HELD
        } else {
            kind::SESSION_RESUMED
        };
        Ok(vec![Fact::by(by, kind, json!({}))])
    }

    fn put_out(&mut self, now: Timestamp, by: &TechnicianRef) -> Vec<Fact> {
        let fact = match (self.customer.take(), self.invitation.take()) {
            (Some(_), _) => Fact::by(by, kind::CUSTOMER_PUT_OUT, json!({})),
            (None, Some(live)) => Fact {
                actor: Some(by.clone()),
                ..invitation_ended(live.id, "put_out")
            },
            (None, None) => return Vec::new(),
        };
        self.forget_media();
        self.lead = None;
        self.enter(now, SessionState::Created);
        vec![fact]
    }

    fn customer_online(&mut self, now: Timestamp, new_page: bool) -> Vec<Fact> {
        let Some(customer) = &mut self.customer else {
            return Vec::new();
        };
        customer.online = true;
        let was_cut = std::mem::take(&mut customer.was_cut);
        if new_page && customer.link.is_connected() {
            customer.link = Link::Broken;
        }
        if self.trouble == Some(Trouble::Customer) {
            // Back, though not yet seen: the time until offline counts anew.
            self.trouble_since = Some(now);
        }
        if !was_cut {
            return Vec::new();
        }
        vec![Fact::server(kind::CUSTOMER_ONLINE, json!({}))]
    }

    fn customer_offline(&mut self) -> Vec<Fact> {
        match &mut self.customer {
            Some(customer) if customer.online => {
                customer.online = false;
                customer.was_cut = true;
                vec![Fact::server(kind::CUSTOMER_OFFLINE, json!({}))]
            }
            _ => Vec::new(),
        }
    }

    fn presence(&mut self, presence: Presence) -> Vec<Fact> {
        let Some(customer) = &mut self.customer else {
            return Vec::new();
        };
        let before = std::mem::replace(&mut customer.presence, presence);
        let after = &customer.presence;
        let mut facts = Vec::new();
        if before.camera != after.camera {
            facts.push(Fact::app(camera_kind(after.camera), json!({})));
        }
        if before.muted != after.muted {
            let kind = if after.muted {
                kind::VOICE_MUTED
            } else {
                kind::VOICE_UNMUTED
            };
            facts.push(Fact::app(kind, json!({})));
        }
        if before.facing != after.facing && after.facing.is_some() {
            facts.push(Fact::app(
                kind::CAMERA_TURNED,
                json!({"facing": after.facing}),
            ));
        }
        facts
    }

    fn time(&mut self, now: Timestamp, rules: &Rules) -> Vec<Fact> {
        let mut facts = Vec::new();
        if let Some(live) = self.invitation.take_if(|live| live.expires_at <= now) {
            facts.push(Fact::server(
                kind::INVITATION_EXPIRED,
                json!({"invitation": live.id}),
            ));
        }
        if self.deadline(rules).is_some_and(|at| at <= now) {
            match self.state {
                SessionState::Created | SessionState::Connecting | SessionState::Waiting => {
                    facts.extend(self.time_out(now, "unstarted"));
                }
                SessionState::Offline => facts.extend(self.time_out(now, "offline")),
                // Reconnecting turns offline when it settles.
                _ => {}
            }
        }
        facts
    }

    fn time_out(&mut self, now: Timestamp, why: &str) -> Vec<Fact> {
        let before = self.state;
        self.end(now, SessionState::TimedOut, EndedBy::Timeout);
        vec![Fact::server(
            kind::SESSION_TIMED_OUT,
            json!({"state": before, "why": why}),
        )]
    }

    fn end(&mut self, now: Timestamp, state: SessionState, by: EndedBy) {
        self.enter(now, state);
        self.ended_at = Some(now);
        self.ended_by = Some(by);
        self.invitation = None;
        self.forget_media();
    }

    /// Rights and places in the conference die with the session or the customer's credential.
    fn forget_media(&mut self) {
        self.conference = None;
        self.node_lost = false;
        self.held = false;
        self.seats.clear();
        self.trouble = None;
        self.trouble_since = None;
        if let Some(customer) = &mut self.customer {
            customer.participant = None;
            customer.link = Link::Pending;
        }
    }

    pub(super) fn enter(&mut self, now: Timestamp, state: SessionState) {
        if self.state != state {
            self.state = state;
            self.state_since = now;
        }
    }

    fn find_trouble(&self) -> Option<Trouble> {
        let customer = self.customer.as_ref()?;
        let lead = self
            .seats
            .iter()
            .find(|seat| seat.role == PersonRole::Technician);
        if self.node_lost {
            Some(Trouble::Node)
        } else if customer.link == Link::Broken
            || (customer.link == Link::Pending && !customer.online)
        {
            Some(Trouble::Customer)
        } else if lead.is_some_and(|seat| seat.link == Link::Broken) {
            Some(Trouble::Technician)
        } else {
            None
        }
    }

    /// Derives state and trouble of a started session from the facts.
    fn settle(&mut self, now: Timestamp, rules: &Rules) -> Vec<Fact> {
        if !self.state.is_started() {
            return Vec::new();
        }
        let trouble = self.find_trouble();
        if trouble != self.trouble {
            self.trouble = trouble;
            self.trouble_since = trouble.map(|_| now);
        }
        let away = self
            .trouble_since
            .map_or(Default::default(), |since| now.since(since));
        let next = match trouble {
            None if self.held => SessionState::OnHold,
            None => SessionState::Active,
            Some(Trouble::Technician) => SessionState::Reconnecting,
            Some(_) if away >= rules.reconnecting => SessionState::Offline,
            Some(_) => SessionState::Reconnecting,
        };
        let before = self.state;
        self.enter(now, next);
        let was_well = matches!(before, SessionState::Active | SessionState::OnHold);
        match next {
            _ if before == next => Vec::new(),
            SessionState::Offline => vec![Fact::server(kind::SESSION_OFFLINE, json!({}))],
            SessionState::Reconnecting => {
                vec![Fact::server(
                    kind::SESSION_RECONNECTING,
                    json!({"trouble": trouble}),
                )]
            }
            _ if !was_well => vec![Fact::server(kind::SESSION_RECOVERED, json!({}))],
            _ => Vec::new(),
        }
    }
}

/// The links of whoever holds `place`, newest generation only.
pub(super) fn seat_at(seats: &mut [Seat], place: Place) -> Option<&mut Seat> {
    seats
        .iter_mut()
        .find(|seat| seat.participant == place.participant)
}

fn invitation_ended(invitation: InvitationId, why: &str) -> Fact {
    Fact::server(
        kind::INVITATION_ENDED,
        json!({"invitation": invitation, "why": why}),
    )
}

fn camera_kind(camera: CameraState) -> &'static str {
    match camera {
        CameraState::Off => kind::CAMERA_OFF,
        CameraState::Preview => kind::CAMERA_PREVIEW,
        CameraState::Live => kind::CAMERA_LIVE,
        CameraState::Paused => kind::CAMERA_PAUSED,
        CameraState::PausedCall => kind::CAMERA_PAUSED_CALL,
        CameraState::PausedAway => kind::CAMERA_PAUSED_AWAY,
        CameraState::Denied => kind::CAMERA_DENIED,
        CameraState::Missing => kind::CAMERA_MISSING,
        CameraState::Busy => kind::CAMERA_BUSY,
        CameraState::Lost => kind::CAMERA_LOST,
    }
}
