//! `cargo resmon upload`: sends files of records, and the contents of spool directories, to Tinybird.

mod file;
mod progress;
mod tally;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use resmon_delivery::backlog::{Backlog, is_spool};
use resmon_delivery::connection::{Connection, Outcome};
use resmon_record::session_id::{is_hex, is_session_id};
use resmon_record::spool::Spool;
use resmon_runtime::collector::{Output, Plan};

use self::file::State;
use self::progress::Progress;
use self::tally::Tally;
use crate::run::Flags;
use crate::{message, run_store};

/// The number of bytes to collect for one request.
const REQUEST_BYTES: usize = 1 << 20;

/// Send files of records and the contents of spool directories to Tinybird
///
/// Records that have arrived are remembered: the next upload sends only new ones. Files are not changed; records that
/// are sent from a spool directory are removed from it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Files of records, and directories of such files
    #[arg(required = true, value_name = "FILE|DIR")]
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
        _ => bail!("there is nowhere to send to: TINYBIRD_WRITE_TOKEN is not set"),
    };
    let endpoint = plan.endpoint().context("there is nowhere to send to")?;
    let sources = sources(&arguments.paths)?;
    let state = State::open(&plan, &endpoint.fingerprint())?;
    let connection = Connection::new(endpoint);
    let mut upload = Upload { connection, state, progress: Progress::new(&sources), problem: None };
    let (mut all, mut strange) = (Tally::default(), 0);
    for source in &sources {
        let tally = upload.source(source)?;
        upload.progress.say(&format!("{}: {tally}", source.path().display()));
        if tally.is_of_something_else() {
            strange += 1;
            let what = format_args!("{:?} holds no records of resmon", source.path());
            upload.progress.aside(|| message::error(what));
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
    Ok(if all.is_well() && strange == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A source of records, by its path.
#[derive(Debug)]
pub(crate) enum Source {
    File(PathBuf),
    Spool(PathBuf),
}

impl Source {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Spool(path) => path,
        }
    }
}

/// Returns the sources that the arguments name.
fn sources(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths {
        let metadata = fs::metadata(path).with_context(|| format!("cannot read {path:?}"))?;
        if !metadata.is_dir() {
            sources.push(Source::File(path.clone()));
            continue;
        }
        let (spooled, files): (Vec<_>, Vec<_>) =
            run_store::list(path).into_iter().partition(|file| is_spooled(file));
        let is_spool = !spooled.is_empty() || is_spool(path);
        ensure!(is_spool || !files.is_empty(), "{path:?} holds no file whose name ends in .ndjson");
        sources.extend(files.into_iter().map(Source::File));
        if is_spool {
            sources.push(Source::Spool(path.clone()));
        }
    }
    Ok(sources)
}

/// Returns whether a file holds waiting records of a spool: `ID-DESTINATION-NUMBER.ndjson`.
fn is_spooled(file: &Path) -> bool {
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
    fn source(&mut self, source: &Source) -> anyhow::Result<Tally> {
        match source {
            Source::File(path) => self.file(path),
            Source::Spool(path) => self.spool(path),
        }
    }

    fn file(&mut self, path: &Path) -> anyhow::Result<Tally> {
        let unreadable = || format!("cannot read {}", path.display());
        let mut file = self.state.of(path).with_context(unreadable)?;
        let mut tally = Tally { before: file.sent(), ..Tally::default() };
        while let Some(chunk) = file.next(REQUEST_BYTES).with_context(unreadable)? {
            tally.others += chunk.others;
            tally.notes += chunk.notes;
            if self.send(&chunk.body, chunk.records, &mut tally) {
                file.remember(&chunk).with_context(|| {
                    format!("cannot remember what has been sent of {}", path.display())
                })?;
            }
            self.progress.advance(chunk.bytes);
        }
        Ok(tally)
    }

    fn spool(&mut self, path: &Path) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        let spool = Spool::open(path).map_err(anyhow::Error::msg);
        let spool = spool.with_context(|| format!("cannot use {}", path.display()))?;
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
        Ok(tally)
    }

    /// Sends some records, unless an earlier request failed: the next one would fail too. Returns whether all has
    /// arrived.
    fn send(&mut self, body: &[u8], records: u64, tally: &mut Tally) -> bool {
        if records == 0 {
            return self.problem.is_none();
        }
        if self.problem.is_some() {
            tally.left += records;
            return false;
        }
        for delivered in self.connection.send(body) {
            let records = delivered.records as u64;
            match delivered.outcome {
                Outcome::Accepted { quarantined } => {
                    let quarantined = quarantined.min(records);
                    tally.quarantined += quarantined;
                    tally.accepted += records - quarantined;
                }
                Outcome::Refused(reason) | Outcome::GivenUp(reason) => {
                    tally.left += records;
                    self.problem = Some(reason);
                }
            }
        }
        self.problem.is_none()
    }
}
