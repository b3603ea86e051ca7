//! The CPU time of a thread on macOS: `thread_info` of Mach, with `THREAD_BASIC_INFO`, and the thread's own clock.

use std::mem::MaybeUninit;
use std::time::Duration;

use libc::thread_basic_info;

use super::Times;
use crate::sys::duration;

/// Returns the CPU time of this thread.
///
/// `thread_info` divides the time into user and system, but it may be as of the moment when the thread last got a CPU:
/// some kernels charge a thread only then. The rest is known from the thread's clock, as a sum, and counts as user
/// time.
pub(crate) fn times() -> Option<Times> {
    let (charged, rest) = charged_and_rest()?;
    Some(Times { user: charged.user + rest, ..charged })
}

/// Returns the CPU time of this thread that the times of the process do not contain yet.
pub(crate) fn uncharged() -> Option<Duration> {
    Some(charged_and_rest()?.1)
}

fn charged_and_rest() -> Option<(Times, Duration)> {
    let charged = charged()?;
    let rest = super::cpu_time()?.saturating_sub(charged.user + charged.system);
    Some((charged, rest))
}

/// Reads the CPU time that the thread has been charged for.
fn charged() -> Option<Times> {
    // The thread owns this port, so it is not released, unlike one of `mach_thread_self`.
    // SAFETY: the calls only read what this thread is.
    let port = unsafe { libc::pthread_mach_thread_np(libc::pthread_self()) };
    let mut info = MaybeUninit::<thread_basic_info>::uninit();
    let mut count = libc::THREAD_BASIC_INFO_COUNT;
    let flavor = libc::THREAD_BASIC_INFO.cast_unsigned();
    // SAFETY: the pointers are to a structure of our own and to its size in the unit of this call, which writes no more
    // than that.
    let result =
        unsafe { libc::thread_info(port, flavor, info.as_mut_ptr().cast(), &raw mut count) };
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
