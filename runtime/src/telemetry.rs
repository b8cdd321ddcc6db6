//! Log lines: on standard error, as text for people or JSON for machines, filtered by `LENS_LOG`.
//!
//! Secrets keep themselves out (see `lens_protocol::SecretText`). Libraries below us know SDP,
//! addresses and statements: they stay at `warn` unless the operator names them in the filter.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt;

/// The variable that holds the filter.
pub const FILTER_VARIABLE: &str = "LENS_LOG";
/// What is shown when nothing else is said.
const DEFAULT_FILTER: &str = "info";
/// Where our own crates' lines come from: `lens_sfu`, `lens_website` …
const OURS: &str = "lens";

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One readable line each.
    #[default]
    Text,
    /// One JSON object each.
    Json,
}

/// Starts logging. `filter` is `LENS_LOG`'s content, such as `debug` or `info,lens_sfu=debug`.
/// The error is a sentence for the operator.
pub fn start(format: LogFormat, filter: Option<&str>) -> Result<(), String> {
    let filter = filter_of(filter.unwrap_or(DEFAULT_FILTER))?;
    let started = match format {
        LogFormat::Text => {
            let ansi = std::io::stderr().is_terminal();
            let lines = layer()
                .with_writer(std::io::stderr)
                .with_ansi(ansi)
                .with_target(true);
            registry().with(filter).with(lines).try_init()
        }
        LogFormat::Json => {
            let lines = layer()
                .json()
                .flatten_event(true)
                .with_writer(std::io::stderr);
            registry().with(filter).with(lines).try_init()
        }
    };
    started.map_err(|_| "logging was started twice in one process".to_owned())
}

/// The filter for `text`. A bare level, such as `debug`, holds for our own crates: everything
/// below us stays at `warn` (or quieter, when the operator asks for that) unless it is named,
/// because finer lines of libraries hold addresses, SDP and statements, and which libraries those
/// are changes with each update.
fn filter_of(text: &str) -> Result<EnvFilter, String> {
    let directives: Vec<String> = text
        .split(',')
        .map(|directive| match directive.trim().parse::<LevelFilter>() {
            Ok(level) => format!("{},{OURS}={level}", level.min(LevelFilter::WARN)),
            Err(_) => directive.to_owned(),
        })
        .collect();
    EnvFilter::builder()
        .parse(directives.join(","))
        .map_err(|error| {
            format!("LENS_LOG: {error}. Use a level (warn, info, debug) or lens_sfu=debug,info.")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_holds_for_our_own_crates_alone() {
        let shown = filter_of("debug").expect("valid").to_string();
        assert!(
            shown.contains("lens=debug") && shown.contains("warn"),
            "{shown}"
        );
        assert!(
            !shown.split(',').any(|directive| directive == "debug"),
            "{shown}"
        );
    }

    #[test]
    fn a_library_speaks_when_it_is_named_and_silence_is_silence() {
        let named = filter_of("info,is=debug").expect("valid").to_string();
        assert!(
            named.contains("is=debug") && named.contains("lens=info"),
            "{named}"
        );
        let off = filter_of("off").expect("valid").to_string();
        assert!(!off.contains("warn"), "{off}");
    }

    #[test]
    fn a_bad_filter_is_explained() {
        let error = filter_of("lens_sfu=loudly").expect_err("no level");
        assert!(error.starts_with("LENS_LOG: "), "{error}");
    }
}
