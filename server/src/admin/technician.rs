//! `lens admin technician`: accounts of people.

use std::io::Write;
use std::path::Path;

use lens_auth::email;
use lens_chat_log::kind;
use lens_protocol::SecretText;
use lens_protocol::account::AccountRole;
use lens_protocol::id::TechnicianId;
use lens_protocol::limits::NAME_CHARS;
use lens_runtime::entropy::SystemEntropy;
use lens_storage::sqlite::Database;
use lens_storage::{AccountRecord, AccountStore, Conflict, StorageError};
use serde_json::json;

use super::{password, record};
use crate::cli::{AccountArgs, TechnicianCommand};
use crate::error::ServerError;
use crate::{say, store};

/// An account to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewAccount<'a> {
    /// Login name.
    pub email: &'a str,
    /// Full name, shown to customers.
    pub name: &'a str,
    /// What it may do.
    pub role: AccountRole,
    /// File with the password; without it one is made.
    pub password_file: Option<&'a Path>,
}

pub(super) async fn run(
    command: TechnicianCommand,
    out: &mut dyn Write,
) -> Result<(), ServerError> {
    match command {
        TechnicianCommand::Add {
            data,
            email,
            name,
            administrator,
            password_file,
        } => {
            let (_, database) = store::open(&data).await?;
            let role = if administrator {
                AccountRole::Administrator
            } else {
                AccountRole::Technician
            };
            let new = NewAccount {
                email: &email,
                name: &name,
                role,
                password_file: password_file.as_deref(),
            };
            let shown = add_account(&database, new).await?;
            say(out, format_args!("{} can sign in now.", shown.0));
            show_password(out, shown.1.as_ref());
        }
        TechnicianCommand::Disable(account) => switch(account, true, out).await?,
        TechnicianCommand::Enable(account) => switch(account, false, out).await?,
        TechnicianCommand::ResetPassword {
            account,
            password_file,
        } => {
            let (database, found) = find(&account).await?;
            let about = [found.email.as_str(), found.name.as_str()];
            let chosen = password::choose(password_file.as_deref(), &about)?;
            database
                .set_password(found.id, &password::hash(&chosen.password)?)
                .await?;
            let body = record::about(&found);
            record::write(&database, kind::ACCOUNT_PASSWORD_SET, body).await?;
            say(
                out,
                format_args!("{} has a new password; open consoles end.", found.email),
            );
            show_password(out, chosen.made.then_some(&chosen.password));
        }
        TechnicianCommand::List(data) => {
            let (_, database) = store::open(&data).await?;
            list(&database.accounts().await?, out);
        }
    }
    Ok(())
}

/// Adds an account. Returns its login name, and its password when that was made here.
pub async fn add_account(
    database: &Database,
    new: NewAccount<'_>,
) -> Result<(String, Option<SecretText>), ServerError> {
    let refused =
        |error: lens_auth::AuthError| ServerError::Refused(format!("{}: {error}", new.email));
    let email = email::normalise(new.email).map_err(refused)?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > NAME_CHARS {
        return Err(ServerError::Refused(format!(
            "--name: use 1 to {NAME_CHARS} characters."
        )));
    }
    let chosen = password::choose(new.password_file, &[&email, name])?;
    let now = store::now();
    let account = AccountRecord {
        id: TechnicianId::generate(now, &mut SystemEntropy::default()),
        email: email.clone(),
        name: name.to_owned(),
        role: new.role,
        password: Some(password::hash(&chosen.password)?),
        disabled: false,
        failed_logins: 0,
        locked_until: None,
        auth_epoch: 1,
        created_at: now,
        last_login_at: None,
    };
    match database.add_account(&account).await {
        Ok(()) => {}
        Err(StorageError::Conflict(Conflict::Email)) => {
            return Err(ServerError::Refused(format!(
                "{email} has an account already. See `lens admin technician list`."
            )));
        }
        Err(error) => return Err(error.into()),
    }
    let mut body = record::about(&account);
    body["role"] = json!(account.role);
    record::write(database, kind::ACCOUNT_ADDED, body).await?;
    Ok((email, chosen.made.then_some(chosen.password)))
}

async fn switch(args: AccountArgs, disabled: bool, out: &mut dyn Write) -> Result<(), ServerError> {
    let (database, found) = find(&args).await?;
    match database.set_disabled(found.id, disabled).await {
        Ok(_) => {}
        Err(StorageError::Conflict(Conflict::LastAdministrator)) => {
            return Err(ServerError::Refused(format!(
                "{} is the last administrator. Add another one first.",
                found.email
            )));
        }
        Err(error) => return Err(error.into()),
    }
    // Also when it was so before: a command that could not write is mended by doing it again.
    let done = if disabled {
        kind::ACCOUNT_DISABLED
    } else {
        kind::ACCOUNT_ENABLED
    };
    record::write(&database, done, record::about(&found)).await?;
    let email = &found.email;
    if disabled {
        let line = format_args!("{email} cannot sign in any more; open consoles end.");
        say(out, line);
    } else {
        say(out, format_args!("{email} can sign in again."));
    }
    Ok(())
}

async fn find(args: &AccountArgs) -> Result<(Database, AccountRecord), ServerError> {
    let (_, database) = store::open(&args.data).await?;
    let unknown = || {
        let email = &args.email;
        ServerError::Refused(format!(
            "{email} has no account. See `lens admin technician list`."
        ))
    };
    let email = email::normalise(&args.email).map_err(|_| unknown())?;
    let found = database
        .account_by_email(&email)
        .await?
        .ok_or_else(unknown)?;
    Ok((database, found))
}

fn list(accounts: &[AccountRecord], out: &mut dyn Write) {
    let width = accounts
        .iter()
        .map(|account| account.email.chars().count())
        .max()
        .unwrap_or(0);
    for account in accounts {
        let role = match account.role {
            AccountRole::Technician => "technician",
            AccountRole::Administrator => "administrator",
        };
        let state = if account.disabled {
            "disabled"
        } else if account.is_locked(store::now()) {
            "locked"
        } else {
            "active"
        };
        let last = account
            .last_login_at
            .map_or("never".to_owned(), |at| at.to_string());
        say(
            out,
            format_args!(
                "{:width$}  {role:13}  {state:8}  last login {last:24}  {}",
                account.email, account.name
            ),
        );
    }
}

fn show_password(out: &mut dyn Write, password: Option<&SecretText>) {
    if let Some(password) = password {
        say(
            out,
            format_args!("Password (shown once): {}", password.expose()),
        );
    }
}
