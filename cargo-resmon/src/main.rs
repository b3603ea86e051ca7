//! `cargo resmon`: a run of tests as one session, and a report of it.

mod cli;
mod report;
mod runs;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("resmon: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
