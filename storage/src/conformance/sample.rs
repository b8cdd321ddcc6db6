//! Records for the suites: plausible, small, different from each other.

use std::time::Duration;

use lens_protocol::account::AccountRole;
use lens_protocol::entropy::Entropy;
use lens_protocol::event::{Origin, SCHEMA_VERSION, SessionEvent};
use lens_protocol::id::{
    ApiKeyId, ConferenceId, ConsentId, EventId, InvitationId, ParticipantId, SessionId,
    TechnicianId,
};
use lens_protocol::session::{Capability, Person, PersonRole, SessionState, TechnicianRef};
use lens_protocol::signal::{CameraState, Presence};
use lens_protocol::{SecretDigest, SecretText, Timestamp};

use crate::accounts::{AccountRecord, AccountStore};
use crate::api_keys::ApiKeyRecord;
use crate::consents::ConsentRecord;
use crate::customers::{CustomerRecord, CustomerState};
use crate::invitations::{InvitationRecord, InvitationState, InvitationStore};
use crate::logins::LoginRecord;
use crate::sessions::{Revision, SessionRecord, SessionStore};

/// Twenty minutes, as in the product.
pub(crate) const INVITATION_LIFE: Duration = Duration::from_secs(20 * 60);

/// `ms` milliseconds into the suite's time.
pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000 + ms)
}

/// A digest of nothing in particular.
pub(crate) fn digest(number: u8) -> SecretDigest {
    SecretDigest::from_bytes([number; 32])
}

/// Makes ids and records; the same at every run.
pub(crate) struct Maker(u64);

impl Entropy for Maker {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            // SplitMix64: every id differs from the others.
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed >> 56) as u8;
        }
    }
}

impl Maker {
    /// Makes the records of one test.
    pub(crate) fn new() -> Self {
        Self(1)
    }

    /// Makes records whose ids differ from those of [`Maker::new`].
    pub(crate) fn another() -> Self {
        Self(2)
    }

    /// An enabled technician with a password.
    pub(crate) fn account(&mut self, email: &str) -> AccountRecord {
        AccountRecord {
            id: TechnicianId::generate(at(0), self),
            email: email.to_owned(),
            name: "Jörg Ärmel".to_owned(),
            role: AccountRole::Technician,
            password: Some(SecretText::new("$argon2id$former")),
            disabled: false,
            failed_logins: 0,
            locked_until: None,
            auth_epoch: 1,
            created_at: at(0),
            last_login_at: None,
        }
    }

    /// An administrator with a password.
    pub(crate) fn administrator(&mut self, email: &str) -> AccountRecord {
        AccountRecord {
            role: AccountRole::Administrator,
            ..self.account(email)
        }
    }

    /// A login of `account`, made at time 0, for ten hours.
    pub(crate) fn login(&mut self, account: &AccountRecord, token: u8) -> LoginRecord {
        LoginRecord {
            token: digest(token),
            technician: account.id,
            auth_epoch: account.auth_epoch,
            created_at: at(0),
            last_seen_at: at(0),
            expires_at: at(36_000_000),
        }
    }

    /// A new session with everything filled that can be filled.
    pub(crate) fn session(&mut self, born: i64) -> SessionRecord {
        let technician = |this: &mut Self, name: &str| TechnicianRef {
            id: TechnicianId::generate(at(0), this),
            name: name.to_owned(),
        };
        SessionRecord {
            id: SessionId::generate(at(born), self),
            revision: Revision::default(),
            state: SessionState::Created,
            state_since: at(born),
            trouble: None,
            reference: Some("TICKET-1042".to_owned()),
            customer_name: Some("Ümit Öz".to_owned()),
            customer_device: Some("iPhone, Safari".to_owned()),
            capabilities: vec![Capability::Camera, Capability::Voice],
            presence: Presence {
                camera: CameraState::PausedCall,
                muted: true,
                facing: Some("back".to_owned()),
            },
            created_by: technician(self, "Anna Arendt"),
            lead: None,
            people: vec![Person {
                role: PersonRole::Customer,
                name: None,
                technician: None,
                participant: Some(ParticipantId::generate(at(0), self)),
                connected: true,
            }],
            created_at: at(born),
            started_at: None,
            ended_at: None,
            ended_by: None,
            close_reason: None,
            conference: Some(ConferenceId::generate(at(0), self)),
        }
    }

    /// A live invitation made at `born`; `number` makes its PIN and link.
    pub(crate) fn invitation(
        &mut self,
        session: SessionId,
        number: u8,
        born: i64,
    ) -> InvitationRecord {
        InvitationRecord {
            id: InvitationId::generate(at(born), self),
            session,
            pin: digest(number),
            lookup: digest(number.wrapping_add(100)),
            auth: digest(number.wrapping_add(150)),
            created_at: at(born),
            expires_at: at(born).plus(INVITATION_LIFE),
            state: InvitationState::Live,
        }
    }

    /// Who redeems `invitation`.
    pub(crate) fn customer(
        &mut self,
        invitation: &InvitationRecord,
        credential: u8,
    ) -> CustomerRecord {
        CustomerRecord {
            credential: digest(credential),
            session: invitation.session,
            invitation: invitation.id,
            device: Some("iPhone, Safari".to_owned()),
            locale: Some("de".to_owned()),
            redeemed_at: at(1),
            state: CustomerState::Active,
            put_out_at: None,
        }
    }

    /// What `customer` agrees to at `given`.
    pub(crate) fn consent(&mut self, customer: &CustomerRecord, given: i64) -> ConsentRecord {
        ConsentRecord {
            id: ConsentId::generate(at(given), self),
            session: customer.session,
            invitation: customer.invitation,
            capabilities: vec![Capability::Camera],
            text_version: 3,
            text_sha256: [9; 32],
            locale: "de".to_owned(),
            shown_name: "Anna Arendt".to_owned(),
            channel: "browser".to_owned(),
            given_at: at(given),
        }
    }

    /// The `seq`th event of `website` in its life `epoch`.
    pub(crate) fn event(&mut self, session: SessionId, epoch: u64, seq: u64) -> SessionEvent {
        SessionEvent {
            id: EventId::generate(at(0), self),
            session,
            source: "website".to_owned(),
            epoch,
            seq,
            schema_version: SCHEMA_VERSION,
            at: at(0),
            origin: Origin::Server,
            kind: "session.started".to_owned(),
            technician: Some(TechnicianId::generate(at(0), self)),
            actor: Some("Anna Arendt".to_owned()),
            body: serde_json::json!({ "text": "Grüße 🔦", "seq": seq }),
        }
    }

    /// An API key without end.
    pub(crate) fn api_key(&mut self, born: i64) -> ApiKeyRecord {
        ApiKeyRecord {
            id: ApiKeyId::generate(at(born), self),
            owner: "crm".parse().expect("a valid name"),
            name: "the CRM".to_owned(),
            secret: digest(77),
            scopes: vec!["conferences:write".to_owned(), "nodes:read".to_owned()],
            allowed_origins: vec!["https://crm.example".to_owned()],
            created_at: at(born),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        }
    }
}

/// Adds `account`; the suite's other calls are about what comes after.
pub(crate) async fn added(store: &dyn AccountStore, account: AccountRecord) -> AccountRecord {
    store.add_account(&account).await.expect("no such account");
    account
}

/// Adds a session born at time 0 with a live invitation numbered `number`.
pub(crate) async fn invited(
    store: &dyn SessionStore,
    maker: &mut Maker,
    number: u8,
) -> (SessionRecord, InvitationRecord) {
    let session = maker.session(0);
    let invitation = maker.invitation(session.id, number, 0);
    let kept = store
        .create_session(&session, &invitation, at(0))
        .await
        .expect("no such session");
    (kept, invitation)
}

/// Redeems `invitation`, by a browser with the credential numbered `credential`.
pub(crate) async fn redeemed(
    store: &dyn InvitationStore,
    maker: &mut Maker,
    session: &SessionRecord,
    invitation: &InvitationRecord,
    credential: u8,
) -> (SessionRecord, CustomerRecord) {
    let customer = maker.customer(invitation, credential);
    let kept = store
        .redeem_invitation(
            &customer,
            &in_state(session, SessionState::Connecting),
            at(1),
        )
        .await
        .expect("a live invitation");
    (kept, customer)
}

/// The same session in another state.
pub(crate) fn in_state(session: &SessionRecord, state: SessionState) -> SessionRecord {
    SessionRecord {
        state,
        ended_at: state.is_ended().then(|| at(5)),
        ..session.clone()
    }
}
