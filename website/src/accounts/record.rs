//! The server's own record: what happened to accounts and logins. Written here, read by
//! administrators at `GET /api/accounts/log` and by `lens log --accounts`.
//!
//! It holds who signed in and from where, never a password, and never what somebody unknown typed
//! in the place of an e-mail: people type passwords there.

use std::net::IpAddr;

use axum::extract::State;
use lens_auth::{Action, decide};
use lens_chat_log::{Draft, kind};
use lens_protocol::event::SessionLog;
use lens_protocol::{ErrorCode, Problem, Timestamp};
use lens_runtime::http::{Failure, Json, Query};
use lens_storage::AccountRecord;
use serde_json::{Value, json};

use super::technician::Technician;
use crate::app::{App, Shared};
use crate::sessions::record::LogPage;

/// What happened to logins, accounts and API keys, oldest first. Administrators only.
#[utoipa::path(
    get, path = "/api/accounts/log", tag = "accounts", params(LogPage),
    responses(
        (status = 200, body = SessionLog),
        (status = 401, description = "`not_signed_in`", body = Problem),
        (status = 403, description = "`forbidden`: not an administrator", body = Problem),
        (status = 404, description = "`not_found`: `after` is no event of this log", body = Problem),
    )
)]
pub(crate) async fn accounts_log(
    State(app): State<Shared>,
    technician: Technician,
    Query(page): Query<LogPage>,
) -> Result<Json<SessionLog>, Failure> {
    if !decide(technician.subject(), Action::Administer, None).is_allowed() {
        return Err(ErrorCode::Forbidden.into());
    }
    let read = app.log.page(kind::SERVER, page.after, page.size()?);
    Ok(Json(read.await.map_err(Problem::from)?))
}

/// Why a sign-in was refused, as the record says it. The answer at the door never does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal<'a> {
    /// There is no such account.
    Unknown,
    /// The password was wrong.
    WrongPassword(&'a AccountRecord),
    /// The password was right, the account locked or disabled.
    NotAllowed(&'a AccountRecord),
}

impl App {
    /// Records what an account's owner did. When this returns `Ok`, it is on disk.
    pub(crate) async fn record(
        &self,
        kind: &'static str,
        by: &AccountRecord,
        body: Value,
    ) -> Result<(), Problem> {
        let who = Some((by.id, by.name.as_str()));
        let draft = Draft::of_server(self.now(), kind, who, body);
        self.log.record(vec![draft]).await?;
        Ok(())
    }

    /// Records a refused sign-in, and the lock it led to. Failing to is no reason to answer a
    /// stranger otherwise: an operator reads of it in the server's log.
    pub(crate) async fn record_refusal(
        &self,
        refusal: Refusal<'_>,
        from: IpAddr,
        locked: Option<Timestamp>,
    ) {
        let now = self.now();
        let (reason, account) = match refusal {
            Refusal::Unknown => ("unknown_account", None),
            Refusal::WrongPassword(account) => ("wrong_password", Some(account)),
            Refusal::NotAllowed(account) => ("not_allowed", Some(account)),
        };
        if account.is_none() && self.unknown_accounts.check(&(), now).is_err() {
            return;
        }
        let mut body = json!({"from": from, "reason": reason});
        if let Some(account) = account {
            body["account"] = json!(account.id);
            body["name"] = json!(account.name);
        }
        let mut drafts = vec![Draft::of_server(now, kind::LOGIN_REFUSED, None, body)];
        if let (Some(until), Some(account)) = (locked, account) {
            let (account, name) = (account.id, &account.name);
            let body = json!({"from": from, "account": account, "name": name, "until": until});
            drafts.push(Draft::of_server(now, kind::LOGIN_LOCKED, None, body));
        }
        if let Err(error) = self.log.record(drafts).await {
            tracing::error!(%error, "a refused sign-in is not on record");
        }
    }
}
