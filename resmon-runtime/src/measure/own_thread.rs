//! The one thread of resmon in the user's process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle, yield_now};
use std::time::{Duration, Instant};

use super::heap;
#[cfg(unix)]
use crate::sys::signal::Blocked;
use crate::sys::thread;

/// How long the thread may take to begin.
const PATIENCE: Duration = Duration::from_secs(1);

/// The CPU time of the thread in nanoseconds, as of its last [`publish`].
static USED: AtomicU64 = AtomicU64::new(0);

/// Whether [`spawn`] has tried to start the thread.
#[cfg(target_os = "linux")]
static STARTED: AtomicBool = AtomicBool::new(false);

/// Starts the thread, with all signals blocked: a signal that a test waits for must not go to a thread that the test
/// does not know of.
pub(crate) fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    // Not a channel: its code would be in every test binary.
    let begun = Arc::new(AtomicBool::new(false));
    let begins = Arc::clone(&begun);
    let run = move || {
        heap::exempt();
        begins.store(true, Ordering::Release);
        work();
        publish();
    };
    #[cfg(unix)]
    let blocked = Blocked::all();
    let spawned = Builder::new().name("resmon".to_owned()).spawn(run);
    #[cfg(unix)]
    drop(blocked);
    // Wait until the thread runs: the standard library allocates for it, and that would count for the test that is
    // about to begin.
    let start = Instant::now();
    while spawned.is_ok() && !begun.load(Ordering::Acquire) && start.elapsed() < PATIENCE {
        yield_now();
    }
    #[cfg(target_os = "linux")]
    STARTED.store(true, Ordering::Relaxed);
    spawned
}

/// Publishes the CPU time of the calling thread, which must be resmon's.
pub(crate) fn publish() {
    if let Some(used) = thread::cpu_time() {
        USED.store(u64::try_from(used.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Returns the CPU time of resmon's thread, as of its last [`publish`].
pub(crate) fn used() -> Duration {
    Duration::from_nanos(USED.load(Ordering::Relaxed))
}

/// Counts resmon's threads in this process.
#[cfg(target_os = "linux")]
pub(super) fn count() -> u64 {
    STARTED.load(Ordering::Relaxed).into()
}
