//! `cargo xtask bench`: builds what is measured, then lets `lens-bench` measure it.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::{cargo, command, dist, install, java};

/// What measures the MediaSDK has it inside, and is built as what integrators ship.
const SHIPPED: &str = "library";
/// Measurements that need the packages of the browser tests.
const IN_BROWSERS: [&str; 2] = ["join", "start"];

/// Runs one measurement; `words` are those behind `bench`.
pub(crate) fn run(words: &[&str]) -> ExitCode {
    match Wish::read(words).and_then(measure) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn measure(wish: Wish) -> Result<(), String> {
    let bench_profile = wish.bench_profile().to_owned();
    let Wish { profile, bin, rest } = wish;
    let profile = profile.unwrap_or_else(|| "release".to_owned());
    if rest.iter().any(|word| IN_BROWSERS.contains(&word.as_str())) {
        install::node_modules()?;
    }
    if rest.iter().any(|word| word == "--peers") {
        install::peers()?;
    }
    let bin = match bin.or_else(|| std::env::var_os("LENS_BIN").map(PathBuf::from)) {
        Some(bin) => bin,
        None => {
            let (name, words) = product(&rest);
            let mut build = cargo::cargo(&["build", "--locked", "--profile", &profile]);
            command::run(build.args(words).args(["--bin", name]))?;
            cargo::target(&profile).join(name)
        }
    };
    let mut bench = cargo::cargo(&["run", "--quiet", "--locked", "--profile", &bench_profile]);
    bench.args(["-p", "lens-bench", "--"]).args(&rest);
    if rest.iter().any(|word| word == "sdk") {
        libraries(&mut bench)?;
    }
    command::run(bench.env("LENS_BIN", bin))
}

/// Builds what integrators ship, and tells the bench where it is.
fn libraries(bench: &mut Command) -> Result<(), String> {
    let libraries = dist::libraries()?;
    if let Some(classes) = java::bench_classes()? {
        bench.env("LENS_MEDIA_CLASSES", classes);
    }
    bench.env("LENS_MEDIA_LIBRARIES", libraries);
    Ok(())
}

/// The binary that a measurement is of, and what else cargo is told to build it.
fn product(rest: &[String]) -> (&'static str, &'static [&'static str]) {
    match rest.iter().any(|word| word == "allocations") {
        true => (
            "lens-counted",
            &["-p", "lens-bench", "--features", "counted"],
        ),
        false => ("lens", &["-p", "lens-server"]),
    }
}

/// What is wanted: words meant for here taken out of those for `lens-bench`.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    /// Of the binary and of the generators of load, where one is asked for.
    profile: Option<String>,
    /// A binary to measure in place of one that is built.
    bin: Option<PathBuf>,
    rest: Vec<String>,
}

impl Wish {
    fn read(words: &[&str]) -> Result<Self, String> {
        let mut wish = Self {
            profile: None,
            bin: None,
            rest: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                let value = words.next();
                value.ok_or_else(|| format!("{word} needs a value"))
            };
            match *word {
                "--profile" => wish.profile = Some((*value()?).to_owned()),
                "--bin" => wish.bin = Some(PathBuf::from(value()?)),
                other => wish.rest.push(other.to_owned()),
            }
        }
        Ok(wish)
    }

    /// How the generator of load is built.
    fn bench_profile(&self) -> &str {
        let usual = match self.rest.iter().any(|word| word == "sdk") {
            true => SHIPPED,
            false => "release",
        };
        self.profile.as_deref().unwrap_or(usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_and_binary_are_meant_for_here_and_the_rest_for_the_measurement() {
        let words = [
            "join",
            "--runs",
            "5",
            "--profile",
            "dev",
            "--bin",
            "/b/lens",
        ];
        let wish = Wish::read(&words).expect("valid");
        assert_eq!(wish.bench_profile(), "dev");
        assert_eq!(wish.bin, Some(PathBuf::from("/b/lens")));
        assert_eq!(wish.rest, ["join", "--runs", "5"]);
        let usual = |words: &[&str]| {
            let wish = Wish::read(words).expect("valid");
            wish.bench_profile().to_owned()
        };
        assert_eq!(usual(&["hub"]), "release");
        assert_eq!(usual(&["sdk", "--only", "idle"]), "library");
        assert_eq!(usual(&["sdk", "--profile", "release"]), "release");
        assert!(Wish::read(&["hub", "--bin"]).is_err());
        assert_eq!(product(&wish.rest).0, "lens");
        assert_eq!(product(&["allocations".to_owned()]).0, "lens-counted");
    }
}
