//! `POST /api/setup`: the first administrator, once, by the link that was printed at first run.

use axum::extract::State;
use axum::response::Response;
use lens_auth::{email, password, token};
use lens_chat_log::kind;
use lens_protocol::account::{AccountRole, Me, SetUp};
use lens_protocol::id::TechnicianId;
use lens_protocol::limits::NAME_CHARS;
use lens_protocol::{ErrorCode, Problem};
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::http::{ClientAddress, Failure, Json};
use lens_storage::{AccountRecord, AtLock, Conflict, StorageError};
use serde_json::json;

use crate::app::{App, Shared, wait};
use crate::origin::RequestHost;
use crate::text;

/// Makes the first administrator and signs them in.
#[utoipa::path(
    post, path = "/api/setup", tag = "accounts", request_body = SetUp,
    responses(
        (status = 200, description = "Made and signed in; the cookie is set", body = Me),
        (status = 410, description = "`setup_closed`", body = Problem),
        (status = 422, description = "`weak_password`, `invalid_value`", body = Problem),
    )
)]
pub(crate) async fn set_up(
    State(app): State<Shared>,
    address: ClientAddress,
    host: RequestHost,
    Json(wish): Json<SetUp>,
) -> Result<Response, Failure> {
    let network = address.network();
    app.logins.check(&network, app.now()).map_err(wait)?;
    let account = app.first_administrator(wish).await?;
    let body = json!({"from": network, "account": account.id, "name": account.name});
    app.record(kind::ACCOUNT_SET_UP, &account, body).await?;
    let token = app.keep_login(&account, network, AtLock::Refuse).await?;
    Ok(app.welcome(&account, &token, &host))
}

impl App {
    async fn first_administrator(&self, wish: SetUp) -> Result<AccountRecord, Problem> {
        if self.stores.accounts.has_administrator().await? {
            return Err(ErrorCode::SetupClosed.into());
        }
        let organisation = text::required("organisation", &wish.organisation, NAME_CHARS)?;
        let name = text::required("name", &wish.name, NAME_CHARS)?;
        let email = email::normalise(&wish.email).map_err(Problem::from)?;
        let about = [email.as_str(), name.as_str(), organisation.as_str()];
        password::check_strength(&wish.password, &about).map_err(Problem::from)?;
        let hash = self.hashing.hash(wish.password.clone()).await?;
        let now = self.now();
        let account = AccountRecord {
            id: TechnicianId::generate(now, &mut SystemEntropy::default()),
            email,
            name,
            role: AccountRole::Administrator,
            password: Some(hash),
            disabled: false,
            failed_logins: 0,
            locked_until: None,
            auth_epoch: 0,
            created_at: now,
            last_login_at: None,
        };
        let digest = token::digest(&wish.token);
        let settings = &self.stores.settings;
        match settings
            .complete_setup(&digest, &organisation, &account, now)
            .await
        {
            Ok(()) => {}
            Err(StorageError::NotFound(_)) => return Err(ErrorCode::SetupClosed.into()),
            Err(error) if error.is_conflict(Conflict::SetupDone) => {
                return Err(ErrorCode::SetupClosed.into());
            }
            Err(error) => return Err(error.into()),
        }
        self.registry.rename_house(organisation);
        // Read back: the store decides the epoch that logins count under.
        let kept = self.stores.accounts.account(account.id).await?;
        kept.ok_or_else(|| ErrorCode::Internal.into())
    }
}
