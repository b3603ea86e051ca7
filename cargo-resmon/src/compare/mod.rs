//! `cargo resmon compare`: whether a set of runs is worse than another.

mod comparison;
#[cfg(unix)]
mod confirm;
mod html;
mod json;
pub(crate) mod limit;
mod markdown;
pub(crate) mod metric;
mod mute;
mod sentences;
mod side;
#[cfg(test)]
mod simulation;
mod statistics;
mod table;
mod terminal;
mod verdict;

#[cfg(unix)]
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use anyhow::Context;

use self::comparison::{Comparison, Limits};
#[cfg(unix)]
use self::confirm::Suspects;
use self::limit::{Increase, Most};
use self::mute::Mutes;
use self::side::{Side, Store};
use crate::config_file::ConfigFile;
use crate::report::{columns, done, summary};
use crate::{message, run_store};

/// The exit code if the head exceeds a limit.
const WORSE: u8 = 3;

/// Compare runs: what became slower, larger, flaky
///
/// A side is a run or several: `latest`, `latest~2`, a name or the first characters of an id of `cargo resmon runs`, a file, a
/// directory or a pattern of files.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The runs to compare to [default: the run before the latest]
    #[arg(value_name = "BASE", conflicts_with = "base")]
    base_side: Option<String>,
    /// The runs to judge [default: the latest]
    #[arg(value_name = "HEAD", conflicts_with = "head")]
    head_side: Option<String>,
    /// The runs to compare to; several names or several times
    #[arg(long, value_name = "RUN", num_args = 1..)]
    base: Vec<String>,
    /// The runs to judge; several names or several times
    #[arg(long, value_name = "RUN", num_args = 1..)]
    head: Vec<String>,
    /// Compare to the kept runs of this branch, as their records tell it
    #[arg(long, value_name = "BRANCH", conflicts_with_all = ["base", "base_side"])]
    base_branch: Option<String>,
    /// The least change of a metric that counts [default: see below]
    #[arg(long, value_name = "METRIC:+20%+50ms")]
    threshold: Vec<Increase>,
    /// Mark tests whose metric increases by more than this
    #[arg(long, value_name = "METRIC[:+20%+50ms]")]
    warn: Vec<Increase>,
    /// Exit with 3 if a test's metric increases by more than this
    #[arg(long, value_name = "METRIC[:+20%+50ms]")]
    fail: Vec<Increase>,
    /// Exit with 3 if a test of the head exceeds this figure
    #[arg(long, value_name = "METRIC:FIGURE")]
    max: Vec<Most>,
    /// Run tests that seem to exceed a limit of --fail again, so many times, before it fails
    #[cfg(unix)]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=50))]
    confirm: Option<u8>,
    /// Write the comparison to this file as a self-contained HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the comparison as JSON, for scripts
    #[arg(long)]
    json: bool,
    /// Print the comparison as GitHub's Markdown, and append it to the summary of a GitHub Actions step
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// How many rows to show of each list
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// How --confirm runs the tests: arguments of `cargo resmon` [default: test]
    #[cfg(unix)]
    #[arg(last = true, value_name = "COMMAND", requires = "confirm")]
    command: Vec<OsString>,
}

const AFTER_HELP: &str = "\
Metrics, and what counts as a change of each, where both amounts must be exceeded:
  time, cpu                  +20%+50ms
  rss, growth                +20%+8MiB   peak memory of the process, and what it kept
  heap, alloc-bytes          +5%+4KiB    peak of the heap, and all of its allocations
  alloc-count                +5%
  io-read, io-write          +20%+8MiB
Time, CPU time, memory and storage need at least three runs on each side.
Figures of the heap need one. Tests that are muted in .config/resmon.toml exceed
no limit.

Exit codes: 0 fine, 1 could not compare, 2 usage, 3 over a limit of --fail or --max.";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mutes = mutes()?;
    let (base, head) = sides(arguments)?;
    #[cfg(unix)]
    let mut head = head;
    let limits = Limits {
        thresholds: arguments.threshold.clone(),
        warn: arguments.warn.clone(),
        fail: arguments.fail.clone(),
        most: arguments.max.clone(),
    };
    #[cfg(unix)]
    let confirms = arguments.confirm.is_some();
    #[cfg(not(unix))]
    let confirms = false;
    #[cfg(unix)]
    if let Some(times) = arguments.confirm {
        let comparison = Comparison::of(&base, &head, &limits, &mutes, confirms);
        if let Some(suspects) = Suspects::of(&comparison) {
            let usual = ["test".into()];
            let command = if arguments.command.is_empty() { &usual } else { &*arguments.command };
            head.add_partial(suspects.run(times.into(), command)?);
        }
    }
    let comparison = Comparison::of(&base, &head, &limits, &mutes, confirms);
    let printed = print(&comparison, arguments)?;
    for pattern in &comparison.idle_mutes {
        message::warn(format_args!("a muted test is not in these runs: {pattern:?}"));
    }
    if comparison.common() == 0 {
        message::error("these runs cannot be compared: no test is on both sides");
        return Ok(ExitCode::FAILURE);
    }
    for limit in &comparison.unjudged {
        message::error(sentences::unjudged(limit));
    }
    if comparison.is_worse() {
        return Ok(ExitCode::from(WORSE));
    }
    Ok(if comparison.unjudged.is_empty() { printed } else { ExitCode::FAILURE })
}

fn print(comparison: &Comparison<'_>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(page) = &arguments.html {
        let text = html::render(comparison)?;
        fs::write(page, text).with_context(|| format!("cannot write {}", page.display()))?;
        message::say(format_args!("the comparison is in {}", page.display()));
    }
    if arguments.json {
        return done(json::write(comparison, BufWriter::new(io::stdout().lock())));
    }
    if arguments.markdown {
        let text = markdown::render(comparison, arguments.top);
        let summary = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
        // A full summary must not hide the result.
        if let Some(summary) = summary
            && let Err(error) = summary::append(Path::new(&summary), &text)
        {
            message::warn(format_args!("{error:#}"));
        }
        return done(io::stdout().write_all(text.as_bytes()));
    }
    let width = columns(terminal_size::terminal_size_of(io::stdout()), io::stdout().is_terminal());
    let text = terminal::render(comparison, width, arguments.top);
    done(anstream::stdout().write_all(text.as_bytes()))
}

/// Loads the sides. The base is without the runs of the head.
fn sides(arguments: &Arguments) -> anyhow::Result<(Side, Side)> {
    let store = Store::open();
    let names = |one: &Option<String>, several: &[String], usual: &str| match one {
        Some(name) => vec![name.clone()],
        None if several.is_empty() => vec![usual.to_owned()],
        None => several.to_vec(),
    };
    let head = names(&arguments.head_side, &arguments.head, "latest");
    let head = Side::load(&store, &head, None)?;
    let branch = arguments.base_branch.as_deref();
    let base = match branch {
        Some(_) => Vec::new(),
        None => names(&arguments.base_side, &arguments.base, "latest~1"),
    };
    Ok((Side::load(&store, &base, branch)?.without(&head)?, head))
}

/// Returns the muted tests of the current workspace. Outside of a workspace there are none.
fn mutes() -> anyhow::Result<Mutes> {
    match run_store::root() {
        Ok(root) => Ok(Mutes::new(ConfigFile::read(&root)?.mute)),
        Err(_) => Ok(Mutes::default()),
    }
}
