//! `lens-bench`: how fast and how lean Lens is on this machine.
//!
//! | word | what is measured | where |
//! |---|---|---|
//! | `join` | join call → first decoded frame, in Chromium | `browser.rs`, `bench/browser/join.mjs` |
//! | `start` | click on Start → first frame on the console | `browser.rs`, `bench/browser/start.mjs` |
//! | `process` | start → ready, memory at rest | `process.rs` |
//! | `hub` | signalling connections and messages on one core | `hub.rs` |
//! | `sfu` | forwarding: processor, delay, memory, beside a peer's server | `sfu/mod.rs` |
//! | `churn` | what stays of those who came and went | `sfu/churn.rs` |
//! | `allocations` | who asks for memory while packets are forwarded | `sfu/allocations.rs` |
//! | `attack` | what sessions and handshakes notice of a flood | `sfu/attack` |
//! | `sdk` | what the MediaSDK costs its host program | `sdk/mod.rs` |
//!
//! Each prints a table with the machine's facts and, with `--json FILE`, writes the same as JSON.
//! A missed target is printed as missed and changes no exit code: figures are facts about a
//! machine, not tests. Run it by `cargo xtask bench`, which builds the binary first.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

mod browser;
mod hub;
mod machine;
mod process;
mod product;
mod report;
mod sdk;
mod sfu;
mod statistics;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::machine::Machine;
use crate::report::Report;

/// Measures Lens on this machine.
#[derive(Debug, Parser)]
#[command(name = "lens-bench")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Joins in Chromium: join call to first decoded frame.
    Join(BrowserArgs),
    /// Starts through the real pages: click on Start to first frame on the console.
    Start(BrowserArgs),
    /// Start of the service, and its memory at rest.
    Process(ProcessArgs),
    /// The signalling hub on one core.
    Hub(HubArgs),
    /// Forwarding media on one core.
    Sfu(SfuArgs),
    /// Who asks for memory while packets are forwarded. Measures `lens-counted` in place of `lens`.
    /// Fails when it is us.
    Allocations(AllocationsArgs),
    /// Strangers who flood the media port.
    Attack(AttackArgs),
    /// People who come and go: nothing stays of those who left. Fails when something does.
    Churn(ChurnArgs),
    /// What the MediaSDK costs the program that links it.
    Sdk(SdkArgs),
    /// A program that links the MediaSDK, for `sdk`.
    #[command(hide = true)]
    SdkPart,
}

/// What every measurement takes.
#[derive(Debug, Args)]
struct CommonArgs {
    /// The `lens` binary to measure.
    #[arg(long, env = "LENS_BIN", value_name = "PATH")]
    bin: PathBuf,
    /// Also write the figures there, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct BrowserArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// How many times.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    runs: u32,
}

#[derive(Debug, Args)]
struct ProcessArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// How many first starts, and how many later ones.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
}

#[derive(Debug, Args)]
struct HubArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// How many connections.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(20..=19_000))]
    connections: u32,
    /// Seconds of each loaded phase.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=60))]
    seconds: u32,
    /// Seconds of rest with nothing but pings.
    #[arg(long, default_value_t = 45, value_parser = clap::value_parser!(u32).range(2..=300))]
    idle_seconds: u32,
}

#[derive(Debug, Args)]
struct SfuArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Peers' servers to measure beside ours.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    peers: Vec<String>,
    /// How many rooms.
    #[arg(
        long,
        value_name = "N,…",
        value_delimiter = ',',
        default_value = "10,50,75,100,200,300,500,700"
    )]
    rooms: Vec<u32>,
    /// How many viewers in each.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1")]
    viewers: Vec<usize>,
    /// Starts of each server with each crowd, in alternation.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Seconds of each window.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=120))]
    seconds: u32,
    /// Pictures alone.
    #[arg(long)]
    no_voice: bool,
    /// Nobody sends: the memory of rooms that are connected and no more.
    #[arg(long)]
    idle: bool,
    /// A few rooms and short windows: about three minutes.
    #[arg(long)]
    quick: bool,
}

impl SfuArgs {
    fn plan(&self) -> sfu::Plan {
        let mut servers = vec!["lens".to_owned()];
        servers.extend(self.peers.iter().cloned());
        let (rooms, seconds) = match self.quick {
            true => (vec![10, 50], 3),
            false => (self.rooms.clone(), self.seconds),
        };
        sfu::Plan {
            servers,
            rooms,
            viewers: self.viewers.clone(),
            rounds: self.rounds,
            window: std::time::Duration::from_secs(u64::from(seconds)),
            voice: !self.no_voice,
            idle: self.idle,
        }
    }
}

#[derive(Debug, Args)]
struct AllocationsArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// How long.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(2..=3_600))]
    seconds: u32,
}

#[derive(Debug, Args)]
struct ChurnArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Participants a second.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=100))]
    joins: u32,
    /// How long.
    #[arg(long, default_value_t = 3_600, value_parser = clap::value_parser!(u32).range(20..=86_400))]
    seconds: u32,
    /// Most that memory may grow over the second half, in per cent.
    #[arg(long, default_value_t = 1.0)]
    growth: f64,
}

#[derive(Debug, Args)]
struct AttackArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Peers' servers to flood beside ours.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    peers: Vec<String>,
    /// Rooms that run.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    rooms: u32,
    /// Rooms that open during each flood.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    joins: u32,
    /// Packets a second.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Seconds of each window.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=120))]
    seconds: u32,
}

impl AttackArgs {
    fn plan(&self) -> sfu::AttackPlan {
        let mut servers = vec!["lens".to_owned()];
        servers.extend(self.peers.iter().cloned());
        sfu::AttackPlan {
            servers,
            rooms: self.rooms,
            joins: self.joins,
            rate: self.rate,
            window: std::time::Duration::from_secs(u64::from(self.seconds)),
        }
    }
}

#[derive(Debug, Args)]
struct SdkArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Starts of each measurement.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    runs: u32,
    /// Seconds of each window.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=120))]
    seconds: u32,
    /// Some of it: sender, idle, receive, libraries, java.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    only: Vec<String>,
    /// The folder of `liblens_media.so` and `liblens_media_jni.so`.
    #[arg(long, env = "LENS_MEDIA_LIBRARIES", value_name = "DIR")]
    libraries: Option<PathBuf>,
    /// The folder of the Java face's classes and of `CallbackTime`.
    #[arg(long, env = "LENS_MEDIA_CLASSES", value_name = "DIR")]
    classes: Option<PathBuf>,
}

impl SdkArgs {
    fn plan(&self) -> sdk::Plan {
        sdk::Plan {
            runs: self.runs,
            window: std::time::Duration::from_secs(u64::from(self.seconds)),
            libraries: self.libraries.clone(),
            classes: self.classes.clone(),
            only: self.only.clone(),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::SdkPart = cli.command {
        return sdk::part();
    }
    let machine = Machine::look();
    println!("{machine}\n");
    let (common, measured) = match cli.command {
        Command::Join(args) => measured(args.common, |bin| browser::join(bin, args.runs, machine)),
        Command::Start(args) => {
            measured(args.common, |bin| browser::start(bin, args.runs, machine))
        }
        Command::Process(args) => {
            measured(args.common, |bin| process::run(bin, args.runs, machine))
        }
        Command::Hub(args) => {
            let plan = hub::Plan {
                connections: args.connections as usize,
                seconds: u64::from(args.seconds),
                idle_seconds: u64::from(args.idle_seconds),
            };
            measured(args.common, |bin| hub::run(bin, &plan, machine))
        }
        Command::Sfu(args) => {
            let plan = args.plan();
            if sfu::moves(&plan.servers) {
                return moved();
            }
            measured(args.common, |bin| sfu::run(bin, &plan, machine))
        }
        Command::Churn(args) => {
            let plan = sfu::ChurnPlan {
                joins_per_s: args.joins,
                most_growth_pct: args.growth,
                time: std::time::Duration::from_secs(u64::from(args.seconds)),
            };
            measured(args.common, |bin| sfu::churn(bin, &plan, machine))
        }
        Command::Allocations(args) => {
            let time = std::time::Duration::from_secs(u64::from(args.seconds));
            measured(args.common, |bin| sfu::allocations(bin, time, machine))
        }
        Command::Sdk(args) => {
            let plan = args.plan();
            measured(args.common, |bin| sdk::run(bin, &plan, machine))
        }
        // Had its turn above.
        Command::SdkPart => return ExitCode::FAILURE,
        Command::Attack(args) => {
            let plan = args.plan();
            if sfu::moves(&plan.servers) {
                return moved();
            }
            measured(args.common, |bin| sfu::attack(bin, &plan, machine))
        }
    };
    match measured.and_then(|report| finish(&report, &common)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            println!("lens-bench: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Runs this command in a namespace of its own.
fn moved() -> ExitCode {
    match sfu::again_inside() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(sentence) => {
            println!("lens-bench: {sentence}");
            ExitCode::FAILURE
        }
    }
}

type Measured = Result<Report, String>;

fn measured(
    common: CommonArgs,
    measure: impl FnOnce(&std::path::Path) -> Measured,
) -> (CommonArgs, Measured) {
    let found = std::fs::canonicalize(&common.bin)
        .map_err(|error| format!("{} cannot be measured: {error}", common.bin.display()));
    let measured = found.and_then(|bin| measure(&bin));
    (common, measured)
}

fn finish(report: &Report, common: &CommonArgs) -> Result<(), String> {
    println!("\n{report}");
    if let Some(path) = &common.json {
        let text = format!("{:#}\n", report.json());
        let written = std::fs::write(path, text);
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    report.verdict()
}
