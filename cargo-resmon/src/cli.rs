//! The command line.

use std::env;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use resmon_record::config::{OF_CARGO_RESMON, VARIABLES};

#[cfg(unix)]
use crate::cargo_config::CargoConfig;
#[cfg(unix)]
use crate::wrapped::Wrapped;
use crate::{compare, report, runs};
#[cfg(unix)]
use crate::{doctor, message, run, upload};

// Cargo calls this program as `cargo-resmon resmon …`.
#[derive(Debug, Parser)]
#[command(
    name = "cargo",
    bin_name = "cargo",
    about = "A subcommand of Cargo: `cargo resmon …`",
    disable_help_subcommand = true
)]
enum Cargo {
    Resmon(Resmon),
}

/// Measure what a run of tests does to the machine
#[derive(Debug, clap::Args)]
#[command(
    version,
    after_help = after_help()
)]
struct Resmon {
    #[cfg(unix)]
    #[command(flatten)]
    flags: run::Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run `cargo test` with these arguments as one session
    #[cfg(unix)]
    #[command(visible_alias = "t", disable_help_flag = true)]
    Test(Wrapped),
    /// Run `cargo nextest` with these arguments; `run` counts as one session
    #[cfg(unix)]
    #[command(disable_help_flag = true)]
    Nextest(Wrapped),
    Report(report::Arguments),
    Compare(Box<compare::Arguments>),
    Runs(runs::Arguments),
    #[cfg(unix)]
    Upload(upload::Arguments),
    /// Check the configuration and explain what a run would do, without sending a record
    #[cfg(unix)]
    Doctor,
}

/// The end of the help, before the list of variables.
const EXAMPLE: &str = "\
Arguments after `test` or `nextest` are passed on unchanged, except for the options above in front of `--`:
  cargo resmon test --workspace --file records.ndjson -- --nocapture

Variables:";

/// Returns the end of the help: an example and the variables.
fn after_help() -> String {
    let variables = VARIABLES.iter().chain(OF_CARGO_RESMON).map(|variable| {
        let about = variable.about.trim().trim_end_matches('.');
        let default = match variable.default {
            "" => String::new(),
            text => format!(" [default: {text}]"),
        };
        let name = format!("  {:20}  ", variable.name);
        // Wrapped here, because clap knows of no columns. It leaves lines alone that are short enough.
        let indent = " ".repeat(name.len());
        let columns = textwrap::Options::new(80).initial_indent(&name).subsequent_indent(&indent);
        format!("\n{}", textwrap::fill(&format!("{about}{default}"), columns))
    });
    EXAMPLE.to_owned() + &variables.collect::<String>()
}

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = env::args_os().collect();
    #[cfg(unix)]
    let arguments = run::lift_flags(arguments);
    let Cargo::Resmon(resmon) = Cargo::parse_from(&arguments);
    match resmon.command {
        #[cfg(unix)]
        Command::Test(wrapped) => run::run("test", &wrapped.whole(&arguments), resmon.flags),
        #[cfg(unix)]
        Command::Nextest(wrapped) => run::run("nextest", &wrapped.whole(&arguments), resmon.flags),
        Command::Report(arguments) => {
            #[cfg(unix)]
            if resmon.flags != run::Flags::default() {
                message::warn("`report` reads: options that say where records go change nothing");
            }
            report::run(&arguments)
        }
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Runs(arguments) => runs::run(&arguments),
        #[cfg(unix)]
        Command::Upload(arguments) => upload::run(&arguments, &with_config(resmon.flags)),
        #[cfg(unix)]
        Command::Doctor => Ok(doctor::run(&with_config(resmon.flags))),
    }
}

/// Adds the variables of Cargo's configuration. Where that cannot be read there are none.
#[cfg(unix)]
fn with_config(mut flags: run::Flags) -> run::Flags {
    if let Ok(config) = CargoConfig::load("test", &Wrapped::default()) {
        flags.read_config(&config);
    }
    flags
}
