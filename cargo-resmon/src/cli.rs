//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report;

/// As Cargo calls it: `cargo-resmon resmon …`.
#[derive(Debug, Parser)]
#[command(name = "cargo", bin_name = "cargo", disable_help_subcommand = true)]
enum Cargo {
    Resmon(Resmon),
}

/// What a run of tests does to the machine
#[derive(Debug, clap::Args)]
#[command(version)]
struct Resmon {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Report(report::Arguments),
}

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let Cargo::Resmon(Resmon { command }) = Cargo::parse();
    match command {
        Command::Report(arguments) => report::run(&arguments),
    }
}
