//! The session of a test process, from its first measured test to its end.

#[cfg(all(unix, feature = "collector"))]
pub mod collector;
mod identity;
pub(crate) mod open;
#[cfg(all(unix, feature = "collector"))]
pub mod outside;
pub(crate) mod process;
mod running;
mod sampler;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use resmon_record::config::{self, Config, Destination, Output};
use resmon_record::fields::{Common, End, SESSION, Totals, head};
use resmon_record::key;
use resmon_record::line::Line;
use resmon_record::session_id;
use resmon_record::spool::{Spool, default_directories};
use resmon_record::timestamp::Timestamp;

use self::running::Running;
use self::sampler::Sampler;
use crate::measure::host;
use crate::measure::limit::Limit;
use crate::measure::snapshot::Machine;
use crate::measure::usage::Process;
use crate::write::warning::warn;
use crate::write::{self, Journal, Place, Sink};

/// The way in which a crash of this process is reported.
pub(crate) struct CrashReport {
    /// The directories to try for the journal, the best first.
    pub(crate) directories: Vec<PathBuf>,
    /// The name of the first directory in warnings: the variable that sets it, if one does.
    pub(crate) name: &'static str,
    /// The destination of the session's records.
    pub(crate) destination: Destination,
    /// Whether the session begins by reporting the crashes of other processes.
    pub(crate) reports_others: bool,
}

/// The state that all tests of a process share.
#[derive(Debug)]
pub(crate) struct Session {
    machine: Machine,
    process: Process,
    /// The open tests.
    running: Running,
    sampler: Sampler,
    /// The number of the attempt: `NEXTEST_ATTEMPT`, or 1.
    attempt: u32,
    /// The Cargo package of the process.
    package: Option<String>,
    /// The Cargo target of the process, as nextest names binaries.
    target: Option<String>,
    pid: u32,
    common: Line,
    totals: Line,
    sink: Box<dyn Sink>,
    /// The journal of the open tests, for a crash report.
    journal: Option<Journal>,
    /// The number of recorded tests.
    recorded: AtomicU64,
    /// The number of tests that failed. Gives the exit status where the true one is unknown.
    failed: AtomicU64,
    ended: AtomicBool,
    /// The number of threads that are recording a test.
    recording: AtomicU32,
}

/// The names of a session and of its process.
#[derive(Clone, Copy)]
pub(crate) struct Ids<'a> {
    /// The `session_id` of the records, and the name of the session's files in the spool.
    pub(crate) session: &'a str,
    /// The `run_id` of the records.
    pub(crate) run: &'a str,
    pub(crate) package: Option<&'a str>,
    pub(crate) target: Option<&'a str>,
    /// Whether every test of the process has a guard.
    pub(crate) are_tests_known: bool,
    /// Whether `cargo resmon` started the process, as one of its run.
    pub(crate) is_child: bool,
}

/// The facts that the code of the first test tells about its process.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    /// The Cargo package, where the environment does not name it.
    pub(crate) package: Option<&'static str>,
    /// The Cargo target, as nextest names binaries.
    pub(crate) target: Option<&'static str>,
    /// Whether every test of the process has a guard.
    pub(crate) are_tests_known: bool,
}

impl Session {
    /// Reads the environment and, if it asks for records, begins the session of a process that started at `started`.
    pub(crate) fn start(started: SystemTime, origin: Origin) -> Option<Self> {
        let (config, warnings) = Config::from_env();
        warnings.iter().for_each(warn);
        if config.output == Output::Nothing {
            return None;
        }
        let mut id = session_id::new(started);
        if let Some(child) = &config.child {
            // `cargo resmon` recognizes the records of this process by the id of the child.
            id = format!("{id}-{child}-{}", std::process::id());
        }
        let run_id = identity::run_id().unwrap_or_else(|| id.clone());
        let package = env::var("CARGO_PKG_NAME").ok();
        // Code that names its measurements itself, in whichever target, begins a session without a target.
        let of_nextest = env::var("NEXTEST_BINARY_ID").ok();
        let target = origin.target.or(of_nextest.as_deref());
        let ids = Ids {
            session: &id,
            run: &run_id,
            package: package.as_deref().or(origin.package),
            target,
            are_tests_known: origin.are_tests_known,
            is_child: config.child.is_some(),
        };
        let crash_report = CrashReport {
            directories: match &config.child {
                // The directory in which `cargo resmon` looks for the journal.
                Some(_) => config.spool.iter().cloned().collect(),
                None => spool_directories(config.spool.as_deref()),
            },
            name: match (&config.child, &config.spool) {
                (None, Some(_)) => config::SPOOL_DIR,
                _ => "the spool directory",
            },
            destination: config.output.destination(),
            // The sender reports crashes for Tinybird, and `cargo resmon` for its run.
            reports_others: matches!(config.output, Output::File(_)) && config.child.is_none(),
        };
        Some(Self::begin(started, ids, &crash_report, |place| write::open(config, place)))
    }

    /// Begins a session that measures tests and writes no records. `None` if resmon is turned off.
    pub(crate) fn without_records(started: SystemTime, origin: Origin) -> Option<Self> {
        if Config::is_disabled(|name| env::var_os(name)) {
            return None;
        }
        let ids = Ids {
            session: "",
            run: "",
            package: origin.package,
            target: origin.target,
            are_tests_known: origin.are_tests_known,
            is_child: false,
        };
        let crash_report = CrashReport {
            directories: Vec::new(),
            name: "",
            destination: Destination::File(PathBuf::new()),
            reports_others: false,
        };
        Some(Self::begin(started, ids, &crash_report, |_| write::nothing()))
    }

    /// Begins a session with these ids.
    pub(crate) fn begin(
        started: SystemTime,
        ids: Ids<'_>,
        crash_report: &CrashReport,
        sink: impl FnOnce(Place<'_>) -> Box<dyn Sink>,
    ) -> Self {
        let mut common = Line::new();
        Common::from_env(ids.session, ids.run).write(&mut common);
        let machine = Machine::open();
        let (cpu_count, memory) = (machine.cpus(), machine.memory_total());
        let limit = Limit::read(Limit { memory, cpus: cpu_count.map(f64::from) });
        let mut totals = Line::new();
        Totals {
            package: ids.package,
            target: ids.target,
            cpu_count,
            mem_total_bytes: memory,
            disk_total_bytes: machine.disk().map(|disk| disk.total),
            mem_limit_bytes: limit.memory,
            cpu_limit: limit.cpus,
        }
        .write(&mut totals);

        let (spool, journal) = open_spool(crash_report, ids.session, &common, &totals);
        if let Some(spool) = spool.as_ref().filter(|_| crash_report.reports_others) {
            let is_file = |destination: &Destination| matches!(destination, Destination::File(_));
            spool.end_crashed_sessions(Some(ids.session), &is_file);
        }
        let has_journal = journal.is_some();
        let place = Place { spool, session_id: ids.session, has_journal, sender: None };
        let mut line = head("session_start", Some(SESSION), started.into());
        line.fields(&totals);
        host::read().write(&mut line);
        line.fields(&common);
        let sink = sink(place);
        sink.session(line);
        Self {
            machine,
            process: Process::open(ids.are_tests_known, ids.is_child),
            running: Running::new(),
            sampler: Sampler::new(),
            attempt: attempt(),
            package: ids.package.map(str::to_owned),
            target: ids.target.map(str::to_owned),
            pid: std::process::id(),
            common,
            totals,
            sink,
            journal,
            recorded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            recording: AtomicU32::new(0),
        }
    }

    /// Records a test that another process has measured.
    #[cfg(all(unix, feature = "collector"))]
    pub(crate) fn adopt(&self, mut line: Line, failed: bool) {
        self.count(failed);
        line.fields(&self.common);
        self.sink.test(line);
    }

    /// Whether records may be written: not in a forked child, whose parent has the session, and not after the end of
    /// the session.
    pub(crate) fn is_open(&self) -> bool {
        self.pid == std::process::id() && !self.ended.load(Ordering::Relaxed)
    }

    fn count(&self, failed: bool) {
        self.recorded.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(failed.into(), Ordering::Relaxed);
    }

    /// Closes the session to further tests. Waits up to a second for tests that other threads are recording. Returns
    /// `false` if the session has been closed before.
    pub(crate) fn close(&self) -> bool {
        const PATIENCE: Duration = Duration::from_secs(1);
        if self.ended.swap(true, Ordering::SeqCst) {
            return false;
        }
        let start = Instant::now();
        while self.recording.load(Ordering::SeqCst) > 0 && start.elapsed() < PATIENCE {
            thread::yield_now();
        }
        true
    }

    /// Records the end of the process. Without the true exit status, records the one that libtest gives for the tests
    /// that failed.
    pub(crate) fn record_end(&self, exit_status: Option<i32>) {
        let failed = self.failed.load(Ordering::Relaxed);
        let inferred = if failed > 0 { 101 } else { 0 };
        let mut line = head("session_end", Some(SESSION), Timestamp::now());
        End {
            exit_status: exit_status.unwrap_or(inferred),
            tests_recorded: self.recorded.load(Ordering::Relaxed),
            tests_failed: failed,
            records_dropped: self.sink.dropped(),
        }
        .write(&mut line);
        if let Some(peak) = self.process.highest_peak() {
            line.field(key!(process_rss_peak), &peak);
        }
        line.fields(&self.totals);
        line.fields(&self.common);
        if let Some(journal) = &self.journal {
            journal.ends(self.sink.position().from);
        }
        self.sink.session(line);
        // The end is recorded, and a later crash needs no report.
        if let Some(journal) = &self.journal {
            journal.remove();
        }
    }

    /// Waits for the delivery of the records, at most until the flush timeout.
    pub(crate) fn deliver(&self) {
        self.sink.close();
    }
}

/// Returns `NEXTEST_ATTEMPT`, or 1.
pub(crate) fn attempt() -> u32 {
    let given = env::var("NEXTEST_ATTEMPT").ok().and_then(|attempt| attempt.parse::<u64>().ok());
    given.and_then(|given| u32::try_from(given).ok()).filter(|&attempt| attempt > 0).unwrap_or(1)
}

/// Returns the directories to try for the spool: the one that the user wants, then the default ones.
pub(crate) fn spool_directories(wanted: Option<&Path>) -> Vec<PathBuf> {
    wanted.into_iter().map(Path::to_owned).chain(default_directories()).collect()
}

/// Opens the first directory that can be used and begins a journal there. Warns if the first one cannot be used.
fn open_spool(
    crash_report: &CrashReport,
    session_id: &str,
    common: &Line,
    totals: &Line,
) -> (Option<Spool>, Option<Journal>) {
    let CrashReport { directories, name, destination, .. } = crash_report;
    let mut usable = None;
    let mut problem = None;
    for directory in directories {
        let spool = match Spool::open(directory) {
            Ok(spool) => spool,
            Err(error) => {
                problem
                    .get_or_insert_with(|| format!("{name} {directory:?} cannot be used: {error}"));
                continue;
            }
        };
        match Journal::create(&spool, session_id, destination.clone(), common, totals) {
            Ok(journal) => {
                if let Some(problem) = problem {
                    warn(format_args!("{problem}; using {directory:?}"));
                }
                return (Some(spool), Some(journal));
            }
            Err(error) => {
                problem
                    .get_or_insert_with(|| format!("{name} {directory:?} cannot be used: {error}"));
                usable.get_or_insert(spool);
            }
        }
    }
    if let Some(problem) = problem {
        warn(format_args!(
            "{problem}; crashes will not be recorded. RESMON_SPOOL_DIR can name another directory"
        ));
    }
    (usable, None)
}
