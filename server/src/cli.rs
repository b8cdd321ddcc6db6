//! The command line: what `lens` can be asked to do, and a help that teaches it.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::Uri;
use clap::{Args, Parser, Subcommand};
use lens_protocol::id::{ApiKeyId, SessionId};

use crate::settings::Role;

const AFTER_HELP: &str = "\
Examples:
  lens                                      everything in one process, data in ./lens-data
  lens serve --https 0.0.0.0:443 --media 0.0.0.0:443
  lens serve --config /etc/lens/lens.toml   the same from a file; `lens config print` shows it
  lens admin technician add ann@example.com --name \"Ann Miller\"
  lens admin api-key add crm --scope conferences:write --scope participants:write
  lens log 0199d1f2-…                       who did what in a session
  lens log --accounts                       who signed in, who changed accounts and keys
  lens backup /backup/lens-monday           while the server runs

Settings come from defaults, then the file, then LENS_* variables, then flags. A variable is
LENS_<SECTION>__<KEY>, as in LENS_HTTPS__LISTEN. LENS_LOG filters the log (info, debug, …).
docs/OPERATIONS.md has the whole story.";

/// Live-camera support, self-hosted: a customer opens a link or types a PIN, agrees, and their
/// phone's camera appears on a technician's console.
#[derive(Debug, Parser)]
#[command(name = "lens", version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; `serve` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of `serve`, so that `lens --ready-json` works.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// What `lens` can be asked to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service: every role, or one of them.
    Serve(Box<ServeArgs>),
    /// Look after accounts and API keys.
    Admin {
        /// Which.
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Show the log of a session, or of accounts: who did what, when.
    Log(LogArgs),
    /// Check the configuration, or print what is in force.
    Config {
        /// Which.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Write everything worth keeping into one file; the server may run.
    Backup(BackupArgs),
    /// Make a data directory from a backup; it must not exist or be empty.
    Restore(RestoreArgs),
    /// Print the OpenAPI description of the HTTP API.
    Openapi,
}

/// Where settings and data are.
#[derive(Clone, Debug, Default, Args)]
pub struct DataArgs {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "LENS_CONFIG")]
    pub config: Option<PathBuf>,
    /// Directory that holds everything kept. Default ./lens-data.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Flags of `lens serve`. Each stands for a key of the configuration.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// Where settings and data are.
    #[command(flatten)]
    pub data: DataArgs,
    /// Which part to run: all, front, session-manager or sfu.
    #[arg(long)]
    pub role: Option<Role>,
    /// HTTPS address for pages and APIs. Default [::]:8443.
    #[arg(long, value_name = "ADDR")]
    pub https: Option<SocketAddr>,
    /// UDP address for media; may be repeated. Default: every interface, port 8443.
    #[arg(long, value_name = "ADDR")]
    pub media: Vec<SocketAddr>,
    /// Private address for metrics, health and calls between roles. Default 127.0.0.1:8444.
    #[arg(long, value_name = "ADDR")]
    pub operator: Option<SocketAddr>,
    /// The organisation's name, for an unattended first start.
    #[arg(long, value_name = "NAME")]
    pub organisation: Option<String>,
    /// Makes the first administrator unattended: e-mail and the file that holds the password.
    #[arg(long, value_name = "EMAIL:PASSWORD-FILE")]
    pub bootstrap_admin: Option<BootstrapAdmin>,
    /// Name of this media node.
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// File with the internal token that the roles of one installation share.
    #[arg(long, value_name = "FILE")]
    pub internal_token: Option<PathBuf>,
    /// For the front: the Session Manager's private address, as http://10.0.0.2:8444.
    #[arg(long, value_name = "URL")]
    pub session_manager: Option<Uri>,
    /// For the Session Manager: a media node's private address; may be repeated.
    #[arg(long, value_name = "URL")]
    pub sfu: Vec<Uri>,
    /// Print one line of JSON when every door is open, in place of the greeting.
    #[arg(long)]
    pub ready_json: bool,
}

/// The first administrator, from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootstrapAdmin {
    /// Login name.
    pub email: String,
    /// File with the password.
    pub password_file: PathBuf,
}

impl std::str::FromStr for BootstrapAdmin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((email, file)) if email.contains('@') && !file.is_empty() => Ok(Self {
                email: email.to_owned(),
                password_file: file.into(),
            }),
            _ => Err("expected EMAIL:PASSWORD-FILE, as in ann@example.com:/run/secrets/ann"),
        }
    }
}

/// Accounts and API keys.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Technicians and administrators.
    Technician {
        /// What to do.
        #[command(subcommand)]
        command: TechnicianCommand,
    },
    /// Keys for programs that call /v1.
    ApiKey {
        /// What to do.
        #[command(subcommand)]
        command: ApiKeyCommand,
    },
}

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum TechnicianCommand {
    /// Add an account; prints its first password once unless a file holds one.
    Add {
        /// Where settings and data are.
        #[command(flatten)]
        data: DataArgs,
        /// Login name.
        email: String,
        /// Full name, shown to customers.
        #[arg(long)]
        name: String,
        /// May administer, too.
        #[arg(long)]
        administrator: bool,
        /// File with the password; without it one is made.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Take the right to sign in; ends the account's open consoles.
    Disable(AccountArgs),
    /// Give the right to sign in back.
    Enable(AccountArgs),
    /// Set a new password, end a lock, and end the account's open consoles.
    ResetPassword {
        /// Whose.
        #[command(flatten)]
        account: AccountArgs,
        /// File with the password; without it one is made and printed once.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List all accounts.
    List(DataArgs),
}

/// One account.
#[derive(Debug, Args)]
pub struct AccountArgs {
    /// Where settings and data are.
    #[command(flatten)]
    pub data: DataArgs,
    /// Login name.
    pub email: String,
}

/// What can be done with API keys.
#[derive(Debug, Subcommand)]
pub enum ApiKeyCommand {
    /// Make a key; prints it once.
    Add {
        /// Where settings and data are.
        #[command(flatten)]
        data: DataArgs,
        /// Your own name for it.
        name: String,
        /// What it may do; may be repeated: conferences:write, conferences:read,
        /// participants:write, nodes:read, nodes:write.
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<String>,
        /// Whose conferences it sees; keys of one owner share them. Default: an owner of its own.
        #[arg(long)]
        owner: Option<String>,
        /// Web origin that may use it from a browser; may be repeated.
        #[arg(long = "origin", value_name = "ORIGIN")]
        origins: Vec<String>,
        /// Days until it ends. Default: until revoked.
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
    },
    /// End a key for good.
    Revoke {
        /// Where settings and data are.
        #[command(flatten)]
        data: DataArgs,
        /// Its id, as `list` shows it.
        id: ApiKeyId,
    },
    /// List all keys, without their secrets.
    List(DataArgs),
}

/// Flags of `lens log`.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Where settings and data are.
    #[command(flatten)]
    pub data: DataArgs,
    /// The session.
    #[arg(required_unless_present = "accounts", conflicts_with = "accounts")]
    pub session: Option<SessionId>,
    /// Sign-ins, accounts, passwords and API keys instead of a session.
    #[arg(long)]
    pub accounts: bool,
    /// One JSON object per line.
    #[arg(long)]
    pub json: bool,
}

/// Configuration commands.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say what is wrong, with file, line and column; silent exit code 0 when nothing is.
    Check(DataArgs),
    /// Print what is in force, secrets redacted.
    Print(DataArgs),
}

/// Flags of `lens backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Where settings and data are.
    #[command(flatten)]
    pub data: DataArgs,
    /// The file to write; it must not exist.
    pub file: PathBuf,
}

/// Flags of `lens restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Where settings and data are.
    #[command(flatten)]
    pub data: DataArgs,
    /// The backup.
    pub file: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lens_alone_serves_with_the_flags_of_serve() {
        let cli = Cli::try_parse_from(["lens", "--ready-json", "--https", "127.0.0.1:0"]);
        let cli = cli.expect("valid");
        assert!(cli.command.is_none() && cli.serve.ready_json);
    }

    #[test]
    fn a_log_is_of_one_session_or_of_accounts() {
        let session = "0199d1f2-0000-7000-8000-000000000000";
        let parses = |arguments: &[&str]| {
            let all = ["lens", "log"].iter().chain(arguments);
            Cli::try_parse_from(all).is_ok()
        };
        assert!(parses(&[session]) && parses(&["--accounts"]));
        assert!(!parses(&[]) && !parses(&[session, "--accounts"]));
    }

    #[test]
    fn a_bootstrap_administrator_needs_e_mail_and_file() {
        let given = "ann@example.com:/run/secrets/ann".parse::<BootstrapAdmin>();
        assert_eq!(given.expect("valid").email, "ann@example.com");
        for bad in ["ann@example.com", "ann:/file", "ann@example.com:"] {
            assert!(bad.parse::<BootstrapAdmin>().is_err(), "{bad}");
        }
    }
}
