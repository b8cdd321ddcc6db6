//! The front: pages and website API, signalling, session log, the public API, behind one door.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::get;
use lens_chat_log::ChatLog;
use lens_chat_log::metrics::ChatLogMetrics;
use lens_runtime::door::{Behind, Door, DoorMetrics, MediaHandler};
use lens_runtime::http::{Json, trace};
use lens_runtime::tls::TlsIdentity;
use lens_session_manager::{KeysAndTokens, routes};
use lens_sfu::SfuHandle;
use lens_storage::AccountStore;
use lens_storage::sqlite::Database;
use lens_website::{Deps, Stores, Website};
use tower::ServiceExt;

use super::manager::Manager;
use super::{Common, first_run, machine_addresses};
use crate::cli::BootstrapAdmin;
use crate::error::ServerError;
use crate::openapi;
use crate::operator::Check;
use crate::ready::{Ready, lan_urls};
use crate::settings;

/// What the front is built from.
pub(super) struct Open<'a> {
    pub(super) door: Door,
    pub(super) database: &'a Database,
    pub(super) manager: Manager,
    pub(super) media: Option<SfuHandle>,
    pub(super) bootstrap: Option<&'a BootstrapAdmin>,
}

/// Starts everything behind the door, opens it, and says where it is.
pub(super) async fn start(
    common: &mut Common<'_>,
    open: Open<'_>,
    ready: &mut Ready,
) -> Result<(), ServerError> {
    let settings = common.settings;
    let now = common.clock.now();
    let addresses = machine_addresses();
    let tls = TlsIdentity::load(&settings.https.tls, &settings.data_dir, &addresses, now)?;
    tls.watch(common.shutdown).map_err(|error| {
        ServerError::Refused(format!("the certificate cannot be watched: {error}"))
    })?;
    let token = first_run::prepare(open.database, settings, open.bootstrap).await?;
    let origin = settings.https.origin(open.door.address());
    ready.console_url = Some(format!("{origin}/console"));
    ready.customer_url = Some(format!("{origin}/"));
    ready.lan_urls = lan_urls(open.door.address(), &addresses);
    ready.setup_url = token.map(|token| format!("{origin}/setup#{}", token.expose()));
    ready.certificate_sha256 = Some(tls.sha256());
    ready.self_signed = tls.is_self_signed();

    watch_store(common, open.database);
    let names = public_urls(&origin, ready);
    let strict = settings.https.public_url.is_some() && !ready.self_signed;
    let website = start_website(common, &open, names, strict).await?;
    let doors = Doors {
        api: public_api(common, &open),
        pages: website.router(),
    };
    let metrics = DoorMetrics::default();
    metrics.register(&mut common.registry);
    let behind = Behind {
        tls: tls.server_config(),
        router: doors.router(),
        media: open.media.map(media_handler),
        settings: settings.https.limits.clone(),
        metrics,
    };
    open.door.open(behind, common.shutdown);
    Ok(())
}

/// What lies behind the door, by the first part of the path. Each has its own answer for what it
/// does not know, so they are not merged into one table of routes.
struct Doors {
    api: Router,
    pages: Router,
}

impl Doors {
    fn router(self) -> Router {
        let api = self.api.layer(from_fn(trace::start));
        let description = Arc::new(openapi::document());
        let described = get(move || {
            let description = Arc::clone(&description);
            async move { Json(description.as_ref().clone()) }
        });
        let pages = self.pages;
        // The description of everything behind this door stands in the place of the API's own.
        Router::new()
            .route("/v1/openapi.json", described)
            .fallback(move |request: Request| {
                let path = request.uri().path();
                let chosen = if path == "/v1" || path.starts_with("/v1/") {
                    &api
                } else {
                    &pages
                };
                forward(chosen.clone(), request)
            })
    }
}

async fn forward(router: Router, request: Request) -> Response {
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn public_api(common: &Common<'_>, open: &Open<'_>) -> Router {
    let keys = Arc::new(open.database.clone());
    let media_keys = Arc::clone(&open.manager.media_keys);
    let known = KeysAndTokens::new(keys, media_keys, Arc::clone(&common.clock));
    let limits = common.settings.api.limits();
    let metrics = open.manager.metrics.clone();
    let door = routes::Door::new(Arc::new(known), Arc::clone(&common.clock), limits, metrics);
    routes::public(Arc::clone(&open.manager.calls), door)
}

async fn start_website(
    common: &mut Common<'_>,
    open: &Open<'_>,
    public_urls: Vec<String>,
    strict_transport: bool,
) -> Result<Website, ServerError> {
    let settings = common.settings;
    let database = Arc::new(open.database.clone());
    let figures = ChatLogMetrics::default();
    figures.register(&mut common.registry);
    let log = ChatLog::start(
        database.clone(),
        &settings.chat_log,
        Common::entropy(),
        figures,
        common.shutdown,
    );
    let config = lens_website::Config {
        public_urls,
        strict_transport,
        ..settings::website(&settings.accounts, &settings.sessions)
    };
    let website = Website::start(Deps {
        config,
        hub: settings.signaling.config(),
        clock: Arc::clone(&common.clock),
        stores: Stores::all_in(database),
        log,
        session_manager: Arc::clone(&open.manager.calls),
        shutdown: common.shutdown.clone(),
    })
    .await?;
    website.metrics().register(&mut common.registry);
    website.hub().metrics().register(&mut common.registry);
    Ok(website)
}

/// Every name this server is reached by, the best first.
fn public_urls(origin: &str, ready: &Ready) -> Vec<String> {
    let mut names = vec![origin.to_owned()];
    names.extend(ready.lan_urls.iter().cloned());
    names
}

fn media_handler(media: SfuHandle) -> MediaHandler {
    Arc::new(move |stream| {
        // A socket that cannot leave the event loop is broken already.
        if let Ok(stream) = stream.into_std() {
            media.accept_tcp(stream);
        }
    })
}

fn watch_store(common: &mut Common<'_>, database: &Database) {
    let asked = database.clone();
    common.checks.push(Check::new("store", move || {
        let asked = asked.clone();
        async move { asked.has_administrator().await.is_ok() }
    }));
}
