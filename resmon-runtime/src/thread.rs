//! Threads of resmon's own, in a process that is somebody else's.

#[cfg(not(target_os = "linux"))]
#[cfg_attr(target_os = "macos", path = "thread/macos.rs")]
#[cfg_attr(windows, path = "thread/windows.rs")]
#[cfg_attr(not(any(target_os = "macos", windows)), path = "thread/none.rs")]
mod clock;
#[cfg_attr(target_os = "linux", path = "thread/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "thread/portable.rs")]
mod system;

use std::io;
use std::ops::{Add, Sub};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::Builder;
use std::time::Duration;

#[cfg(any(target_os = "macos", windows))]
pub(crate) use self::clock::times;
#[cfg(target_os = "macos")]
pub(crate) use self::clock::uncharged;
use self::system::Thread;
use crate::heap;

/// How long one may take to begin.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many have been started and have not ended.
static ALIVE: AtomicU64 = AtomicU64::new(0);
static THREADS: Mutex<Threads> = Mutex::new(Threads { running: Vec::new(), ended: Used::NOTHING });

#[derive(Debug)]
struct Threads {
    running: Vec<Thread>,
    /// What those had used that have ended.
    ended: Used,
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

/// What threads have used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Used {
    pub(crate) cpu: Duration,
    /// Bytes from storage.
    pub(crate) read: u64,
    /// Bytes to storage.
    pub(crate) written: u64,
}

impl Used {
    const NOTHING: Self = Self { cpu: Duration::ZERO, read: 0, written: 0 };
}

impl Add for Used {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            read: self.read + other.read,
            written: self.written + other.written,
        }
    }
}

impl Sub for Used {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(other.cpu),
            read: self.read.saturating_sub(other.read),
            written: self.written.saturating_sub(other.written),
        }
    }
}

/// Starts a thread that runs until `work` is done, with all signals blocked: one that a test waits for must not be
/// delivered to a thread that the test does not know of. It says whether it uses files that are not the kernel's own.
pub(crate) fn spawn(uses_files: bool, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let (begins, wait) = mpsc::sync_channel(1);
    let run = move || {
        let _end = End;
        heap::exempt();
        let _ = begins.send(());
        work();
    };
    // Counted before it can be seen, and known before it can end.
    ALIVE.fetch_add(1, Ordering::Relaxed);
    let mut threads = threads();
    match without_signals(|| Builder::new().name("resmon".to_owned()).spawn(run)) {
        Ok(handle) => {
            threads.running.extend(Thread::of(&handle, uses_files));
            drop(threads);
            if heap::is_counted() {
                // What the standard library allocates for a thread would count for the test that is about to begin.
                let _ = wait.recv_timeout(PATIENCE);
            }
            Ok(())
        }
        Err(error) => {
            ALIVE.fetch_sub(1, Ordering::Relaxed);
            Err(error)
        }
    }
}

/// How many there are.
#[cfg(target_os = "linux")]
pub(crate) fn own() -> u64 {
    ALIVE.load(Ordering::Relaxed)
}

/// Whether this is one of them.
#[cfg(target_os = "linux")]
pub(crate) fn is_own(id: libc::pid_t) -> bool {
    threads().running.iter().any(|thread| thread.is(id))
}

/// What they have used, those that have ended included.
pub(crate) fn used() -> Used {
    let threads = threads();
    threads.running.iter().map(Thread::used).fold(threads.ended, Used::add)
}

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the thread out when it ends.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        let mut threads = threads();
        let place = threads.running.iter().position(Thread::is_this);
        if let Some(thread) = place.map(|place| threads.running.swap_remove(place)) {
            threads.ended = threads.ended + thread.used();
            // What it has open may be open in the other threads only, and then cannot be closed here.
            std::mem::forget(thread);
        }
        drop(threads);
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
