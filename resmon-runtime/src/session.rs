//! One test process, from its first instrumented test to its end.

use std::env;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::config::Config;
use crate::event::{After, Common, End, Head, Host, Totals};
use crate::identity;
use crate::limit::Limit;
use crate::line::Line;
use crate::outcome::Outcome;
use crate::sink::{self, Place, Position, Sink};
use crate::snapshot::Machine;
use crate::spool::{Journal, Spool};
use crate::timestamp::Timestamp;
use crate::usage::Process;
use crate::warning::warn;

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

/// The id of the records that belong to no test.
pub(crate) const SESSION: &str = "__session__";

impl Session {
    /// Reads the environment and, if it asks for records, begins the session of a process that started at
    /// `started`. The package is the first test's, for where Cargo did not start the process.
    pub(crate) fn start(started: SystemTime, package: Option<&str>) -> Option<Self> {
        let config = Config::from_env()?;
        let id = identity::session_id(started);
        let run_id = identity::run_id().unwrap_or_else(|| id.clone());
        let mut common = Line::new();
        Common::from_env(&id, &run_id).write(&mut common);
        let machine = Machine::open();
        let package = env::var("CARGO_PKG_NAME").ok().or_else(|| package.map(str::to_owned));
        let (cpu_count, memory) = (machine.cpus(), machine.memory().map(|memory| memory.total));
        let limit = Limit::read(Limit { memory, cpus: cpu_count.map(f64::from) });
        let mut totals = Line::new();
        Totals {
            package: package.as_deref(),
            cpu_count,
            mem_total_bytes: memory,
            disk_total_bytes: machine.disk().map(|disk| disk.total),
            mem_limit_bytes: limit.memory,
            cpu_limit: limit.cpus,
        }
        .write(&mut totals);

        let spool = Spool::open(config.spool.as_deref());
        let journal = spool.as_ref().and_then(|spool| {
            if !config.is_shared_run() {
                spool.end_crashed_sessions(None);
            }
            let (destination, many) =
                (config.output.destination(), !config.delivery.process_per_test);
            Journal::create(spool, &id, destination, &common, &totals, many)
                .inspect_err(|error| warn(format_args!("a crash could not be told of: {error}")))
                .ok()
        });
        // Without a journal nobody would find what waits there after a crash.
        let spool = spool.filter(|_| journal.is_some());
        let place = Place { spool, session_id: &id, run_id: &run_id };
        let mut line = head("session_start", Some(SESSION), started.into());
        line.fields(&totals);
        Host::read().write(&mut line);
        line.fields(&common);
        let sink = sink::open(config, place);
        sink.session(line);
        Some(Self {
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
        })
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
        self.recorded.fetch_add(1, Ordering::Relaxed);
        if after.outcome == Outcome::Failed {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
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

fn attempt() -> u32 {
    let given = env::var("NEXTEST_ATTEMPT").ok().and_then(|attempt| attempt.parse().ok());
    given.filter(|&attempt| attempt > 0).unwrap_or(1)
}

pub(crate) fn head(event_type: &str, test_nodeid: Option<&str>, timestamp: Timestamp) -> Line {
    let mut line = Line::new();
    Head { event_type, test_nodeid, timestamp }.write(&mut line);
    line
}
