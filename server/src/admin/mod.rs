//! `lens admin`: accounts and API keys, beside a running server or without one. What it changes is
//! in the record that `lens log --accounts` shows.

mod api_key;
mod password;
mod record;
mod technician;

use std::io::Write;

use crate::cli::AdminCommand;
use crate::error::ServerError;

pub use technician::{NewAccount, add_account};

/// Runs one command; what is to be shown goes to `out`.
pub async fn run(command: AdminCommand, out: &mut dyn Write) -> Result<(), ServerError> {
    match command {
        AdminCommand::Technician { command } => technician::run(command, out).await,
        AdminCommand::ApiKey { command } => api_key::run(command, out).await,
    }
}
