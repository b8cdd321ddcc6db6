//! The backup's container: a plain tar file, so that any system can look inside.
//!
//! Only regular files with relative names, each with mode 0600. Reading refuses everything else,
//! so that no archive writes outside its directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path};

use lens_runtime::data_dir::make_private_dir;
use tar::{Archive, Builder, Entry, EntryType, Header};

/// Writes `files`, each with its name in the archive, and the end mark.
pub(crate) fn pack(
    out: impl Write,
    files: impl IntoIterator<Item = (String, File)>,
) -> io::Result<()> {
    let mut archive = Builder::new(out);
    for (name, file) in files {
        let size = file.metadata()?.len();
        let mut header = Header::new_ustar();
        header.set_size(size);
        header.set_mode(0o600);
        // A file that grows meanwhile is taken as long as its head says.
        archive.append_data(&mut header, &name, file.take(size))?;
    }
    archive.into_inner()?.flush()
}

/// Unpacks into `dir`, which is made, and syncs every file.
///
/// # Errors
/// `InvalidData` when it is no archive of [`pack`]'s; the sentence says why.
pub(crate) fn unpack(input: impl Read, dir: &Path) -> io::Result<()> {
    make_private_dir(dir)?;
    let mut archive = Archive::new(input);
    for entry in archive.entries()? {
        place(&mut entry.map_err(|error| no_backup(&error))?, dir)?;
    }
    Ok(())
}

fn place(entry: &mut Entry<'_, impl Read>, dir: &Path) -> io::Result<()> {
    if entry.header().entry_type() != EntryType::Regular {
        return Err(no_backup("an entry is not a plain file"));
    }
    let name = entry.path().map_err(|error| no_backup(&error))?;
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if name.as_os_str().is_empty() || !name.components().all(plain) {
        return Err(no_backup("an entry leads outside the directory"));
    }
    let path = dir.join(name);
    if let Some(parent) = path.parent() {
        make_private_dir(parent)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    if io::copy(entry, &mut file)? != entry.size() {
        return Err(no_backup("it ends in the middle of a file"));
    }
    file.sync_all()
}

fn no_backup(why: impl ToString) -> io::Error {
    let why = why.to_string();
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("not a Lens backup: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(name: &str, content: &[u8]) -> Vec<u8> {
        let mut header = Header::new_ustar();
        header.set_size(content.len() as u64);
        header.as_ustar_mut().expect("ustar").name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        let mut archive = Builder::new(Vec::new());
        archive.append(&header, content).expect("in memory");
        archive.into_inner().expect("in memory")
    }

    #[test]
    fn what_is_packed_is_unpacked_and_tar_agrees() {
        let dir = tempfile::tempdir().expect("writable");
        let path = dir.path().join("content");
        let content: Vec<u8> = (0..1_300_u32).map(|n| n as u8).collect();
        std::fs::write(&path, &content).expect("writable");
        let archive = dir.path().join("backup");
        let files = ["lens.db", "tls/key.pem"]
            .map(|name| (name.to_owned(), File::open(&path).expect("there")));
        pack(File::create(&archive).expect("writable"), files).expect("packed");

        let target = dir.path().join("target");
        unpack(File::open(&archive).expect("there"), &target).expect("sound");
        for name in ["lens.db", "tls/key.pem"] {
            assert_eq!(std::fs::read(target.join(name)).expect("there"), content);
        }
        let listed = std::process::Command::new("tar")
            .arg("tf")
            .arg(&archive)
            .output();
        let listed = listed.expect("tar is on every Debian");
        assert_eq!(
            String::from_utf8_lossy(&listed.stdout),
            "lens.db\ntls/key.pem\n"
        );
    }

    #[test]
    fn an_archive_that_leads_outside_or_is_none_is_refused() {
        let dir = tempfile::tempdir().expect("writable");
        let refused = |bytes: &[u8], case: &str| {
            let target = dir.path().join("target");
            let error = unpack(bytes, &target).expect_err(case);
            assert!(
                error.to_string().starts_with("not a Lens backup"),
                "{case}: {error}"
            );
            let _ = std::fs::remove_dir_all(&target);
        };
        for name in ["../passwd", "/etc/passwd", "a/../../b", ""] {
            refused(&packed(name, b"x"), name);
        }
        refused(&[7; 512], "noise");
        refused(b"[https]", "a short text");
        refused(&packed("lens.db", &[1; 2_000])[..1_500], "cut off");
        assert!(!dir.path().join("passwd").exists());
    }
}
