//! The tests that are open at this moment.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

use crate::event;
use crate::outcome::Outcome;
use crate::session::Session;
use crate::snapshot::{Disk, Memory, Snapshot, Start};

/// An open test, with what was read before its body.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) id: String,
    /// Of the test, if the compiler knew it; else it is the process's.
    pub(crate) package: Option<&'static str>,
    pub(crate) thread: ThreadId,
    /// Whether it stands for itself, rather than for a part of the test that its thread runs.
    pub(crate) outermost: bool,
    pub(crate) before: Snapshot,
    pub(crate) start: Start,
    pub(crate) started: Instant,
    /// The most outermost tests that have been open at once since it started.
    pub(crate) most: AtomicU32,
}

impl Test {
    /// Writes the record of this test, which ended at `ended`.
    pub(crate) fn record(&self, session: &Session, outcome: Outcome, ended: Instant) {
        let (before, after) = (self.before, session.machine.after(self.start));
        session.record(
            &self.id,
            &event::Test {
                package: self.package.or(session.package.as_deref()),
                outcome,
                attempt: session.attempt,
                concurrent_tests: self.most.load(Ordering::Relaxed),
                duration_s: ended.saturating_duration_since(self.started).as_secs_f64(),
                cpu_before: before.cpu,
                cpu_after: after.cpu,
                mem_available_before: before.memory.map(|memory| memory.available),
                mem_available_after: after.memory.map(|memory| memory.available),
                mem_percent_before: before.memory.map(Memory::percent),
                mem_percent_after: after.memory.map(Memory::percent),
                disk_free_before: before.disk.map(|disk| disk.free),
                disk_free_after: after.disk.map(|disk| disk.free),
                disk_percent_before: before.disk.map(Disk::percent),
                disk_percent_after: after.disk.map(Disk::percent),
            },
        );
    }
}

/// The open tests of a process.
#[derive(Debug)]
pub(crate) struct Running(Mutex<Vec<Arc<Test>>>);

impl Running {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn add(&self, test: Test) -> Arc<Test> {
        let test = Arc::new(test);
        let mut tests = self.lock();
        tests.push(Arc::clone(&test));
        let open = tests.iter().filter(|test| test.outermost).count();
        let open = u32::try_from(open).unwrap_or(u32::MAX);
        for test in tests.iter() {
            test.most.fetch_max(open, Ordering::Relaxed);
        }
        test
    }

    /// Takes a test out; `false` if that has been done, so that it is recorded once.
    pub(crate) fn remove(&self, test: &Arc<Test>) -> bool {
        let mut tests = self.lock();
        let index = tests.iter().position(|other| Arc::ptr_eq(other, test));
        index.map(|index| tests.swap_remove(index)).is_some()
    }

    pub(crate) fn remove_all(&self) -> Vec<Arc<Test>> {
        std::mem::take(&mut *self.lock())
    }

    /// Whether this thread is in the middle of a test.
    pub(crate) fn has_test_on(&self, thread: ThreadId) -> bool {
        self.lock().iter().any(|test| test.thread == thread)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Test>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
