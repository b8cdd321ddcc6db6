//! The page for integrators, tried as a new user would: its commands against a running server.

use std::process::Command;

use super::{LIBRARY, copy, fresh, host_folder, out};
use crate::report::Outcome;
use crate::server::{Server, key};
use crate::{cargo, command, root};

const PAGE: &str = "docs/JAVA-API.md";
/// What the page's first block has the reader set.
const SCOPES: [&str; 2] = ["conferences:write", "participants:write"];

/// Runs the page's commands.
pub(super) fn run() -> Outcome {
    let data = out().join("page-data");
    let tried = fresh(&data).and_then(|()| {
        let text = std::fs::read_to_string(root().join(PAGE)).map_err(|error| error.to_string())?;
        follow(&commands(&text), &data.join("d"))
    });
    cargo::outcome(tried)
}

fn follow(commands: &[&str], data: &std::path::Path) -> Result<(), String> {
    let debug = cargo::target("dev").join(LIBRARY);
    copy(
        &debug,
        &out().join(format!("jni/{}/{LIBRARY}", host_folder())),
    )?;
    let server = Server::start(data, "127.0.0.1:0")?;
    let key = key(data, &SCOPES)?;
    if commands.len() != 3 {
        return Err(format!("{PAGE} has {} commands, not three", commands.len()));
    }
    // The step has made it, in the build that tests use.
    for typed in commands
        .iter()
        .filter(|typed| **typed != "cargo xtask java")
    {
        let folder = out();
        let here = typed.replace("target/java/", &format!("{}/", folder.display()));
        let mut shell = Command::new("sh");
        shell.args(["-c", &here]).current_dir(root());
        shell
            .env("LENS_SERVER", &server.url)
            .env("LENS_API_KEY", &key);
        shell.env("LENS_CERTIFICATE", data.join("tls/certificate.pem"));
        let printed = command::output(&mut shell)?;
        print!("{printed}");
        if typed.starts_with("java ") && !printed.contains("first frame: VP8, 1000 bytes") {
            return Err(format!("`{typed}` shows no first frame"));
        }
    }
    Ok(())
}

/// Lines of shell blocks that set nothing.
fn commands(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or("").lines());
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("export "))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_settings_and_from_other_code() {
        let text = "```sh\nexport A=1\n```\nSay:\n```sh\nmake it\nrun it\n```\n```java\nx();\n```";
        assert_eq!(commands(text), ["make it", "run it"]);
    }
}
