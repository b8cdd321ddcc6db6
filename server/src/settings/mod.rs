//! Everything an operator can set, gathered: one section for each concern.
//!
//! `lens.toml` in the repository is the annotated sample; a test keeps it complete.

mod https;
mod media;
mod website;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use lens_chat_log::ChatLogConfig;
use lens_runtime::addresses::is_private;
use lens_runtime::config::{Complaint, ConfigError, Layers, SecretSetting, Settings};
use lens_runtime::telemetry::{FILTER_VARIABLE, LogFormat};
use serde::{Deserialize, Serialize};

pub use https::HttpsSettings;
pub use media::{AdvertisedSetting, IceTcp, MediaSettings, Rtp};
pub use website::{AccountSettings, ApiSettings, SessionSettings, SignalingSettings, website};

use crate::cli::{DataArgs, ServeArgs};

/// Variables that begin with `LENS_` and are no settings.
const RESERVED: [&str; 3] = [FILTER_VARIABLE, "LENS_CONFIG", "LENS_CI_TARGET"];
/// Fewest characters of an internal token: 128 bits in hexadecimal.
const TOKEN_CHARS: usize = 32;

/// Which part of the service a process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything, in one process.
    #[default]
    All,
    /// Website, signalling, session log.
    Front,
    /// Session Manager.
    SessionManager,
    /// One streaming server.
    Sfu,
}

impl Role {
    /// Its name, as on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Front => "front",
            Self::SessionManager => "session-manager",
            Self::Sfu => "sfu",
        }
    }

    /// Whether it has the HTTPS door.
    pub fn has_https(self) -> bool {
        matches!(self, Self::All | Self::Front)
    }

    /// Whether it carries media.
    pub fn has_media(self) -> bool {
        matches!(self, Self::All | Self::Sfu)
    }
}

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Which part to run.
    pub role: Role,
    /// Directory that holds everything kept.
    pub data_dir: PathBuf,
    /// The organisation's name, used when the first administrator is made unattended.
    pub organisation: Option<String>,
    /// Pages and APIs.
    pub https: HttpsSettings,
    /// Signing in.
    pub accounts: AccountSettings,
    /// Invitations, and how long things last.
    pub sessions: SessionSettings,
    /// The pages' and apps' message channels.
    pub signaling: SignalingSettings,
    /// The session log.
    pub chat_log: ChatLogConfig,
    /// The Session Manager's API.
    pub api: ApiSettings,
    /// The streaming server.
    pub media: MediaSettings,
    /// Metrics, health, calls between roles.
    pub operator: OperatorSettings,
    /// Where the other roles are.
    pub cluster: ClusterSettings,
    /// Log lines.
    pub log: LogSettings,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            role: Role::All,
            data_dir: "lens-data".into(),
            organisation: None,
            https: HttpsSettings::default(),
            accounts: AccountSettings::default(),
            sessions: SessionSettings::default(),
            signaling: SignalingSettings::default(),
            chat_log: ChatLogConfig::default(),
            api: ApiSettings::default(),
            media: MediaSettings::default(),
            operator: OperatorSettings::default(),
            cluster: ClusterSettings::default(),
            log: LogSettings::default(),
        }
    }
}

/// `[operator]`: the private listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OperatorSettings {
    /// Loopback or private address. Calls between roles come here, too.
    pub listen: SocketAddr,
}

impl Default for OperatorSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8444)),
        }
    }
}

/// `[cluster]`: how the roles of one installation find and trust each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSettings {
    /// Shared by all roles; at least 32 characters. Unused by `all`; there is no default.
    pub token: Option<SecretSetting>,
    /// For the front: the Session Manager's private address.
    pub session_manager: Option<String>,
    /// For the Session Manager: the media nodes' private addresses.
    pub sfus: Vec<String>,
}

/// `[log]`: log lines on standard error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// `text` or `json`.
    pub format: LogFormat,
}

impl Settings for ServerSettings {
    fn check(&self) -> Vec<Complaint> {
        let mut complaints = self.https.tls.check("https.tls");
        complaints.extend(self.https.check());
        complaints.extend(self.accounts.check());
        complaints.extend(self.sessions.check());
        complaints.extend(self.api.check());
        if self.role.has_media() {
            complaints.extend(self.media.check());
        }
        if !is_private(self.operator.listen.ip()) {
            let sentence = "use a loopback or private address: what is said there is not encrypted";
            complaints.push(Complaint::new("operator.listen", sentence));
        }
        complaints.extend(self.cluster.check(self.role));
        complaints
    }
}

impl ClusterSettings {
    fn check(&self, role: Role) -> Vec<Complaint> {
        if role == Role::All {
            return Vec::new();
        }
        let mut complaints = Vec::new();
        let mut complain = |key: &str, sentence: String| {
            complaints.push(Complaint::new(format!("cluster.{key}"), sentence));
        };
        match self.token.as_ref().map(SecretSetting::read) {
            None => complain(
                "token",
                format!(
                    "role {} needs the token that all roles share; make one with `openssl rand -hex 32`",
                    role.as_str()
                ),
            ),
            Some(Err(sentence)) => complain("token", sentence),
            Some(Ok(token)) if token.expose().len() < TOKEN_CHARS => {
                complain("token", format!("use at least {TOKEN_CHARS} characters"));
            }
            Some(Ok(_)) => {}
        }
        let url =
            |text: &String| text.starts_with("http://") && text.parse::<axum::http::Uri>().is_ok();
        let expected = "expected a private address such as http://10.0.0.2:8444";
        if role == Role::Front && !self.session_manager.as_ref().is_some_and(url) {
            complain("session_manager", expected.to_owned());
        }
        if role == Role::SessionManager && (self.sfus.is_empty() || !self.sfus.iter().all(url)) {
            complain("sfus", format!("{expected}, one for each media node"));
        }
        complaints
    }
}

/// Loads settings for commands that only look at data.
pub fn load(data: &DataArgs) -> Result<ServerSettings, ConfigError> {
    layers(data)?.load()
}

/// Loads settings for `serve`.
pub fn load_serve(args: &ServeArgs) -> Result<ServerSettings, ConfigError> {
    let mut layers = layers(&args.data)?;
    if let Some(role) = args.role {
        layers.flag("--role", "role", role.as_str());
    }
    if let Some(name) = &args.organisation {
        layers.flag("--organisation", "organisation", name.as_str());
    }
    if let Some(address) = args.https {
        layers.flag("--https", "https.listen", address.to_string());
    }
    if !args.media.is_empty() {
        let list: Vec<String> = args.media.iter().map(SocketAddr::to_string).collect();
        layers.flag("--media", "media.listen", list);
    }
    if let Some(address) = args.operator {
        layers.flag("--operator", "operator.listen", address.to_string());
    }
    if let Some(name) = &args.node {
        layers.flag("--node", "media.node", name.as_str());
    }
    if let Some(file) = &args.internal_token {
        layers.flag(
            "--internal-token",
            "cluster.token.file",
            file.display().to_string(),
        );
    }
    if let Some(url) = &args.session_manager {
        layers.flag(
            "--session-manager",
            "cluster.session_manager",
            url.to_string(),
        );
    }
    if !args.sfu.is_empty() {
        let list: Vec<String> = args.sfu.iter().map(ToString::to_string).collect();
        layers.flag("--sfu", "cluster.sfus", list);
    }
    layers.load()
}

fn layers(data: &DataArgs) -> Result<Layers, ConfigError> {
    let mut layers = Layers::default();
    if let Some(path) = &data.config {
        layers = layers.file(path)?;
    }
    layers = layers.environment(std::env::vars(), &RESERVED);
    if let Some(dir) = &data.data_dir {
        layers.flag("--data-dir", "data_dir", dir.display().to_string());
    }
    Ok(layers)
}
