//! `cargo resmon upload`: sends files of records, and the contents of spool directories, to Tinybird.

mod file;
mod progress;
mod state;
mod tally;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use resmon_delivery::backlog::{Backlog, is_spool};
use resmon_delivery::connection::{Connection, Delivered, Outcome};
use resmon_record::session_id::{is_hex, is_session_id};
use resmon_record::spool::Spool;
use resmon_runtime::collector::{Output, Plan};

use self::file::{Chunk, Records};
use self::progress::Progress;
use self::state::State;
use self::tally::Tally;
use crate::clean::clean;
use crate::input::{self, Input};
use crate::message;
use crate::run::Flags;

/// The number of bytes to collect for one request.
const REQUEST_BYTES: usize = 1 << 20;

/// Send files of records and the contents of spool directories to Tinybird
///
/// Records that have arrived are remembered, for this user and destination: the next upload sends only new ones, wherever
/// the file is then. Files are not changed, and may be compressed by gzip or zstd; records that are sent from a spool
/// directory are removed from it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Files of records, directories of such files, patterns, and `-` for standard input
    #[arg(required = true, value_name = "FILE|DIR|PATTERN")]
    paths: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, flags: &Flags) -> anyhow::Result<ExitCode> {
    let plan = Plan::new(|name| flags.lookup(name));
    for warning in plan.warnings() {
        message::warn(warning);
    }
    let base = match plan.output() {
        Output::Tinybird { base, .. } => base.to_owned(),
        Output::Disabled => bail!("RESMON_DISABLE is set"),
        _ => bail!("no destination: TINYBIRD_WRITE_TOKEN is not set"),
    };
    let endpoint = plan.endpoint().context("no destination")?;
    let sources = sources(&arguments.paths)?;
    let state = State::open(&plan, &endpoint.fingerprint())?;
    let connection = Connection::new(endpoint);
    let mut upload = Upload { connection, state, progress: Progress::new(&sources), problem: None };
    let (mut all, mut is_well) = (Tally::default(), true);
    for source in &sources {
        let mut tally = Tally::default();
        let done = upload.source(source, &mut tally);
        upload.progress.say(&format!("{}: {tally}", source.name()));
        if let Err(error) = done {
            is_well = false;
            upload.progress.aside(|| message::error(format_args!("{error:#}")));
        }
        all.add(&tally);
    }
    if sources.len() > 1 {
        upload.progress.say(&format!("in all: {all}"));
    }
    upload.progress.finish();
    if let Some(problem) = upload.problem {
        bail!("not delivered to {base}: {problem}");
    }
    Ok(if all.is_well() && is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A source of records.
#[derive(Debug)]
pub(crate) enum Source {
    Input(Input),
    Spool(PathBuf),
}

impl Source {
    /// Returns its name for messages.
    fn name(&self) -> String {
        match self {
            Self::Input(input) => input.name(),
            Self::Spool(path) => clean(&path.display().to_string()),
        }
    }
}

/// Returns the sources that the arguments name.
fn sources(arguments: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for argument in arguments {
        if argument.as_os_str() == "-" {
            sources.push(Source::Input(Input::Stdin));
            continue;
        }
        for path in input::expand(argument)? {
            let unreadable = || format!("cannot read {path:?}");
            if fs::metadata(&path).with_context(unreadable)?.is_dir() {
                add_directory(path, &mut sources)?;
                continue;
            }
            ensure!(
                !is_spooled(&path),
                "{path:?} is a part of a spool, and its records would be sent again: upload its directory"
            );
            sources.push(Source::Input(Input::File(path)));
        }
    }
    Ok(sources)
}

/// Adds a directory: the files of records in it, and the records that wait in it as a spool.
fn add_directory(path: PathBuf, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    let (files, _) = input::list(&path).with_context(|| format!("cannot read {path:?}"))?;
    let (spooled, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_spooled(file));
    let is_spool = !spooled.is_empty() || is_spool(&path);
    ensure!(is_spool || !files.is_empty(), "{path:?} holds no file of records: {}", input::ends());
    sources.extend(files.into_iter().map(|file| Source::Input(Input::File(file))));
    if is_spool {
        sources.push(Source::Spool(path));
    }
    Ok(())
}

/// Returns whether a file holds waiting records of a spool: `ID-DESTINATION-NUMBER.ndjson`.
fn is_spooled(file: &Path) -> bool {
    if file.extension().is_none_or(|extension| extension != "ndjson") {
        return false;
    }
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let mut parts = name.split('-');
    let is_id = parts.next().is_some_and(is_session_id);
    is_id && parts.next().is_some_and(|to| is_hex(to, 16)) && parts.next().is_some()
}

struct Upload {
    connection: Connection,
    state: State,
    progress: Progress,
    /// The reason why no more records are sent, if there is one.
    problem: Option<String>,
}

impl Upload {
    fn source(&mut self, source: &Source, tally: &mut Tally) -> anyhow::Result<()> {
        match source {
            Source::Input(input) => self.input(input, tally),
            Source::Spool(path) => self.spool(path, tally),
        }
    }

    fn input(&mut self, input: &Input, tally: &mut Tally) -> anyhow::Result<()> {
        let mut records = Records::open(input, &self.state, |file| self.progress.watch(file))?;
        tally.before = records.sent();
        let mut first_other = None;
        while let Some(mut chunk) = records.next(&self.state, REQUEST_BYTES)? {
            first_other = first_other.or(chunk.first_other.take());
            self.send(chunk, tally);
        }
        let Some((line, why)) = first_other else { return Ok(()) };
        let name = input.name();
        if tally.is_of_something_else() {
            bail!("{name} holds no records of resmon: line {line} is {why}");
        }
        match tally.others {
            1 => bail!("{name}: line {line} is not sent: it is {why}"),
            others => {
                bail!("{name}: {others} lines are not sent: the first, line {line}, is {why}")
            }
        }
    }

    fn spool(&mut self, path: &Path, tally: &mut Tally) -> anyhow::Result<()> {
        let spool = Spool::open(path).map_err(anyhow::Error::msg);
        let spool = spool.with_context(|| format!("cannot use {path:?}"))?;
        for backlog in Backlog::all(&spool) {
            if self.problem.is_some() {
                tally.left += backlog.leave();
                continue;
            }
            let Self { connection, progress, .. } = self;
            let sent = backlog.send(connection, |bytes| progress.advance(bytes));
            tally.accepted += sent.accepted;
            tally.quarantined += sent.quarantined;
            tally.refused += sent.refused;
            tally.left += sent.left;
            self.problem = sent.problem;
        }
        Ok(())
    }

    /// Sends some records, unless an earlier request failed: the next one would fail too. Remembers which have arrived.
    fn send(&mut self, chunk: Chunk, tally: &mut Tally) {
        tally.before += chunk.before;
        tally.others += chunk.others;
        tally.notes += chunk.notes;
        tally.torn += u64::from(chunk.is_torn);
        if self.problem.is_some() {
            tally.left += chunk.records();
            return;
        }
        let mut arrived = Vec::new();
        let results =
            if chunk.body.is_empty() { Vec::new() } else { self.connection.send(&chunk.body) };
        for Delivered { records, outcome } in results {
            let count = records as u64;
            arrived.resize(arrived.len() + records, matches!(outcome, Outcome::Accepted { .. }));
            match outcome {
                Outcome::Accepted { quarantined } => {
                    let quarantined = quarantined.min(count);
                    tally.quarantined += quarantined;
                    tally.accepted += count - quarantined;
                }
                Outcome::Refused(reason) | Outcome::GivenUp(reason) => {
                    tally.left += count;
                    self.problem = Some(reason);
                }
            }
        }
        if let Err(error) = self.state.remember(chunk.marks(&arrived)) {
            // More would be sent again by the next upload.
            self.problem = Some(format!("{error:#}"));
        }
    }
}
