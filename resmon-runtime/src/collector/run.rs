//! One run.

use std::env;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use resmon_record::config::{Destination, Output};
use resmon_record::fields::Common;
use resmon_record::line::Line;
use resmon_record::session_id;
use resmon_record::spool::Spool;
use resmon_record::timestamp::Timestamp;

use super::intake_fields::Header;
use super::{Orphan, Plan, resume};
use crate::session::{CrashReport, Ids, Session, spool_directories};
use crate::snapshot::Machine;
use crate::warning::warn;
use crate::write::{self, File, Intake, Sink, Tee};

/// A run: the place to which its processes append, and once one of them has, the session.
#[derive(Debug)]
#[allow(clippy::struct_field_names, reason = "`run_id` is the table's")]
pub struct Run {
    plan: Plan,
    started: SystemTime,
    run_id: String,
    package: String,
    /// The name of its files.
    name: String,
    /// Where the copy that stays here is.
    copy: PathBuf,
    spool: Spool,
    intake: Intake,
    /// From here on, so that what it does has a past.
    machine: Machine,
    session: Option<Session>,
    kept: Option<Arc<File>>,
}

/// A line of an intake, and where it is.
#[derive(Debug)]
pub struct Placed {
    /// The line without its end.
    pub line: Vec<u8>,
    /// Where it is.
    pub place: Range<u64>,
}

impl Run {
    /// Prepares a run. `spool` is the directory for what is not delivered, unless the variables name one; the copy goes to
    /// the directory `copies`.
    ///
    /// # Errors
    ///
    /// Without a directory that can be written to.
    pub fn prepare(
        plan: Plan,
        run_id: Option<String>,
        package: String,
        spool: &Path,
        copies: &Path,
    ) -> io::Result<Self> {
        let started = SystemTime::now();
        let name = session_id::new(started);
        let run_id = run_id.unwrap_or_else(|| name.clone());
        let spool = open_spool(plan.spool().unwrap_or(spool))?;
        let copy = copies.join(format!("{}-{}.ndjson", file_time(started), &name[12..20]));
        let header = header(&plan, &run_id, &copy);
        let intake = Intake::create(&spool, &name, &header)?;
        Ok(Self {
            plan,
            started,
            run_id,
            package,
            name,
            copy,
            spool,
            intake,
            machine: Machine::open(),
            session: None,
            kept: None,
        })
    }

    /// `run_id`
    #[must_use]
    pub fn id(&self) -> &str {
        &self.run_id
    }

    /// Where the processes of the run append.
    #[must_use]
    pub fn intake(&self) -> &Path {
        self.intake.path()
    }

    /// The copy of the records that stays here, if there is a session.
    #[must_use]
    pub fn copy(&self) -> Option<&Path> {
        self.session.as_ref().map(|_| self.copy.as_path())
    }

    /// The moment, and the usage of the machine's CPUs over the latest 200 ms before it.
    #[must_use]
    pub fn cpu(&self) -> (String, Option<f64>) {
        let (now, _) = self.machine.before();
        (Timestamp::now().text(), now.cpu)
    }

    /// The next lines that the processes of the run have appended, none if there are no more yet.
    ///
    /// # Errors
    ///
    /// Those of reading the file.
    pub fn read(&mut self) -> io::Result<Vec<Placed>> {
        placed(&mut self.intake)
    }

    /// Forgets lines of which all records have been handed on.
    pub fn forget(&self, place: &Range<u64>) {
        self.intake.erase(place);
    }

    /// The intakes of runs whose `cargo resmon` died.
    #[must_use]
    pub fn orphans(&self) -> Vec<Orphan> {
        let orphans = self.intake.orphans().into_iter();
        orphans.map(|intake| Orphan { intake, spool: self.spool.clone() }).collect()
    }

    /// Has the processes that died since the last call tell of the tests that they had open.
    pub fn end_crashed_sessions(&self) {
        let is_file = |destination: &Destination| matches!(destination, Destination::File(_));
        self.spool.end_crashed_sessions(Some(&self.name), &is_file);
    }

    /// Records a test, of which these are the fields other than those of the run, as a JSON object.
    pub fn test(&mut self, fields: &str, failed: bool) {
        if let Some(line) = resume(fields) {
            self.session().adopt(line, failed);
        }
    }

    /// Notes something in the copy only.
    pub fn note(&mut self, fields: &str) {
        if let Some(mut line) = resume(fields) {
            let common = self.session().common();
            line.fields(&common);
            if let Some(kept) = &self.kept {
                kept.session(line);
            }
        }
    }

    /// Begins the session, unless that has been done: a run in which nothing runs has none.
    pub fn begin(&mut self) {
        self.session();
    }

    fn session(&mut self) -> &Session {
        let Self { plan, started, run_id, package, name, copy, spool, kept, session, .. } = self;
        session.get_or_insert_with(|| {
            let config = &plan.config;
            let package = Some(package.as_str());
            let ids = Ids { name, session: run_id, run: run_id, package, target: None };
            let crash_report = CrashReport {
                directories: vec![spool.directory().to_owned()],
                name: "the spool directory",
                destination: match &config.output {
                    Output::Nothing => Destination::File(copy.clone()),
                    output => output.destination(),
                },
                reports_others: true,
            };
            let file = Arc::new(File::open("the copy", copy.clone(), config.delivery.batch_size));
            *kept = Some(Arc::clone(&file));
            let sink = |place: write::Place<'_>| -> Box<dyn Sink> {
                let wanted = config.output != Output::Nothing;
                // This program is the sender.
                let place = write::Place { sender: env::current_exe().ok(), ..place };
                let sink = wanted.then(|| write::open(config.clone(), place));
                Box::new(Tee { copy: file, sink })
            };
            Session::begin(*started, ids, &crash_report, sink)
        })
    }

    /// Ends the session, if there is one, and delivers what is left.
    pub fn end(self, exit_status: i32) {
        // First: what follows is in the session's own file.
        self.intake.remove();
        if let Some(session) = &self.session {
            session.end(Some(exit_status));
        }
    }
}

/// Opens the first directory that can be used: the wanted one, or a default one. Warns if it is not the wanted one.
fn open_spool(wanted: &Path) -> io::Result<Spool> {
    let mut problem = None;
    for directory in spool_directories(Some(wanted)) {
        match Spool::open(&directory) {
            Ok(spool) => {
                if let Some(problem) = problem {
                    warn(format_args!("the spool directory {problem}; using {directory:?}"));
                }
                return Ok(spool);
            }
            Err(error) => {
                problem.get_or_insert_with(|| format!("{directory:?} cannot be used: {error}"));
            }
        }
    }
    Err(io::Error::other(format!("the spool directory {}", problem.unwrap_or_default())))
}

pub(super) fn placed(intake: &mut Intake) -> io::Result<Vec<Placed>> {
    let lines = intake.read()?.into_iter();
    Ok(lines.map(|(place, line)| Placed { line, place }).collect())
}

/// The first line of an intake: what is needed to deliver it without this process.
fn header(plan: &Plan, run_id: &str, copy: &Path) -> Vec<u8> {
    let mut line = Line::new();
    let copy = copy.to_string_lossy();
    let (file, tinybird) = match plan.config.output.destination() {
        Destination::Tinybird(fingerprint) => (None, Some(fingerprint)),
        Destination::File(path) => (Some(path.to_string_lossy().into_owned()), None),
    };
    Header {
        resmon: "run",
        copy: &copy,
        file: file.filter(|file| !file.is_empty()),
        tinybird,
        batch_size: plan.config.delivery.batch_size,
    }
    .write(&mut line);
    Common::from_env(run_id, run_id).write(&mut line);
    line.finish()
}

/// A moment as part of the name of a file: names sort by it.
fn file_time(time: SystemTime) -> String {
    let text = Timestamp::from(time).text();
    text[..23].chars().filter(char::is_ascii_digit).collect()
}
