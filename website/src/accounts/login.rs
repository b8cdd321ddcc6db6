//! `POST /api/login`, `POST /api/logout`, `GET /api/me`.
//!
//! An unknown e-mail, a wrong password, a locked and a disabled account get the same answer in
//! the same time: a password is hashed in each case, and refusals are levelled to whole steps.
//! A browser that signed in to the account before is past the lock and the address's throttle,
//! and has tries of its own.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use lens_auth::device::Device;
use lens_auth::{email, token};
use lens_chat_log::{Draft, kind};
use lens_protocol::account::{Login, Me, TechnicianView};
use lens_protocol::limits::PASSWORD_BYTES;
use lens_protocol::{ErrorCode, Problem, SecretText, Timestamp};
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::http::{ClientAddress, Failure, Json};
use lens_storage::{AccountRecord, AtLock, Conflict, LoginRecord, StorageError};
use serde_json::json;

use super::devices;
use super::record::Refusal;
use super::technician::Technician;
use crate::app::{App, Shared, level, wait};
use crate::cookies;
use crate::metrics::outcome;
use crate::origin::RequestHost;

/// Refusals take a whole number of these. Longer hides more and makes typing errors slower.
const STEP: Duration = Duration::from_millis(250);

/// Signs in.
#[utoipa::path(
    post, path = "/api/login", tag = "accounts", request_body = Login,
    responses(
        (status = 200, description = "Signed in; the cookie is set", body = Me),
        (status = 401, description = "`bad_credentials`", body = Problem),
        (status = 429, description = "`rate_limited`", body = Problem),
    )
)]
pub(crate) async fn login(
    State(app): State<Shared>,
    address: ClientAddress,
    host: RequestHost,
    headers: HeaderMap,
    Json(login): Json<Login>,
) -> Result<Response, Failure> {
    let started = tokio::time::Instant::now();
    let network = address.network();
    let device = app.devices.recognise(&headers, app.now());
    if device.is_none() {
        app.throttle(&network)?;
    }
    let signed_in = app.sign_in(login, network, device).await;
    app.metrics.logins.get_or_create(&outcome(&signed_in)).inc();
    match signed_in {
        Ok((account, token)) => {
            if let Some(former) = cookies::find(&headers, cookies::CONSOLE) {
                app.stores
                    .logins
                    .delete_login(&former)
                    .await
                    .map_err(Problem::from)?;
            }
            Ok(app.welcome(&account, &token, &host))
        }
        Err(problem) => {
            level(started, STEP).await;
            Err(problem.into())
        }
    }
}

/// Signs out, and ends this browser's open consoles.
#[utoipa::path(
    post, path = "/api/logout", tag = "accounts",
    responses((status = 204, description = "Signed out; repeatable"))
)]
pub(crate) async fn logout(
    State(app): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    if let Some(token) = cookies::find(&headers, cookies::CONSOLE) {
        let technician = app.technician(token).await;
        app.stores
            .logins
            .delete_login(&token)
            .await
            .map_err(Problem::from)?;
        if let Ok(technician) = technician {
            app.audience.sign_out(&technician.identity());
            app.check_seats(Some(technician.who.id)).await;
            app.record_sign_out(&technician).await;
        }
    }
    let gone = [(SET_COOKIE, cookies::take(cookies::CONSOLE))];
    Ok((StatusCode::NO_CONTENT, gone).into_response())
}

/// Who is signed in.
#[utoipa::path(
    get, path = "/api/me", tag = "accounts",
    responses(
        (status = 200, body = Me),
        (status = 401, description = "`not_signed_in`", body = Problem),
    )
)]
pub(crate) async fn me(
    State(app): State<Shared>,
    technician: Technician,
    host: RequestHost,
) -> Json<Me> {
    Json(app.me(technician.view, &host))
}

impl App {
    /// Counts a try from a network; `rate_limited` when it has had too many.
    fn throttle(&self, from: &IpAddr) -> Result<(), Problem> {
        self.logins.check(from, self.now()).map_err(wait)
    }

    /// Checks e-mail and password and keeps a new login.
    async fn sign_in(
        &self,
        login: Login,
        from: IpAddr,
        device: Option<Device>,
    ) -> Result<(AccountRecord, SecretText), Problem> {
        let account = match email::normalise(&login.email) {
            Ok(email) => self.stores.accounts.account_by_email(&email).await?,
            Err(_) => None,
        };
        let own = |it: &Device| account.as_ref().is_some_and(|own| devices::is_of(it, own));
        let known = device.filter(own);
        if device.is_some() && known.is_none() {
            // Known for another account: whoever has one would else try all the others unthrottled.
            self.throttle(&from)?;
        }
        if let Some(account) = &account {
            self.forget_lock_of_another_time(account).await?;
        }
        let too_long = login.password.expose().len() > PASSWORD_BYTES;
        let password = if too_long {
            SecretText::new("")
        } else {
            login.password
        };
        let stored = account.as_ref().and_then(|it| it.password.clone());
        let right = self.hashing.verify(password.clone(), stored).await? && !too_long;
        let Some(account) = account else {
            self.record_refusal(Refusal::Unknown, from, None).await;
            return Err(ErrorCode::BadCredentials.into());
        };
        if !right {
            match known {
                // Counted when it was recognised.
                Some(_) => self.record_wrong_password(&account, from, None).await,
                None => self.count_failure(&account, from).await?,
            }
            return Err(ErrorCode::BadCredentials.into());
        }
        let at_lock = match known {
            Some(_) => AtLock::Pass,
            None => AtLock::Refuse,
        };
        let token = self.keep_login(&account, from, at_lock).await?;
        match known {
            Some(device) => self.devices.forgive(&device),
            // It was counted, and was no try. The wrong ones stay counted: an account of one's own
            // opens no way to others'.
            None => self.logins.give_back(&from),
        }
        self.renew_hash(&account, password);
        Ok((account, token))
    }

    /// A lock that ends later than one made now was made before the clock was set back, and would
    /// hold for the difference.
    async fn forget_lock_of_another_time(
        &self,
        account: &AccountRecord,
    ) -> Result<(), StorageError> {
        let latest = self.now().plus(self.config.lockout.duration);
        if account.locked_until.is_some_and(|until| until > latest) {
            self.stores.accounts.unlock_account(account.id).await?;
        }
        Ok(())
    }

    async fn count_failure(
        &self,
        account: &AccountRecord,
        from: IpAddr,
    ) -> Result<(), StorageError> {
        let (rule, now) = (self.config.lockout, self.now());
        let until = now.plus(rule.duration);
        let accounts = &self.stores.accounts;
        let after = accounts
            .record_failed_login(account.id, rule.attempts, until, now)
            .await?;
        let locked = after.locked_until.filter(|_| after.is_locked(now));
        match locked {
            // It was locked before, by this or by somebody faster: that is on record, and a
            // flood must not fill the disk.
            Some(found) if found != until || account.is_locked(now) => return Ok(()),
            Some(_) => {
                tracing::warn!(technician = %account.id, "an account was locked after wrong passwords");
            }
            None => {}
        }
        self.record_wrong_password(account, from, locked).await;
        Ok(())
    }

    async fn record_wrong_password(
        &self,
        account: &AccountRecord,
        from: IpAddr,
        locked: Option<Timestamp>,
    ) {
        self.record_refusal(Refusal::WrongPassword(account), from, locked)
            .await;
    }

    /// Keeps a login of `account`, records it and returns its token. `bad_credentials` when the
    /// account cannot sign in now. Without a record there is no login.
    pub(crate) async fn keep_login(
        &self,
        account: &AccountRecord,
        from: IpAddr,
        at_lock: AtLock,
    ) -> Result<SecretText, Problem> {
        let now = self.now();
        let token = token::generate(&mut SystemEntropy::default());
        let record = LoginRecord {
            token: token::digest(&token),
            technician: account.id,
            auth_epoch: account.auth_epoch,
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus(self.config.login_life),
        };
        match self.stores.logins.record_login(&record, at_lock, now).await {
            Ok(()) => {}
            Err(error) if error.is_conflict(Conflict::Account) => {
                self.record_refusal(Refusal::NotAllowed(account), from, None)
                    .await;
                return Err(ErrorCode::BadCredentials.into());
            }
            Err(error) => return Err(error.into()),
        }
        let recorded = self
            .record(kind::LOGIN_MADE, account, json!({"from": from}))
            .await;
        if let Err(problem) = recorded {
            self.stores.logins.delete_login(&record.token).await?;
            return Err(problem);
        }
        Ok(token)
    }

    /// A sign-out counts whether or not it can be recorded.
    async fn record_sign_out(&self, technician: &Technician) {
        let who = (technician.who.id, technician.who.name.as_str());
        let draft = Draft::of_server(self.now(), kind::LOGIN_ENDED, Some(who), json!({}));
        if let Err(error) = self.log.record(vec![draft]).await {
            tracing::error!(%error, "a sign-out is not on record");
        }
    }

    /// Replaces a hash made at another cost, behind the answer.
    fn renew_hash(&self, account: &AccountRecord, password: SecretText) {
        let Some(former) = account
            .password
            .clone()
            .filter(|it| self.hashing.is_outdated(it))
        else {
            return;
        };
        let (hashing, accounts, id) = (
            self.hashing.clone(),
            self.stores.accounts.clone(),
            account.id,
        );
        tokio::spawn(async move {
            let Ok(hash) = hashing.hash(password).await else {
                return;
            };
            if let Err(error) = accounts.rehash_password(id, &former, &hash).await {
                tracing::warn!(%error, "a password's hash was not renewed");
            }
        });
    }

    /// The answer of a login: who it is, the cookie, and the one that knows this browser again.
    pub(crate) fn welcome(
        &self,
        account: &AccountRecord,
        token: &SecretText,
        host: &RequestHost,
    ) -> Response {
        let cookie = cookies::give(cookies::CONSOLE, token, self.config.login_life);
        let device = self.devices.welcome(account, self.now());
        let cookies = AppendHeaders([(SET_COOKIE, cookie), (SET_COOKIE, device)]);
        (cookies, Json(self.me(account.view(), host))).into_response()
    }

    fn me(&self, technician: TechnicianView, host: &RequestHost) -> Me {
        Me {
            technician,
            organisation: self.registry.house().organisation,
            pin_url: format!("{}/", self.config.public_url(host.name())),
        }
    }
}
