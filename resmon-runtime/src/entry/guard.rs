//! The guard of a test: opened before its body, closed when it is dropped.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, Location};
use std::thread;
use std::time::Instant;

use resmon_record::fields::After;
use resmon_record::outcome::{Outcome, ShouldPanic};

use super::budget;
use super::charge;
use super::nodeid;
use crate::entry::site::{Budget, Site};
use crate::measure::heap;
use crate::session::open::{Nested, OpenTest};
use crate::session::process;
use crate::session::{Origin, Session};

/// A measurement from the guard's creation until its drop, which writes one record.
///
/// The outcome is `failed` if a panic drops the guard or [`fail`](Self::fail) was called, else `passed`. Where nothing
/// is configured, and after the end of the session, the guard does nothing.
#[derive(Debug)]
#[must_use = "a guard measures until it is dropped"]
pub struct Guard(Option<Open>);

#[derive(Debug)]
struct Open {
    test: OpenTest,
    should_panic: ShouldPanic,
    opaque: bool,
    budget: Option<&'static Budget>,
    /// Whether the thread was already unwinding when the guard was opened.
    panicking: bool,
    outcome: Cell<Option<Outcome>>,
}

/// Opens the guard of a test. Used by generated code.
pub fn enter(site: &'static Site) -> Guard {
    // The same test, caught twice, or a test that calls another: only the outer one gets a record. The harness records
    // each test already.
    let session = if charge::is_in_binary() { None } else { session(Some(site)) };
    let session = match &site.budget {
        Some(_) => session.or_else(|| process::session_without_records(|| origin(Some(site)))),
        None => session,
    };
    open(session, Some(site), Nested::Skipped, |thread| nodeid::of_test(site, thread))
        .with_rules(site)
}

/// Opens a guard of this name, for code that no attribute reaches: a custom harness, a bench, a phase of a test.
///
/// The record's `test_nodeid` is the caller's source file, `::` and the name. The other fields are those of
/// `#[resmon::test]`. A guard within a test does not count as a test of its own in `concurrent_tests`.
///
/// ```
/// # use resmon_runtime::guard as resmon;
/// let guard = resmon::guard("fill the cache");
/// let cache = vec![0_u8; 1 << 20];
/// if cache.is_empty() {
///     guard.fail();
/// }
/// ```
#[track_caller]
pub fn guard(name: impl AsRef<str>) -> Guard {
    named(name.as_ref(), Location::caller())
}

fn named(name: &str, caller: &Location<'_>) -> Guard {
    open(session(None), None, Nested::Recorded, |_| nodeid::named(caller.file(), name))
}

/// Opens the guard of a test that the harness runs.
pub(crate) fn of_harness(file: &str, name: &str) -> Guard {
    open(session(None), None, Nested::Recorded, |_| nodeid::named(file, name))
}

/// Returns the open session, if there is a destination. The first call begins the session.
pub(crate) fn session(site: Option<&'static Site>) -> Option<&'static Session> {
    process::session(|| origin(site))
}

fn origin(site: Option<&'static Site>) -> Origin {
    Origin {
        package: site.and_then(|site| site.package),
        target: charge::target().or_else(|| Some(site?.build.as_ref()?.target)),
        are_tests_known: charge::is_in_charge(),
    }
}

/// Opens a guard if there is a session. `id` gets the name of the thread and returns the test's id.
fn open(
    session: Option<&'static Session>,
    site: Option<&'static Site>,
    nested: Nested,
    id: impl FnOnce(Option<&str>) -> String,
) -> Guard {
    let Some(session) = session else { return Guard(None) };
    let _own = heap::suspend();
    let package = site.and_then(|site| site.package);
    // A defect of resmon must not fail the test.
    let test = panic::catch_unwind(AssertUnwindSafe(|| session.open(package, nested, id)));
    Guard(test.ok().flatten().map(|test| Open {
        test,
        should_panic: ShouldPanic::No,
        opaque: false,
        budget: None,
        panicking: thread::panicking(),
        outcome: Cell::new(None),
    }))
}

/// Runs the closure within a [`guard`] of this name and returns its value.
///
/// The outcome is `passed` if the closure returns `()` or another value without a size, and `failed` if it panics; the
/// panic goes on to the caller. Any other value could mean success or failure, so the outcome is `unknown`: see
/// [`try_measure`].
///
/// ```
/// # use resmon_runtime::guard as resmon;
/// let sum: u64 = resmon::measure("sum", || (1..=1000).sum());
/// assert_eq!(sum, 500_500);
/// ```
#[track_caller]
pub fn measure<T>(name: impl AsRef<str>, f: impl FnOnce() -> T) -> T {
    let guard = named(name.as_ref(), Location::caller());
    let value = f();
    if size_of::<T>() > 0 {
        guard.set(Outcome::Unknown);
    }
    value
}

/// Runs the closure within a [`guard`] of this name and returns its result. The outcome is `passed` for `Ok` and
/// `failed` for `Err`.
///
/// ```
/// # use resmon_runtime::guard as resmon;
/// let parsed = resmon::try_measure("parse", || "12".parse::<u8>());
/// assert_eq!(parsed, Ok(12));
/// ```
///
/// # Errors
///
/// Errors of the closure.
#[track_caller]
pub fn try_measure<T, E>(name: impl AsRef<str>, f: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let guard = named(name.as_ref(), Location::caller());
    let result = f();
    if result.is_err() {
        guard.fail();
    }
    result
}

impl Guard {
    /// Sets the outcome to `failed`. The measurement goes on until the guard is dropped.
    pub fn fail(&self) {
        self.set(Outcome::Failed);
    }

    /// Ends the measurement with this outcome. Used by generated code.
    #[doc(hidden)]
    pub fn finish(self, outcome: Outcome) {
        self.set(outcome);
    }

    /// Opens a guard for a test of this id.
    pub(crate) fn with_id(id: String) -> Self {
        open(session(None), None, Nested::Recorded, |_| id)
    }

    /// Notes that the thread turns to other work.
    pub(crate) fn pause(&self) {
        if let Some(open) = &self.0 {
            open.test.pause();
        }
    }

    /// Notes that this thread continues with the measurement.
    pub(crate) fn resume(&self) {
        if let Some(open) = &self.0 {
            open.test.resume();
        }
    }

    fn with_rules(mut self, site: &'static Site) -> Self {
        if let Some(open) = &mut self.0 {
            (open.should_panic, open.opaque) = (site.should_panic, site.opaque);
            open.budget = site.budget.as_ref();
        }
        self
    }

    fn set(&self, outcome: Outcome) {
        if let Some(open) = &self.0 {
            open.outcome.set(Some(outcome));
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let ended = Instant::now();
        if self.0.is_none() {
            return;
        }
        let _own = heap::suspend();
        let Some(open) = self.0.take() else { return };
        let outcome = open.outcome(thread::panicking() && !open.panicking);
        let budget = open.budget.filter(|_| matches!(outcome, Outcome::Passed | Outcome::Unknown));
        let mut excess = None;
        let mut fails = |after: &After| {
            excess = budget.and_then(|budget| budget::exceeded(budget, after));
            excess.is_some()
        };
        // A defect of resmon must not fail the test.
        let finish = || open.test.finish(outcome, ended, &mut fails);
        let _ = panic::catch_unwind(AssertUnwindSafe(finish));
        // The user asked for it. A second panic would abort the test binary.
        if let Some(excess) = excess.filter(|_| !thread::panicking()) {
            panic!("{excess}");
        }
    }
}

impl Open {
    fn outcome(&self, panicking: bool) -> Outcome {
        let expected = self.should_panic != ShouldPanic::No;
        match self.outcome.get() {
            Some(outcome) => outcome,
            None if panicking != expected => Outcome::Failed,
            // The message of the panic is not visible from here.
            None if matches!(self.should_panic, ShouldPanic::With(_)) => Outcome::Unknown,
            None if self.opaque && !panicking => Outcome::Unknown,
            None => Outcome::Passed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::UnwindSafe;

    use super::*;

    #[test]
    fn a_guard_may_move_to_another_thread_and_into_catch_unwind() {
        fn may_move<T: Send + UnwindSafe>(_: fn() -> T) {}
        may_move(|| guard(""));
    }
}
