//! The CPU time of a thread.

#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod clock;
#[cfg(windows)]
#[path = "windows.rs"]
mod clock;

use std::time::Duration;

#[cfg(any(target_os = "macos", windows))]
pub(crate) use self::clock::times;
#[cfg(target_os = "macos")]
pub(crate) use self::clock::uncharged;

/// The CPU time of a thread or a process.
#[cfg(any(target_os = "macos", windows))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// CPU time in user code.
    pub(crate) user: Duration,
    /// CPU time in the kernel.
    pub(crate) system: Duration,
}

/// Returns the CPU time of this thread.
#[cfg(unix)]
pub(crate) fn cpu_time() -> Option<Duration> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a structure of our own.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    if result != 0 {
        return None;
    }
    Some(Duration::new(now.tv_sec.try_into().ok()?, now.tv_nsec.try_into().ok()?))
}

/// Returns the CPU time of this thread.
#[cfg(windows)]
pub(crate) fn cpu_time() -> Option<Duration> {
    times().map(|times| times.user + times.system)
}

/// Whether this is the main thread. A raw system call, because glibc has `gettid` only since 2.30, and Rust supports
/// 2.17.
#[cfg(target_os = "linux")]
pub(crate) fn is_main_thread() -> bool {
    // SAFETY: the calls only read what the thread and the process are.
    unsafe { libc::syscall(libc::SYS_gettid) == libc::c_long::from(libc::getpid()) }
}
