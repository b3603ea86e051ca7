//! One test process, from its first instrumented test to its end.

use std::env;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::config::Config;
use crate::event::{After, Common, End, Head, Host, Totals};
use crate::harness;
use crate::identity;
use crate::limit::Limit;
use crate::line::Line;
use crate::outcome::Outcome;
use crate::sink::{self, Place, Position, Sink};
use crate::snapshot::Machine;
use crate::spool::{Destination, Journal, Spool};
use crate::timestamp::Timestamp;
use crate::usage::Process;
use crate::warning::warn;

/// How a crash of the process would be told of.
pub(crate) struct Journaling {
    /// Where its records go.
    pub(crate) destination: Destination,
    /// Whether it runs more than one.
    pub(crate) many_tests: bool,
    /// Whether it begins by telling of others, which somebody else may be there for.
    pub(crate) tells_of_others: bool,
}

/// What all tests of a process share.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) machine: Machine,
    pub(crate) process: Process,
    /// `NEXTEST_ATTEMPT`, or 1.
    pub(crate) attempt: u32,
    /// The Cargo package of the process.
    pub(crate) package: Option<String>,
    pid: u32,
    common: Line,
    totals: Line,
    sink: Box<dyn Sink>,
    /// Where a crash would find which tests were open.
    journal: Option<Journal>,
    /// How many tests were recorded.
    recorded: AtomicU64,
    /// How many of them failed, also for where the true exit status cannot be had.
    failed: AtomicU64,
    ended: AtomicBool,
    /// How many threads are recording a test.
    recording: AtomicU32,
}

/// What a session goes by.
#[derive(Clone, Copy)]
pub(crate) struct Ids<'a> {
    /// The name of its files in the spool.
    pub(crate) name: &'a str,
    /// `session_id`
    pub(crate) session: &'a str,
    /// `run_id`
    pub(crate) run: &'a str,
}

/// The id of the records that belong to no test.
pub(crate) const SESSION: &str = "__session__";

impl Session {
    /// Reads the environment and, if it asks for records, begins the session of a process that started at
    /// `started`. The package is the first test's, for where Cargo did not start the process.
    pub(crate) fn start(started: SystemTime, package: Option<&str>) -> Option<Self> {
        let config = Config::from_env()?;
        let mut id = identity::session_id(started);
        if let Some(unit) = &config.unit {
            // By which `cargo resmon` knows whose records these are.
            id = format!("{id}-{unit}-{}", process::id());
        }
        let run_id = identity::run_id().unwrap_or_else(|| id.clone());
        let package = env::var("CARGO_PKG_NAME").ok().or_else(|| package.map(str::to_owned));
        let ids = Ids { name: &id, session: &id, run: &run_id };
        let spool = Spool::open(config.spool.as_deref());
        let journal = Journaling {
            destination: config.output.destination(),
            many_tests: !config.delivery.process_per_test,
            tells_of_others: !config.is_shared_run() && config.unit.is_none(),
        };
        Some(Self::begin(started, ids, package, spool, journal, |place| sink::open(config, place)))
    }

    /// Begins a session of these ids.
    pub(crate) fn begin(
        started: SystemTime,
        ids: Ids<'_>,
        package: Option<String>,
        spool: Option<Spool>,
        journaling: Journaling,
        sink: impl FnOnce(Place<'_>) -> Box<dyn Sink>,
    ) -> Self {
        let mut common = Line::new();
        Common::from_env(ids.session, ids.run).write(&mut common);
        let machine = Machine::open();
        let (cpu_count, memory) = (machine.cpus(), machine.memory().map(|memory| memory.total));
        let limit = Limit::read(Limit { memory, cpus: cpu_count.map(f64::from) });
        let mut totals = Line::new();
        Totals {
            package: package.as_deref(),
            target: harness::target(),
            cpu_count,
            mem_total_bytes: memory,
            disk_total_bytes: machine.disk().map(|disk| disk.total),
            mem_limit_bytes: limit.memory,
            cpu_limit: limit.cpus,
        }
        .write(&mut totals);

        let journal = spool.as_ref().and_then(|spool| {
            if journaling.tells_of_others {
                spool.end_crashed_sessions(None);
            }
            let Journaling { destination, many_tests, .. } = journaling;
            Journal::create(spool, ids.name, destination, &common, &totals, many_tests)
                .inspect_err(|error| warn(format_args!("a crash could not be told of: {error}")))
                .ok()
        });
        // Without a journal nobody would find what waits there after a crash.
        let spool = spool.filter(|_| journal.is_some());
        let place = Place { spool, session_id: ids.name, run_id: ids.run };
        let mut line = head("session_start", Some(SESSION), started.into());
        line.fields(&totals);
        Host::read().write(&mut line);
        line.fields(&common);
        let sink = sink(place);
        sink.session(line);
        Self {
            machine,
            process: Process::open(),
            attempt: attempt(),
            package,
            pid: process::id(),
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

    /// What is the same in all its records.
    #[cfg(all(unix, feature = "collector"))]
    pub(crate) fn common(&self) -> Line {
        self.common.clone()
    }

    /// Records a test that another process has measured.
    #[cfg(all(unix, feature = "collector"))]
    pub(crate) fn adopt(&self, mut line: Line, failed: bool) {
        self.count(failed);
        line.fields(&self.common);
        self.sink.test(line);
    }

    /// Whether records may be written: not in a forked child, whose parent has the session, and not when
    /// it has ended.
    pub(crate) fn is_open(&self) -> bool {
        self.pid == process::id() && !self.ended.load(Ordering::Relaxed)
    }

    /// Notes on disk that a test is open.
    pub(crate) fn mark(&self, slot: usize, before: &Line) {
        if let Some(journal) = &self.journal {
            let Position { batch_num, from } = self.sink.position();
            journal.mark(slot, before, batch_num, from);
        }
    }

    /// Records a test that ends now.
    pub(crate) fn record(&self, slot: usize, before: &Line, after: &After) {
        self.count(after.outcome == Outcome::Failed);
        let mut line = head("test", None, Timestamp::now());
        line.fields(before);
        after.write(&mut line);
        line.fields(&self.common);
        safely(|| self.sink.test(line));
        // In this order: a crash between the two is less harm than a test that nobody recorded.
        if let Some(journal) = &self.journal {
            journal.clear(slot);
        }
    }

    fn count(&self, failed: bool) {
        self.recorded.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(failed.into(), Ordering::Relaxed);
    }

    /// Calls what records a test, unless the session has ended.
    pub(crate) fn while_open(&self, record: impl FnOnce()) {
        // In the same order in all threads as what `close` does: either it waits for this, or this finds it closed.
        let _recording = Recording::begin(&self.recording);
        if !self.ended.load(Ordering::SeqCst) {
            record();
        }
    }

    /// Closes the session to further tests, and waits for those that are being recorded by threads which nobody joined;
    /// `false` if that has been done.
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

    /// Records the end of the process and delivers what is left. Without the true exit status it is the one
    /// that libtest gives for what is known of the tests.
    pub(crate) fn end(&self, exit_status: Option<i32>) {
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
        line.fields(&self.totals);
        line.fields(&self.common);
        if let Some(journal) = &self.journal {
            journal.ends(self.sink.position().from);
        }
        self.sink.session(line);
        // Before it is delivered: who finds the process dead then has nothing to add.
        if let Some(journal) = &self.journal {
            journal.over();
        }
        self.sink.close();
        if let Some(journal) = &self.journal {
            journal.remove();
        }
    }
}

/// A record that is being written, until this is dropped: also by a panic, for which the end is not to wait.
struct Recording<'a>(&'a AtomicU32);

impl<'a> Recording<'a> {
    fn begin(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Calls what writes to files in a thread of the user's.
pub(crate) fn safely<T>(write: impl FnOnce() -> T) -> T {
    #[cfg(unix)]
    return crate::signal::without_sigxfsz(write);
    #[cfg(not(unix))]
    write()
}

/// `NEXTEST_ATTEMPT`, or 1.
pub(crate) fn attempt() -> u32 {
    let given = env::var("NEXTEST_ATTEMPT").ok().and_then(|attempt| attempt.parse().ok());
    given.filter(|&attempt| attempt > 0).unwrap_or(1)
}

pub(crate) fn head(event_type: &str, test_nodeid: Option<&str>, timestamp: Timestamp) -> Line {
    let mut line = Line::new();
    Head { event_type, test_nodeid, timestamp }.write(&mut line);
    line
}
