//! The tests that are open at this moment.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Instant;

use resmon_record::fields::After;
use resmon_record::line::Line;
use resmon_record::outcome::Outcome;

use crate::measure::heap;
use crate::measure::snapshot::{Disk, Memory, Start};
use crate::measure::usage::{End, InUse, Span};
use crate::session::Session;

/// An open test, with the readings before its body.
#[derive(Debug)]
pub(crate) struct Test {
    /// The fields of the test's record so far.
    pub(crate) before: Line,
    pub(crate) start: Start,
    pub(crate) thread: ThreadId,
    /// The thread that runs the test at this moment. `None` while the test is a future that waits.
    at: Mutex<Option<ThreadId>>,
    /// Whether the thread's figures no longer describe this test: the test moved threads or shared one.
    scattered: AtomicBool,
    heap: heap::Watch,
    /// The sample of memory before the test.
    in_use: InUse,
    span: OnceLock<Span>,
    /// Whether the test is not part of another test on its thread.
    outermost: AtomicBool,
    /// Whether the whole test is alone, for a part of a test. Threads that the whole has started count for the part,
    /// too.
    is_whole_alone: Option<bool>,
    /// The number of the test's slot in the journal.
    slot: usize,
    /// The start of the test's body. Set last.
    started: OnceLock<Instant>,
    /// The highest number of outermost tests that have been open at once since this test started.
    most: AtomicU32,
}

impl Test {
    pub(crate) fn new(
        before: Line,
        start: Start,
        in_use: InUse,
        thread: ThreadId,
        outermost: bool,
    ) -> Self {
        let (started, most) = (OnceLock::new(), AtomicU32::new(0));
        Self {
            before,
            start,
            thread,
            at: Mutex::new(Some(thread)),
            scattered: AtomicBool::new(false),
            heap: heap::Watch::new(),
            in_use,
            span: OnceLock::new(),
            outermost: AtomicBool::new(outermost),
            is_whole_alone: None,
            slot: 0,
            started,
            most,
        }
    }

    /// Marks the test as open in the journal, and begins to measure it.
    pub(crate) fn begin(&self, session: &Session) {
        session.mark(self.slot, &self.before);
        let may_be_alone = self.most.load(Ordering::Relaxed) == 1;
        let span = Span::begin(
            &session.process,
            may_be_alone,
            self.is_outermost(),
            self.is_whole_alone,
            self.in_use,
        );
        let _ = self.span.set(span);
        self.heap.start();
        let _ = self.started.set(Instant::now());
    }

    fn is_outermost(&self) -> bool {
        self.outermost.load(Ordering::Relaxed)
    }

    /// Notes that the test's thread turns to other work.
    pub(crate) fn pause(&self) {
        *self.at() = None;
        if let Some(span) = self.span.get() {
            span.pause();
        }
    }

    /// Whether this is the test's thread, and the thread's figures describe the test.
    fn is_all_of_this_thread(&self) -> bool {
        thread::current().id() == self.thread && !self.scattered.load(Ordering::Relaxed)
    }

    fn at(&self) -> MutexGuard<'_, Option<ThreadId>> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the record of this test, which ended at `ended`.
    pub(crate) fn record(&self, session: &Session, outcome: Outcome, ended: Instant) {
        let concurrent_tests = self.most.load(Ordering::Relaxed);
        let (alone, on_its_thread) = (concurrent_tests == 1, self.is_all_of_this_thread());
        // First: the work that follows is resmon's.
        let end = self.span.get().map(|span| span.end(&session.process, alone, on_its_thread));
        let heap = self.heap.end(end.as_ref().is_some_and(End::was_alone), on_its_thread);
        let after = session.machine.after(self.start);
        let resident = session.process.resident();
        let in_use = InUse { resident, available: after.memory.map(|memory| memory.available) };
        let own = self.span.get().zip(end).map(|(span, end)| end.figures(span, in_use));
        let own = own.unwrap_or_default();
        let started = self.started.get().copied().unwrap_or(ended);
        let after = After {
            outcome,
            concurrent_tests,
            duration_s: ended.saturating_duration_since(started).as_secs_f64(),
            cpu_after: after.cpu,
            mem_available_after: after.memory.map(|memory| memory.available),
            mem_percent_after: after.memory.map(Memory::percent),
            disk_free_after: after.disk.map(|disk| disk.free),
            disk_percent_after: after.disk.map(Disk::percent),
            cpu_user_s: own.cpu_user_s,
            cpu_system_s: own.cpu_system_s,
            cpu_scope: own.cpu_scope,
            rss_after: resident,
            rss_peak: own.rss_peak,
            mem_available_min: own.mem_available_min,
            page_faults_major: own.page_faults_major,
            ctx_switches_involuntary: own.ctx_switches_involuntary,
            io_read_bytes: own.io_read_bytes,
            io_write_bytes: own.io_write_bytes,
            alloc_count: heap.count,
            alloc_bytes: heap.bytes,
            alloc_peak_bytes: heap.peak,
        };
        session.record(self.slot, &self.before, &after);
    }
}

/// The open tests of a process.
#[derive(Debug)]
pub(crate) struct Running(Mutex<Open>);

#[derive(Debug)]
struct Open {
    tests: Vec<Arc<Test>>,
    /// Whether each slot is taken. A test keeps its slot until its record is written, after it has left `tests`.
    slots: Vec<bool>,
}

impl Running {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Open { tests: Vec::new(), slots: Vec::new() }))
    }

    pub(crate) fn add(&self, mut test: Test) -> Arc<Test> {
        let mut open = self.lock();
        open.fold();
        open.scatter_waiting(test.thread);
        test.slot = open.take_slot();
        if !test.is_outermost() {
            let whole = open.on(test.thread).next().and_then(|whole| whole.span.get());
            test.is_whole_alone = whole.map(Span::is_alone);
        }
        let test = Arc::new(test);
        let tests = &mut open.tests;
        tests.push(Arc::clone(&test));
        let outermost = tests.iter().filter(|test| test.is_outermost()).count();
        let outermost = u32::try_from(outermost).unwrap_or(u32::MAX);
        for test in tests {
            test.most.fetch_max(outermost, Ordering::Relaxed);
        }
        test
    }

    /// Whether any test is open.
    pub(crate) fn is_any_open(&self) -> bool {
        !self.lock().tests.is_empty()
    }

    /// Passes a sample on to all open tests.
    pub(crate) fn note(&self, in_use: InUse) {
        for span in self.lock().tests.iter().filter_map(|test| test.span.get()) {
            span.note(in_use);
        }
    }

    /// Notes that this thread continues with a test.
    pub(crate) fn resume(&self, test: &Test) {
        let open = self.lock();
        let thread = thread::current().id();
        *test.at() = Some(thread);
        if thread != test.thread {
            test.scattered.store(true, Ordering::Relaxed);
        }
        open.scatter_waiting(thread);
        drop(open);
        if let Some(span) = test.span.get().filter(|_| thread == test.thread) {
            span.resume();
        }
    }

    /// Removes a test. Returns `false` if it has been removed before, so that it is recorded once.
    pub(crate) fn remove(&self, test: &Arc<Test>) -> bool {
        let mut open = self.lock();
        open.fold();
        let tests = &mut open.tests;
        let Some(index) = tests.iter().position(|other| Arc::ptr_eq(other, test)) else {
            return false;
        };
        // Keeps the order in which the tests began.
        tests.remove(index);
        if test.is_outermost() {
            open.find_outermost(test.thread);
        }
        true
    }

    /// Frees the slot of a test whose record is written.
    pub(crate) fn free(&self, test: &Test) {
        self.lock().slots[test.slot] = false;
    }

    pub(crate) fn remove_all(&self) -> Vec<Arc<Test>> {
        let mut open = self.lock();
        open.fold();
        std::mem::take(&mut open.tests)
    }

    /// Whether this thread is running a test.
    pub(crate) fn has_test_on(&self, thread: ThreadId) -> bool {
        self.lock().tests.iter().any(|test| *test.at() == Some(thread))
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn fold(&self) {
        heap::fold(self.tests.iter().map(|test| &test.heap));
    }

    /// Makes the first remaining part of an ended test outermost, if this thread has no outermost test.
    fn find_outermost(&self, thread: ThreadId) {
        if self.on(thread).any(|test| test.is_outermost()) {
            return;
        }
        if let Some(test) = self.on(thread).next() {
            test.outermost.store(true, Ordering::Relaxed);
        }
    }

    /// Returns the tests that this thread runs at this moment, in the order in which they began.
    fn on(&self, thread: ThreadId) -> impl Iterator<Item = &Arc<Test>> {
        self.tests.iter().filter(move |test| *test.at() == Some(thread))
    }

    /// Marks the waiting tests of this thread as scattered, because the thread does other work.
    fn scatter_waiting(&self, thread: ThreadId) {
        for test in self.tests.iter().filter(|test| test.thread == thread) {
            if test.at().is_none() {
                test.scattered.store(true, Ordering::Relaxed);
            }
        }
    }

    fn take_slot(&mut self) -> usize {
        let free = self.slots.iter().position(|taken| !taken);
        let slot = free.unwrap_or_else(|| {
            self.slots.push(false);
            self.slots.len() - 1
        });
        self.slots[slot] = true;
        slot
    }
}
