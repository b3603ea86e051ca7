//! Linux: a clock for each thread.

use std::time::Duration;

/// The CPU time of a thread that is alive.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Clock(libc::clockid_t);

impl Clock {
    pub(super) fn of_this_thread() -> Option<Self> {
        let mut clock = 0;
        // SAFETY: the pointer is to an id of our own.
        let error = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) };
        (error == 0).then_some(Self(clock))
    }

    pub(super) fn now(self) -> Duration {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a structure of our own.
        unsafe { libc::clock_gettime(self.0, &raw mut now) };
        let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
        Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
    }
}
