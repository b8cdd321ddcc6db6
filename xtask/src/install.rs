//! Installs what the tests need, and says why. Needs Debian (or a derivative) and root or sudo for
//! packages of the system; the rest goes below `target/` and `tests/browser/node_modules`.

use std::path::PathBuf;
use std::process::Command;

use crate::report::Outcome;
use crate::{cargo, command, root};

/// What a package is for.
struct Need {
    /// A program it brings.
    program: &'static str,
    package: &'static str,
    why: &'static str,
}

const SYSTEM: &[Need] = &[
    Need {
        program: "cc",
        package: "build-essential",
        why: "C parts of cryptography and SQLite",
    },
    Need {
        program: "chromium",
        package: "chromium",
        why: "browser tests",
    },
    Need {
        program: "firefox-esr",
        package: "firefox-esr",
        why: "browser tests",
    },
    Need {
        program: "ip",
        package: "iproute2",
        why: "network namespaces with real addresses",
    },
    Need {
        program: "nft",
        package: "nftables",
        why: "cuts a network, or its UDP, in tests",
    },
    Need {
        program: "node",
        package: "nodejs",
        why: "browser tests, tests of the browser library",
    },
    Need {
        program: "npm",
        package: "npm",
        why: "puppeteer-core, axe-core and TypeScript",
    },
    Need {
        program: "python3",
        package: "python3",
        why: "schemathesis",
    },
    Need {
        program: "curl",
        package: "curl",
        why: "the walk-through in docs/API.md",
    },
    Need {
        program: "tar",
        package: "tar",
        why: "looks into backups",
    },
];
/// Peers' servers that are measured beside ours. Nobody who does not measure needs them.
const PEERS: &[Need] = &[Need {
    program: "janus",
    package: "janus",
    why: "measured beside our streaming server",
}];
/// Fuzzes the HTTP API from its description.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// Installs what is missing.
pub(crate) fn run() -> Outcome {
    let mut found = cargo::outcome(system());
    found = found.and(cargo::outcome(node_modules()));
    found.and(cargo::outcome(schemathesis()))
}

/// The program that fuzzes the API.
pub(crate) fn schemathesis_path() -> PathBuf {
    venv().join("bin/schemathesis")
}

/// Installs the peers' servers.
pub(crate) fn peers() -> Result<(), String> {
    packages(PEERS)
}

fn system() -> Result<(), String> {
    packages(SYSTEM)
}

fn packages(needs: &[Need]) -> Result<(), String> {
    let missing: Vec<&Need> = needs
        .iter()
        .filter(|need| !command::exists(need.program))
        .collect();
    for need in needs {
        let state = if missing.iter().any(|m| m.program == need.program) {
            "missing"
        } else {
            "there"
        };
        println!(
            "{:12} {:16} {state:8} {}",
            need.program, need.package, need.why
        );
    }
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|need| need.package).collect();
    command::run(&mut as_root("apt-get", &["update", "-q"]))?;
    let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
    arguments.extend(&names);
    command::run(&mut as_root("apt-get", &arguments))
        .map_err(|error| format!("{error}. Install {} by hand.", names.join(" ")))
}

fn as_root(program: &str, arguments: &[&str]) -> Command {
    // Root needs no sudo, and small images have none.
    let sudo = command::exists("sudo") && std::env::var("USER").is_ok_and(|user| user != "root");
    let mut command = Command::new(if sudo { "sudo" } else { program });
    if sudo {
        command.arg(program);
    }
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// What the browser tests take from npm.
pub(crate) fn node_modules() -> Result<(), String> {
    let dir = root().join("tests/browser");
    let installed = dir.join("node_modules/.package-lock.json");
    let modified = |path: &std::path::Path| path.metadata().and_then(|found| found.modified()).ok();
    if installed.exists() && modified(&installed) >= modified(&dir.join("package-lock.json")) {
        println!("node_modules are there");
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(dir);
    command::run(&mut npm)
}

fn venv() -> PathBuf {
    root().join("target/xtask-python")
}

fn schemathesis() -> Result<(), String> {
    let marker = venv().join("installed");
    if std::fs::read_to_string(&marker).is_ok_and(|text| text == SCHEMATHESIS) {
        println!("{SCHEMATHESIS} is there");
        return Ok(());
    }
    let made = command::run(Command::new("python3").args(["-m", "venv"]).arg(venv()));
    if made.is_err() {
        // Debian ships the module in a package of its own.
        command::run(&mut as_root(
            "apt-get",
            &["install", "-q", "-y", "python3-venv"],
        ))?;
        command::run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(venv()),
        )?;
    }
    let mut pip = Command::new(venv().join("bin/pip"));
    command::run(pip.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        SCHEMATHESIS,
    ]))?;
    std::fs::write(&marker, SCHEMATHESIS).map_err(|error| error.to_string())
}
