//! `cargo resmon report`: shows what a run did to the machine.

mod advice;
mod binary;
mod build;
mod death;
mod html;
mod json;
mod local;
pub(crate) mod markdown;
mod model;
pub(crate) mod read;
pub(crate) mod run;
mod sentences;
pub(crate) mod summary;
pub(crate) mod terminal;
pub(crate) mod test;
pub(crate) mod text;
mod totals;
pub(crate) mod units;
mod wrong;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use terminal_size::{Height, Width, terminal_size_of};

use self::model::Report;
use self::terminal::Extent;
use self::test::Measure;
use crate::input::{Input, inputs};
use crate::run_store;

/// Show what a run did to the machine
///
/// The newest of several runs is shown, and those before it are its history. Records of the same `run_id` are one run, in
/// however many files they are: set `RESMON_RUN_ID` to one value in all jobs that run a part of the tests. Files may be
/// compressed by gzip or zstd.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Files of records, directories with such files, patterns, and `-` for standard input; the latest run of this
    /// workspace if left out
    #[arg(value_name = "FILE|DIR|PATTERN")]
    files: Vec<PathBuf>,
    /// The latest run of this workspace
    #[arg(long, conflicts_with = "files")]
    last: bool,
    /// Write the report to this file as a self-contained HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the report as JSON, for scripts
    #[arg(long)]
    json: bool,
    /// Print the report as GitHub's Markdown, for `$GITHUB_STEP_SUMMARY`
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// How many tests to list by time, by CPU, by memory and by growth, and how many test binaries
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: usize,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (inputs, before) = match arguments.files.as_slice() {
        [] => latest().map(|(file, before)| (vec![Input::File(file)], before))?,
        files => (inputs(files)?, Vec::new()),
    };
    let report = Report::load(&inputs, &before)?;
    if let Some(page) = &arguments.html {
        write_page(&report, page)?;
        if !arguments.json && !arguments.markdown {
            return Ok(ExitCode::SUCCESS);
        }
    }
    if arguments.json {
        return done(json::write(&report, BufWriter::new(io::stdout().lock())));
    }
    if arguments.markdown {
        let text = markdown::render(&report, arguments.top);
        return done(io::stdout().write_all(text.as_bytes()));
    }
    print(&report, arguments.top)
}

/// Prints the report of the run in `file`. `before` are the files of other runs, the latest first.
pub(crate) fn show(file: &Path, before: &[PathBuf]) -> anyhow::Result<ExitCode> {
    print(&Report::load(&[Input::File(file.to_owned())], before)?, 5)
}

fn print(report: &Report, top: usize) -> anyhow::Result<ExitCode> {
    let width = columns(terminal_size_of(io::stdout()), io::stdout().is_terminal());
    let extent = Extent { width, top, measures: &Measure::ALL };
    let text = terminal::render(report, extent);
    done(anstream::stdout().write_all(text.as_bytes()))
}

fn write_page(report: &Report, path: &Path) -> anyhow::Result<()> {
    let page = html::render(report)?;
    std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    let _ = writeln!(anstream::stderr(), "resmon: the report is in {}", path.display());
    Ok(())
}

/// Prints a short report of the run in `file` on stderr, as stdout belongs to the tests. Appends a long one to the
/// summary of a GitHub Actions step. `before` are the files of the runs before, the latest first. Errors are only
/// warnings, as they must not fail the run.
pub(crate) fn after_run(file: &Path, before: &[PathBuf]) {
    let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
    let width = columns(terminal_size_of(io::stderr()), io::stderr().is_terminal());
    let told = tell(file, before, width, anstream::stderr(), summary.as_deref().map(Path::new));
    if let Err(error) = told {
        let _ = writeln!(anstream::stderr(), "resmon: warning: no report of this run: {error:#}");
    }
}

fn tell(
    file: &Path,
    before: &[PathBuf],
    width: Option<usize>,
    mut out: impl Write,
    summary: Option<&Path>,
) -> anyhow::Result<()> {
    let report = Report::load(&[Input::File(file.to_owned())], before)?;
    let extent = Extent { width, top: 5, measures: &Measure::ALL };
    // If stderr cannot be written to, the summary still can.
    let _ = writeln!(out, "\n{}", terminal::render(&report, extent).trim_end());
    match summary {
        Some(summary) => summary::append(summary, &markdown::render(&report, 10)),
        None => Ok(()),
    }
}

/// Returns the file of the latest kept run and those of the runs before it, the latest first.
fn latest() -> anyhow::Result<(PathBuf, Vec<PathBuf>)> {
    let mut runs = run_store::list(&run_store::directory()?);
    let latest = runs.pop().context("no run is kept here yet: `cargo resmon test` makes one")?;
    runs.reverse();
    Ok((latest, runs))
}

/// Returns the maximum width of a line in columns: from `COLUMNS`, else from the terminal. `None` without either.
pub(crate) fn columns(size: Option<(Width, Height)>, is_terminal: bool) -> Option<usize> {
    let wish = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    wish.filter(|columns| *columns > 0)
        .or(size.map(|(Width(width), _)| usize::from(width)))
        // The traditional width, for a terminal that does not report its own.
        .or(is_terminal.then_some(80))
}

/// Converts the result of writing the report. A closed pipe is not a failure.
pub(crate) fn done(written: io::Result<()>) -> anyhow::Result<ExitCode> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the report")
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{markdown, tell};

    const RECORDS: &str = r#"{"event_type":"session_start","test_nodeid":"__session__","timestamp":"2026-11-24T10:00:00.000+00:00","run_id":"a"}
{"event_type":"test","test_nodeid":"src/lib.rs::slow","timestamp":"2026-11-24T10:00:02.000+00:00","run_id":"a","outcome":"passed","duration_s":1.5}
"#;

    /// Returns the output on stderr, the contents of the summary, which held `before`, and the result.
    fn told(before: Option<&str>) -> (String, String, anyhow::Result<()>) {
        let folder = tempfile::tempdir().unwrap();
        let (file, summary) = (folder.path().join("run.ndjson"), folder.path().join("summary.md"));
        fs::write(&file, RECORDS).unwrap();
        if let Some(before) = before {
            fs::write(&summary, before).unwrap();
        }
        let mut out = Vec::new();
        let result = tell(&file, &[], Some(80), &mut out, Some(&summary));
        let summary = fs::read_to_string(&summary).unwrap();
        (String::from_utf8(out).unwrap(), summary, result)
    }

    #[test]
    fn a_run_is_told_on_stderr_and_in_the_summary_of_the_step() {
        let (out, summary, result) = told(None);
        result.unwrap();
        assert!(out.contains("1 test: 1 passed") && out.contains("src/lib.rs::slow"), "{out}");
        assert!(summary.starts_with("### Run, 2026-11-24 10:00:00 UTC"), "{summary}");
        assert!(summary.contains("<code>src/lib.rs::slow</code>"), "{summary}");
    }

    #[test]
    fn what_the_summary_held_stays_and_ends_its_line() {
        let (_, summary, result) = told(Some("# Mine"));
        result.unwrap();
        assert!(summary.starts_with("# Mine\n\n### Run"), "{summary}");
    }

    #[test]
    fn a_full_summary_says_so_and_stays_within_what_github_takes() {
        let almost = "x".repeat(markdown::LIMIT - 200);
        let (out, summary, result) = told(Some(&almost));
        assert!(result.unwrap_err().to_string().contains("full"));
        assert!(out.contains("1 test: 1 passed"));
        assert!(summary.len() <= markdown::LIMIT);
        assert!(
            summary.trim_end().ends_with("its report is not here"),
            "{}",
            &summary[almost.len()..]
        );

        let full = "x".repeat(markdown::LIMIT);
        let (_, summary, result) = told(Some(&full));
        assert!(result.is_err());
        assert_eq!(summary.len(), markdown::LIMIT);
    }
}
