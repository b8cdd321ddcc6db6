//! `lens backup` and `lens restore`: a data directory as one file.
//!
//! The database is copied as it is at one moment, while the server goes on; the files beside it
//! (certificate, keys) follow. The result is a tar file: it holds secrets, so its mode is 0600.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use lens_runtime::data_dir::DataDir;
use lens_storage::sqlite::backup as database_backup;

use crate::cli::{BackupArgs, RestoreArgs};
use crate::error::ServerError;
use crate::store::{self, DATABASE};
use crate::{archive, say, settings};

pub(crate) async fn write(args: &BackupArgs, out: &mut dyn Write) -> Result<(), ServerError> {
    let target = &args.file;
    let refused = |error: &io::Error| ServerError::File {
        path: target.clone(),
        reason: format!("the backup cannot be written: {error}"),
    };
    if target.exists() {
        let reason = "the file exists already; choose another name, or remove it first".to_owned();
        return Err(ServerError::File {
            path: target.clone(),
            reason,
        });
    }
    let (settings, database) = store::open(&args.data).await?;
    // Beside the target: that file system is the one with room for a backup.
    let copy = with_suffix(target, ".database");
    let part = with_suffix(target, ".part");
    let packed = match database.backup(&copy).await {
        Ok(()) => pack(&settings.data_dir, &copy, &part).map_err(|error| refused(&error)),
        Err(error) => Err(error.into()),
    };
    let _ = fs::remove_file(&copy);
    database.close().await;
    let named = packed.and_then(|()| fs::rename(&part, target).map_err(|error| refused(&error)));
    if named.is_err() {
        let _ = fs::remove_file(&part);
        return named;
    }
    let size = target.metadata().map_or(0, |found| found.len());
    say(
        out,
        format_args!(
            "{}: {size} bytes. It holds keys and personal data: keep it as safe as the server.",
            target.display()
        ),
    );
    Ok(())
}

pub(crate) async fn restore(args: &RestoreArgs, out: &mut dyn Write) -> Result<(), ServerError> {
    let dir = settings::load(&args.data)?.data_dir;
    let refused = |reason: String| ServerError::File {
        path: args.file.clone(),
        reason,
    };
    let input = File::open(&args.file).map_err(|error| refused(error.to_string()))?;
    let empty = dir
        .read_dir()
        .map_or(true, |mut entries| entries.next().is_none());
    if !empty {
        return Err(ServerError::Refused(format!(
            "{} is not empty. Stop the server, move that directory away, and run this again.",
            dir.display()
        )));
    }
    let beside = with_suffix(&dir, ".restoring");
    let unpacked =
        archive::unpack(BufReader::new(input), &beside).map_err(|error| refused(error.to_string()));
    let checked = match unpacked {
        Ok(()) => database_backup::verify(&beside.join(DATABASE))
            .await
            .map_err(ServerError::from),
        Err(error) => Err(error),
    };
    if let Err(error) = checked {
        let _ = fs::remove_dir_all(&beside);
        return Err(error);
    }
    let placed = fs::remove_dir(&dir)
        .or_else(absent_is_fine)
        .and_then(|()| fs::rename(&beside, &dir));
    placed.map_err(|error| ServerError::File {
        path: dir.clone(),
        reason: error.to_string(),
    })?;
    drop(DataDir::open(&dir)?);
    say(
        out,
        format_args!("{} is restored. Start `lens serve` with it.", dir.display()),
    );
    Ok(())
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound {
        Ok(())
    } else {
        Err(error)
    }
}

fn pack(data_dir: &Path, database: &Path, part: &Path) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(part)?;
    let mut names = Vec::new();
    collect(data_dir, "", &mut names)?;
    names.sort();
    let mut files = vec![(DATABASE.to_owned(), File::open(database)?)];
    for name in names {
        let opened = File::open(data_dir.join(&name))?;
        files.push((name, opened));
    }
    archive::pack(BufWriter::new(&file), files)?;
    file.sync_all()
}

/// Names of the files beside the database, relative to the data directory.
fn collect(root: &Path, inside: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(inside))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = if inside.is_empty() {
            name.clone()
        } else {
            format!("{inside}/{name}")
        };
        let kind = entry.file_type()?;
        // The database itself, its side files and former copies; locks; files half written.
        let passing = name.starts_with(DATABASE)
            || name.starts_with('.')
            || name == "lens.lock"
            || name.ends_with(".new");
        if kind.is_dir() {
            collect(root, &path, names)?;
        } else if kind.is_file() && !passing {
            names.push(path);
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
