//! Words from the command line in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    steelyard::cli::run(std::env::args_os())
}
