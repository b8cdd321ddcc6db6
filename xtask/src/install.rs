//! Installs what the tests need, and says why. Needs Debian (or a derivative) and root or sudo for
//! packages of the system; the rest goes below `target/` and `tests/browser/node_modules`.

use std::path::PathBuf;
use std::process::Command;

use crate::report::Outcome;
use crate::{cargo, command, root};

/// What a package is for.
struct Need {
    /// A program it brings, or another file by its whole path.
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
        program: "g++",
        package: "build-essential",
        why: "the C++ face of the MediaSDK",
    },
    Need {
        program: "valgrind",
        package: "valgrind",
        why: "leaks behind the C ABI",
    },
    Need {
        program: "pkg-config",
        package: "pkg-config",
        why: "finds the library as an integrator's build does",
    },
    Need {
        program: "cmake",
        package: "cmake",
        why: "finds it the other way",
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
        why: "schemathesis, aiortc",
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
    Need {
        program: "vpxenc",
        package: "vpx-tools",
        why: "makes and reads the counted clip of the conformance suite",
    },
    Need {
        program: "/usr/include/opus/opus.h",
        package: "libopus-dev",
        why: "software codecs of the MediaSDK: Opus",
    },
    Need {
        program: "/usr/include/vpx/vp8cx.h",
        package: "libvpx-dev",
        why: "VP8",
    },
    Need {
        program: "nasm",
        package: "nasm",
        why: "and H264 at its real speed",
    },
    Need {
        program: "openssl",
        package: "openssl",
        why: "a certificate for GStreamer",
    },
    Need {
        program: "javac",
        package: "openjdk-17-jdk-headless",
        why: "compiles and runs the Java face",
    },
    Need {
        program: "/usr/share/java/junit-jupiter-engine.jar",
        package: "junit5",
        why: "tests of the Java face",
    },
    Need {
        program: "proguard",
        package: "proguard-cli",
        why: "tests that an app may shrink the Java face",
    },
    Need {
        program: "/usr/share/doc/python3-gi/copyright",
        package: "python3-gi",
        why: "drives GStreamer from Debian's python3",
    },
    Need {
        program: "/usr/share/doc/gir1.2-gst-plugins-bad-1.0/copyright",
        package: "gir1.2-gst-plugins-bad-1.0",
        why: "GStreamer's WebRTC types for it",
    },
    Need {
        program: "/usr/share/doc/gstreamer1.0-plugins-base/copyright",
        package: "gstreamer1.0-plugins-base",
        why: "GStreamer: test pictures, Opus",
    },
    Need {
        program: "/usr/share/doc/gstreamer1.0-plugins-good/copyright",
        package: "gstreamer1.0-plugins-good",
        why: "GStreamer: VP8, RTP",
    },
    Need {
        program: "/usr/share/doc/gstreamer1.0-plugins-bad/copyright",
        package: "gstreamer1.0-plugins-bad",
        why: "GStreamer: webrtcbin, DTLS, SRTP",
    },
    Need {
        program: "/usr/share/doc/gstreamer1.0-nice/copyright",
        package: "gstreamer1.0-nice",
        why: "GStreamer: ICE",
    },
];
/// Peers' servers that are measured beside ours. Nobody who does not measure needs them.
const PEERS: &[Need] = &[Need {
    program: "janus",
    package: "janus",
    why: "measured beside our streaming server",
}];
/// Fuzzes the HTTP API from its description.
const SCHEMATHESIS: Python = Python {
    package: "schemathesis==4.32.5",
    venv: "xtask-python",
};
/// A WHIP and WHEP client that is not ours.
const AIORTC: Python = Python {
    package: "aiortc==1.16.0",
    venv: "xtask-aiortc",
};

/// A package of Python's, in an environment of its own below `target/`.
struct Python {
    package: &'static str,
    venv: &'static str,
}

/// Installs what is missing.
pub(crate) fn run() -> Outcome {
    let mut found = cargo::outcome(system());
    found = found.and(cargo::outcome(node_modules()));
    found = found.and(cargo::outcome(python(&SCHEMATHESIS)));
    found.and(cargo::outcome(python(&AIORTC)))
}

/// The program that fuzzes the API.
pub(crate) fn schemathesis_path() -> PathBuf {
    venv(&SCHEMATHESIS).join("bin/schemathesis")
}

/// The Python that has aiortc.
pub(crate) fn aiortc_python() -> PathBuf {
    venv(&AIORTC).join("bin/python")
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
        let program = Some(need.program).filter(|program| !program.starts_with('/'));
        println!(
            "{:12} {:28} {state:8} {}",
            program.unwrap_or_default(),
            need.package,
            need.why
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

fn venv(python: &Python) -> PathBuf {
    root().join("target").join(python.venv)
}

fn python(wanted: &Python) -> Result<(), String> {
    let (package, venv) = (wanted.package, venv(wanted));
    let marker = venv.join("installed");
    if std::fs::read_to_string(&marker).is_ok_and(|text| text == package) {
        println!("{package} is there");
        return Ok(());
    }
    let made = command::run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    if made.is_err() {
        // Debian ships the module in a package of its own.
        command::run(&mut as_root(
            "apt-get",
            &["install", "-q", "-y", "python3-venv"],
        ))?;
        command::run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&venv),
        )?;
    }
    let mut pip = Command::new(venv.join("bin/pip"));
    command::run(pip.args(["install", "--quiet", "--disable-pip-version-check", package]))?;
    std::fs::write(&marker, package).map_err(|error| error.to_string())
}
