//! SQLite passes the suite of every noun.

use tempfile::TempDir;

use super::Database;
use crate::conformance::conformance_tests;
use crate::conformance::sample::at;

conformance_tests!(super::open);

async fn open() -> (Database, TempDir) {
    let directory = tempfile::tempdir().expect("a directory for the test");
    let path = directory.path().join("lens.db");
    let database = Database::open(&path, at(0)).await.expect("a new database");
    (database, directory)
}
