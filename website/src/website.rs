//! The running website: what it needs, how it starts, what it offers to the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use lens_auth::password::PasswordHashing;
use lens_chat_log::ChatLog;
use lens_protocol::entropy::random_bytes;
use lens_protocol::id::TechnicianId;
use lens_runtime::clock::Clock;
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::rate_limit::{RateLimit, RateLimiter};
use lens_runtime::shutdown::Shutdown;
use lens_session_manager::SessionManager;
use lens_signaling::{Hub, HubConfig};
use tokio::sync::mpsc;

use crate::accounts::devices::Devices;
use crate::accounts::hashing::Hashing;
use crate::app::{App, Shared};
use crate::bridge::Bridge;
use crate::bridge::audience::Audience;
use crate::bridge::host::Front;
use crate::bridge::media::Media;
use crate::config::Config;
use crate::core::throttle::Throttle;
use crate::core::view::House;
use crate::error::StartError;
use crate::metrics::Metrics;
use crate::registry::{Parts, Registry};
use crate::routes;
use crate::stores::Stores;
use crate::tickets::Tickets;

/// The organisation's name until it is set up.
const UNNAMED: &str = "Lens";
/// The server secret that PINs are hashed with.
const PIN_KEY: &str = "pin-key";
const DEVICE_KEY: &str = "device-key";
/// Addresses remembered for rate limits.
const ADDRESSES: usize = 65_536;
/// Sign-ins to unknown accounts that are recorded, over all addresses; the others are counted.
/// More says more about an attack and lets it fill the disk sooner: these are 3 MB a day at most.
const UNKNOWN_ACCOUNTS: RateLimit = RateLimit {
    burst: 10,
    per: Duration::from_secs(60),
};

/// What the website is given.
pub struct Deps {
    /// Limits and times.
    pub config: Config,
    /// Limits and times of signalling.
    pub hub: HubConfig,
    /// Tells the time for everything that is kept or compared.
    pub clock: Arc<dyn Clock>,
    /// What it keeps.
    pub stores: Stores,
    /// The session log.
    pub log: ChatLog,
    /// Makes conferences.
    pub session_manager: Arc<dyn SessionManager>,
    /// Its tasks end with this.
    pub shutdown: Shutdown,
}

/// The running website. Clones share it.
#[derive(Clone)]
pub struct Website {
    app: Shared,
    hub: Hub,
}

impl Website {
    /// Reads what is open from the store and starts the tasks that look at the clock, at the
    /// Session Manager's events and at open consoles' logins.
    ///
    /// Errors: the store does not answer, or the configuration cannot work.
    pub async fn start(deps: Deps) -> Result<Self, StartError> {
        if deps.config.public_urls.is_empty() {
            return Err(StartError::NoPublicUrl);
        }
        let shutdown = deps.shutdown.clone();
        let hub = Hub::new(deps.hub.clone(), shutdown.clone());
        let (orphans, lost_conferences) = mpsc::unbounded_channel();
        let app = Arc::new(build(deps, hub.clone(), orphans).await?);
        app.registry.load().await?;
        hub.attach(Arc::new(Front(app.clone())));
        shutdown.spawn(app.bridge.clone().follow(shutdown.clone()));
        shutdown.spawn(
            app.bridge
                .clone()
                .end_orphans(lost_conferences, shutdown.clone()),
        );
        shutdown.spawn(tick(app.clone(), shutdown.clone()));
        shutdown.spawn(recheck(app.clone(), shutdown.clone()));
        Ok(Self { app, hub })
    }

    /// Pages, `/api` and signalling.
    pub fn router(&self) -> Router {
        let signalling = lens_signaling::server::router(&self.hub);
        routes::router(&self.app).merge(signalling)
    }

    /// The signalling hub, for its metrics.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// What the website counts.
    pub fn metrics(&self) -> &Metrics {
        &self.app.metrics
    }

    /// Somebody disabled or changed an account: its logins that do not count any more end now,
    /// with their open consoles. Changes made by another process are found within seconds.
    pub async fn account_changed(&self, technician: TechnicianId) {
        self.app.check_consoles(Some(technician)).await;
        self.app.check_seats(Some(technician)).await;
    }

    /// The organisation's name was changed in the store.
    pub async fn organisation_changed(&self) {
        if let Ok(Some(name)) = self.app.stores.settings.organisation().await {
            self.app.registry.rename_house(name);
        }
    }
}

async fn build(
    deps: Deps,
    hub: Hub,
    orphans: mpsc::UnboundedSender<lens_protocol::id::ConferenceId>,
) -> Result<App, StartError> {
    let Deps {
        config,
        clock,
        stores,
        log,
        session_manager,
        ..
    } = deps;
    let mut entropy = SystemEntropy::default();
    let organisation = stores.settings.organisation().await?;
    let fresh = random_bytes(&mut entropy);
    let pin_key = stores.settings.server_secret(PIN_KEY, fresh).await?;
    let fresh = random_bytes(&mut entropy);
    let device_key = stores.settings.server_secret(DEVICE_KEY, fresh).await?;
    let hashing = PasswordHashing::new(config.hash_cost, &mut entropy)?;
    let metrics = Metrics::default();
    let audience = Arc::new(Audience::new(hub));
    let registry = Registry::new(Parts {
        stores: stores.clone(),
        log: log.clone(),
        clock: clock.clone(),
        rules: config.rules(),
        farewell: config.farewell,
        house: House {
            organisation: organisation.unwrap_or_else(|| UNNAMED.to_owned()),
            kept_days: config.kept_days,
        },
        audience: audience.clone(),
        metrics: metrics.clone(),
        orphans,
    });
    let media = Media::new(
        session_manager,
        config.media_patience,
        config.max_participants,
        config.longest,
    );
    Ok(App {
        hashing: Hashing::new(hashing, config.hashes_at_once, config.hash_patience),
        pin_key: hmac::Key::new(hmac::HMAC_SHA256, &pin_key),
        tickets: Tickets::default(),
        guesses: Throttle::new(config.redeems_per_address, config.wrong_pins),
        logins: RateLimiter::new(config.logins_per_address, ADDRESSES),
        devices: Devices::new(&device_key, config.lockout),
        strengths: RateLimiter::new(config.strengths_per_address, ADDRESSES),
        unknown_accounts: RateLimiter::new(UNKNOWN_ACCOUNTS, 1),
        bridge: Bridge {
            registry: registry.clone(),
            audience: audience.clone(),
            media,
        },
        noted: Mutex::new(HashMap::new()),
        config,
        clock,
        stores,
        log,
        registry,
        audience,
        metrics,
    })
}

async fn tick(app: Shared, shutdown: Shutdown) {
    let mut beat = tokio::time::interval(app.config.tick);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let stop = shutdown.token();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => app.registry.tick().await,
        }
    }
}

async fn recheck(app: Shared, shutdown: Shutdown) {
    let mut beat = tokio::time::interval(app.config.recheck);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let stop = shutdown.token();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {
                app.check_consoles(None).await;
                app.check_seats(None).await;
                let idle = app.config.login_idle;
                if let Err(error) = app.stores.logins.delete_expired_logins(idle, app.now()).await {
                    tracing::warn!(%error, "logins that are over were not removed");
                }
                // In the store, too: a clock that is set back must not revive them.
                if let Err(error) = app.stores.invitations.end_expired_invitations(app.now()).await {
                    tracing::warn!(%error, "invitations that are over were not ended");
                }
            }
        }
    }
}
