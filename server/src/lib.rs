//! The `lens` binary: every role in one process, or one role each.
//!
//! The only crate that picks backends: `wire.rs` decides which trait is a handle in this process
//! and which an HTTP client of another one. Start with [`cli`] for what can be asked, `serve.rs`
//! for the life of a server process.

pub mod admin;
mod archive;
mod backup;
pub mod cli;
mod config_command;
pub mod error;
mod log;
mod operator;
mod ready;
mod serve;
pub mod settings;
mod store;
mod wire;

pub mod openapi;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};
pub use error::ServerError;
use tokio::runtime::Runtime;

/// Runs the command line of this process to its end.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or(Command::Serve(Box::new(cli.serve)));
    match run(command) {
        Ok(code) => code,
        Err(error) => {
            // Nothing else can be done when standard error is closed.
            let _ = writeln!(io::stderr(), "lens: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command) -> Result<ExitCode, ServerError> {
    let mut out = io::stdout().lock();
    match command {
        Command::Serve(args) => {
            drop(out);
            return serve::run(&args);
        }
        Command::Admin { command } => runtime()?.block_on(admin::run(command, &mut out))?,
        Command::Log(args) => runtime()?.block_on(log::run(&args, &mut out))?,
        Command::Config { command } => config_command::run(&command, &mut out)?,
        Command::Backup(args) => runtime()?.block_on(backup::write(&args, &mut out))?,
        Command::Restore(args) => runtime()?.block_on(backup::restore(&args, &mut out))?,
        Command::Openapi => say(&mut out, format_args!("{}", openapi::pretty())),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a line. A reader that has gone away (`lens log … | head`) is no fault.
fn say(out: &mut dyn Write, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{line}");
}

fn runtime() -> Result<Runtime, ServerError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            ServerError::Refused(format!("the system gives no threads to run on: {error}"))
        })
}
