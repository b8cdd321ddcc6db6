//! The signed-in technician of a request.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use lens_auth::Subject;
use lens_protocol::account::{AccountRole, TechnicianView};
use lens_protocol::session::TechnicianRef;
use lens_protocol::{ErrorCode, SecretDigest};
use lens_runtime::http::Failure;
use lens_signaling::Identity;
use lens_storage::SignedIn;

use crate::app::Shared;
use crate::bridge::audience::console_identity;
use crate::cookies;

/// Extracted from the console's cookie; checked against the account at each request, so that a
/// disabled account or a new password ends it at once. `not_signed_in`.
#[derive(Clone, Debug)]
pub(crate) struct Technician {
    pub(crate) who: TechnicianRef,
    pub(crate) role: AccountRole,
    pub(crate) view: TechnicianView,
    pub(crate) token: SecretDigest,
}

impl Technician {
    pub(crate) fn new(signed_in: SignedIn) -> Self {
        let account = signed_in.account;
        Self {
            who: TechnicianRef {
                id: account.id,
                name: account.name.clone(),
            },
            role: account.role,
            view: account.view(),
            token: signed_in.login.token,
        }
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject::Technician {
            id: self.who.id,
            role: self.role,
        }
    }

    /// The signalling identity of this login's consoles.
    pub(crate) fn identity(&self) -> Identity {
        console_identity(self.who.id, &self.token)
    }
}

impl FromRequestParts<Shared> for Technician {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Failure> {
        let token = cookies::find(&parts.headers, cookies::CONSOLE);
        let technician = app.technician(token.ok_or(ErrorCode::NotSignedIn)?).await?;
        app.note_use(&technician.token, &technician.identity())
            .await;
        Ok(technician)
    }
}
