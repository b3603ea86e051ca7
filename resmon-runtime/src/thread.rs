//! The one thread of resmon's own in a process that is somebody else's.

#[cfg(target_os = "macos")]
#[path = "thread/macos.rs"]
mod clock;
#[cfg(windows)]
#[path = "thread/windows.rs"]
mod clock;

use std::io;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

#[cfg(any(target_os = "macos", windows))]
pub(crate) use self::clock::times;
#[cfg(target_os = "macos")]
pub(crate) use self::clock::uncharged;
use crate::heap;
#[cfg(unix)]
use crate::signal::Blocked;

/// How long the thread may take to begin.
const PATIENCE: Duration = Duration::from_secs(1);

/// The number of threads that have been started and have not ended: 0 or 1.
static ALIVE: AtomicU64 = AtomicU64::new(0);
/// The kernel's id of the thread.
static ID: AtomicI32 = AtomicI32::new(0);
/// CPU time that the thread has used, in nanoseconds, as of its last [`publish`].
static USED: AtomicU64 = AtomicU64::new(0);

/// The CPU time of a thread or a process.
#[cfg(any(target_os = "macos", windows))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// That of its own code.
    pub(crate) user: Duration,
    /// That of the kernel on its behalf.
    pub(crate) system: Duration,
}

/// Starts the thread, with all signals blocked: a signal that a test waits for must not be delivered to a thread that the
/// test does not know of.
pub(crate) fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let (begins, wait) = mpsc::sync_channel(1);
    let run = move || {
        let _end = End;
        heap::exempt();
        #[cfg(target_os = "linux")]
        ID.store(crate::clock::this_thread(), Ordering::Relaxed);
        let _ = begins.send(());
        work();
        publish();
    };
    // Counted before it can be seen.
    ALIVE.fetch_add(1, Ordering::Relaxed);
    #[cfg(unix)]
    let blocked = Blocked::all();
    let spawned = Builder::new().name("resmon".to_owned()).spawn(run);
    #[cfg(unix)]
    drop(blocked);
    match &spawned {
        // What the standard library allocates for a thread would count for the test that is about to begin.
        Ok(_) if heap::is_counted() => drop(wait.recv_timeout(PATIENCE)),
        Ok(_) => {}
        Err(_) => drop(ALIVE.fetch_sub(1, Ordering::Relaxed)),
    }
    spawned
}

/// Notes how much CPU time the calling thread, which is resmon's, has used.
pub(crate) fn publish() {
    if let Some(used) = cpu_time() {
        USED.store(u64::try_from(used.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Returns the CPU time that the thread has used.
pub(crate) fn used() -> Duration {
    Duration::from_nanos(USED.load(Ordering::Relaxed))
}

/// Returns how many threads of the process are resmon's.
#[cfg(target_os = "linux")]
pub(crate) fn own() -> u64 {
    ALIVE.load(Ordering::Relaxed)
}

/// Whether this is the id of resmon's thread.
#[cfg(target_os = "linux")]
pub(crate) fn is_own(id: libc::pid_t) -> bool {
    ID.load(Ordering::Relaxed) == id
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

/// Counts the thread out when it ends.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        ID.store(0, Ordering::Relaxed);
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}
