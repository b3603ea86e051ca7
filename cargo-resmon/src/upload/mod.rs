//! `cargo resmon upload`: files of records, and spool directories, to Tinybird.

mod file;
mod progress;
mod tally;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use resmon_runtime::collector::{Left, Output, Plan, Sender};

use self::file::State;
use self::progress::Progress;
use self::tally::Tally;
use crate::run::Flags;
use crate::{message, runs};

/// As much as one request carries.
const REQUEST_BYTES: usize = 1 << 20;

/// Send files of records to Tinybird, and what spool directories hold
///
/// What has arrived is remembered: the next time, only what is new is sent. The files are not changed; what a spool
/// directory holds is taken out of it.
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
    let sender = Sender::new(&plan).context("there is nowhere to send to")?;
    let sources = sources(&arguments.paths)?;
    let state = State::open(&plan, sender.fingerprint())?;
    let mut upload = Upload { sender, state, progress: Progress::new(&sources), problem: None };
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

/// Where records are.
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

/// What the arguments name.
fn sources(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths {
        let metadata = fs::metadata(path).with_context(|| format!("cannot read {path:?}"))?;
        if !metadata.is_dir() {
            sources.push(Source::File(path.clone()));
            continue;
        }
        let (spooled, files): (Vec<_>, Vec<_>) =
            runs::list(path).into_iter().partition(|file| is_spooled(file));
        let is_spool = !spooled.is_empty() || has_sessions(path);
        ensure!(is_spool || !files.is_empty(), "{path:?} holds no file whose name ends in .ndjson");
        sources.extend(files.into_iter().map(Source::File));
        if is_spool {
            sources.push(Source::Spool(path.clone()));
        }
    }
    Ok(sources)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether sessions that have not ended, or died, left something in a directory: `ID.session`.
fn has_sessions(directory: &Path) -> bool {
    let names =
        fs::read_dir(directory).into_iter().flatten().flatten().map(|file| file.file_name());
    names.into_iter().any(|name| {
        let id = name.to_str().and_then(|name| name.strip_suffix(".session"));
        id.is_some_and(|id| is_hex(id, 28))
    })
}

/// Whether a file is one of those in which records wait: `ID-DESTINATION.ndjson`.
fn is_spooled(file: &Path) -> bool {
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name.split_once('-').is_some_and(|(id, to)| is_hex(id, 28) && is_hex(to, 16))
}

struct Upload {
    sender: Sender,
    state: State,
    progress: Progress,
    /// Why no more is sent.
    problem: Option<String>,
}

impl Upload {
    fn source(&mut self, source: &Source) -> anyhow::Result<Tally> {
        match source {
            Source::File(path) => self.file(path),
            Source::Spool(path) => Ok(self.spool(path)),
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

    fn spool(&mut self, path: &Path) -> Tally {
        let mut tally = Tally::default();
        for mut left in Left::all(path) {
            while let Some(chunk) = left.next(REQUEST_BYTES) {
                if self.send(chunk.body(), chunk.records(), &mut tally) {
                    chunk.forget();
                } else {
                    left.keep();
                }
                self.progress.advance(chunk.body().len() as u64);
            }
        }
        tally
    }

    /// Sends some records, unless a request has been given up: the answer to the next would be no other.
    fn send(&mut self, body: &[u8], records: u64, tally: &mut Tally) -> bool {
        if records == 0 {
            return self.problem.is_none();
        }
        if self.problem.is_some() {
            tally.left += records;
            return false;
        }
        match self.sender.send(body) {
            Ok(quarantined) => {
                let quarantined = quarantined.min(records);
                tally.quarantined += quarantined;
                tally.accepted += records - quarantined;
                true
            }
            Err(problem) => {
                tally.left += records;
                self.problem = Some(problem);
                false
            }
        }
    }
}
