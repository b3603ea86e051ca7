//! A run of `cargo resmon`.

use std::env;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use resmon_record::config::{Destination, Output};
use resmon_record::fields::Common;
use resmon_record::line::Line;
use resmon_record::spool::Spool;
use resmon_record::timestamp::Timestamp;
use resmon_record::{key, process, session_id};

use super::intake_fields::Header;
use super::{Orphan, Plan, resume};
use crate::measure::snapshot::Machine;
use crate::session::{CrashReport, Ids, Session, spool_directories};
use crate::write::warning::warn;
use crate::write::{self, File, Intake, Sink, Tee};

/// A run: the intake that its processes append to and, once there is something to record, the session.
#[derive(Debug)]
#[allow(clippy::struct_field_names, reason = "`run_id` is the table's")]
pub struct Run {
    plan: Plan,
    started: SystemTime,
    run_id: String,
    package: String,
    /// The `session_id`, and the name of the run's files in the spool.
    name: String,
    /// The path of the local copy.
    copy: PathBuf,
    spool: Spool,
    intake: Intake,
    /// The machine, opened at the start so that its CPU usage has a past.
    machine: Machine,
    session: Option<Session>,
    kept: Option<Arc<File>>,
}

/// A line of an intake, and its position.
#[derive(Debug)]
pub struct Placed {
    /// The line without its line feed.
    pub line: Vec<u8>,
    /// The bytes of the line in the intake, with its line feed.
    pub place: Range<u64>,
}

impl Run {
    /// Prepares a run. `spool` is the directory for undelivered records, unless the variables name one. The copy goes
    /// to the directory `copies`.
    ///
    /// # Errors
    ///
    /// Fails if no spool directory can be used, or if the intake cannot be created.
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
        let copy = copies.join(format!("{}-{}.ndjson", file_time(started), &name[12..20]));
        let header = header(&plan, &name, &run_id, &copy);
        let (spool, intake) = create_intake(plan.spool().unwrap_or(spool), &name, &header)?;
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

    /// Returns the path of the intake, which the processes of the run append to.
    #[must_use]
    pub fn intake(&self) -> &Path {
        self.intake.path()
    }

    /// Whether the session has begun: something has run.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.session.is_some()
    }

    /// Returns the path of the local copy. `None` before anything is in it, and if no copy can be kept.
    #[must_use]
    pub fn copy(&self) -> Option<&Path> {
        self.kept.as_ref().filter(|kept| kept.is_usable()).map(|kept| kept.path())
    }

    /// Notes in the intake that this process belongs to the run, as the wrapped command does: while it is alive, more
    /// test processes may start.
    ///
    /// # Errors
    ///
    /// Errors of writing to the intake.
    pub fn note_command(&self, id: u32) -> io::Result<()> {
        let mut line = Line::new();
        line.field(key!(resmon), &"command");
        line.field(key!(process), &process::name_of(id).unwrap_or_default().as_str());
        self.intake.append(&line.finish())
    }

    /// Whether the disk of the intake has been full, so that lines may be missing.
    #[must_use]
    pub fn has_been_full(&self) -> bool {
        self.intake.has_been_full()
    }

    /// Returns the current time, and the usage of the machine's CPUs in % over the latest 200 ms.
    #[must_use]
    pub fn cpu(&self) -> (SystemTime, Option<f64>) {
        let (now, _) = self.machine.before();
        (SystemTime::now(), now.cpu)
    }

    /// Reads the next lines that the processes of the run have appended, none if there are no more yet.
    ///
    /// # Errors
    ///
    /// Errors of reading the file.
    pub fn read(&mut self) -> io::Result<Vec<Placed>> {
        placed(&mut self.intake)
    }

    /// Erases lines whose records have all been passed on.
    pub fn forget(&self, place: &Range<u64>) {
        self.intake.erase(place);
    }

    /// Claims the intakes of runs whose `cargo resmon` died.
    #[must_use]
    pub fn orphans(&self) -> Vec<Orphan> {
        let orphans = self.intake.orphans().into_iter();
        orphans.map(|intake| Orphan { intake, spool: self.spool.clone() }).collect()
    }

    /// Reports the crashes of processes that have died since the last call, with the tests that were open in them.
    pub fn end_crashed_sessions(&self) {
        let is_file = |destination: &Destination| matches!(destination, Destination::File(_));
        self.spool.end_crashed_sessions(Some(&self.name), &is_file);
    }

    /// Records a test. `fields` is a JSON object with all fields but those of the run.
    pub fn test(&mut self, fields: &str, failed: bool) {
        if let Some(line) = resume(fields) {
            self.session().adopt(line, failed);
        }
    }

    /// Writes a record to the copy only. Needs no session.
    pub fn note(&mut self, fields: &str) {
        if let Some(mut line) = resume(fields) {
            Common::from_env(&self.run_id, &self.run_id).write(&mut line);
            let Self { plan, copy, kept, spool, .. } = self;
            kept.get_or_insert_with(|| open_copy(plan, copy, spool)).session(line);
        }
    }

    /// Begins the session, unless it has begun: a run in which nothing runs has none.
    pub fn begin(&mut self) {
        self.session();
    }

    fn session(&mut self) -> &Session {
        let Self { plan, started, run_id, package, name, copy, spool, kept, session, .. } = self;
        session.get_or_insert_with(|| {
            let config = &plan.config;
            let package = Some(package.as_str());
            let ids = Ids {
                session: name,
                run: run_id,
                package,
                target: None,
                are_tests_known: false,
                is_child: false,
            };
            let crash_report = CrashReport {
                directories: vec![spool.directory().to_owned()],
                name: "the spool directory",
                destination: match &config.output {
                    Output::Nothing => Destination::File(copy.clone()),
                    output => output.destination(),
                },
                reports_others: true,
            };
            let file = Arc::clone(kept.get_or_insert_with(|| open_copy(plan, copy, spool)));
            let sink = |place: write::Place<'_>| -> Box<dyn Sink> {
                let wanted = config.output != Output::Nothing;
                // This program can be the sender.
                let place = write::Place { sender: env::current_exe().ok(), ..place };
                let sink = wanted.then(|| write::open(config.clone(), place));
                Box::new(Tee { copy: file, sink })
            };
            Session::begin(*started, ids, &crash_report, sink)
        })
    }

    /// Ends the session, if there is one, and returns its delivery. Lines that have not been read or forgotten stay in
    /// the intake if `is_over` is `false`, and the next run delivers them. So do those that follow a read error.
    pub fn end(mut self, exit_status: i32, is_over: bool) -> Delivery {
        // First: from here on the session's own files hold everything else.
        match self.intake.read() {
            Ok(lines) if lines.is_empty() && is_over => self.intake.remove(),
            Ok(_) => {}
            Err(error) => {
                let path = self.intake.path();
                warn(format_args!(
                    "{path:?} cannot be read: {error}; its records are kept for the next run"
                ));
            }
        }
        if let Some(session) = &self.session {
            session.record_end(Some(exit_status));
        }
        Delivery(self.session)
    }
}

/// The delivery of a session that has ended. All records are on disk, and another process sends them.
#[derive(Debug)]
pub struct Delivery(Option<Session>);

impl Delivery {
    /// Waits until all records are delivered, at most until the flush timeout. Warns of those that are not.
    pub fn wait(self) {
        if let Some(session) = self.0 {
            session.deliver();
        }
    }
}

/// Opens the local copy: in its place, or else in the spool directory.
fn open_copy(plan: &Plan, path: &Path, spool: &Spool) -> Arc<File> {
    let size = plan.config.delivery.batch_size;
    let mut file = File::open("the copy of this run", path.to_owned(), size);
    if let (false, Some(name)) = (file.is_usable(), path.file_name()) {
        let other = spool.directory().join("runs").join(name);
        file = File::open("the copy of this run", other, size);
    }
    Arc::new(file)
}

/// Creates the intake in the first directory where that is possible: the wanted one, or a default one. Warns if it is
/// not the wanted one.
fn create_intake(wanted: &Path, id: &str, header: &[u8]) -> io::Result<(Spool, Intake)> {
    let mut problem = None;
    for directory in spool_directories(Some(wanted)) {
        let created = Spool::open(&directory).and_then(|spool| {
            let intake = Intake::create(&spool, id, header).map_err(|error| error.to_string())?;
            Ok((spool, intake))
        });
        match created {
            Ok(created) => {
                if let Some(problem) = problem {
                    warn(format_args!("the spool directory {problem}; using {directory:?}"));
                }
                return Ok(created);
            }
            Err(error) => {
                problem.get_or_insert_with(|| format!("{directory:?} cannot be used: {error}"));
            }
        }
    }
    let problem = problem.unwrap_or_default();
    let problem =
        format!("the spool directory {problem}; RESMON_SPOOL_DIR can name another directory");
    Err(io::Error::other(problem))
}

pub(super) fn placed(intake: &mut Intake) -> io::Result<Vec<Placed>> {
    let lines = intake.read()?.into_iter();
    Ok(lines.map(|(place, line)| Placed { line, place }).collect())
}

/// Builds the first line of an intake: the data to deliver it without this process.
fn header(plan: &Plan, name: &str, run_id: &str, copy: &Path) -> Vec<u8> {
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
    Common::from_env(name, run_id).write(&mut line);
    line.finish()
}

/// Formats a time for the name of a file, so that names sort by time.
fn file_time(time: SystemTime) -> String {
    let text = Timestamp::from(time).text();
    text[..23].chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_that_nobody_has_read_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, copies) = (folder.path().join("spool"), folder.path().join("runs"));
        for is_read in [true, false] {
            let plan = Plan::new(|_| None);
            let mut run = Run::prepare(plan, None, "shop".to_owned(), &spool, &copies).unwrap();
            let path = run.intake().to_owned();
            assert_eq!(run.read().unwrap().len(), 1, "the header");
            let mut intake = OpenOptions::new().append(true).open(&path).unwrap();
            intake.write_all(b"{}\n").unwrap();
            if is_read {
                assert_eq!(run.read().unwrap().len(), 1);
            }
            drop(run.end(0, true));
            assert_eq!(path.exists(), !is_read);
        }
    }
}
