//! scratch
use lens_auth::token::generate_api_key;
use lens_protocol::id::ApiKeyId;
use lens_runtime::clock::{Clock, SystemClock};
use lens_runtime::entropy::SystemEntropy;
use lens_runtime::shutdown::Shutdown;
use lens_session_manager::routes::{self, Door};
use lens_session_manager::*;
use lens_sfu::{Sfu, config::TcpDoor};
use lens_storage::{ApiKeyRecord, ApiKeyStore, memory::MemoryConferences, sqlite::Database};
use std::sync::Arc;
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    std::fs::create_dir_all(&dir)?;
    let now = SystemClock.now();
    let db = Arc::new(Database::open(&dir.join("lens.db"), now).await?);
    let mut sfu = lens_sfu::Config::new("sfu-1".parse()?);
    sfu.listen = vec!["127.0.0.1:0".parse()?];
    sfu.tcp = TcpDoor::Off;
    sfu.max_participants = 100000;
    let sfu = Sfu::start(sfu, Arc::new(SystemClock))?;
    let shutdown = Shutdown::new();
    let parts = Parts {
        clock: Arc::new(SystemClock),
        entropy: Box::new(SystemEntropy::default()),
        conferences: Arc::new(MemoryConferences::new()),
        idempotency: db.clone(),
        nodes: vec![Arc::new(sfu)],
        metrics: Metrics::default(),
        shutdown,
    };
    let config = Config {
        data_dir: dir.clone(),
        ..Config::default()
    };
    let m = SessionManagerService::start(config, parts).await?;
    let mut e = SystemEntropy::default();
    let id = ApiKeyId::generate(now, &mut e);
    let (text, secret) = generate_api_key(id, &mut e);
    db.add_api_key(&ApiKeyRecord {
        id,
        owner: "fuzz".parse()?,
        name: "f".into(),
        secret,
        scopes: [
            "conferences:write",
            "conferences:read",
            "participants:write",
            "nodes:read",
        ]
        .map(String::from)
        .to_vec(),
        allowed_origins: vec![],
        created_at: now,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    })
    .await?;
    let auth = KeysAndTokens::new(db.clone(), m.media_keys(), Arc::new(SystemClock));
    let l = lens_runtime::rate_limit::RateLimit {
        burst: 10_000_000,
        per: std::time::Duration::from_secs(60),
    };
    let limits = config::DoorLimits {
        per_key: l,
        per_address: l,
        per_participant: l,
        remembered: 100,
    };
    let door = Door::new(
        Arc::new(auth),
        Arc::new(SystemClock),
        limits,
        Metrics::default(),
    );
    let router = routes::public(Arc::new(m), door);
    let s = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    std::fs::write(dir.join("url"), format!("http://{}", s.local_addr()?))?;
    std::fs::write(dir.join("key"), text.expose())?;
    axum::serve(s, router).await?;
    Ok(())
}
