//! A test of the session, from its start to its record.

use std::mem;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use resmon_record::fields::{After, Before, head};
use resmon_record::line::Line;
use resmon_record::outcome::Outcome;
use resmon_record::timestamp::Timestamp;

use super::Session;
use super::running::{Running, Test};
use crate::measure::snapshot::{Disk, Memory};
use crate::measure::usage::InUse;
use crate::sys;
use crate::write::Position;

/// The way to treat a test that begins while another one runs on its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nested {
    /// It is a part of that test, with a record of its own.
    Recorded,
    /// It gets no record.
    Skipped,
}

/// An open test.
#[derive(Debug)]
pub(crate) struct OpenTest {
    // A panic in the session is caught, and the session goes on.
    session: AssertUnwindSafe<&'static Session>,
    test: Arc<Test>,
}

impl Session {
    /// Opens a test that begins on this thread. `id` gets the name of the thread and returns the `test_nodeid`. `None`
    /// if the test is nested and such tests are skipped.
    pub(crate) fn open(
        &'static self,
        package: Option<&str>,
        nested: Nested,
        id: impl FnOnce(Option<&str>) -> String,
    ) -> Option<OpenTest> {
        let thread = thread::current();
        let test = self.running.add(thread.id(), nested == Nested::Recorded)?;
        let opening = Opening { running: &self.running, test: &test };
        let id = id(thread.name());
        let (machine, start) = self.machine.before();
        let available = machine.memory.map(|memory| memory.available);
        let in_use = InUse { resident: self.process.resident(), available };
        let mut line = Line::new();
        Before {
            test_nodeid: &id,
            package: package.or(self.package.as_deref()),
            target: self.target.as_deref(),
            attempt: self.attempt,
            cpu_before: machine.cpu,
            mem_available_before: available,
            mem_percent_before: machine.memory.map(Memory::percent),
            disk_free_before: machine.disk.map(|disk| disk.free),
            disk_percent_before: machine.disk.map(Disk::percent),
            rss_before: in_use.resident,
        }
        .write(&mut line);
        let before = test.keep(line, start);
        if self.sampler.is_started() || !self.process.needs_no_sampler() {
            self.sampler.wake(&self.running, || self.sample());
        }
        let slot = self.journal.as_ref().and_then(|journal| {
            let Position { batch_num, from } = self.sink.position();
            journal.mark(before, batch_num, from)
        });
        test.begin(&self.process, slot, in_use);
        mem::forget(opening);
        Some(OpenTest { session: AssertUnwindSafe(self), test })
    }

    /// Takes a sample of memory, unless the session has ended.
    fn sample(&self) -> Option<InUse> {
        self.is_open().then(|| InUse {
            resident: self.process.resident(),
            available: self.machine.sample().map(|memory| memory.available),
        })
    }

    /// Records the tests that are still open, and stops the sampler.
    pub(super) fn finish_all(&self, ended: Instant) {
        for test in self.running.remove_all() {
            self.record(&test, Outcome::Unfinished, ended, &mut |_| false);
        }
        self.sampler.stop();
    }

    /// Records a test that ended at `ended`. It has failed if `fails` says so of its figures.
    fn record(
        &self,
        test: &Test,
        outcome: Outcome,
        ended: Instant,
        fails: &mut dyn FnMut(&After) -> bool,
    ) {
        let Some((before, start)) = test.before() else { return };
        let mut after = test.end(&self.machine, &self.process, start, outcome, ended);
        if fails(&after) {
            after.outcome = Outcome::Failed;
        }
        self.count(after.outcome == Outcome::Failed);
        let mut line = head("test", None, Timestamp::now());
        line.fields(before);
        after.write(&mut line);
        line.fields(&self.common);
        sys::without_sigxfsz(|| self.sink.test(line));
        // In this order: a crash between the two must not lose the test.
        if let (Some(journal), Some(slot)) = (&self.journal, test.slot()) {
            journal.clear(slot);
        }
    }
}

impl OpenTest {
    /// Ends the test and writes its record, unless the session has ended. The test has failed if `fails` says so of its
    /// figures.
    pub(crate) fn finish(
        self,
        outcome: Outcome,
        ended: Instant,
        fails: &mut dyn FnMut(&After) -> bool,
    ) {
        let Some(session) = self.session() else { return };
        // Ordered with `Session::close` in all threads: either `close` waits for this, or this finds the session
        // closed.
        let _recording = Recording::begin(&session.recording);
        if !session.ended.load(Ordering::SeqCst) && session.running.remove(&self.test) {
            session.record(&self.test, outcome, ended, fails);
        }
    }

    /// Notes that the thread turns to other work.
    pub(crate) fn pause(&self) {
        if self.session().is_some() {
            self.test.pause();
        }
    }

    /// Notes that this thread continues with the test.
    pub(crate) fn resume(&self) {
        if let Some(session) = self.session() {
            session.running.resume(&self.test);
        }
    }

    /// Returns the session, if it is open. In a forked child it is not: another thread may hold a lock there for ever.
    fn session(&self) -> Option<&'static Session> {
        let AssertUnwindSafe(session) = self.session;
        session.is_open().then_some(session)
    }
}

/// A test that is being opened. A panic drops this, and the test is not open.
struct Opening<'a> {
    running: &'a Running,
    test: &'a Arc<Test>,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.running.remove(self.test);
    }
}

/// A record that is being written, until this is dropped. A panic drops it as well, so that the end does not wait for
/// it.
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
