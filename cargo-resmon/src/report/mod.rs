//! What a run did to the machine, for people to look at.

mod advice;
mod json;
mod markdown;
mod model;
mod outcome;
mod read;
mod record;
mod run;
mod sentences;
mod summary;
mod terminal;
mod test;
mod text;
mod totals;
mod units;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use self::model::Report;
use self::terminal::Extent;
use self::test::Measure;
use crate::runs;

/// Show what a run did to the machine
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A file of records; the latest run of this workspace if left out
    file: Option<PathBuf>,
    /// The latest run of this workspace
    #[arg(long, conflicts_with = "file")]
    last: bool,
    /// Print it as JSON, for scripts
    #[arg(long)]
    json: bool,
    /// Print it as GitHub's Markdown, for `$GITHUB_STEP_SUMMARY`
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// How many tests to list by time, by CPU, by memory and by growth
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: usize,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (file, before) = match &arguments.file {
        Some(file) => (file.clone(), Vec::new()),
        None => latest()?,
    };
    let report = Report::load(&file, &before)?;
    if arguments.json {
        return done(json::write(&report, BufWriter::new(io::stdout().lock())));
    }
    if arguments.markdown {
        let text = markdown::render(&report, arguments.top);
        return done(io::stdout().write_all(text.as_bytes()));
    }
    let width = columns(terminal_size::terminal_size_of(io::stdout()));
    let extent = Extent { width, top: arguments.top, measures: &Measure::ALL };
    let text = terminal::render(&report, extent);
    done(anstream::stdout().write_all(text.as_bytes()))
}

/// What is said at the end of a run of which `file` holds the records, and `before` those of the runs before it, the
/// latest first: a short report on stderr, as stdout is that of the tests, and a long one in the summary of a
/// GitHub Actions step. It fails no run: what is wrong is a warning.
#[allow(dead_code, reason = "for the subcommands that run tests")]
pub(crate) fn after_run(file: &Path, before: &[PathBuf]) {
    if let Err(error) = tell(file, before) {
        let _ = writeln!(anstream::stderr(), "resmon: warning: no report of this run: {error:#}");
    }
}

fn tell(file: &Path, before: &[PathBuf]) -> anyhow::Result<()> {
    let report = Report::load(file, before)?;
    let width = columns(terminal_size::terminal_size_of(io::stderr()));
    let extent = Extent { width, top: 5, measures: &[Measure::Time] };
    // A stderr that is closed is no reason to do without the summary.
    let _ = writeln!(anstream::stderr(), "\n{}", terminal::render(&report, extent).trim_end());
    let Some(summary) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())
    else {
        return Ok(());
    };
    if !summary::append(Path::new(&summary), &markdown::render(&report, 10))? {
        anyhow::bail!("the file of GITHUB_STEP_SUMMARY is full");
    }
    Ok(())
}

/// The file of the latest run that is kept, and those before it, the latest first.
fn latest() -> anyhow::Result<(PathBuf, Vec<PathBuf>)> {
    let mut runs = runs::list(&runs::directory()?);
    let latest = runs.pop().context("no run is kept here yet: `cargo resmon test` makes one")?;
    runs.reverse();
    Ok((latest, runs))
}

/// `COLUMNS` wins over what the terminal says. Where there is neither, nobody reads along.
fn columns(terminal: Option<(terminal_size::Width, terminal_size::Height)>) -> Option<usize> {
    let wish = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    wish.filter(|columns| *columns > 0)
        .or(terminal.map(|(terminal_size::Width(width), _)| usize::from(width)))
}

/// A reader that has seen enough is no failure.
fn done(written: io::Result<()>) -> anyhow::Result<ExitCode> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the report")
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}
