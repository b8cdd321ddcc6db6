//! The `lens` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    lens_server::main()
}
