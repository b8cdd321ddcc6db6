//! `lens config check` and `lens config print`.

use std::io::Write;

use lens_runtime::config::print;

use crate::cli::ConfigCommand;
use crate::error::ServerError;
use crate::{say, settings};

pub(crate) fn run(command: &ConfigCommand, out: &mut dyn Write) -> Result<(), ServerError> {
    match command {
        ConfigCommand::Check(data) => {
            settings::load(data)?;
        }
        ConfigCommand::Print(data) => {
            let settings = settings::load(data)?;
            say(out, format_args!("{}", print(&settings).trim_end()));
        }
    }
    Ok(())
}
