//! The Session Manager: in this process, or an HTTP client of the one that is.

use std::sync::Arc;

use axum::http::Uri;
use lens_session_manager::{
    Caller, Config, Grant, MediaKeys, Metrics, Parts, RemoteSessionManager, Scope, SessionManager,
    SessionManagerService, routes,
};
use lens_sfu::client::RemoteSfu;
use lens_sfu::{SfuControl, SfuHandle};
use lens_storage::memory::MemoryConferences;
use lens_storage::sqlite::Database;

use super::Common;
use crate::error::ServerError;
use crate::operator::Check;
use crate::settings::Role;

/// The Session Manager as the website and the public API see it.
pub(super) struct Manager {
    pub(super) calls: Arc<dyn SessionManager>,
    pub(super) media_keys: Arc<dyn MediaKeys>,
    pub(super) metrics: Metrics,
}

/// Starts it, or prepares to call it.
pub(super) async fn start(
    common: &mut Common<'_>,
    media: Option<&SfuHandle>,
    database: &Database,
) -> Result<Manager, ServerError> {
    let metrics = Metrics::default();
    metrics.register(&mut common.registry);
    if common.settings.role == Role::Front {
        return Ok(remote(common, metrics));
    }
    let nodes: Vec<Arc<dyn SfuControl>> = match media {
        Some(media) => vec![Arc::new(media.clone())],
        None => remote_nodes(common),
    };
    let config = Config {
        data_dir: common.settings.data_dir.clone(),
        ..Config::default()
    };
    let parts = Parts {
        clock: Arc::clone(&common.clock),
        entropy: Common::entropy(),
        conferences: Arc::new(MemoryConferences::new()),
        idempotency: Arc::new(database.clone()),
        nodes,
        metrics: metrics.clone(),
        shutdown: common.shutdown.clone(),
    };
    let service = SessionManagerService::start(config, parts).await?;
    let asked = service.clone();
    common.checks.push(Check::new("media_node", move || {
        let asked = asked.clone();
        async move { asked.is_ready() }
    }));
    let calls: Arc<dyn SessionManager> = Arc::new(service.clone());
    let media_keys = service.media_keys();
    if common.settings.role == Role::SessionManager {
        let guarded = routes::private(Arc::clone(&calls), Arc::clone(&media_keys), common.token());
        common.private = std::mem::take(&mut common.private).merge(guarded);
    }
    Ok(Manager {
        calls,
        media_keys,
        metrics,
    })
}

fn remote_nodes(common: &Common<'_>) -> Vec<Arc<dyn SfuControl>> {
    let nodes = common.settings.cluster.sfus.iter();
    nodes
        .map(|url| Arc::new(RemoteSfu::new(checked(url), common.token())) as Arc<dyn SfuControl>)
        .collect()
}

fn remote(common: &mut Common<'_>, metrics: Metrics) -> Manager {
    let url = common
        .settings
        .cluster
        .session_manager
        .as_deref()
        .unwrap_or_default();
    let remote = Arc::new(RemoteSessionManager::new(checked(url), common.token()));
    let asked = Arc::clone(&remote);
    common.checks.push(Check::new("session_manager", move || {
        let asked = Arc::clone(&asked);
        async move { asked.nodes(&asking()).await.is_ok() }
    }));
    Manager {
        calls: remote.clone(),
        media_keys: remote,
        metrics,
    }
}

/// Who asks whether the Session Manager answers: somebody who may list nodes and nothing else.
fn asking() -> Caller {
    let owner = "readiness".parse().expect("a plain name");
    Caller {
        owner,
        grant: Grant::Scopes(vec![Scope::NodesRead]),
    }
}

fn checked(url: &str) -> Uri {
    url.parse().expect("checked when the settings were loaded")
}
