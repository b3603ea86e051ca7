//! The one thread of resmon in the user's process.

#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod clock;
#[cfg(windows)]
#[path = "windows.rs"]
mod clock;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle, yield_now};
use std::time::{Duration, Instant};

#[cfg(any(target_os = "macos", windows))]
pub(crate) use self::clock::times;
#[cfg(target_os = "macos")]
pub(crate) use self::clock::uncharged;
use crate::measure::heap;
#[cfg(unix)]
use crate::sys::signal::Blocked;

/// How long the thread may take to begin.
const PATIENCE: Duration = Duration::from_secs(1);

/// The CPU time of the thread in nanoseconds, as of its last [`publish`].
static USED: AtomicU64 = AtomicU64::new(0);

/// The CPU time of a thread or a process.
#[cfg(any(target_os = "macos", windows))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// CPU time in user code.
    pub(crate) user: Duration,
    /// CPU time in the kernel.
    pub(crate) system: Duration,
}

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
    spawned
}

/// Publishes the CPU time of the calling thread, which must be resmon's.
pub(crate) fn publish() {
    if let Some(used) = cpu_time() {
        USED.store(u64::try_from(used.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Returns the CPU time of resmon's thread, as of its last [`publish`].
pub(crate) fn used() -> Duration {
    Duration::from_nanos(USED.load(Ordering::Relaxed))
}

#[cfg(unix)]
fn cpu_time() -> Option<Duration> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a structure of our own.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    if result != 0 {
        return None;
    }
    Some(Duration::new(now.tv_sec.try_into().ok()?, now.tv_nsec.try_into().ok()?))
}

#[cfg(windows)]
fn cpu_time() -> Option<Duration> {
    times().map(|times| times.user + times.system)
}
