//! Log lines: on standard error, as text for people or JSON for machines, filtered by `LENS_LOG`.
//!
//! Secrets keep themselves out (see `lens_protocol::SecretText`). Libraries below us that know
//! SDP, addresses or statements stay at `warn` unless the operator names them in the filter.

use std::io::IsTerminal;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;
use tracing_subscriber::util::SubscriberInitExt;

/// The variable that holds the filter.
pub const FILTER_VARIABLE: &str = "LENS_LOG";
/// What is shown when nothing else is said.
const DEFAULT_FILTER: &str = "info";
/// Libraries whose finer lines may hold addresses, SDP or SQL.
const QUIET: [&str; 9] = [
    "str0m",
    "dimpl",
    "sctp_proto",
    "hyper",
    "hyper_util",
    "h2",
    "rustls",
    "sqlx",
    "tungstenite",
];

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

fn filter_of(text: &str) -> Result<EnvFilter, String> {
    let mut filter = EnvFilter::builder().parse(text).map_err(|error| {
        format!("LENS_LOG: {error}. Use a level (warn, info, debug) or lens_sfu=debug,info.")
    })?;
    for library in QUIET.into_iter().filter(|library| !text.contains(library)) {
        let directive = format!("{library}=warn")
            .parse()
            .expect("a plain directive");
        filter = filter.add_directive(directive);
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_know_too_much_stay_quiet_unless_named() {
        let shown = filter_of("debug").expect("valid").to_string();
        assert!(
            shown.contains("str0m=warn") && shown.contains("sqlx=warn"),
            "{shown}"
        );
        let named = filter_of("info,str0m=debug").expect("valid").to_string();
        assert!(
            named.contains("str0m=debug") && !named.contains("str0m=warn"),
            "{named}"
        );
    }

    #[test]
    fn a_bad_filter_is_explained() {
        let error = filter_of("lens_sfu=loudly").expect_err("no level");
        assert!(error.starts_with("LENS_LOG: "), "{error}");
    }
}
