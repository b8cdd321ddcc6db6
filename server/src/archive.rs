//! The backup's container: a plain tar file (POSIX ustar), so that any system can look inside.
//!
//! Only what a backup needs: regular files with short relative names. Reading refuses everything
//! else, so that no archive writes outside its directory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path};

const BLOCK: usize = 512;
/// Longest name in the one field used.
const NAME_BYTES: usize = 100;
/// Largest file: eleven octal digits.
const LARGEST: u64 = 0o777_7777_7777;

/// Writes one file's head and content.
pub(crate) fn append(out: &mut dyn Write, name: &str, file: &mut File) -> io::Result<()> {
    let size = file.metadata()?.len();
    if name.len() > NAME_BYTES || size > LARGEST {
        return Err(io::Error::other(format!(
            "{name} is too long or too large for the archive"
        )));
    }
    out.write_all(&head(name, size))?;
    let copied = io::copy(&mut file.take(size), out)?;
    if copied != size {
        return Err(io::Error::other(format!("{name} shrank while it was read")));
    }
    let rest = (BLOCK - (size % BLOCK as u64) as usize) % BLOCK;
    out.write_all(&[0; BLOCK][..rest])
}

/// Writes the end mark.
pub(crate) fn finish(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// One file of an archive that is being read.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) size: u64,
}

/// Reads the next head; none at the end mark. The content follows: [`copy_content`].
pub(crate) fn next(input: &mut dyn Read) -> io::Result<Option<Entry>> {
    let mut block = [0; BLOCK];
    input.read_exact(&mut block)?;
    if block == [0; BLOCK] {
        return Ok(None);
    }
    let bad = |what: &str| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("not a Lens backup: {what}"),
        )
    };
    if block[257..262] != *b"ustar" || octal(&block[148..156]) != Some(u64::from(checksum(&block)))
    {
        return Err(bad("an entry has no valid head"));
    }
    if !matches!(block[156], b'0' | 0) {
        return Err(bad("an entry is not a plain file"));
    }
    let name = text(&block[..NAME_BYTES]).ok_or_else(|| bad("an entry has no readable name"))?;
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if name.is_empty() || !Path::new(&name).components().all(plain) {
        return Err(bad("an entry leads outside the directory"));
    }
    let size = octal(&block[124..136]).ok_or_else(|| bad("an entry has no size"))?;
    Ok(Some(Entry { name, size }))
}

/// Copies the content of the entry just read, and skips to the next head.
pub(crate) fn copy_content(
    input: &mut dyn Read,
    entry: &Entry,
    to: &mut dyn Write,
) -> io::Result<()> {
    let copied = io::copy(&mut input.take(entry.size), to)?;
    if copied != entry.size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let rest = (BLOCK - (entry.size % BLOCK as u64) as usize) % BLOCK;
    input.read_exact(&mut [0; BLOCK][..rest])
}

fn head(name: &str, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum = checksum(&block);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Sum of all bytes, the checksum's own field counted as spaces.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = text(field)?;
    u64::from_str_radix(text.trim(), 8).ok()
}

fn text(field: &[u8]) -> Option<String> {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_tar_agrees() {
        let dir = tempfile::tempdir().expect("writable");
        let path = dir.path().join("content");
        let content: Vec<u8> = (0..1_300_u32).map(|n| n as u8).collect();
        std::fs::write(&path, &content).expect("writable");
        let mut packed = Vec::new();
        for name in ["lens.db", "tls/key.pem"] {
            append(&mut packed, name, &mut File::open(&path).expect("there")).expect("packed");
        }
        finish(&mut packed).expect("packed");

        let mut input = packed.as_slice();
        let mut names = Vec::new();
        while let Some(entry) = next(&mut input).expect("sound") {
            let mut read = Vec::new();
            copy_content(&mut input, &entry, &mut read).expect("sound");
            assert_eq!(read, content);
            names.push(entry.name);
        }
        assert_eq!(names, ["lens.db", "tls/key.pem"]);

        let archive = dir.path().join("backup");
        std::fs::write(&archive, &packed).expect("writable");
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
    fn an_archive_that_leads_outside_is_refused() {
        for name in ["../passwd", "/etc/passwd", "a/../../b", ""] {
            let mut packed = head(name, 0).to_vec();
            finish(&mut packed).expect("in memory");
            assert!(next(&mut packed.as_slice()).is_err(), "{name:?} was taken");
        }
        assert!(next(&mut [7; BLOCK].as_slice()).is_err(), "noise was taken");
    }
}
