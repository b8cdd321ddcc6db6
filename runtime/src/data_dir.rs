//! The directory that holds everything a process keeps: made with mode 0700, used by one process
//! at a time.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const LOCK_FILE: &str = "lens.lock";

/// An open data directory. Dropping it lets the next process in.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Held for its lock; the operating system frees it however the process ends.
    _lock: Option<File>,
}

/// Why a data directory cannot be used. Each is a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// It cannot be made.
    #[error(
        "the data directory {path} cannot be created: {source}. Choose another with --data-dir."
    )]
    Create {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something else stands there.
    #[error("{path} is not a directory. Choose another with --data-dir.")]
    NotADirectory {
        /// Which.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error(
        "the data directory {path} cannot be written: {source}. Make it writable for this user, or choose another with --data-dir."
    )]
    NotWritable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its disk is full.
    #[error("the disk of the data directory {path} is full. Free some space and start again.")]
    Full {
        /// Which.
        path: PathBuf,
    },
    /// Somebody else owns it.
    #[error(
        "the data directory {path} belongs to another user (uid {owner}). Start Lens as that user, or choose another with --data-dir."
    )]
    Foreign {
        /// Which.
        path: PathBuf,
        /// Whose.
        owner: u32,
    },
    /// Another process uses it.
    #[error(
        "another Lens process uses the data directory {path}. Stop it first, or choose another with --data-dir."
    )]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// It is not there, and the command at hand does not make one.
    #[error(
        "there is no data directory at {path}. Name the one that `lens serve` uses with --data-dir."
    )]
    Absent {
        /// Which.
        path: PathBuf,
    },
}

impl DataDir {
    /// Opens `path` for this process alone, and makes it when it is not there.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        make(path)?;
        check_owner(path)?;
        let lock = lock(path)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: Some(lock),
        })
    }

    /// Opens an existing one beside a process that may be running, for commands that only use
    /// what can be shared (the database).
    pub fn share(path: &Path) -> Result<Self, DataDirError> {
        if !path.exists() {
            return Err(DataDirError::Absent {
                path: path.to_owned(),
            });
        }
        check_owner(path)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: None,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `name` inside.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Writes a file that only its owner can read: whole and on disk, or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

/// Makes a directory that only its owner can enter, and its parents.
pub fn make_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn make(path: &Path) -> Result<(), DataDirError> {
    if path.exists() {
        return Ok(());
    }
    make_private_dir(path).map_err(|source| trouble(path, source, true))
}

fn check_owner(path: &Path) -> Result<(), DataDirError> {
    let found = path
        .metadata()
        .map_err(|source| trouble(path, source, false))?;
    if !found.is_dir() {
        return Err(DataDirError::NotADirectory {
            path: path.to_owned(),
        });
    }
    // A file of our own tells who we are without asking the C library.
    let probe = path.join(format!(".probe-{}", std::process::id()));
    let made = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&probe);
    let written = made.and_then(|mut file| {
        file.write_all(&[0; 4096])?;
        file.sync_all()?;
        file.metadata()
    });
    let removed = std::fs::remove_file(&probe);
    let ours = written
        .map_err(|source| trouble(path, source, false))?
        .uid();
    removed.map_err(|source| trouble(path, source, false))?;
    if found.uid() != ours {
        return Err(DataDirError::Foreign {
            path: path.to_owned(),
            owner: found.uid(),
        });
    }
    if found.mode() & 0o077 != 0 {
        let tight = Permissions::from_mode(0o700);
        std::fs::set_permissions(path, tight).map_err(|source| trouble(path, source, false))?;
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File, DataDirError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path.join(LOCK_FILE))
        .map_err(|source| trouble(path, source, false))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DataDirError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(trouble(path, source, false)),
    }
}

fn trouble(path: &Path, source: io::Error, making: bool) -> DataDirError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DataDirError::Full { path },
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            DataDirError::NotADirectory { path }
        }
        _ if making => DataDirError::Create { path, source },
        _ => DataDirError::NotWritable { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> PathBuf {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        std::env::temp_dir().join(format!("lens-data-dir-{}-{n}", std::process::id()))
    }

    #[test]
    fn a_new_directory_is_for_its_owner_alone_and_for_one_process() {
        let path = fresh();
        let first = DataDir::open(&path).expect("made");
        let mode = path.metadata().expect("there").mode() & 0o777;
        assert_eq!(mode, 0o700);
        assert!(matches!(
            DataDir::open(&path),
            Err(DataDirError::InUse { .. })
        ));
        drop(first);
        drop(DataDir::open(&path).expect("free again"));
        std::fs::remove_dir_all(&path).expect("ours");
    }

    #[test]
    fn a_file_in_its_place_is_explained() {
        let path = fresh();
        std::fs::write(&path, b"x").expect("writable");
        let error = DataDir::open(&path).expect_err("a file");
        assert!(matches!(error, DataDirError::NotADirectory { .. }));
        assert!(error.to_string().contains("--data-dir"));
        std::fs::remove_file(&path).expect("ours");
    }

    #[test]
    fn a_private_file_is_replaced_whole() {
        let path = fresh();
        for text in ["one", "two"] {
            write_private(&path, text.as_bytes()).expect("writable");
        }
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "two");
        assert_eq!(path.metadata().expect("there").mode() & 0o777, 0o600);
        std::fs::remove_file(&path).expect("ours");
    }
}
