//! The first administrator: by a one-time set-up link, or unattended from the command line.

use std::time::Duration;

use lens_auth::token;
use lens_protocol::SecretText;
use lens_protocol::account::AccountRole;
use lens_runtime::entropy::SystemEntropy;
use lens_storage::sqlite::Database;
use lens_storage::{AccountStore, SettingStore, SetupToken};

use crate::admin::{NewAccount, add_account};
use crate::cli::BootstrapAdmin;
use crate::error::ServerError;
use crate::settings::ServerSettings;
use crate::store;

/// How long a set-up link can be used; a restart makes a new one.
const LINK_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// The organisation's name when nobody said one.
const UNNAMED: &str = "Support";

/// Makes the administrator the command line names, or returns the token of a set-up link, while
/// there is no administrator. Afterwards it does nothing, so that the same command line can be
/// used at every start.
pub(super) async fn prepare(
    database: &Database,
    settings: &ServerSettings,
    bootstrap: Option<&BootstrapAdmin>,
) -> Result<Option<SecretText>, ServerError> {
    if database.has_administrator().await? {
        return Ok(None);
    }
    let Some(administrator) = bootstrap else {
        let text = token::generate(&mut SystemEntropy::default());
        let kept = SetupToken {
            token: token::digest(&text),
            expires_at: store::now().plus(LINK_LIFE),
        };
        database.set_setup_token(&kept).await?;
        return Ok(Some(text));
    };
    let name = administrator.email.split('@').next().unwrap_or_default();
    let new = NewAccount {
        email: &administrator.email,
        name,
        role: AccountRole::Administrator,
        password_file: Some(&administrator.password_file),
    };
    add_account(database, new).await?;
    if database.organisation().await?.is_none() {
        let organisation = settings.organisation.as_deref().unwrap_or(UNNAMED);
        database.set_organisation(organisation).await?;
    }
    Ok(None)
}
