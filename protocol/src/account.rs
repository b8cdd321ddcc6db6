//! Signing in and first set-up: bodies of the website's `/api` about accounts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::TechnicianId;
use crate::secret::SecretText;

/// Body of `POST /api/login`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Login {
    /// The account's e-mail.
    pub email: String,
    /// The password, at most 256 bytes.
    pub password: SecretText,
}

/// Answer of `GET /api/me` and of a login.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// Who is signed in.
    pub technician: TechnicianView,
    /// The organisation's name.
    pub organisation: String,
    /// Where customers type a PIN.
    pub pin_url: String,
}

/// An account without secrets.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TechnicianView {
    /// Its id.
    pub id: TechnicianId,
    /// E-mail, the login name.
    pub email: String,
    /// Full name, shown to customers.
    pub name: String,
    /// What it may do.
    pub role: AccountRole,
    /// Whether it may sign in.
    pub disabled: bool,
}

/// What an account may do, until groups and permissions refine it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountRole {
    /// Own and shared sessions.
    Technician,
    /// Everything a technician may, and administration.
    Administrator,
}

/// Body of `POST /api/setup`: makes the first administrator, once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SetUp {
    /// From the set-up link's fragment.
    pub token: SecretText,
    /// The organisation's name, shown to customers.
    pub organisation: String,
    /// E-mail, the login name.
    pub email: String,
    /// Full name, shown to customers.
    pub name: String,
    /// The new password.
    pub password: SecretText,
}

/// Body of `POST /api/password/strength`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PasswordQuestion {
    /// The password to judge; never stored or logged.
    pub password: SecretText,
    /// Words that make it easier to guess: e-mail, name, organisation.
    #[serde(default)]
    pub about: Vec<String>,
}

/// Answer of `POST /api/password/strength`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PasswordStrength {
    /// 0 (guessed at once) to 4.
    pub score: u8,
    /// Whether it would be accepted.
    pub accepted: bool,
    /// What to do better, in a sentence.
    pub advice: Option<String>,
}
