//! The readings at the start of a test's body and at its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::system::{self, Process};
use super::{Scope, Usage};
use crate::measure::own_thread;

/// The baseline of an open test, and the extremes of the samples since its start.
#[derive(Debug)]
pub(crate) struct Span {
    /// The baseline of the test's thread: its usage at the start, plus its usage since then for other work.
    thread: Mutex<Option<Usage>>,
    /// The usage of the thread when it turned to other work.
    paused: Mutex<Option<Usage>>,
    /// The baseline of the process, for a test that was alone.
    alone: Option<Alone>,
    /// The highest resident memory in the samples, in bytes.
    resident: AtomicU64,
    /// The lowest available memory of the machine in the samples, in bytes.
    available: AtomicU64,
}

#[derive(Debug)]
struct Alone {
    usage: Option<Usage>,
    /// The CPU time of resmon's own thread.
    own: Duration,
    /// Whether the kernel's memory peak was reset.
    peak: bool,
}

/// The figures of usage in a test's record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) cpu_user_s: Option<f64>,
    pub(crate) cpu_system_s: Option<f64>,
    pub(crate) cpu_scope: Option<&'static str>,
    pub(crate) rss_peak: Option<u64>,
    pub(crate) mem_available_min: Option<u64>,
    pub(crate) page_faults_major: Option<u64>,
    pub(crate) ctx_switches_involuntary: Option<u64>,
    pub(crate) io_read_bytes: Option<u64>,
    pub(crate) io_write_bytes: Option<u64>,
}

/// A sample of memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InUse {
    /// Resident memory of the process.
    pub(crate) resident: Option<u64>,
    /// Available memory of the machine.
    pub(crate) available: Option<u64>,
}

impl Span {
    /// Begins with a test. `may_be_alone` if no other test is open. `outermost` if the test is not part of another: the
    /// kernel's memory peak serves one test at a time. `is_whole_alone`, for a part of a test, is whether the whole
    /// test is alone.
    pub(crate) fn begin(
        process: &Process,
        may_be_alone: bool,
        outermost: bool,
        is_whole_alone: Option<bool>,
        in_use: InUse,
    ) -> Self {
        let is_alone = || is_whole_alone.unwrap_or_else(|| process.is_test_alone());
        let alone = (may_be_alone && is_alone()).then(|| Alone {
            peak: outermost && process.reset_peak(),
            own: own_thread::used(),
            usage: system::of_process(),
        });
        let span = Self {
            resident: AtomicU64::new(0),
            available: AtomicU64::new(u64::MAX),
            alone,
            paused: Mutex::new(None),
            thread: Mutex::new(system::of_thread()),
        };
        span.note(in_use);
        span
    }

    /// Whether the test was alone in the process when it began.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    /// Takes a sample into account.
    pub(crate) fn note(&self, in_use: InUse) {
        self.resident.fetch_max(in_use.resident.unwrap_or(0), Ordering::Relaxed);
        self.available.fetch_min(in_use.available.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Notes that the test's thread turns to other work.
    pub(crate) fn pause(&self) {
        *lock(&self.paused) = system::of_thread();
    }

    /// Notes that the test's thread continues with the test.
    pub(crate) fn resume(&self) {
        let Some(paused) = lock(&self.paused).take() else { return };
        let mut thread = lock(&self.thread);
        let elsewhere = system::of_thread().map(|now| now.since(paused));
        *thread = thread.zip(elsewhere).map(|(start, elsewhere)| start.and(elsewhere));
    }

    /// Reads the usage of the test so far. To be called first at its end, so that resmon's own work does not count.
    pub(crate) fn end(&self, process: &Process, alone: bool, on_its_thread: bool) -> End {
        let thread = if on_its_thread {
            self.resume();
            system::of_thread().zip(*lock(&self.thread)).map(|(now, start)| now.since(start))
        } else {
            None
        };
        let alone = self.alone.as_ref().filter(|_| alone);
        let whole = alone.and_then(|start| {
            let own = own_thread::used().saturating_sub(start.own);
            Some(system::of_process()?.since(start.usage?).without(own))
        });
        let peak = alone.filter(|start| start.peak).and_then(|_| match whole {
            // Without a page fault no memory has become resident, so the samples at the start and the end show the
            // peak.
            Some(used) if used.faults == Some(0) => None,
            _ => system::peak(),
        });
        let known = |usage| process.known(usage);
        End { thread: thread.map(known), whole: whole.map(known), peak }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The usage of a test.
#[derive(Debug)]
pub(crate) struct End {
    thread: Option<Usage>,
    /// The usage of the process, if the test was alone.
    whole: Option<Usage>,
    peak: Option<u64>,
}

impl End {
    /// Whether the test was alone.
    pub(crate) fn was_alone(&self) -> bool {
        self.whole.is_some()
    }

    /// Returns the figures for the test's record. `in_use` is the sample at the end of the test.
    pub(crate) fn figures(&self, span: &Span, in_use: InUse) -> Figures {
        span.note(in_use);
        let whole = self.whole.map(|usage| (usage, Scope::Process));
        let used = whole.or(self.thread.map(|usage| (usage, Scope::Thread)));
        let usage = used.map(|(usage, _)| usage);
        let seen = Some(span.resident.load(Ordering::Relaxed)).filter(|&seen| seen > 0);
        let available = span.available.load(Ordering::Relaxed);
        Figures {
            cpu_user_s: usage.map(|usage| usage.user.as_secs_f64()),
            cpu_system_s: usage.map(|usage| usage.system.as_secs_f64()),
            cpu_scope: used.map(|(_, scope)| scope.as_str()),
            // The higher of the two: the kernel's mark is up to date, but its count of resident memory is a little
            // late.
            rss_peak: self.peak.max(seen),
            mem_available_min: Some(available).filter(|&available| available < u64::MAX),
            page_faults_major: self.thread.and_then(|usage| usage.major_faults),
            ctx_switches_involuntary: self.thread.and_then(|usage| usage.involuntary_switches),
            io_read_bytes: usage.and_then(|usage| usage.read),
            io_write_bytes: usage.and_then(|usage| usage.written),
        }
    }
}
