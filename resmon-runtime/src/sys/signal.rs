//! Blocking of signals, above all those that the kernel sends to a thread for a write.

use std::mem::MaybeUninit;
use std::ptr;

use libc::{c_int, sigset_t};

/// Calls `write` with SIGXFSZ blocked on this thread. The kernel sends that signal for a file that grows beyond the
/// process's limit, and it kills the process. The write fails all the same. Without a limit this costs one system call
/// more.
pub(crate) fn without_sigxfsz<T>(write: impl FnOnce() -> T) -> T {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: the pointer is to a limit of our own, which is read only after the call has filled it in.
    let limited = unsafe {
        libc::getrlimit(libc::RLIMIT_FSIZE, limit.as_mut_ptr()) == 0
            && limit.assume_init().rlim_cur != libc::RLIM_INFINITY
    };
    if limited { without(libc::SIGXFSZ, write) } else { write() }
}

/// Calls `write` with a signal blocked on this thread, and discards the signal if it comes meanwhile.
pub(crate) fn without<T>(signal: c_int, write: impl FnOnce() -> T) -> T {
    let _blocked = Discarded { pending: is_pending(signal), signal, blocked: Blocked::one(signal) };
    write()
}

/// Signals that are blocked on this thread until this is dropped.
#[derive(Debug)]
pub(crate) struct Blocked {
    /// The mask that the thread had, if it could be changed.
    before: Option<sigset_t>,
}

impl Blocked {
    /// Blocks one signal.
    pub(crate) fn one(signal: c_int) -> Self {
        Self::these(&only(signal))
    }

    /// Blocks all signals.
    pub(crate) fn all() -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: the call fills in the set, and cannot fail.
        let set = unsafe {
            libc::sigfillset(set.as_mut_ptr());
            set.assume_init()
        };
        Self::these(&set)
    }

    fn these(set: &sigset_t) -> Self {
        let mut before = empty();
        // SAFETY: the pointers are to signal sets of our own.
        let blocked = unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set, &raw mut before) == 0 };
        Self { before: blocked.then_some(before) }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // SAFETY: the pointer is to the mask that this thread had.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, ptr::null_mut()) };
        }
    }
}

/// A blocked signal, which is discarded on drop if it came meanwhile.
struct Discarded {
    signal: c_int,
    /// Whether the signal was already pending before.
    pending: bool,
    // Dropped after the signal has been taken.
    blocked: Blocked,
}

impl Drop for Discarded {
    fn drop(&mut self) {
        if self.blocked.before.is_some() && !self.pending && is_pending(self.signal) {
            take(&only(self.signal));
        }
    }
}

fn only(signal: c_int) -> sigset_t {
    let mut set = empty();
    // SAFETY: the pointer is to a signal set of our own.
    unsafe { libc::sigaddset(&raw mut set, signal) };
    set
}

/// Takes a pending signal. Another thread may have taken it first: then only Linux returns at once.
fn take(set: &sigset_t) {
    #[cfg(target_os = "linux")]
    {
        let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointers are to values of our own, or null where that is allowed.
        unsafe { libc::sigtimedwait(set, ptr::null_mut(), &raw const now) };
    }
    #[cfg(not(target_os = "linux"))]
    {
        let mut taken = 0;
        // SAFETY: the pointers are to values of our own.
        unsafe { libc::sigwait(set, &raw mut taken) };
    }
}

fn is_pending(signal: c_int) -> bool {
    let mut pending = empty();
    // SAFETY: the pointers are to a signal set of our own.
    unsafe {
        libc::sigpending(&raw mut pending) == 0
            && libc::sigismember(&raw const pending, signal) == 1
    }
}

fn empty() -> sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the call fills in the set, and cannot fail.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raise(signal: c_int) {
        // SAFETY: sends a signal to this thread.
        assert_eq!(unsafe { libc::pthread_kill(libc::pthread_self(), signal) }, 0);
    }

    #[test]
    fn a_signal_that_was_kept_away_is_gone() {
        without(libc::SIGXFSZ, || raise(libc::SIGXFSZ));
        assert!(!is_pending(libc::SIGXFSZ));
    }

    #[test]
    fn a_signal_that_waited_before_is_left_waiting() {
        without(libc::SIGXFSZ, || {
            raise(libc::SIGXFSZ);
            without(libc::SIGXFSZ, || raise(libc::SIGXFSZ));
            assert!(is_pending(libc::SIGXFSZ));
        });
        assert!(!is_pending(libc::SIGXFSZ));
    }
}
