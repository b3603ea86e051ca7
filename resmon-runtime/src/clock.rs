//! How long a thread has been running on a CPU, to the nanosecond, by its id.

use std::time::Duration;

use libc::{clockid_t, pid_t};

/// The clock of a thread of this process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Clock(clockid_t);

impl Clock {
    /// Builds the clock id that the kernel uses for a thread id, as `pthread_getcpuclockid(3)` does from a handle. There
    /// is no handle of a thread that we did not start.
    pub(crate) const fn of(thread: pid_t) -> Self {
        const OF_ONE_THREAD: clockid_t = 4;
        const EXACT: clockid_t = 2;
        Self(!thread << 3 | OF_ONE_THREAD | EXACT)
    }

    /// `None` when the thread has ended. It is exact also while the thread runs, and stands still while it does not.
    pub(crate) fn now(self) -> Option<Duration> {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a structure of our own.
        if unsafe { libc::clock_gettime(self.0, &raw mut now) } != 0 {
            return None;
        }
        Some(Duration::new(now.tv_sec.try_into().ok()?, now.tv_nsec.try_into().ok()?))
    }
}

/// Returns the id by which the kernel knows this thread. By a raw call: glibc has `gettid` since 2.30, and Rust runs on
/// 2.17.
pub(crate) fn this_thread() -> pid_t {
    // SAFETY: the call only reads what the thread is.
    let id = unsafe { libc::syscall(libc::SYS_gettid) };
    pid_t::try_from(id).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn a_clock_stands_still_while_its_thread_sleeps_and_is_gone_when_that_ends() {
        let (id, ids) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        let other = thread::spawn(move || {
            id.send(this_thread()).unwrap();
            let _ = wait.recv();
        });
        let id = ids.recv().unwrap();
        let stat = || std::fs::read_to_string(format!("/proc/self/task/{id}/stat")).unwrap();
        while !stat().contains(") S ") {
            thread::yield_now();
        }
        let (clock, own) = (Clock::of(id), Clock::of(this_thread()));
        let (before, own_before) = (clock.now().unwrap(), own.now().unwrap());
        while own.now().unwrap() < own_before + Duration::from_millis(20) {}
        assert_eq!(clock.now(), Some(before));
        drop(go);
        other.join().unwrap();
        while clock.now().is_some() {
            thread::yield_now();
        }
    }
}
