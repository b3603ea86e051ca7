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
static SESSION: OnceLock<Option<Session>> = OnceLock::new();
/// The id of the process that begins the session, 0 before that.
static STARTING: AtomicU32 = AtomicU32::new(0);

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
    let begin = || {
        // The linker may have left the constructor out.
        let started = note();
        let session = sys::without_sigxfsz(|| Session::start(started, origin()))?;
        exit::at_exit(end);
        Some(session)
    };
    // A defect of resmon must not fail a test.
    let begin = || panic::catch_unwind(begin).unwrap_or_default();
    let session = SESSION.get().or_else(|| {
        // In a child that was forked meanwhile, the thread that began the session does not exist: waiting for it would
        // never end.
        let own = process::id();
        let starting = STARTING.compare_exchange(0, own, Ordering::Relaxed, Ordering::Relaxed);
        let is_ours = starting.is_ok() || starting == Err(own);
        is_ours.then(|| SESSION.get_or_init(begin))
    });
    session?.as_ref().filter(|session| session.is_open())
}

/// Returns the open session. `None` if none has begun.
pub(crate) fn current() -> Option<&'static Session> {
    SESSION.get()?.as_ref().filter(|session| session.is_open())
}

/// Records the tests that are still open, then the end of the process.
fn end(exit_status: Option<i32>) {
    let ended = Instant::now();
    // A panic here would turn the exit of the test process into an abort.
    let _ = panic::catch_unwind(|| {
        let _own = heap::suspend();
        let Some(session) = current().filter(|session| session.close()) else { return };
        session.finish_all(ended);
        sys::without_sigxfsz(|| {
            session.record_end(exit_status);
            session.deliver();
        });
    });
}
