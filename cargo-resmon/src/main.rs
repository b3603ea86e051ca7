//! `cargo resmon`: runs tests as one session, and reports on it.

#[cfg(unix)]
mod budget;
#[cfg(unix)]
mod cargo_config;
mod clean;
mod cli;
mod compare;
mod config_file;
#[cfg(unix)]
mod doctor;
#[cfg(unix)]
mod harness;
mod input;
mod local;
mod message;
mod outcome;
mod record;
mod report;
#[cfg(unix)]
mod run;
mod run_store;
mod runs;
#[cfg(unix)]
mod shim;
#[cfg(unix)]
mod upload;
#[cfg(unix)]
mod wrapped;

use std::process::ExitCode;

fn main() -> ExitCode {
    // These start once per test or compilation, so they come before anything slower.
    #[cfg(unix)]
    if let Some(code) =
        harness::run_if_called().or_else(shim::run_if_called).or_else(run::sentinel::run_if_called)
    {
        return code;
    }
    // The sender: the process that sends records for test processes and for `cargo resmon` itself.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "__sender") {
        return resmon_delivery::sender::main();
    }
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            message::error(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
