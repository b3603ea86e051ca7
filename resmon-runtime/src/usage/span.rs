//! What is read at the start of a test's body and at its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::system::{self, Process};
use super::{Scope, Usage};
use crate::thread;

/// The figures of an open test, as of its start, and what the sampler has seen of them since.
#[derive(Debug)]
pub(crate) struct Span {
    /// What its thread had used, and what that has used since for something else.
    thread: Mutex<Option<Usage>>,
    /// The same when the thread turned to something else.
    paused: Mutex<Option<Usage>>,
    /// Of a test that was alone.
    alone: Option<Alone>,
    /// The most resident memory that was seen.
    resident: AtomicU64,
    /// The least available memory of the machine that was seen.
    available: AtomicU64,
}

#[derive(Debug)]
struct Alone {
    usage: Option<Usage>,
    /// CPU time that resmon's own thread had used.
    own: Duration,
    /// Whether the kernel began to watch for a peak.
    peak: bool,
}

/// What a test's record says of itself.
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

/// What was in use at the start of a test or its end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InUse {
    /// Resident memory of the process.
    pub(crate) resident: Option<u64>,
    /// Available memory of the machine.
    pub(crate) available: Option<u64>,
}

impl Span {
    /// Begins with a test, or with a part of one of which is known whether that is alone. It `may_be_alone` if no other one
    /// is open. The peak of memory is watched for
    /// one at a time, which is the `outermost`.
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
            own: thread::used(),
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

    /// Whether the test had the process to itself when it began.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    /// Takes a sample into account.
    pub(crate) fn note(&self, in_use: InUse) {
        self.resident.fetch_max(in_use.resident.unwrap_or(0), Ordering::Relaxed);
        self.available.fetch_min(in_use.available.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Notes that the thread of the test turns to something else.
    pub(crate) fn pause(&self) {
        *lock(&self.paused) = system::of_thread();
    }

    /// Notes that it goes on with it.
    pub(crate) fn resume(&self) {
        let Some(paused) = lock(&self.paused).take() else { return };
        let mut thread = lock(&self.thread);
        let elsewhere = system::of_thread().map(|now| now.since(paused));
        *thread = thread.zip(elsewhere).map(|(start, elsewhere)| start.and(elsewhere));
    }

    /// Reads what the test has used so far. To be called before anything else is done at its end.
    pub(crate) fn end(&self, process: &Process, alone: bool, on_its_thread: bool) -> End {
        let thread = if on_its_thread {
            self.resume();
            system::of_thread().zip(*lock(&self.thread)).map(|(now, start)| now.since(start))
        } else {
            None
        };
        let alone = self.alone.as_ref().filter(|_| alone);
        let whole = alone.and_then(|start| {
            let own = thread::used().saturating_sub(start.own);
            Some(system::of_process()?.since(start.usage?).without(own))
        });
        let peak = alone.filter(|start| start.peak).and_then(|_| match whole {
            // Nothing has become resident, so that the start and the end tell the peak.
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

/// What a test has used.
#[derive(Debug)]
pub(crate) struct End {
    thread: Option<Usage>,
    /// That of the process, if the test was alone.
    whole: Option<Usage>,
    peak: Option<u64>,
}

impl End {
    /// Whether the test was alone.
    pub(crate) fn was_alone(&self) -> bool {
        self.whole.is_some()
    }

    /// What is to be recorded of a test at whose end this was in use.
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
            // The kernel's mark is that of the moment, and the count of the resident memory is a little late.
            rss_peak: self.peak.max(seen),
            mem_available_min: Some(available).filter(|&available| available < u64::MAX),
            page_faults_major: self.thread.and_then(|usage| usage.major_faults),
            ctx_switches_involuntary: self.thread.and_then(|usage| usage.involuntary_switches),
            io_read_bytes: usage.and_then(|usage| usage.read),
            io_write_bytes: usage.and_then(|usage| usage.written),
        }
    }
}
