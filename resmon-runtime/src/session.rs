//! One test process, from its first instrumented test to its end.

use std::env;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use crate::config::Config;
use crate::event::{Common, End, Head, Test, Totals};
use crate::identity;
use crate::line::Line;
use crate::outcome::Outcome;
use crate::sink::{self, Sink};
use crate::snapshot::Machine;
use crate::timestamp::Timestamp;

/// What all tests of a process share.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) machine: Machine,
    /// `NEXTEST_ATTEMPT`, or 1.
    pub(crate) attempt: u32,
    /// The Cargo package of the process.
    pub(crate) package: Option<String>,
    pid: u32,
    common: Line,
    sink: Box<dyn Sink>,
    /// Whether a test failed, for where the true exit status cannot be had.
    failed: AtomicBool,
    ended: AtomicBool,
}

/// The id of the records that belong to no test.
const SESSION: &str = "__session__";

impl Session {
    /// Reads the environment and, if it asks for records, begins the session of a process that started at
    /// `started`. The package is the first test's, for where Cargo did not start the process.
    pub(crate) fn start(started: SystemTime, package: Option<&str>) -> Option<Self> {
        let sink = sink::open(Config::from_env())?;
        let session_id = identity::session_id(started);
        let run_id = identity::run_id().unwrap_or_else(|| session_id.clone());
        let mut common = Line::new();
        Common::from_env(&session_id, &run_id).write(&mut common);

        let session = Self {
            machine: Machine::open(),
            attempt: attempt(),
            package: env::var("CARGO_PKG_NAME").ok().or_else(|| package.map(str::to_owned)),
            pid: process::id(),
            common,
            sink,
            failed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        };
        let mut line = head("session_start", SESSION, started.into());
        session.totals().write(&mut line);
        session.sink.session(session.with_common(line));
        Some(session)
    }

    /// Whether records may be written: not in a forked child, whose parent has the session, and not when
    /// it has ended.
    pub(crate) fn is_open(&self) -> bool {
        self.pid == process::id() && !self.ended.load(Ordering::Relaxed)
    }

    /// Records a test that ends now.
    pub(crate) fn record(&self, id: &str, test: &Test<'_>) {
        if test.outcome == Outcome::Failed {
            self.failed.store(true, Ordering::Relaxed);
        }
        let mut line = head("test", id, Timestamp::now());
        test.write(&mut line);
        self.sink.test(self.with_common(line));
    }

    /// Closes the session to further tests; `false` if that has been done.
    pub(crate) fn close(&self) -> bool {
        !self.ended.swap(true, Ordering::Relaxed)
    }

    /// Records the end of the process and delivers what is left. Without the true exit status it is the one
    /// that libtest gives for what is known of the tests.
    pub(crate) fn end(&self, exit_status: Option<i32>) {
        let inferred = if self.failed.load(Ordering::Relaxed) { 101 } else { 0 };
        let mut line = head("session_end", SESSION, Timestamp::now());
        End { exit_status: exit_status.unwrap_or(inferred) }.write(&mut line);
        self.totals().write(&mut line);
        self.sink.session(self.with_common(line));
        self.sink.close();
    }

    fn totals(&self) -> Totals<'_> {
        Totals {
            package: self.package.as_deref(),
            cpu_count: self.machine.cpus(),
            mem_total_bytes: self.machine.memory().map(|memory| memory.total),
            disk_total_bytes: self.machine.disk().map(|disk| disk.total),
        }
    }

    fn with_common(&self, mut line: Line) -> Line {
        line.fields(&self.common);
        line
    }
}

fn attempt() -> u32 {
    let given = env::var("NEXTEST_ATTEMPT").ok().and_then(|attempt| attempt.parse().ok());
    given.filter(|&attempt| attempt > 0).unwrap_or(1)
}

fn head(event_type: &'static str, test_nodeid: &str, timestamp: Timestamp) -> Line {
    let mut line = Line::new();
    Head { event_type, test_nodeid, timestamp }.write(&mut line);
    line
}
