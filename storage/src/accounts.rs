//! Accounts: technicians and administrators who can sign in.

use async_trait::async_trait;
use lens_protocol::account::{AccountRole, TechnicianView};
use lens_protocol::id::TechnicianId;
use lens_protocol::{SecretText, Timestamp};

use crate::error::Result;

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its id.
    pub id: TechnicianId,
    /// E-mail, normalised by the caller (`lens_auth::email`); unique as it stands.
    pub email: String,
    /// Full name, shown to customers.
    pub name: String,
    /// What it may do.
    pub role: AccountRole,
    /// Password hash as a PHC string; none while no password was ever set.
    pub password: Option<SecretText>,
    /// Whether it may sign in.
    pub disabled: bool,
    /// Wrong passwords since the last login or lock.
    pub failed_logins: u32,
    /// Locked until then; a moment that has passed means nothing.
    pub locked_until: Option<Timestamp>,
    /// Raised by everything that ends its logins; a login counts only under the epoch it was
    /// made in.
    pub auth_epoch: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last signed in.
    pub last_login_at: Option<Timestamp>,
}

impl AccountRecord {
    /// The account without secrets.
    pub fn view(&self) -> TechnicianView {
        TechnicianView {
            id: self.id,
            email: self.email.clone(),
            name: self.name.clone(),
            role: self.role,
            disabled: self.disabled,
        }
    }

    /// Whether wrong passwords keep it locked at `now`.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }
}

/// Where accounts are kept.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Adds an account. `Conflict::Email` when the e-mail is taken, `Conflict::Exists` for the id.
    async fn add_account(&self, account: &AccountRecord) -> Result<()>;

    /// The account with this id; none when there is none. Disabled ones are found.
    async fn account(&self, id: TechnicianId) -> Result<Option<AccountRecord>>;

    /// The account with this normalised e-mail; none when there is none. Disabled ones are found.
    async fn account_by_email(&self, email: &str) -> Result<Option<AccountRecord>>;

    /// All accounts, by e-mail.
    async fn accounts(&self) -> Result<Vec<AccountRecord>>;

    /// How many accounts there are.
    async fn count_accounts(&self) -> Result<u64>;

    /// Whether an administrator who is not disabled exists.
    async fn has_administrator(&self) -> Result<bool>;

    /// Counts one wrong password. The `lock_after`th since the last login or lock locks the
    /// account until `lock_until` and the count starts anew; a failure while locked counts for
    /// nothing. Returns the account as it stands then. `NotFound`.
    async fn record_failed_login(
        &self,
        id: TechnicianId,
        lock_after: u32,
        lock_until: Timestamp,
        now: Timestamp,
    ) -> Result<AccountRecord>;

    /// Clears a lock and the count of failures. `NotFound`.
    async fn unlock_account(&self, id: TechnicianId) -> Result<()>;

    /// Sets a new password hash, clears lock and failures, raises the auth epoch and deletes all
    /// logins of the account. Returns the new epoch. `NotFound`.
    async fn set_password(&self, id: TechnicianId, hash: &SecretText) -> Result<u64>;

    /// Replaces the hash of the same password, made with newer parameters; nothing else changes.
    /// Does nothing when the hash is not `former` any more. `NotFound`.
    async fn rehash_password(
        &self,
        id: TechnicianId,
        former: &SecretText,
        hash: &SecretText,
    ) -> Result<()>;

    /// Disables or enables an account. Disabling raises the auth epoch and deletes its logins.
    /// Returns the epoch in force. Doing it twice is harmless. `NotFound`;
    /// `Conflict::LastAdministrator` when nobody could administer any more.
    async fn set_disabled(&self, id: TechnicianId, disabled: bool) -> Result<u64>;

    /// Renames an account. Sessions keep the name they were made under. `NotFound`.
    async fn rename_account(&self, id: TechnicianId, name: &str) -> Result<()>;
}
