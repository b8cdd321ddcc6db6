//! What an operator may change about the website.

use std::time::Duration;

use lens_auth::lockout::LockoutRule;
use lens_auth::password::HashCost;
use lens_runtime::rate_limit::RateLimit;

use crate::core::Rules;

/// Limits, times and words of the website. The default is the product's; only the public URLs
/// have none that works outside this machine.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where browsers reach this server, `https://host[:port]` without a path. The first stands
    /// in links made for callers who name none of them; requests that name another of these hosts
    /// get links with that.
    pub public_urls: Vec<String>,
    /// How long an invitation can be redeemed. Longer gives guesses more time.
    pub invitation_life: Duration,
    /// A console login ends after this long without a request or message.
    pub login_idle: Duration,
    /// A console login ends after this long in any case.
    pub login_life: Duration,
    /// Wrong passwords that lock an account, and for how long.
    pub lockout: LockoutRule,
    /// Tries to sign in from one address.
    pub logins_per_address: RateLimit,
    /// Tries to redeem from one address. Whole offices and mobile networks share one.
    pub redeems_per_address: RateLimit,
    /// Wrong PINs over all addresses: the bound on what a botnet can guess.
    pub wrong_pins: RateLimit,
    /// Judged passwords from one address: each costs some milliseconds.
    pub strengths_per_address: RateLimit,
    /// How hard passwords are hashed.
    pub hash_cost: HashCost,
    /// Passwords hashed at once; each takes a core and 19 MiB for a fifth of a second.
    pub hashes_at_once: usize,
    /// How long a login may wait for its turn to be hashed; beyond, `unavailable`.
    pub hash_patience: Duration,
    /// A refused redemption takes at least this long, whatever was wrong with it. Has to be
    /// longer than the look-up in the store ever takes.
    pub refusal_time: Duration,
    /// Version of the consent text in force; raising it asks waiting customers again.
    pub consent_version: u32,
    /// Days chat and log are kept, as the consent sheet promises.
    pub kept_days: u32,
    /// Away longer than this, a started session turns from reconnecting to offline.
    pub reconnecting: Duration,
    /// Offline longer than this, it times out.
    pub offline: Duration,
    /// Not started and nobody there for this long, it times out.
    pub unstarted: Duration,
    /// After its end a session's customer may read for this long how it ended.
    pub farewell: Duration,
    /// A session's conference ends after this long in any case.
    pub longest: Duration,
    /// Most participants of a session, the customer included.
    pub max_participants: u8,
    /// How long one call to the Session Manager may take.
    pub media_patience: Duration,
    /// How often open consoles' logins are checked against the store: bounds how long a
    /// technician who was disabled from another process keeps an open console.
    pub recheck: Duration,
    /// How often the registry looks at the clock.
    pub tick: Duration,
    /// Whether this server is served over HTTPS under a name of its own, so that browsers may be
    /// told never to use anything else (HSTS). Not with a self-signed certificate: a browser that
    /// was told refuses to let anybody past the warning.
    pub strict_transport: bool,
}

impl Default for Config {
    fn default() -> Self {
        let per = Duration::from_secs;
        Self {
            public_urls: vec!["https://localhost:8443".to_owned()],
            invitation_life: per(20 * 60),
            login_idle: per(8 * 3600),
            login_life: per(30 * 24 * 3600),
            lockout: LockoutRule::default(),
            logins_per_address: RateLimit {
                burst: 20,
                per: per(60),
            },
            redeems_per_address: RateLimit {
                burst: 10,
                per: per(60),
            },
            wrong_pins: RateLimit {
                burst: 120,
                per: per(60),
            },
            strengths_per_address: RateLimit {
                burst: 60,
                per: per(60),
            },
            hash_cost: HashCost::default(),
            hashes_at_once: 2,
            hash_patience: per(10),
            refusal_time: Duration::from_millis(100),
            consent_version: 1,
            kept_days: 730,
            reconnecting: per(60),
            offline: per(30 * 60),
            unstarted: per(2 * 3600),
            farewell: per(15 * 60),
            longest: per(4 * 3600),
            max_participants: 4,
            media_patience: per(5),
            recheck: per(5),
            tick: Duration::from_millis(500),
            strict_transport: false,
        }
    }
}

impl Config {
    /// The times the registry's core needs.
    pub fn rules(&self) -> Rules {
        Rules {
            reconnecting: self.reconnecting,
            offline: self.offline,
            unstarted: self.unstarted,
            consent_version: self.consent_version,
        }
    }

    /// The public URL whose host is `host` (with port, as in the `Host` header), or the first.
    pub fn public_url(&self, host: Option<&str>) -> &str {
        let named = host.and_then(|host| self.public_urls.iter().find(|url| host_of(url) == host));
        named
            .or(self.public_urls.first())
            .map_or("", |url| url.trim_end_matches('/'))
    }
}

/// The `host[:port]` of an origin or URL without a path.
pub(crate) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_carry_the_name_the_caller_used_when_it_is_ours() {
        let config = Config {
            public_urls: vec![
                "https://help.example".to_owned(),
                "https://192.168.1.5:8443/".to_owned(),
            ],
            ..Config::default()
        };
        assert_eq!(
            config.public_url(Some("192.168.1.5:8443")),
            "https://192.168.1.5:8443"
        );
        assert_eq!(
            config.public_url(Some("evil.example")),
            "https://help.example"
        );
        assert_eq!(config.public_url(None), "https://help.example");
    }
}
