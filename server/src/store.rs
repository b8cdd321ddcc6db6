//! Opening what a data directory holds.

use std::path::Path;

use lens_protocol::Timestamp;
use lens_runtime::clock::{Clock, SystemClock};
use lens_runtime::data_dir::DataDir;
use lens_storage::sqlite::Database;

use crate::cli::DataArgs;
use crate::error::ServerError;
use crate::settings::{self, ServerSettings};

/// The database's file in the data directory.
pub(crate) const DATABASE: &str = "lens.db";

/// Opens the database for a command beside a server that may run.
pub(crate) async fn open(data: &DataArgs) -> Result<(ServerSettings, Database), ServerError> {
    let settings = settings::load(data)?;
    let dir = DataDir::share(&settings.data_dir)?;
    let file = dir.file(DATABASE);
    if !file.exists() {
        return Err(no_database(dir.path()));
    }
    let database = Database::open(&file, now()).await?;
    Ok((settings, database))
}

/// The time now.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

fn no_database(dir: &Path) -> ServerError {
    ServerError::Refused(format!(
        "there is no database in {}. Start `lens serve` there once, or name the right directory with --data-dir.",
        dir.display()
    ))
}
