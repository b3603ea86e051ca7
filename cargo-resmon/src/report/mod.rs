//! What a run did to the machine, for people to look at.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::runs;

/// Show what a run did to the machine
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A file of records; the latest run of this workspace if left out
    file: Option<PathBuf>,
    /// The latest run of this workspace
    #[arg(long, conflicts_with = "file")]
    last: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let file = match &arguments.file {
        Some(file) => file.clone(),
        None => runs::list(&runs::directory()?).pop().context("no run is kept here yet")?,
    };
    println!("{}", file.display());
    Ok(ExitCode::SUCCESS)
}

/// Shows what a run did that has just ended.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "there is nothing to show yet")]
pub(crate) fn after_run(_file: &std::path::Path) -> anyhow::Result<()> {
    Ok(())
}
