//! A network namespace for servers that want an address other than loopback's. Nothing leaves it:
//! traffic to one's own address stays on its loopback.

use std::process::{Command, ExitStatus};

/// The address in it.
pub(crate) const ADDRESS: [u8; 4] = [10, 78, 0, 1];
/// Set in the process that runs inside.
const INSIDE: &str = "LENS_BENCH_NAMESPACE";

/// Whether this process runs in it.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs this very command again inside a namespace made for it, which goes away afterwards.
pub(crate) fn again_inside() -> Result<ExitStatus, String> {
    let name = format!("lens-bench-{}", std::process::id());
    let made = make(&name).and_then(|()| {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut again = Command::new("ip");
        again.args(["netns", "exec", &name]).arg(own);
        again.args(std::env::args_os().skip(1)).env(INSIDE, &name);
        again.status().map_err(|error| error.to_string())
    });
    let _ = ip(&["netns", "del", &name]);
    made
}

fn make(name: &str) -> Result<(), String> {
    let address = ADDRESS.map(|it| it.to_string()).join(".") + "/24";
    ip(&["netns", "add", name])?;
    ip(&["-n", name, "link", "set", "lo", "up"])?;
    ip(&[
        "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1",
    ])?;
    ip(&["-n", name, "addr", "add", &address, "dev", "eth0"])?;
    for device in ["eth0", "eth1"] {
        ip(&["-n", name, "link", "set", device, "up"])?;
    }
    Ok(())
}

fn ip(words: &[&str]) -> Result<(), String> {
    let done = Command::new("ip").args(words).status();
    match done {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!(
            "`ip {}` failed: a peer's server needs root and iproute2",
            words.join(" ")
        )),
    }
}
