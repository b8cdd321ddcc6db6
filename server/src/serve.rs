//! The life of a server process: settings, data, doors, work, signal, drain, end.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use lens_runtime::shutdown::Shutdown;
use lens_runtime::telemetry::{self, FILTER_VARIABLE};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::ServeArgs;
use crate::error::ServerError;
use crate::{settings, wire};

/// Time running requests and streams have after the first signal; below the 30 s that operators
/// and orchestrators count on.
const GRACE: Duration = Duration::from_secs(25);
/// Time for what still runs after that.
const LAST: Duration = Duration::from_secs(2);

/// Runs until a signal ends it.
pub(crate) fn run(args: &ServeArgs) -> Result<ExitCode, ServerError> {
    let settings = settings::load_serve(args)?;
    let filter = std::env::var(FILTER_VARIABLE).ok();
    telemetry::start(settings.log.format, filter.as_deref()).map_err(ServerError::Refused)?;
    let runtime = crate::runtime()?;
    let result = runtime.block_on(async {
        let shutdown = Shutdown::new();
        let mut signals = Signals::listen()?;
        let running = tokio::select! {
            started = wire::start(&settings, args.bootstrap_admin.as_ref(), &shutdown) => started?,
            () = signals.next() => return Ok(ExitCode::FAILURE),
        };
        announce(&running.ready, args.ready_json);
        tracing::info!(role = settings.role.as_str(), "ready");
        signals.next().await;
        tracing::info!("draining; a second signal ends at once");
        shutdown.request();
        tokio::select! {
            all = running.stop(&shutdown, GRACE) => {
                if !all {
                    tracing::warn!("some connections were cut off");
                }
                tracing::info!("stopped");
                Ok(ExitCode::SUCCESS)
            }
            () = signals.next() => {
                tracing::warn!("stopped at once");
                Ok(ExitCode::FAILURE)
            }
        }
    });
    runtime.shutdown_timeout(LAST);
    result
}

fn announce(ready: &crate::ready::Ready, json: bool) {
    let text = if json {
        format!("{}\n", ready.json())
    } else {
        ready.greeting()
    };
    let mut out = io::stdout().lock();
    // A closed standard output (`lens serve >&-`) is the operator's choice.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, ServerError> {
        let hear = |kind| {
            signal(kind)
                .map_err(|error| ServerError::Refused(format!("signals cannot be heard: {error}")))
        };
        Ok(Self {
            terminate: hear(SignalKind::terminate())?,
            interrupt: hear(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
