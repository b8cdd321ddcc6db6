//! The lines of `docs/C-API.md` work as they are written: a camera and a viewer in C, through the
//! real product.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::succeed;
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../docs/C-API.md");
/// Twelve seconds: the clip does not begin anew while it is watched.
const FRAMES: u32 = 600;

/// The product as its operators run it: one process, a data directory of its own.
struct Product {
    process: Child,
    data: PathBuf,
    address: String,
}

impl Product {
    fn start(folder: &Path) -> Self {
        let data = folder.join("data");
        let local = "127.0.0.1:0";
        let mut process = Command::new(binary())
            .args([
                "serve",
                "--ready-json",
                "--https",
                local,
                "--media",
                local,
                "--operator",
                local,
            ])
            .arg("--data-dir")
            .arg(&data)
            .env_remove("LENS_BIN")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary under test starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let ready = lines.find_map(|line| line.ok().filter(|line| line.contains("console_url")));
        let ready = ready.expect("it says when it is ready");
        // The rest is read and forgotten, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let found = ready.split("\"console_url\":\"").nth(1);
        let address = found.and_then(|rest| rest.split("/console").next());
        let address = address.expect("an address").to_owned();
        Self {
            process,
            data,
            address,
        }
    }

    fn key(&self) -> String {
        let mut command = Command::new(binary());
        command.args(["admin", "api-key", "add", "--owner", "crm"]);
        command.args([
            "--scope",
            "conferences:write",
            "--scope",
            "participants:write",
        ]);
        command
            .arg("our CRM")
            .arg("--data-dir")
            .arg(&self.data)
            .env_remove("LENS_BIN");
        let said = String::from_utf8_lossy(&succeed(&mut command).stdout).into_owned();
        let key = said
            .split_whitespace()
            .find(|word| word.starts_with("lens_"));
        key.expect("the key is printed once").to_owned()
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `LENS_BIN`, or the one of this workspace, built if need be.
fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("LENS_BIN") {
        return path.into();
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    succeed(Command::new(cargo).args(["build", "--quiet", "-p", "lens-server", "--bin", "lens"]));
    let own = std::env::current_exe().expect("a test has a path");
    let target = own
        .parent()
        .and_then(Path::parent)
        .expect("tests lie in target/debug/deps");
    target.join("lens")
}

/// The shell blocks of the page, in order, as one script that stops at the first failure.
fn script() -> String {
    let mut lines = vec!["set -eu"];
    let mut inside = false;
    for line in PAGE.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => lines.push(line),
            _ => {}
        }
    }
    lines.join("\n")
}

/// A clip whose frames look like VP8 from outside, one keyframe in ten; each says its number.
fn clip(path: &Path) {
    let mut bytes = b"DKIF\0\0\x20\0VP80\x80\x02\xe0\x01".to_vec();
    for number in [50, 1, FRAMES, 0_u32] {
        bytes.extend(number.to_le_bytes());
    }
    for number in 0..FRAMES {
        let mut frame = vec![0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
        frame[0] |= u8::from(number % 10 != 0);
        frame.resize(600, 0xa5);
        frame.extend(number.to_le_bytes());
        bytes.extend((frame.len() as u32).to_le_bytes());
        bytes.extend(u64::from(number).to_le_bytes());
        bytes.extend(frame);
    }
    std::fs::write(path, bytes).expect("a file");
}

/// The numbers in a file that the viewer wrote.
fn numbers(path: &Path) -> Vec<u32> {
    let bytes = std::fs::read(path).expect("a file");
    assert_eq!(&bytes[..12], b"DKIF\0\0\x20\0VP80");
    let mut rest = &bytes[32..];
    let mut found = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<12>() {
        let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let (frame, after) = after.split_at(length);
        let number = frame.last_chunk().expect("it has a number");
        found.push(u32::from_le_bytes(*number));
        rest = after;
    }
    found
}

#[test]
fn the_page_gets_an_integrator_to_a_first_frame() {
    let folder = TempDir::new().expect("a folder");
    let product = Product::start(folder.path());
    let sdk = support::laid_out(&folder.path().join("sdk"));
    let work = folder.path().join("work");
    std::fs::create_dir(&work).expect("a folder");
    clip(&work.join("clip.ivf"));
    let mut shell = Command::new("timeout");
    shell
        .args(["240", "bash"])
        .env("SDK", &sdk)
        .env("LENS", &product.address)
        .env("KEY", product.key())
        .env("CLIP", work.join("clip.ivf"))
        .current_dir(&work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut shell = shell.spawn().expect("bash runs");
    let mut input = shell.stdin.take().expect("piped");
    input.write_all(script().as_bytes()).expect("it reads");
    drop(input);
    let mut said = String::new();
    let _ = shell
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut said);
    let ended = shell.wait().expect("it ends");
    let log = |name: &str| std::fs::read_to_string(work.join(name)).unwrap_or_default();
    assert!(
        ended.success(),
        "{said}\n{}\n{}",
        log("camera.log"),
        log("viewer.log")
    );

    let numbers = numbers(&work.join("seen.ivf"));
    assert!(numbers.len() >= 90, "{numbers:?}");
    assert_eq!(numbers[0] % 10, 0, "the first one is a keyframe");
    let next = |pair: &[u32]| pair[1] == pair[0] + 1 || pair[1] == 0;
    let broken = numbers.windows(2).find(|pair| !next(pair));
    assert_eq!(
        broken, None,
        "complete and in order, unless the clip began anew: {numbers:?}"
    );
}
