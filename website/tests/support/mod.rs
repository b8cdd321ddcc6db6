//! The website in one process: real SQLite in a directory of its own, the real hub, a scripted
//! Session Manager, a clock that can be moved.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]

pub mod case;
pub mod manager;
pub mod page;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use lens_auth::lockout::LockoutRule;
use lens_auth::password::{HashCost, PasswordHashing};
use lens_auth::token;
use lens_chat_log::{ChatLog, ChatLogConfig};
use lens_protocol::account::AccountRole;
use lens_protocol::id::TechnicianId;
use lens_protocol::session::{CreatedSession, SessionState, SessionView};
use lens_protocol::{SecretText, Timestamp};
use lens_runtime::clock::{Clock, ManualClock};
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::http::PeerAddress;
use lens_runtime::rate_limit::RateLimit;
use lens_runtime::shutdown::Shutdown;
use lens_signaling::HubConfig;
use lens_storage::sqlite::Database;
use lens_storage::{AccountRecord, AccountStore, AtLock, LoginRecord, LoginStore, SettingStore};
use lens_website::{Config, Deps, Stores, Website};
use serde_json::{Value, json};
use tower::ServiceExt;

use manager::Manager;

pub const HOST: &str = "help.example";
pub const PASSWORD: &str = "four unrelated words walk";

/// A running website.
pub struct House {
    pub website: Website,
    pub database: Arc<Database>,
    pub manager: Arc<Manager>,
    pub clock: ManualClock,
    pub shutdown: Shutdown,
    directory: Arc<tempfile::TempDir>,
    config: Config,
}

/// What is left of a website whose process has ended.
pub struct Stopped {
    directory: Arc<tempfile::TempDir>,
    manager: Arc<Manager>,
    clock: ManualClock,
    config: Config,
}

impl Stopped {
    /// A new process over it.
    pub async fn started(self) -> House {
        House::over(self.directory, self.manager, self.clock, self.config).await
    }
}

pub fn config() -> Config {
    Config {
        public_urls: vec![format!("https://{HOST}")],
        hash_cost: HashCost {
            memory_kib: 64,
            passes: 1,
            lanes: 1,
        },
        lockout: LockoutRule {
            attempts: 5,
            duration: Duration::from_secs(900),
        },
        logins_per_address: RateLimit {
            burst: 100,
            per: Duration::from_secs(60),
        },
        redeems_per_address: RateLimit {
            burst: 100,
            per: Duration::from_secs(60),
        },
        wrong_pins: RateLimit {
            burst: 1000,
            per: Duration::from_secs(60),
        },
        tick: Duration::from_millis(10),
        recheck: Duration::from_millis(50),
        refusal_time: Duration::from_millis(40),
        ..Config::default()
    }
}

impl House {
    pub async fn open() -> Self {
        Self::with(config()).await
    }

    pub async fn with(config: Config) -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_ms(1_800_000_000_000));
        let directory = Arc::new(tempfile::tempdir().unwrap());
        Self::over(directory, Manager::new(clock.clone()), clock, config).await
    }

    /// The same database, Session Manager and clock in a new process.
    pub async fn restarted(self) -> Self {
        self.stopped().await.started().await
    }

    /// Ends the process; what outlives it can be started again.
    pub async fn stopped(self) -> Stopped {
        self.shutdown.request();
        assert!(
            self.shutdown.finished(Duration::from_secs(20)).await,
            "tasks hang"
        );
        Stopped {
            directory: self.directory,
            manager: self.manager,
            clock: self.clock,
            config: self.config,
        }
    }

    async fn over(
        directory: Arc<tempfile::TempDir>,
        manager: Arc<Manager>,
        clock: ManualClock,
        config: Config,
    ) -> Self {
        let path = directory.path().join("lens.db");
        let database = Arc::new(Database::open(&path, clock.now()).await.unwrap());
        let shutdown = Shutdown::new();
        let log = ChatLog::start(
            database.clone(),
            &ChatLogConfig::default(),
            Box::new(SystemEntropy::default()),
            Default::default(),
            &shutdown,
        );
        let website = Website::start(Deps {
            config: config.clone(),
            hub: HubConfig::default(),
            clock: Arc::new(clock.clone()),
            stores: Stores::all_in(database.clone()),
            log,
            session_manager: manager.clone(),
            shutdown: shutdown.clone(),
        })
        .await
        .unwrap();
        Self {
            website,
            database,
            manager,
            clock,
            shutdown,
            directory,
            config,
        }
    }

    pub async fn technician(&self, name: &str) -> Browser {
        self.account(name, AccountRole::Technician).await
    }

    /// An account with its browser signed in.
    pub async fn account(&self, name: &str, role: AccountRole) -> Browser {
        let account = self.add_account(name, role).await;
        let token = token::generate(&mut SystemEntropy::default());
        let now = self.clock.now();
        let login = LoginRecord {
            token: token::digest(&token),
            technician: account.id,
            auth_epoch: account.auth_epoch,
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus(Duration::from_secs(30 * 86_400)),
        };
        self.database
            .record_login(&login, AtLock::Refuse, now)
            .await
            .unwrap();
        let mut browser = self.browser();
        browser
            .cookies
            .push(("__Host-lens-console".into(), token.expose().into()));
        browser.technician = Some(account.id);
        browser
    }

    pub async fn add_account(&self, name: &str, role: AccountRole) -> AccountRecord {
        let mut entropy = SystemEntropy::default();
        let hashing = PasswordHashing::new(self.config.hash_cost, &mut entropy).unwrap();
        let hash = hashing
            .hash(&SecretText::new(PASSWORD), &mut entropy)
            .unwrap();
        let first = name.split(' ').next().unwrap().to_lowercase();
        let account = AccountRecord {
            id: TechnicianId::generate(self.clock.now(), &mut entropy),
            email: format!("{first}@example.com"),
            name: name.into(),
            role,
            password: Some(hash),
            disabled: false,
            failed_logins: 0,
            locked_until: None,
            auth_epoch: 0,
            created_at: self.clock.now(),
            last_login_at: None,
        };
        self.database.add_account(&account).await.unwrap();
        self.database.account(account.id).await.unwrap().unwrap()
    }

    /// A browser that has never been here.
    pub fn browser(&self) -> Browser {
        Browser {
            router: self.website.router(),
            cookies: Vec::new(),
            address: "198.51.100.7:4711".parse().unwrap(),
            agent: "Mozilla/5.0 (iPhone) Version/18 Safari/604.1".into(),
            technician: None,
        }
    }

    pub async fn organisation(&self, name: &str) {
        self.database.set_organisation(name).await.unwrap();
        self.website.organisation_changed().await;
    }

    /// Makes the log refuse every entry, or lets it be.
    pub async fn refuse_events(&self, refuse: bool) {
        use sqlx::ConnectOptions;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.database.path());
        let mut other = options.connect().await.unwrap();
        let sql = if refuse {
            "CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT raise(ABORT, 'no'); END"
        } else {
            "DROP TRIGGER refuse"
        };
        sqlx::query(sql).execute(&mut other).await.unwrap();
    }

    /// A session that waits: redeemed by PIN, agreed, its customer's page open.
    pub async fn waiting(&self, technician: &Browser) -> (SessionView, Browser, page::Page) {
        let created = technician.create_session().await;
        let mut customer = self.browser();
        customer
            .redeem_pin(created.invitation.pin.expose())
            .await
            .ok();
        let page = customer.customer_page().await;
        customer.agree(&["camera", "voice"]).await.ok();
        let id = created.session.id.to_string();
        let view = technician
            .until(&id, "waits with its page open", |view| {
                view.state == SessionState::Waiting && view.customer_online
            })
            .await;
        (view, customer, page)
    }
}

/// A browser: cookies, an address, requests as our pages make them.
#[derive(Clone)]
pub struct Browser {
    pub router: axum::Router,
    pub cookies: Vec<(String, String)>,
    pub address: SocketAddr,
    pub agent: String,
    pub technician: Option<TechnicianId>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub what: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(
            self.status.is_success(),
            "{}: {} {}",
            self.what,
            self.status,
            self.text()
        );
        self.json()
    }

    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        let found = (self.status.as_u16(), self.code());
        assert_eq!(
            found,
            (status, code.to_owned()),
            "{}: {}",
            self.what,
            self.text()
        );
    }
}

impl Browser {
    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", HOST)
            .header("user-agent", &self.agent)
            .extension(PeerAddress(self.address));
        if !self.cookies.is_empty() {
            request = request.header("cookie", self.cookie());
        }
        request
    }

    pub fn cookie(&self) -> String {
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let what = format!("{} {}", request.method(), request.uri());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 16 * 1024 * 1024).await.unwrap().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
            what,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap())
            .await
    }

    pub async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self
            .request(method, path)
            .header("origin", format!("https://{HOST}"))
            .header("lens-request", "1")
            .header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, &body).await
    }

    /// Posts and keeps the cookies that come back.
    pub async fn post_and_keep(&mut self, path: &str, body: Value) -> Answer {
        let answer = self.post(path, body).await;
        for line in answer.headers.get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.into(), value.into()));
            }
        }
        answer
    }

    pub async fn create_session(&self) -> CreatedSession {
        let answer = self
            .post("/api/sessions", json!({"customer_name": "Margit"}))
            .await;
        serde_json::from_value(answer.ok()).unwrap()
    }

    pub async fn redeem_pin(&mut self, pin: &str) -> Answer {
        self.post_and_keep(
            "/api/invitations/redeem",
            json!({"pin": pin, "locale": "de"}),
        )
        .await
    }

    pub async fn redeem_link(&mut self, link: &str) -> Answer {
        let (_, secret) = link.split_once('#').unwrap();
        let halves = lens_auth::link::derive(&SecretText::new(secret)).unwrap();
        let body = json!({"lookup": halves.lookup.expose(), "auth": halves.auth.expose()});
        self.post_and_keep("/api/invitations/redeem", body).await
    }

    pub async fn agree(&self, capabilities: &[&str]) -> Answer {
        let body = json!({
            "capabilities": capabilities, "text_version": 1, "locale": "de",
            "text_sha256": "ab".repeat(32), "shown_name": "Anna Berg",
        });
        self.post("/api/customer/consent", body).await
    }

    pub async fn view(&self, id: &str) -> SessionView {
        let answer = self.get(&format!("/api/sessions/{id}")).await;
        serde_json::from_value(answer.ok()).unwrap()
    }

    /// Reads the session until it is as wanted.
    pub async fn until(
        &self,
        id: &str,
        what: &str,
        wanted: impl Fn(&SessionView) -> bool,
    ) -> SessionView {
        for _ in 0..2_000 {
            let view = self.view(id).await;
            if wanted(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the session never {what}: {:?}", self.view(id).await);
    }

    pub async fn log_kinds(&self, id: &str) -> Vec<String> {
        let log = self.get(&format!("/api/sessions/{id}/log")).await.ok();
        let events = log["events"].as_array().unwrap().clone();
        events
            .iter()
            .map(|event| event["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Reads the session's log until it has all of these kinds. A view may be a moment ahead of
    /// it: rights change as soon as the store has them, whatever the log takes.
    pub async fn until_logged(&self, id: &str, wanted: &[&str]) -> Vec<String> {
        for _ in 0..2_000 {
            let kinds = self.log_kinds(id).await;
            if wanted.iter().all(|it| kinds.iter().any(|kind| kind == it)) {
                return kinds;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!(
            "never logged {wanted:?}, only {:?}",
            self.log_kinds(id).await
        );
    }

    pub async fn customer_page(&self) -> page::Page {
        page::Page::open(self, lens_signaling::Door::Customer).await
    }

    pub async fn console(&self) -> page::Page {
        page::Page::open(self, lens_signaling::Door::Console).await
    }
}

/// Waits until `condition` holds.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never came true: {what}");
}

/// A channel name for a `TakePart`, when no page is needed.
pub fn take_part(channel: &str) -> Value {
    json!({"channel": channel})
}
