//! `[accounts]`, `[sessions]`, `[signaling]`, `[api]`: limits and times an operator may change.

use std::time::Duration;

use lens_auth::lockout::LockoutRule;
use lens_protocol::limits::PARTICIPANTS;
use lens_runtime::config::Complaint;
use lens_runtime::rate_limit::RateLimit;
use lens_session_manager::config::DoorLimits;
use lens_signaling::HubConfig;
use lens_website::Config;
use serde::{Deserialize, Serialize};

const MINUTE: Duration = Duration::from_secs(60);

/// `[accounts]`: signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSettings {
    /// Minutes without a request or message after which a console login ends.
    pub login_idle_minutes: u32,
    /// Days after which a console login ends in any case.
    pub login_days: u32,
    /// Wrong passwords in a row that lock an account.
    pub lock_after: u32,
    /// Minutes a locked account stays locked.
    pub lock_minutes: u32,
    /// Tries to sign in per minute from one address.
    pub tries_per_minute: u32,
}

impl Default for AccountSettings {
    fn default() -> Self {
        let lockout = LockoutRule::default();
        Self {
            login_idle_minutes: 480,
            login_days: 30,
            lock_after: lockout.attempts,
            lock_minutes: u32::try_from(lockout.duration.as_secs() / 60).unwrap_or(u32::MAX),
            tries_per_minute: 20,
        }
    }
}

/// `[sessions]`: invitations, and how long things last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// Minutes in which an invitation can be redeemed.
    pub invitation_minutes: u32,
    /// Tries per minute to redeem from one address.
    pub redeems_per_minute: u32,
    /// Wrong PINs per minute over all addresses.
    pub wrong_pins_per_minute: u32,
    /// Seconds a customer or node may be away before the session counts as offline.
    pub reconnecting_s: u32,
    /// Minutes offline after which a session times out.
    pub offline_minutes: u32,
    /// Minutes after which a session nobody started times out.
    pub unstarted_minutes: u32,
    /// Minutes after which a started session's conference ends in any case.
    pub longest_minutes: u32,
    /// Most participants, the customer included.
    pub max_participants: u8,
    /// Days chat and log are kept, as the consent sheet promises.
    pub kept_days: u32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            invitation_minutes: 20,
            redeems_per_minute: 10,
            wrong_pins_per_minute: 120,
            reconnecting_s: 60,
            offline_minutes: 30,
            unstarted_minutes: 120,
            longest_minutes: 240,
            max_participants: 4,
            kept_days: 730,
        }
    }
}

/// `[signaling]`: the pages' and apps' message channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignalingSettings {
    /// Most open connections.
    pub max_connections: usize,
    /// Origins besides our own that may connect, such as `https://crm.example`.
    pub allowed_origins: Vec<String>,
}

impl Default for SignalingSettings {
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            allowed_origins: Vec::new(),
        }
    }
}

/// `[api]`: the Session Manager's API under `/v1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiSettings {
    /// Requests per minute with one key.
    pub requests_per_minute_per_key: u32,
    /// Requests per minute from one address.
    pub requests_per_minute_per_address: u32,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            requests_per_minute_per_key: 1_200,
            requests_per_minute_per_address: 600,
        }
    }
}

impl AccountSettings {
    pub(super) fn check(&self) -> Vec<Complaint> {
        positive(
            "accounts",
            &[
                ("login_idle_minutes", self.login_idle_minutes),
                ("login_days", self.login_days),
                ("lock_after", self.lock_after),
                ("tries_per_minute", self.tries_per_minute),
            ],
        )
    }
}

impl SessionSettings {
    pub(super) fn check(&self) -> Vec<Complaint> {
        let mut complaints = positive(
            "sessions",
            &[
                ("invitation_minutes", self.invitation_minutes),
                ("redeems_per_minute", self.redeems_per_minute),
                ("wrong_pins_per_minute", self.wrong_pins_per_minute),
                ("reconnecting_s", self.reconnecting_s),
                ("offline_minutes", self.offline_minutes),
                ("unstarted_minutes", self.unstarted_minutes),
                ("longest_minutes", self.longest_minutes),
                ("kept_days", self.kept_days),
            ],
        );
        if !(2..=PARTICIPANTS).contains(&self.max_participants) {
            let sentence = format!("use 2 to {PARTICIPANTS}");
            complaints.push(Complaint::new("sessions.max_participants", sentence));
        }
        complaints
    }
}

impl ApiSettings {
    pub(super) fn check(&self) -> Vec<Complaint> {
        positive(
            "api",
            &[
                (
                    "requests_per_minute_per_key",
                    self.requests_per_minute_per_key,
                ),
                (
                    "requests_per_minute_per_address",
                    self.requests_per_minute_per_address,
                ),
            ],
        )
    }

    /// The public door's limits.
    pub fn limits(&self) -> DoorLimits {
        DoorLimits {
            per_key: per_minute(self.requests_per_minute_per_key),
            per_address: per_minute(self.requests_per_minute_per_address),
            ..DoorLimits::default()
        }
    }
}

impl SignalingSettings {
    /// The hub's own configuration.
    pub fn config(&self) -> HubConfig {
        HubConfig {
            max_connections: self.max_connections,
            allowed_origins: self.allowed_origins.clone(),
            ..HubConfig::default()
        }
    }
}

/// The website's own configuration, but for what the bound door decides.
pub fn website(accounts: &AccountSettings, sessions: &SessionSettings) -> Config {
    Config {
        invitation_life: minutes(sessions.invitation_minutes),
        login_idle: minutes(accounts.login_idle_minutes),
        login_life: minutes(accounts.login_days.saturating_mul(24 * 60)),
        lockout: LockoutRule {
            attempts: accounts.lock_after,
            duration: minutes(accounts.lock_minutes),
        },
        logins_per_address: per_minute(accounts.tries_per_minute),
        redeems_per_address: per_minute(sessions.redeems_per_minute),
        wrong_pins: per_minute(sessions.wrong_pins_per_minute),
        kept_days: sessions.kept_days,
        reconnecting: Duration::from_secs(u64::from(sessions.reconnecting_s)),
        offline: minutes(sessions.offline_minutes),
        unstarted: minutes(sessions.unstarted_minutes),
        longest: minutes(sessions.longest_minutes),
        max_participants: sessions.max_participants,
        ..Config::default()
    }
}

fn minutes(n: u32) -> Duration {
    MINUTE * n
}

fn positive(section: &str, fields: &[(&str, u32)]) -> Vec<Complaint> {
    let zero = fields.iter().filter(|(_, value)| *value == 0);
    zero.map(|(key, _)| Complaint::new(format!("{section}.{key}"), "use 1 or more"))
        .collect()
}

fn per_minute(burst: u32) -> RateLimit {
    RateLimit { burst, per: MINUTE }
}
