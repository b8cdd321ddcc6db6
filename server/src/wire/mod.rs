//! Puts a process together: the one place that names concrete backends.
//!
//! | role | streaming server | Session Manager | website |
//! |---|---|---|---|
//! | `all` | in process | in process, holds the handle | in process, holds the service |
//! | `sfu` | in process, served on the private listener | – | – |
//! | `session-manager` | HTTP clients | in process, served on the private listener | – |
//! | `front` | – | HTTP client | in process |
//!
//! Order: data directory, ports, store, services, and only then are doors opened, so that a
//! process that says it is ready is, and one that cannot start changes nothing.

mod first_run;
mod front;
mod manager;
mod media;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use lens_protocol::SecretText;
use lens_protocol::entropy::Entropy;
use lens_runtime::addresses;
use lens_runtime::clock::{Clock, SystemClock};
use lens_runtime::config::SecretSetting;
use lens_runtime::data_dir::DataDir;
use lens_runtime::door::Door;
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::metrics::{self, Registry};
use lens_runtime::private_listener::{PrivateListener, PrivateMetrics};
use lens_runtime::shutdown::Shutdown;
use lens_sfu::SfuHandle;
use lens_storage::sqlite::Database;

use crate::cli::BootstrapAdmin;
use crate::error::ServerError;
use crate::operator::{self, Check};
use crate::ready::Ready;
use crate::settings::{Role, ServerSettings};
use crate::store::{self, DATABASE};

/// A process that is ready.
pub(crate) struct Running {
    pub(crate) ready: Ready,
    media: Option<SfuHandle>,
    database: Option<Database>,
    /// Held for its lock until everything else has ended.
    _data: Option<DataDir>,
}

impl Running {
    /// Ends everything after `shutdown` was requested. False when some work was cut off.
    pub(crate) async fn stop(self, shutdown: &Shutdown, grace: Duration) -> bool {
        let all = shutdown.finished(grace).await;
        if let Some(media) = &self.media {
            media.stop().await;
        }
        if let Some(database) = &self.database {
            database.close().await;
        }
        all
    }
}

/// What every part is given.
pub(crate) struct Common<'a> {
    pub(crate) settings: &'a ServerSettings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shutdown: &'a Shutdown,
    pub(crate) registry: Registry,
    pub(crate) checks: Vec<Check>,
    /// Routes of the private listener.
    pub(crate) private: Router,
    /// The internal token, in a split installation.
    pub(crate) token: Option<SecretText>,
}

impl Common<'_> {
    /// The internal token of a role that cannot do without.
    pub(crate) fn token(&self) -> SecretText {
        self.token
            .clone()
            .expect("checked when the settings were loaded")
    }

    /// The operating system's generator.
    pub(crate) fn entropy() -> Box<dyn Entropy> {
        Box::new(SystemEntropy::default())
    }
}

/// Starts the process's role and opens its doors.
pub(crate) async fn start(
    settings: &ServerSettings,
    bootstrap: Option<&BootstrapAdmin>,
    shutdown: &Shutdown,
) -> Result<Running, ServerError> {
    let role = settings.role;
    let data = match role {
        Role::Sfu => None,
        Role::All | Role::Front | Role::SessionManager => Some(DataDir::open(&settings.data_dir)?),
    };
    let operator = bind_operator(settings).await?;
    let door = if role.has_https() {
        Some(bind_https(settings)?)
    } else {
        None
    };
    let database = match &data {
        Some(data) => Some(Database::open(&data.file(DATABASE), store::now()).await?),
        None => None,
    };
    let mut common = Common {
        settings,
        clock: Arc::new(SystemClock),
        shutdown,
        registry: metrics::registry(),
        checks: Vec::new(),
        private: Router::new(),
        token: internal_token(settings)?,
    };
    let media = match role {
        Role::All | Role::Sfu => Some(media::start(&mut common, door.as_ref())?),
        Role::Front | Role::SessionManager => None,
    };
    let manager = match (role, &database) {
        (Role::Sfu, _) | (_, None) => None,
        (_, Some(database)) => Some(manager::start(&mut common, media.as_ref(), database).await?),
    };
    let mut ready = Ready {
        ready: true,
        version: env!("CARGO_PKG_VERSION"),
        pid: std::process::id(),
        role: role.as_str(),
        operator_url: format!("http://{}", operator.address()),
        data_dir: data.as_ref().map(|data| data.path().display().to_string()),
        media: media
            .as_ref()
            .map(|media| crate::ready::MediaDoors::of(media.addresses())),
        ..Ready::default()
    };
    if let (Some(door), Some(database), Some(manager)) = (door, &database, manager) {
        let open = front::Open {
            door,
            database,
            manager,
            media: media.clone(),
            bootstrap,
        };
        front::start(&mut common, open, &mut ready).await?;
    }
    open_operator(common, operator);
    Ok(Running {
        ready,
        media,
        database,
        _data: data,
    })
}

fn internal_token(settings: &ServerSettings) -> Result<Option<SecretText>, ServerError> {
    let read = settings
        .cluster
        .token
        .as_ref()
        .map(SecretSetting::read)
        .transpose();
    read.map_err(|sentence| ServerError::Refused(format!("cluster.token: {sentence}")))
}

async fn bind_operator(settings: &ServerSettings) -> Result<PrivateListener, ServerError> {
    let address = settings.operator.listen;
    PrivateListener::bind(address).await.map_err(|error| {
        ServerError::door("the operator's listener", address, "--operator", &error)
    })
}

fn bind_https(settings: &ServerSettings) -> Result<Door, ServerError> {
    let address = settings.https.listen;
    Door::bind(address)
        .map_err(|error| ServerError::door("the HTTPS door", address, "--https", &error))
}

fn open_operator(mut common: Common<'_>, listener: PrivateListener) {
    let metrics = PrivateMetrics::default();
    metrics.register(&mut common.registry);
    let guard = (!listener.address().ip().is_loopback()).then(|| {
        // Without a token nobody can know one: the figures stay closed.
        common
            .token
            .clone()
            .unwrap_or_else(|| lens_auth::token::generate(&mut SystemEntropy::default()))
    });
    let shutdown = common.shutdown.clone();
    let routes = operator::router(common.registry, common.checks, shutdown, guard);
    listener.open(routes.merge(common.private), metrics, common.shutdown);
}

/// Addresses of this machine that others may reach.
pub(crate) fn machine_addresses() -> Vec<std::net::IpAddr> {
    addresses::reachable()
}
