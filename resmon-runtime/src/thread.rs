//! Threads of resmon's own, in a process that is somebody else's.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

#[cfg_attr(target_os = "linux", path = "thread/linux.rs")]
#[cfg_attr(target_os = "macos", path = "thread/macos.rs")]
#[cfg_attr(windows, path = "thread/windows.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "macos", windows)), path = "thread/none.rs")]
mod clock;

use self::clock::Clock;
#[cfg(any(target_os = "macos", windows))]
pub(crate) use self::clock::times;
#[cfg(target_os = "macos")]
pub(crate) use self::clock::uncharged;
use crate::heap;

/// How many have been started and have not ended.
static ALIVE: AtomicU64 = AtomicU64::new(0);
/// The clocks of those that run.
static CLOCKS: Mutex<Vec<Clock>> = Mutex::new(Vec::new());

/// What the one that [tells](tell) of it has used, in nanoseconds.
static TOLD: AtomicU64 = AtomicU64::new(0);

/// How it becomes known what CPU time a thread has used.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Meter {
    /// By its clock, to be asked at any time.
    Clock,
    /// By its own word, for one that seldom does a little: to ask a clock takes as long.
    Told,
}

/// The CPU time of a thread or a process.
#[cfg(any(target_os = "macos", windows))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// That of its own code.
    pub(crate) user: Duration,
    /// That of the kernel on its behalf.
    pub(crate) system: Duration,
}

/// Starts a thread that runs until `work` is done, with all signals blocked: one that a test waits for must not be
/// delivered to a thread that the test does not know of.
pub(crate) fn spawn(meter: Meter, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let run = move || {
        heap::exempt();
        let clock = if meter == Meter::Clock { Clock::of_this_thread() } else { None };
        clocks().extend(clock);
        let _end = End(clock);
        work();
    };
    // Counted before it can be seen.
    ALIVE.fetch_add(1, Ordering::Relaxed);
    let spawned = without_signals(|| Builder::new().name("resmon".to_owned()).spawn(run));
    if spawned.is_err() {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
    spawned.map(drop)
}

/// How many there are.
#[cfg(target_os = "linux")]
pub(crate) fn own() -> u64 {
    ALIVE.load(Ordering::Relaxed)
}

/// Tells what this thread has used.
pub(crate) fn tell() {
    if let Some(clock) = Clock::of_this_thread() {
        let nanos = u64::try_from(clock.now().as_nanos()).unwrap_or(u64::MAX);
        TOLD.store(nanos, Ordering::Relaxed);
    }
}

/// The CPU time that they have used.
pub(crate) fn own_cpu_time() -> Duration {
    let told = Duration::from_nanos(TOLD.load(Ordering::Relaxed));
    clocks().iter().fold(told, |sum, clock| sum + clock.now())
}

fn clocks() -> MutexGuard<'static, Vec<Clock>> {
    CLOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the thread out when it ends.
struct End(Option<Clock>);

impl Drop for End {
    fn drop(&mut self) {
        clocks().retain(|clock| Some(*clock) != self.0);
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(unix)]
fn without_signals<T>(spawn: impl FnOnce() -> T) -> T {
    use std::mem::MaybeUninit;
    use std::ptr;

    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: the pointers are to signal sets of our own, and `sigfillset` fills the first before it is read.
    let blocked = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) == 0
    };
    let result = spawn();
    if blocked {
        // SAFETY: the call above succeeded and so has stored the mask of this thread.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    }
    result
}

#[cfg(not(unix))]
fn without_signals<T>(spawn: impl FnOnce() -> T) -> T {
    spawn()
}
