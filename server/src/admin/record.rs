//! What `lens admin` did, in the server's own record: written beside a running server, read by
//! `lens log --accounts`.

use lens_chat_log::{Draft, record_once};
use lens_runtime::entropy::SystemEntropy;
use lens_storage::AccountRecord;
use lens_storage::sqlite::Database;
use serde_json::{Value, json};

use crate::error::ServerError;
use crate::store;

/// Name of this writer in the record.
const SOURCE: &str = "lens-admin";

/// Records what was done. It is on disk when this returns.
pub(super) async fn write(
    database: &Database,
    kind: &'static str,
    mut body: Value,
) -> Result<(), ServerError> {
    body["uid"] = json!(user());
    let mut draft = Draft::of_server(store::now(), kind, None, body);
    draft.actor = Some("lens admin".to_owned());
    let mut entropy = SystemEntropy::default();
    match record_once(database, SOURCE, vec![draft], &mut entropy).await {
        Ok(_) => Ok(()),
        Err(error) => Err(ServerError::Refused(format!(
            "it was done, and is not on record ({kind}): {error}"
        ))),
    }
}

/// An account as the record names it.
pub(super) fn about(account: &AccountRecord) -> Value {
    json!({"account": account.id, "name": account.name})
}

/// Who runs this command, as far as the operating system tells.
fn user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata("/proc/self").ok()?;
    Some(own.uid())
}
