//! The tests that are open at this moment.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Instant;

use resmon_record::fields::After;
use resmon_record::line::Line;
use resmon_record::outcome::Outcome;

use crate::measure::heap;
use crate::measure::snapshot::{Disk, Machine, Memory, Start};
use crate::measure::usage::{End, InUse, Process, Span};

/// An open test: its state while it runs.
#[derive(Debug)]
pub(super) struct Test {
    thread: ThreadId,
    /// The thread that runs the test at this moment. `None` while the test is a future that waits.
    at: Mutex<Option<ThreadId>>,
    /// Whether the thread's figures no longer describe this test: the test moved threads or shared one.
    scattered: AtomicBool,
    heap: heap::Watch,
    /// The fields of the test's record so far, and the machine's counters.
    before: OnceLock<(Line, Start)>,
    span: OnceLock<Span>,
    /// Whether the test is not part of another test on its thread.
    outermost: AtomicBool,
    /// Whether the whole test is alone, for a part of a test. Threads that the whole has started count for the part,
    /// too.
    is_whole_alone: Option<bool>,
    /// The test's slot in the journal.
    slot: OnceLock<usize>,
    /// The start of the test's body. Set last.
    started: OnceLock<Instant>,
    /// The highest number of outermost tests that have been open at once since this test started.
    most: AtomicU32,
}

impl Test {
    fn new(thread: ThreadId, outermost: bool, is_whole_alone: Option<bool>) -> Self {
        Self {
            thread,
            at: Mutex::new(Some(thread)),
            scattered: AtomicBool::new(false),
            heap: heap::Watch::new(),
            before: OnceLock::new(),
            span: OnceLock::new(),
            outermost: AtomicBool::new(outermost),
            is_whole_alone,
            slot: OnceLock::new(),
            started: OnceLock::new(),
            most: AtomicU32::new(0),
        }
    }

    /// Keeps the fields of the test's record so far, and the machine's counters.
    pub(super) fn keep(&self, before: Line, start: Start) -> &Line {
        &self.before.get_or_init(|| (before, start)).0
    }

    /// Begins to measure the test. `slot` is its place in the journal, and `in_use` is the sample of memory before it.
    pub(super) fn begin(&self, process: &Process, slot: Option<usize>, in_use: InUse) {
        if let Some(slot) = slot {
            let _ = self.slot.set(slot);
        }
        let may_be_alone = self.most.load(Ordering::Relaxed) == 1;
        let outermost = self.is_outermost();
        let span = Span::begin(process, may_be_alone, outermost, self.is_whole_alone, in_use);
        let _ = self.span.set(span);
        self.heap.start();
        let _ = self.started.set(Instant::now());
    }

    /// Returns the fields of the test's record so far, and the machine's counters. `None` if the test has not begun.
    pub(super) fn before(&self) -> Option<(&Line, Start)> {
        self.before.get().map(|(line, start)| (line, *start))
    }

    /// Returns the test's slot in the journal, if it has one.
    pub(super) fn slot(&self) -> Option<usize> {
        self.slot.get().copied()
    }

    fn is_outermost(&self) -> bool {
        self.outermost.load(Ordering::Relaxed)
    }

    /// Notes that the test's thread turns to other work.
    pub(super) fn pause(&self) {
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

    /// Reads the figures at the end of this test, which ended at `ended`.
    pub(super) fn end(
        &self,
        machine: &Machine,
        process: &Process,
        start: Start,
        outcome: Outcome,
        ended: Instant,
    ) -> After {
        let concurrent_tests = self.most.load(Ordering::Relaxed);
        let (alone, on_its_thread) = (concurrent_tests == 1, self.is_all_of_this_thread());
        // First: the work that follows is resmon's.
        let end = self.span.get().map(|span| span.end(process, alone, on_its_thread));
        let heap = self.heap.end(end.as_ref().is_some_and(End::was_alone), on_its_thread);
        let after = machine.after(start);
        let resident = process.resident();
        let in_use = InUse { resident, available: after.memory.map(|memory| memory.available) };
        let own = self.span.get().zip(end).map(|(span, end)| end.figures(span, in_use));
        let own = own.unwrap_or_default();
        let started = self.started.get().copied().unwrap_or(ended);
        After {
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
        }
    }
}

/// The open tests of a session.
#[derive(Debug)]
pub(super) struct Running(Mutex<Open>);

/// The open tests, in the order in which they began.
#[derive(Debug)]
struct Open(Vec<Arc<Test>>);

impl Running {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Open(Vec::new())))
    }

    /// Adds a test that begins on this thread. Returns `None` if it is part of another test on the thread, unless
    /// `may_be_part`.
    pub(super) fn add(&self, thread: ThreadId, may_be_part: bool) -> Option<Arc<Test>> {
        let mut open = self.lock();
        let whole = open.on(thread).next();
        let outermost = whole.is_none();
        if !outermost && !may_be_part {
            return None;
        }
        let is_whole_alone = whole.and_then(|whole| whole.span.get()).map(Span::is_alone);
        open.fold();
        open.scatter_waiting(thread);
        let test = Arc::new(Test::new(thread, outermost, is_whole_alone));
        let tests = &mut open.0;
        tests.push(Arc::clone(&test));
        let outermost = tests.iter().filter(|test| test.is_outermost()).count();
        let outermost = u32::try_from(outermost).unwrap_or(u32::MAX);
        for test in tests {
            test.most.fetch_max(outermost, Ordering::Relaxed);
        }
        Some(test)
    }

    /// Whether any test is open.
    pub(super) fn is_any_open(&self) -> bool {
        !self.lock().0.is_empty()
    }

    /// Passes a sample on to all open tests.
    pub(super) fn note(&self, in_use: InUse) {
        for span in self.lock().0.iter().filter_map(|test| test.span.get()) {
            span.note(in_use);
        }
    }

    /// Notes that this thread continues with a test.
    pub(super) fn resume(&self, test: &Test) {
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
    pub(super) fn remove(&self, test: &Arc<Test>) -> bool {
        let mut open = self.lock();
        open.fold();
        let tests = &mut open.0;
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

    /// Removes all tests.
    pub(super) fn remove_all(&self) -> Vec<Arc<Test>> {
        let mut open = self.lock();
        open.fold();
        std::mem::take(&mut open.0)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn fold(&self) {
        heap::fold(self.0.iter().map(|test| &test.heap));
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
        self.0.iter().filter(move |test| *test.at() == Some(thread))
    }

    /// Marks the waiting tests of this thread as scattered, because the thread does other work.
    fn scatter_waiting(&self, thread: ThreadId) {
        for test in self.0.iter().filter(|test| test.thread == thread) {
            if test.at().is_none() {
                test.scattered.store(true, Ordering::Relaxed);
            }
        }
    }
}
