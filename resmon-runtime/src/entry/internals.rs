//! The parts of this crate that its benches measure one by one. Not public API.

use std::path::PathBuf;
use std::time::SystemTime;

use resmon_record::fields::{After, Before, head};
use resmon_record::line::Line;
use resmon_record::outcome::Outcome;
use resmon_record::timestamp::Timestamp;

use crate::measure::snapshot::Machine;
use crate::measure::usage::{InUse, Process, Span};
use crate::write::{File, Sink};

/// The readings of the machine before and after a test.
#[derive(Debug)]
pub struct Snapshots(Machine);

impl Snapshots {
    #[expect(clippy::new_without_default, missing_docs, reason = "see the module")]
    #[must_use]
    pub fn new() -> Self {
        Self(Machine::open())
    }

    #[expect(missing_docs, reason = "see the module")]
    pub fn take(&self) {
        let (_, start) = self.0.before();
        std::hint::black_box(self.0.after(start));
    }
}

/// The readings of a test's usage.
#[derive(Debug)]
pub struct Usages(Process);

impl Usages {
    #[expect(clippy::new_without_default, missing_docs, reason = "see the module")]
    #[must_use]
    pub fn new() -> Self {
        Self(Process::open(false, false))
    }

    #[expect(missing_docs, reason = "see the module")]
    pub fn take(&self, alone: bool) {
        let in_use = || InUse { resident: self.0.resident(), available: None };
        let span = Span::begin(&self.0, alone, true, None, in_use());
        let end = span.end(&self.0, alone, true);
        std::hint::black_box(end.figures(&span, in_use()));
    }
}

/// Builds a typical record of a test.
#[must_use]
pub fn record() -> Vec<u8> {
    line().finish()
}

fn line() -> Line {
    let bytes = Some(24_323_596_288);
    let before = Before {
        test_nodeid: "tests/orders.rs::basket::a_discount_is_taken_off_once",
        target: None,
        package: Some("orders"),
        attempt: 1,
        cpu_before: Some(52.3809),
        mem_available_before: bytes,
        mem_percent_before: Some(3.7699),
        disk_free_before: bytes,
        disk_percent_before: Some(37.3758),
        rss_before: bytes,
    };
    let after = After {
        outcome: Outcome::Passed,
        concurrent_tests: 2,
        duration_s: 0.012_345_678,
        cpu_after: Some(52.3809),
        mem_available_after: bytes,
        mem_percent_after: Some(3.7699),
        disk_free_after: bytes,
        disk_percent_after: Some(37.3758),
        cpu_user_s: Some(0.012_345),
        cpu_system_s: Some(0.001_234),
        cpu_scope: Some("thread"),
        rss_after: bytes,
        rss_peak: bytes,
        mem_available_min: bytes,
        page_faults_major: Some(0),
        ctx_switches_involuntary: Some(3),
        io_read_bytes: Some(0),
        io_write_bytes: Some(4096),
        alloc_count: None,
        alloc_bytes: None,
        alloc_peak_bytes: None,
    };
    let mut line = head("test", None, Timestamp::from(SystemTime::now()));
    before.write(&mut line);
    after.write(&mut line);
    line
}

/// A file that records are appended to.
#[derive(Debug)]
pub struct Append(File, Line);

impl Append {
    #[expect(missing_docs, reason = "see the module")]
    #[must_use]
    pub fn to(path: PathBuf) -> Self {
        Self(File::open("the file", path, 50), line())
    }

    #[expect(missing_docs, reason = "see the module")]
    pub fn one(&self) {
        self.0.test(self.1.clone());
    }
}
