//! The test process: its start, its session, its end.

use std::panic::{self, UnwindSafe};
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Instant, SystemTime};

use super::{Origin, Session};
use crate::measure::heap;
use crate::sys::{self, descriptor, exit, stderr};

static STARTED: OnceLock<SystemTime> = OnceLock::new();
static RECORDS: Slot = Slot::new();
/// The session of tests with budgets where nothing is recorded, or where the harness records them.
static NO_RECORDS: Slot = Slot::new();

/// The place of a session that begins once.
struct Slot {
    session: OnceLock<Option<Session>>,
    /// The id of the process that begins the session, 0 before that.
    starting: AtomicU32,
}

ctor::declarative::ctor! {
    /// Does only the work that cannot wait for a test: this also runs where there is none, for example under `--list`.
    #[ctor(unsafe)]
    fn note_start() {
        note();
        // SAFETY: this runs before `main`, when the process has a single thread.
        unsafe { descriptor::make_room() };
    }
}

fn note() -> SystemTime {
    *STARTED.get_or_init(|| {
        stderr::note();
        SystemTime::now()
    })
}

/// Returns the open session, if there is a destination. The first call, made by the first test, begins the session.
/// Without a destination each further call is an atomic load.
pub(crate) fn session(origin: impl FnOnce() -> Origin + UnwindSafe) -> Option<&'static Session> {
    RECORDS.session(|started| Session::start(started, origin()))
}

/// Returns an open session that measures tests and writes no records, unless resmon is turned off.
pub(crate) fn session_without_records(
    origin: impl FnOnce() -> Origin + UnwindSafe,
) -> Option<&'static Session> {
    NO_RECORDS.session(|started| Session::without_records(started, origin()))
}

impl Slot {
    const fn new() -> Self {
        Self { session: OnceLock::new(), starting: AtomicU32::new(0) }
    }

    /// Returns the session, if it is open. The first call begins it.
    fn session(
        &'static self,
        start: impl FnOnce(SystemTime) -> Option<Session> + UnwindSafe,
    ) -> Option<&'static Session> {
        let begin = || {
            // The linker may have left the constructor out.
            let started = note();
            let session = sys::without_sigxfsz(|| start(started))?;
            exit::at_exit(end);
            Some(session)
        };
        // A defect of resmon must not fail a test.
        let begin = || panic::catch_unwind(begin).unwrap_or_default();
        let session = self.session.get().or_else(|| {
            // In a child that was forked meanwhile, the thread that began the session does not exist: waiting for it
            // would never end.
            let own = process::id();
            let (order, starting) = (Ordering::Relaxed, &self.starting);
            let starting = starting.compare_exchange(0, own, order, order);
            let is_ours = starting.is_ok() || starting == Err(own);
            is_ours.then(|| self.session.get_or_init(begin))
        });
        session?.as_ref().filter(|session| session.is_open())
    }

    /// Returns the open session. `None` if none has begun.
    fn current(&self) -> Option<&Session> {
        self.session.get()?.as_ref().filter(|session| session.is_open())
    }
}

/// Records the tests that are still open, then the end of the process.
fn end(exit_status: Option<i32>) {
    let ended = Instant::now();
    // A panic here would turn the exit of the test process into an abort.
    let _ = panic::catch_unwind(|| {
        let _own = heap::suspend();
        for slot in [&RECORDS, &NO_RECORDS] {
            let Some(session) = slot.current().filter(|session| session.close()) else { continue };
            session.finish_all(ended);
            sys::without_sigxfsz(|| {
                session.record_end(exit_status);
                session.deliver();
            });
        }
    });
}
