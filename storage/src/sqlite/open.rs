//! Opening the file: settings, first creation, migrations.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lens_protocol::Timestamp;
use sqlx::ConnectOptions;
use sqlx::SqliteConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::{Database, Inner, migrate};
use crate::error::{Result, StorageError};

/// How to open a database; the defaults are the product's.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections for reading. Each costs a thread and up to 2 MiB of cache, opened on demand.
    pub readers: u32,
    /// How long a call waits for the writer, for a reader, or for another process that writes.
    pub wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 4,
            wait: Duration::from_secs(5),
        }
    }
}

impl Database {
    /// Opens the database at `path`, making it (readable by its owner alone) when there is none,
    /// and brings its schema up to date. An older one is copied to `PATH.before-NNNN-TIME` first.
    ///
    /// `NewerSchema`, `AlteredSchema`, `Full`, `ReadOnly`, `Busy`, `Corrupt`, `Open`: each is a
    /// sentence that says what to do, and leaves the file as it was.
    pub async fn open(path: &Path, now: Timestamp) -> Result<Self> {
        Self::open_with(path, &Options::default(), now).await
    }

    /// The same with other options.
    pub async fn open_with(path: &Path, options: &Options, now: Timestamp) -> Result<Self> {
        make_private_file(path)?;
        let connect = connect_options(path, options.wait);
        let mut writer = connect_in_turn(&connect, path, options.wait).await?;
        migrate::bring_up_to_date(&mut writer, path, now).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.max(1))
            .acquire_timeout(options.wait)
            .test_before_acquire(false)
            .connect_lazy_with(connect.clone().pragma("query_only", "ON"));
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                connect,
                wait: options.wait,
                writer: Arc::new(Mutex::new(Some(writer))),
                readers,
            }),
        })
    }
}

/// Connects, waiting up to `wait` for another process that does the same.
///
/// A new file is turned into one with a WAL under an exclusive lock. Of two that hold it shared and
/// both want it exclusive one gets `SQLITE_BUSY` at once, whatever its timeout: waiting would be a
/// deadlock (<https://www.sqlite.org/c3ref/busy_handler.html>). It lets go here, and tries again.
async fn connect_in_turn(
    connect: &SqliteConnectOptions,
    path: &Path,
    wait: Duration,
) -> Result<SqliteConnection> {
    const PAUSE: Duration = Duration::from_millis(5);
    let begun = Instant::now();
    loop {
        match connect.connect().await.map_err(|e| opening(path, e)) {
            Err(StorageError::Busy) if begun.elapsed() < wait => sleep(PAUSE).await,
            done => return done,
        }
    }
}

/// The settings of every connection of the product to the file at `path`.
pub(super) fn connect_options(path: &Path, wait: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(wait)
        // A WAL that grew during a long read is cut back to this at the next checkpoint.
        .pragma("journal_size_limit", "16777216")
        .disable_statement_logging()
}

/// Makes an empty file with mode 0600 when there is none: SQLite would take the umask's.
///
/// A file that exists is not opened: closing it would let go of the locks that SQLite holds on it
/// anywhere in this process (<https://www.sqlite.org/howtocorrupt.html>, section 2.2).
pub(super) fn make_private_file(path: &Path) -> Result<()> {
    if path.is_file() {
        return Ok(());
    }
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(source) => Err(open_error(path, source)),
    }
}

/// What an error of the file system means for a store.
pub(super) fn open_error(path: &Path, source: std::io::Error) -> StorageError {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StorageError::Full,
        std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
            StorageError::ReadOnly
        }
        _ => StorageError::Open {
            path: path.to_owned(),
            source,
        },
    }
}

/// The file opened a moment ago, so when SQLite cannot, it is its side files that cannot be made.
fn opening(path: &Path, error: sqlx::Error) -> StorageError {
    const SQLITE_CANTOPEN: &str = "14";
    let cannot_open = error
        .as_database_error()
        .and_then(|database| database.code())
        .is_some_and(|code| code == SQLITE_CANTOPEN);
    if cannot_open {
        return open_error(path, std::io::ErrorKind::PermissionDenied.into());
    }
    error.into()
}
