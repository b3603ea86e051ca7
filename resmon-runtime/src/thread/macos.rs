//! macOS: `thread_info` of Mach, with `THREAD_BASIC_INFO`, and the clock that a thread has of itself.

use std::mem::MaybeUninit;
use std::os::unix::thread::JoinHandleExt;
use std::thread::JoinHandle;
use std::time::Duration;

use libc::{mach_port_t, thread_basic_info};

use super::Times;
use crate::duration;

/// The CPU time of a thread that is alive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clock(mach_port_t);

impl Clock {
    pub(super) fn of(handle: &JoinHandle<()>) -> Option<Self> {
        Self::of_pthread(handle.as_pthread_t())
    }

    pub(super) fn of_this_thread() -> Option<Self> {
        // SAFETY: the call only reads what the thread is.
        Self::of_pthread(unsafe { libc::pthread_self() })
    }

    fn of_pthread(thread: libc::pthread_t) -> Option<Self> {
        // The port is the thread's, and need not be given back, as one of `mach_thread_self` would.
        // SAFETY: the call only reads what the thread is, which nobody has joined.
        let port = unsafe { libc::pthread_mach_thread_np(thread) };
        // `MACH_PORT_NULL`.
        (port != 0).then_some(Self(port))
    }

    pub(super) fn now(self) -> Duration {
        self.times().map_or(Duration::ZERO, |times| times.user + times.system)
    }

    fn times(self) -> Option<Times> {
        let mut info = MaybeUninit::<thread_basic_info>::uninit();
        let mut count = libc::THREAD_BASIC_INFO_COUNT;
        let flavor = libc::THREAD_BASIC_INFO.cast_unsigned();
        // SAFETY: the pointers are to a structure of our own and to its size in the unit of this call, which writes no
        // more than that.
        let result =
            unsafe { libc::thread_info(self.0, flavor, info.as_mut_ptr().cast(), &raw mut count) };
        if result != libc::KERN_SUCCESS || count < libc::THREAD_BASIC_INFO_COUNT {
            return None;
        }
        // SAFETY: the call succeeded and has filled in the whole of it.
        let info = unsafe { info.assume_init() };
        let (user, system) = (info.user_time, info.system_time);
        Some(Times {
            user: duration::of_time_value(user.seconds, user.microseconds)?,
            system: duration::of_time_value(system.seconds, system.microseconds)?,
        })
    }
}

/// What this thread has used.
///
/// `thread_info` divides it, and may say what was so when the thread was last given a CPU: some kernels charge a thread
/// only then. The rest is known from the clock of the thread, as a sum, and taken to be that of its own code.
pub(crate) fn times() -> Option<Times> {
    let (charged, rest) = charged_and_rest()?;
    Some(Times { user: charged.user + rest, ..charged })
}

/// What of it is missing in the times of the process.
pub(crate) fn uncharged() -> Option<Duration> {
    Some(charged_and_rest()?.1)
}

fn charged_and_rest() -> Option<(Times, Duration)> {
    let charged = Clock::of_this_thread()?.times()?;
    let rest = this_threads_clock()?.saturating_sub(charged.user + charged.system);
    Some((charged, rest))
}

fn this_threads_clock() -> Option<Duration> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a structure of our own.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    if result != 0 {
        return None;
    }
    Some(Duration::new(u64::try_from(now.tv_sec).ok()?, u32::try_from(now.tv_nsec).ok()?))
}
